/**
 * Many deadlines, few timers: items that share a duration stand in one queue, so the first is always the next.
 *
 * A gateway waits for thousands of answers at once, nearly all with the same few time-outs. Adding and removing is
 * O(1) and touches no timer; one Clock timer per duration is armed for the head of its queue and moves on lazily.
 */
import type { Clock } from "./clock.ts";

/** Extend this with what waits. An item stands in at most one queue. */
export class DeadlineItem {
  deadlineAt = 0;
  deadlineQueue: DeadlineQueue | null = null;
  deadlinePrev: DeadlineItem | null = null;
  deadlineNext: DeadlineItem | null = null;
}

class DeadlineQueue {
  head: DeadlineItem | null = null;
  tail: DeadlineItem | null = null;
  armed = false;
  readonly ms: number;
  constructor(ms: number) {
    this.ms = ms;
  }
}

/** Durations are rounded up to this, so that odd ones share queues and the number of queues is bounded. */
const STEP_MS = 20;

export class Deadlines<T extends DeadlineItem> {
  readonly #clock: Clock;
  readonly #expired: (item: T) => void;
  readonly #queues = new Map<number, DeadlineQueue>();
  /** Nearly everything waits equally long. */
  #last: DeadlineQueue | null = null;
  #size = 0;

  /** `expired` is called once for each item that was not removed in time; it is no longer queued then. */
  constructor(clock: Clock, expired: (item: T) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  get size(): number {
    return this.#size;
  }

  /** Queues `item`, which must not be queued, for `ms` milliseconds from now. */
  add(item: T, ms: number): void {
    const rounded = Math.ceil(Math.max(ms, 0) / STEP_MS) * STEP_MS;
    const queue = this.#queueOf(rounded);
    item.deadlineAt = this.#clock.now() + rounded;
    item.deadlineQueue = queue;
    item.deadlinePrev = queue.tail;
    item.deadlineNext = null;
    if (queue.tail === null) queue.head = item;
    else queue.tail.deadlineNext = item;
    queue.tail = item;
    this.#size++;
    if (!queue.armed) this.#arm(queue, rounded);
  }

  /** Takes an item out; nothing happens if it is not queued. */
  remove(item: T): void {
    const queue = item.deadlineQueue;
    if (queue === null) return;
    if (item.deadlinePrev === null) queue.head = item.deadlineNext;
    else item.deadlinePrev.deadlineNext = item.deadlineNext;
    if (item.deadlineNext === null) queue.tail = item.deadlinePrev;
    else item.deadlineNext.deadlinePrev = item.deadlinePrev;
    item.deadlineQueue = item.deadlinePrev = item.deadlineNext = null;
    this.#size--;
  }

  #queueOf(ms: number): DeadlineQueue {
    if (this.#last !== null && this.#last.ms === ms && this.#last.armed) return this.#last;
    let queue = this.#queues.get(ms);
    if (queue === undefined) this.#queues.set(ms, queue = new DeadlineQueue(ms));
    return this.#last = queue;
  }

  #arm(queue: DeadlineQueue, ms: number): void {
    queue.armed = true;
    this.#clock.after(ms, () => this.#sweep(queue));
  }

  #sweep(queue: DeadlineQueue): void {
    queue.armed = false;
    const now = this.#clock.now();
    let head: DeadlineItem | null;
    // A timer may fire a fraction of a millisecond early.
    while ((head = queue.head) !== null && head.deadlineAt <= now + 0.5) {
      this.remove(head as T);
      this.#expired(head as T);
    }
    if (queue.head === null) this.#queues.delete(queue.ms);
    else if (!queue.armed) this.#arm(queue, Math.max(queue.head.deadlineAt - now, 1));
  }
}
