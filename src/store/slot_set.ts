/**
 * A set of small whole numbers, one bit each: a million live calls take 125 kB and nothing of the collector's time.
 */

/** Beyond this a bit array would cost more than it saves. */
const SLOTS_MAX = 1 << 24;

export class SlotSet {
  #bits = new Uint32Array(1024);

  add(slot: number): void {
    if (!tracked(slot)) return;
    const word = slot >>> 5;
    if (word >= this.#bits.length) this.#grow(word + 1);
    this.#bits[word]! |= 1 << (slot & 31);
  }

  delete(slot: number): void {
    const word = slot >>> 5;
    if (tracked(slot) && word < this.#bits.length) this.#bits[word]! &= ~(1 << (slot & 31));
  }

  /** True also for every number the set does not keep track of: who asks must be safe with one too many. */
  has(slot: number): boolean {
    if (!tracked(slot)) return true;
    return ((this.#bits[slot >>> 5] ?? 0) & (1 << (slot & 31))) !== 0;
  }

  #grow(words: number): void {
    const bits = new Uint32Array(Math.max(words, this.#bits.length * 2));
    bits.set(this.#bits);
    this.#bits = bits;
  }
}

function tracked(slot: number): boolean {
  return slot >= 0 && slot < SLOTS_MAX;
}
