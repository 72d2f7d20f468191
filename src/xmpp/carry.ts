/**
 * The bytes that a framer has to keep from one chunk to the next: a stanza, or a stream's opening, that is not whole.
 *
 * Grows by doubling, so that appending costs in proportion to what is appended; how large it may become is the
 * framer's matter.
 */
import { CARRY_BYTES_KEPT } from "../base/limits.ts";

const FIRST_BYTES = 8192;
const EMPTY = Buffer.alloc(0);

export class Carry {
  /** Replaced when it grows: ask for it again after append(). */
  buf: Buffer = EMPTY;
  /** Bytes kept, from 0. */
  length = 0;

  append(chunk: Buffer, start: number, end: number): void {
    const needed = this.length + end - start;
    if (needed > this.buf.length) {
      let size = Math.max(this.buf.length, FIRST_BYTES);
      while (size < needed) size *= 2;
      const grown = Buffer.allocUnsafeSlow(size);
      this.buf.copy(grown, 0, 0, this.length);
      this.buf = grown;
    }
    chunk.copy(this.buf, this.length, start, end);
    this.length = needed;
  }

  clear(): void {
    this.length = 0;
  }

  /** The stanza is whole: its bytes are needed until it is delivered, but a buffer that it has blown up is not kept. */
  release(): void {
    this.length = 0;
    if (this.buf.length > CARRY_BYTES_KEPT) this.buf = EMPTY;
  }

  drop(): void {
    this.length = 0;
    this.buf = EMPTY;
  }
}
