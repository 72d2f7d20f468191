/**
 * Comparing, folding and hashing bytes in place, without making a string of them.
 *
 * Folding is ASCII's: the XMPP servers in front have already applied the full string preparation (RFC 7622), so
 * only a direct peer's capitals are left to level.
 */

/** Byte -> its ASCII lower-case form. */
export const FOLD: Uint8Array = (() => {
  const fold = new Uint8Array(256);
  for (let i = 0; i < 256; i++) fold[i] = i >= 65 && i <= 90 ? i + 32 : i;
  return fold;
})();

/** Seed of every hash of this process: others must not be able to prepare colliding names. */
const SEED = crypto.getRandomValues(new Int32Array(1))[0]!;

/**
 * A 32-bit hash of `buf[start, end)`; bytes before `foldEnd` count folded, the rest as they are (a full JID's
 * resource is compared exactly).
 */
export function hashBytes(buf: Uint8Array, start: number, foldEnd: number, end: number): number {
  let hash = SEED;
  let i = start;
  // Setting the bit that tells `A` from `a` folds letters; that it also merges a few signs costs a hash nothing.
  for (const last = foldEnd - 1; i < last; i += 2) {
    hash = Math.imul(hash ^ (buf[i]! | buf[i + 1]! << 8 | 0x2020), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  if (i < foldEnd) hash = Math.imul(hash ^ (buf[i]! | 0x20), 0x9e3779b1);
  for (i = foldEnd; i < end; i++) hash = Math.imul(hash ^ buf[i]!, 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 13;
  return hash | 0;
}

/**
 * A 32-bit hash of the bytes `[start, end)` under `view`, read four at a time and folded; for ids, which are looked up
 * for every stanza.
 */
export function hashWords(view: DataView, start: number, end: number): number {
  let hash = SEED;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    hash = Math.imul(hash ^ (view.getInt32(i, true) | 0x20202020), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; i < end; i++) hash = Math.imul(hash ^ (view.getUint8(i) | 0x20), 0x9e3779b1);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 13;
  return hash | 0;
}

/**
 * Copies the bytes `[start, end)` under `view` to `at` under `out`, four at a time; true if a quote of either kind was
 * among them.
 */
export function copySeeingQuotes(
  view: DataView,
  start: number,
  end: number,
  out: DataView,
  at: number,
): boolean {
  let seen = 0;
  for (; start + 4 <= end; start += 4, at += 4) {
    const word = view.getInt32(start, true);
    out.setInt32(at, word, true);
    // The top bit of a byte is set in `seen` if that byte of x or y is 0 (or follows such a byte: it is seen anyway).
    const x = word ^ 0x27272727, y = word ^ 0x22222222;
    seen |= ((x - 0x01010101) & ~x) | ((y - 0x01010101) & ~y);
  }
  for (; start < end; start++, at++) {
    const c = view.getUint8(start);
    out.setUint8(at, c);
    if (c === 0x27 || c === 0x22) seen |= 0x80;
  }
  return (seen & 0x80808080) !== 0;
}

/** The bytes of `buf` for reading four at a time. */
export function viewOf(buf: Uint8Array): DataView {
  return new DataView(buf.buffer, buf.byteOffset, buf.length);
}

/** True when `a[aStart, aStart + n)` and `b[bStart, bStart + n)` are the same bytes. */
export function sameBytes(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, n: number): boolean {
  for (let i = 0; i < n; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}

/** As sameBytes, but without regard to ASCII case. */
export function sameFolded(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, n: number): boolean {
  for (let i = 0; i < n; i++) {
    const x = a[aStart + i]!, y = b[bStart + i]!;
    if (x !== y && FOLD[x] !== FOLD[y]) return false;
  }
  return true;
}

/** True when `buf[start, end)` is exactly the ASCII `text`. */
export function isText(buf: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (buf[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** Writes `value` (a whole number from 0, below 2^31) in base 36, lower case, at `at`; returns one past the last byte. */
export function writeBase36(out: Uint8Array, at: number, value: number): number {
  let digits = 1;
  for (let v = value / 36 | 0; v > 0; v = v / 36 | 0) digits++;
  for (let i = at + digits - 1; i >= at; i--) {
    const rest = value / 36 | 0;
    const digit = value - rest * 36;
    out[i] = digit < 10 ? 48 + digit : 87 + digit;
    value = rest;
  }
  return at + digits;
}

/** The base-36 number in `buf[start, end)`, or -1 when it is not one below 2^31. */
export function readBase36(buf: Uint8Array, start: number, end: number): number {
  if (start >= end || end - start > 6) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const c = buf[i]!;
    const digit = c >= 48 && c <= 57 ? c - 48 : c >= 97 && c <= 122 ? c - 87 : -1;
    if (digit < 0) return -1;
    value = value * 36 + digit;
  }
  return value < 0x8000_0000 ? value : -1;
}
