/**
 * Components of calls: which of them the client has heard of, and how many commands that start one are unanswered.
 * Both are needed to see that an event comes before the `ref` it belongs to (PX8, PMX3, AH25).
 *
 * Six bytes a call, in segments that never move: a hash of the one component that most calls run at a time, and a
 * count. Only calls with several at once have a list on the side. Two components that share a hash (one in four thousand
 * million) are taken for one: an event then is not held that might have been.
 */
import { hashBytes } from "../base/bytes.ts";

const SEGMENT_BITS = 14;
const SEGMENT_MASK = (1 << SEGMENT_BITS) - 1;
const STARTING_MAX = 0xffff;

interface Segment {
  /** Slot -> hash of a component that runs, 0: none. */
  readonly running: Int32Array;
  readonly starting: Uint16Array;
}

export class ComponentTable {
  readonly #segments: (Segment | undefined)[] = [];
  readonly #more = new Map<number, Set<number>>();

  /** Bytes of packed memory. */
  get bytes(): number {
    return this.#segments.filter((segment) => segment !== undefined).length * 6 * (SEGMENT_MASK + 1);
  }

  /** Calls with several components at once. */
  get lists(): number {
    return this.#more.size;
  }

  /** One more command that starts a component is under way; false: too many to count. */
  starts(slot: number): boolean {
    const { starting } = this.#make(slot);
    const at = slot & SEGMENT_MASK;
    if (starting[at] === STARTING_MAX) return false;
    starting[at]!++;
    return true;
  }

  /** One of them is answered, or never will be; true: it was the last. */
  answered(slot: number): boolean {
    const { starting } = this.#make(slot);
    const at = slot & SEGMENT_MASK;
    if (starting[at]! > 0) starting[at]!--;
    return starting[at] === 0;
  }

  /** The client is told of the component that is called `buf[start, end)`. */
  add(slot: number, buf: Uint8Array, start: number, end: number): void {
    const { running } = this.#make(slot);
    const at = slot & SEGMENT_MASK;
    const hash = hashOf(buf, start, end);
    if (running[at] === 0 || running[at] === hash) {
      running[at] = hash;
      return;
    }
    const more = this.#more.get(slot);
    if (more === undefined) this.#more.set(slot, new Set([hash]));
    else more.add(hash);
  }

  /** Has the client been told of it, and has it not completed since? */
  has(slot: number, buf: Uint8Array, start: number, end: number): boolean {
    const segment = this.#segments[slot >>> SEGMENT_BITS];
    if (segment === undefined) return false;
    const hash = hashOf(buf, start, end);
    return segment.running[slot & SEGMENT_MASK] === hash || this.#more.get(slot)?.has(hash) === true;
  }

  /** It has completed. */
  delete(slot: number, buf: Uint8Array, start: number, end: number): void {
    const segment = this.#segments[slot >>> SEGMENT_BITS];
    if (segment === undefined) return;
    const at = slot & SEGMENT_MASK;
    const hash = hashOf(buf, start, end);
    if (segment.running[at] === hash) {
      segment.running[at] = 0;
      return;
    }
    const more = this.#more.get(slot);
    if (more?.delete(hash) === true && more.size === 0) this.#more.delete(slot);
  }

  /** The call is no more. */
  forget(slot: number): void {
    const segment = this.#segments[slot >>> SEGMENT_BITS];
    if (segment === undefined) return;
    segment.running[slot & SEGMENT_MASK] = 0;
    segment.starting[slot & SEGMENT_MASK] = 0;
    if (this.#more.size > 0) this.#more.delete(slot);
  }

  #make(slot: number): Segment {
    const number = slot >>> SEGMENT_BITS;
    return this.#segments[number] ??= {
      running: new Int32Array(SEGMENT_MASK + 1),
      starting: new Uint16Array(SEGMENT_MASK + 1),
    };
  }
}

function hashOf(buf: Uint8Array, start: number, end: number): number {
  return hashBytes(buf, start, start, end) || 1;
}
