/**
 * Judges the bytes of a stream as UTF-8 before anything else looks at them, natively and chunk by chunk.
 *
 * Why apart from the scanner: the engine's own check runs at gigabytes a second, and a scanner that may trust its
 * bytes needs no state inside a character. At most three bytes are carried from chunk to chunk.
 * RFC 3629 (overlong forms and surrogates are refused); U+FFFE and U+FFFF are no XML characters (XML 1.0 §2.2).
 *
 * Conforms: RFC 6120 §11.6, UTF-8: complete
 */
import { isAscii, isUtf8 } from "node:buffer";
import { sequenceBytes } from "./chars.ts";

/** Length of the character at `at`; 0: cut by `end`, nothing wrong so far; -1: not UTF-8, or not a character of XML. */
function judge(buf: Uint8Array, at: number, end: number): number {
  const lead = buf[at]!;
  const length = sequenceBytes(lead);
  if (length <= 1) return length === 1 ? 1 : -1;
  if (at + 1 >= end) return 0;
  const second = buf[at + 1]!;
  if ((second & 0xc0) !== 0x80) return -1;
  if (lead === 0xe0 && second < 0xa0) return -1;
  if (lead === 0xed && second > 0x9f) return -1;
  if (lead === 0xf0 && second < 0x90) return -1;
  if (lead === 0xf4 && second > 0x8f) return -1;
  for (let k = 2; k < length; k++) {
    if (at + k >= end) return 0;
    if ((buf[at + k]! & 0xc0) !== 0x80) return -1;
  }
  if (lead === 0xef && second === 0xbf && buf[at + 2]! >= 0xbe) return -1;
  return length;
}

export class Utf8Check {
  /** The first bytes of a character that the last chunk cut. */
  private readonly held = new Uint8Array(4);
  private heldCount = 0;
  /** After check() stopped short: the offending character was U+FFFE or U+FFFF, in perfect UTF-8. */
  forbidden = false;
  /** After check() stopped short: the offending bytes, as \xNN. */
  sample = "";

  reset(): void {
    this.heldCount = 0;
    this.forbidden = false;
    this.sample = "";
  }

  /** How many bytes of `chunk` are good: all of them, or those in front of the first bad character. */
  check(chunk: Buffer): number {
    const end = chunk.length;
    if (this.heldCount === 0 && isAscii(chunk)) return end;
    let from = 0;
    while (this.heldCount > 0) {
      if (from === end) return end;
      this.held[this.heldCount++] = chunk[from]!;
      const length = judge(this.held, 0, this.heldCount);
      if (length < 0) return this.bad(this.held, 0, this.heldCount, from);
      from++;
      if (length > 0) this.heldCount = 0;
    }
    const bodyEnd = wholeCharactersEnd(chunk, from, end);
    if (!isUtf8(chunk.subarray(from, bodyEnd)) || hasForbidden(chunk, from, bodyEnd)) {
      let at = from;
      for (let length = 1; length > 0 && at < bodyEnd; at += length) {
        length = judge(chunk, at, bodyEnd);
        if (length <= 0) break;
      }
      return this.bad(chunk, at, end, at);
    }
    if (bodyEnd < end) {
      if (judge(chunk, bodyEnd, end) < 0) return this.bad(chunk, bodyEnd, end, bodyEnd);
      for (let at = bodyEnd; at < end; at++) this.held[this.heldCount++] = chunk[at]!;
    }
    return end;
  }

  private bad(buf: Uint8Array, at: number, end: number, good: number): number {
    this.forbidden = buf[at] === 0xef && buf[at + 1] === 0xbf && at + 2 < end && buf[at + 2]! >= 0xbe &&
      buf[at + 2]! < 0xc0;
    const last = Math.min(end, at + Math.max(1, sequenceBytes(buf[at]!)));
    this.sample = "";
    for (let k = at; k < last; k++) this.sample += `\\x${buf[k]!.toString(16).padStart(2, "0")}`;
    return good;
  }
}

/** Where a character begins that `end` cuts, or `end`. */
function wholeCharactersEnd(chunk: Buffer, from: number, end: number): number {
  for (let back = 1; back <= 3 && end - back >= from; back++) {
    const byte = chunk[end - back]!;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) return sequenceBytes(byte) > back ? end - back : end;
  }
  return end;
}

/** True if U+FFFE or U+FFFF stands in [from, end), which is UTF-8. */
function hasForbidden(chunk: Buffer, from: number, end: number): boolean {
  for (let at = chunk.indexOf(0xef, from); at >= 0 && at < end; at = chunk.indexOf(0xef, at + 1)) {
    if (chunk[at + 1] === 0xbf && chunk[at + 2]! >= 0xbe) return true;
  }
  return false;
}
