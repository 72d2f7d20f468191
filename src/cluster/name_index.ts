/**
 * From the bytes of a name (a domain, a full JID) to a small number, without making a string of the bytes.
 *
 * For thousands of names, looked up once or twice a stanza. Open addressing, linear probing, deletion by shifting
 * back; the caller owns the numbers.
 */
import { hashBytes, sameBytes, sameFolded } from "../base/bytes.ts";

export class NameIndex {
  #keys: (Buffer | null)[] = new Array(16).fill(null);
  #foldEnds = new Int32Array(16);
  #hashes = new Int32Array(16);
  #values = new Int32Array(16);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The number of `buf[start, end)`, or -1. Bytes before `foldEnd` are compared without regard to ASCII case. */
  find(buf: Uint8Array, start: number, foldEnd: number, end: number): number {
    const at = this.#position(buf, start, foldEnd, end, hashBytes(buf, start, foldEnd, end));
    return this.#keys[at] === null ? -1 : this.#values[at]!;
  }

  /** As find(), for a name as text; `foldLength` bytes of it are folded (all by default). */
  findText(name: string, foldLength = -1): number {
    const key = Buffer.from(name);
    return this.find(key, 0, foldLength < 0 ? key.length : foldLength, key.length);
  }

  /** Gives `name` the number `value`, in place of the one it had. */
  set(name: string, value: number, foldLength = -1): void {
    if ((this.#size + 1) * 2 > this.#keys.length) this.#grow();
    const key = Buffer.from(name);
    const foldEnd = foldLength < 0 ? key.length : foldLength;
    const hash = hashBytes(key, 0, foldEnd, key.length);
    const at = this.#position(key, 0, foldEnd, key.length, hash);
    if (this.#keys[at] === null) this.#size++;
    this.#keys[at] = key;
    this.#foldEnds[at] = foldEnd;
    this.#hashes[at] = hash;
    this.#values[at] = value;
  }

  /** Forgets `name`; nothing happens if it is unknown. */
  delete(name: string, foldLength = -1): void {
    const key = Buffer.from(name);
    const foldEnd = foldLength < 0 ? key.length : foldLength;
    let hole = this.#position(key, 0, foldEnd, key.length, hashBytes(key, 0, foldEnd, key.length));
    if (this.#keys[hole] === null) return;
    const mask = this.#keys.length - 1;
    this.#size--;
    for (let next = (hole + 1) & mask; this.#keys[next] !== null; next = (next + 1) & mask) {
      const home = this.#hashes[next]! & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      this.#move(next, hole);
      hole = next;
    }
    this.#keys[hole] = null;
  }

  /** Where the name stands, or the empty place where it would. */
  #position(buf: Uint8Array, start: number, foldEnd: number, end: number, hash: number): number {
    const mask = this.#keys.length - 1;
    const length = end - start;
    for (let at = hash & mask;; at = (at + 1) & mask) {
      const key = this.#keys[at]!;
      if (key === null) return at;
      if (this.#hashes[at] !== hash || key.length !== length) continue;
      const fold = foldEnd - start;
      if (this.#foldEnds[at] !== fold) continue;
      if (sameFolded(key, 0, buf, start, fold) && sameBytes(key, fold, buf, foldEnd, length - fold)) {
        return at;
      }
    }
  }

  #move(from: number, to: number): void {
    this.#keys[to] = this.#keys[from]!;
    this.#foldEnds[to] = this.#foldEnds[from]!;
    this.#hashes[to] = this.#hashes[from]!;
    this.#values[to] = this.#values[from]!;
  }

  #grow(): void {
    const keys = this.#keys, foldEnds = this.#foldEnds, hashes = this.#hashes, values = this.#values;
    const size = keys.length * 2, mask = size - 1;
    this.#keys = new Array(size).fill(null);
    this.#foldEnds = new Int32Array(size);
    this.#hashes = new Int32Array(size);
    this.#values = new Int32Array(size);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      if (key === null) continue;
      let at = hashes[i]! & mask;
      while (this.#keys[at] !== null) at = (at + 1) & mask;
      this.#keys[at] = key;
      this.#foldEnds[at] = foldEnds[i]!;
      this.#hashes[at] = hashes[i]!;
      this.#values[at] = values[i]!;
    }
  }
}
