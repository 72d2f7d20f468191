/**
 * From a hash to the slots of the call table that may have it: open addressing in 256 shards, which grow one at a
 * time, so that no growth stalls the loop.
 *
 * An entry is ten bits of the hash, then the slot plus one; so other calls' records are not even read. The owner keeps
 * the whole hashes and compares what it finds; 0 ends a search.
 */

const SLOT_BITS = 22;
/** The part of an entry that is the slot plus one. */
export const SLOT_MASK = (1 << SLOT_BITS) - 1;
const SHARD_BITS = 8;

export class SlotIndex {
  readonly #shards: Int32Array[] = [];
  readonly #sizes = new Int32Array(1 << SHARD_BITS);
  readonly #hashOf: (slot: number) => number;

  /** `hashOf` tells the hash of a slot that is in the index. */
  constructor(hashOf: (slot: number) => number) {
    this.#hashOf = hashOf;
    for (let i = 0; i < 1 << SHARD_BITS; i++) this.#shards.push(new Int32Array(8));
  }

  /** Where to look for `hash`: from place `hash & (length - 1)` on, round about, until an entry is 0. */
  shard(hash: number): Int32Array {
    return this.#shards[hash >>> (32 - SHARD_BITS)]!;
  }

  insert(slot: number, hash: number): void {
    const number = hash >>> (32 - SHARD_BITS);
    let shard = this.#shards[number]!;
    if (++this.#sizes[number]! * 3 > shard.length * 2) shard = this.#grow(number);
    const mask = shard.length - 1;
    let at = hash & mask;
    while (shard[at] !== 0) at = (at + 1) & mask;
    shard[at] = tagOf(hash) | slot + 1;
  }

  #grow(number: number): Int32Array {
    const old = this.#shards[number]!;
    const shard = new Int32Array(old.length * 2), mask = shard.length - 1;
    for (const entry of old) {
      if (entry === 0) continue;
      let at = this.#hashOf((entry & SLOT_MASK) - 1) & mask;
      while (shard[at] !== 0) at = (at + 1) & mask;
      shard[at] = entry;
    }
    this.#shards[number] = shard;
    return shard;
  }

  /** Takes out a slot that is in; those behind it move up. */
  erase(slot: number, hash: number): void {
    const number = hash >>> (32 - SHARD_BITS);
    const shard = this.#shards[number]!, mask = shard.length - 1;
    const entry = tagOf(hash) | slot + 1;
    let hole = hash & mask;
    while (shard[hole] !== entry) hole = (hole + 1) & mask;
    for (let next = (hole + 1) & mask; shard[next] !== 0; next = (next + 1) & mask) {
      const home = this.#hashOf((shard[next]! & SLOT_MASK) - 1) & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      shard[hole] = shard[next]!;
      hole = next;
    }
    shard[hole] = 0;
    this.#sizes[number]!--;
  }
}

/** The bits of a hash that neither choose the shard nor, in shards of up to 16,384 places, the place. */
export function tagOf(hash: number): number {
  return hash << 8 & ~SLOT_MASK;
}
