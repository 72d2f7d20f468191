/**
 * Character and entity references (`&amp;`, `&#x20;`) as they stand in text and in attribute values.
 *
 * XML 1.0 §4.1; RFC 6120 §11.1 leaves the five predefined entities and the characters, nothing else.
 */
import { REFERENCE_BYTES_MAX } from "../base/limits.ts";
import { AMP, HASH, isChar, NAME_CHAR, NAME_START, SEMICOLON } from "./chars.ts";
import { CUT, type Trouble } from "./trouble.ts";

const A = 0x61,
  G = 0x67,
  L = 0x6c,
  M = 0x6d,
  O = 0x6f,
  P = 0x70,
  Q = 0x71,
  S = 0x73,
  T = 0x74,
  U = 0x75,
  X = 0x78;

/** Value of an ASCII digit in `base` (10 or 16), or -1. */
function digit(byte: number, base: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return base === 16 && lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** What the `&` at `at` begins: one past its `;`, or a code of trouble.ts. */
export function checkReference(buf: Uint8Array, at: number, end: number, trouble: Trouble): number {
  const limit = Math.min(end, at + REFERENCE_BYTES_MAX);
  let i = at + 1;
  if (i >= end) return CUT;
  if (buf[i] === HASH) {
    if (++i >= end) return CUT;
    const base = buf[i] === X ? 16 : 10;
    if (base === 16) i++;
    const first = i;
    let point = 0;
    for (; i < limit; i++) {
      const value = digit(buf[i]!, base);
      if (value < 0) break;
      // Beyond the last code point it stays beyond it, however many digits follow.
      if (point <= 0x10ffff) point = point * base + value;
    }
    if (i < limit) {
      if (buf[i] !== SEMICOLON || i === first) {
        return trouble.illFormed("a malformed character reference", at);
      }
      return isChar(point)
        ? i + 1
        : trouble.illFormed("a reference to a character that XML does not allow", at);
    }
  } else {
    if (NAME_START[buf[i]!] === 0 && buf[i]! < 0x80) {
      return trouble.illFormed("an ampersand that begins no reference", at);
    }
    while (i < limit && (NAME_CHAR[buf[i]!] === 1 || buf[i]! >= 0x80 || buf[i] === 0x3a)) i++;
    if (i < limit) {
      if (buf[i] !== SEMICOLON) return trouble.illFormed("an ampersand that begins no reference", at);
      if (predefined(buf, at + 1, i) >= 0) return i + 1;
      return trouble.fault("restricted-xml", "a reference to an entity that is not predefined", at);
    }
  }
  return limit < end || end - at >= REFERENCE_BYTES_MAX
    ? trouble.soft(`a reference of more than ${REFERENCE_BYTES_MAX} bytes`)
    : CUT;
}

/** The character of a predefined entity's name, or -1. */
function predefined(buf: Uint8Array, start: number, end: number): number {
  const a = buf[start], b = buf[start + 1], c = buf[start + 2], d = buf[start + 3];
  if (end - start === 2) return b === T ? a === L ? 0x3c : a === G ? 0x3e : -1 : -1;
  if (end - start === 3) return a === A && b === M && c === P ? AMP : -1;
  if (end - start !== 4) return -1;
  if (a === A && b === P && c === O && d === S) return 0x27;
  return a === Q && b === U && c === O && d === T ? 0x22 : -1;
}

/** Where the reference at `at`, already checked, ends: one past its `;`. */
export function referenceEnd(buf: Uint8Array, at: number): number {
  let i = at + 1;
  while (buf[i] !== SEMICOLON) i++;
  return i + 1;
}

/** The character that the reference `buf[at, end)`, already checked, stands for. */
export function referencePoint(buf: Uint8Array, at: number, end: number): number {
  if (buf[at + 1] !== HASH) return predefined(buf, at + 1, end - 1);
  const base = buf[at + 2] === X ? 16 : 10;
  let point = 0;
  for (let i = at + (base === 16 ? 3 : 2); i < end - 1; i++) point = point * base + digit(buf[i]!, base);
  return point;
}
