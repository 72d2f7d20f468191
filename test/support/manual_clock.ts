/**
 * A clock that stands still until a test moves it: timers fire in the order of their time, then of their birth.
 *
 * `now()` and `wall()` show, while a timer runs, exactly the moment that timer was set for, so that pauses can be
 * compared to the millisecond. Never touches the machine's clock.
 */
import type { Clock, Timer } from "../../src/base/clock.ts";

interface Entry {
  at: number;
  /** Breaks ties: what was set first fires first. */
  serial: number;
  run: (() => void) | null;
}

/** 2024-01-01T00:00:00Z: a wall clock that is easy to recognise in a failure. */
const WALL_START = 1_704_067_200_000;

export class ManualClock implements Clock {
  #now = 0;
  #wallOffset: number;
  #serial = 0;
  /** Binary heap, earliest first. */
  readonly #heap: Entry[] = [];
  #waiting = 0;

  constructor(wallStart: number = WALL_START) {
    this.#wallOffset = wallStart;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now + this.#wallOffset;
  }

  /** The operator (or NTP) sets the machine's time: only wall() jumps. */
  jumpWall(ms: number): void {
    this.#wallOffset += ms;
  }

  after(ms: number, run: () => void): Timer {
    const entry: Entry = { at: this.#now + Math.max(0, ms), serial: this.#serial++, run };
    this.#push(entry);
    this.#waiting++;
    return {
      cancel: () => {
        if (entry.run === null) return;
        entry.run = null;
        this.#waiting--;
      },
    };
  }

  /** Timers that are set, neither fired nor cancelled. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Milliseconds until the next timer; null when none is set. */
  get next(): number | null {
    this.#sweep();
    const first = this.#heap[0];
    return first === undefined ? null : first.at - this.#now;
  }

  /** Moves time on and fires everything that is due, timers set meanwhile included. Microtasks wait (see elapse). */
  advance(ms: number): void {
    const until = this.#now + ms;
    while (this.#fireOne(until)) { /* each timer may set more */ }
    this.#now = until;
  }

  /** As advance(), but lets microtasks and native callbacks run before, between and after the timers. */
  async elapse(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    while (this.#fireOne(until)) await settle();
    this.#now = until;
    await settle();
  }

  /** Goes from timer to timer until `done` says so; false when `msMax` have passed or no timer is left. */
  async until(done: () => boolean, msMax = 60_000): Promise<boolean> {
    const until = this.#now + msMax;
    await settle();
    while (!done()) {
      if (!this.#fireOne(until)) return done();
      await settle();
    }
    return true;
  }

  #fireOne(until: number): boolean {
    this.#sweep();
    const first = this.#heap[0];
    if (first === undefined || first.at > until) return false;
    this.#pop();
    this.#now = Math.max(this.#now, first.at);
    const run = first.run!;
    first.run = null;
    this.#waiting--;
    run();
    return true;
  }

  /** Cancelled timers leave the heap when they come to its top. */
  #sweep(): void {
    while (this.#heap[0]?.run === null) this.#pop();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.serial < b.serial);
}

/** Lets everything that is already queued (microtasks, immediate callbacks) run. */
export function settle(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}
