/**
 * Between the bytes of an attribute value or a text and what they mean: references decoded, white space normalised,
 * and the way back.
 *
 * Works on bytes that the framer has already checked; nothing here can fail. XML 1.0 §3.3.3 and §2.11: in a value
 * every literal tab, CR, LF is one blank (CR LF together one), in text CR LF and CR are LF; what a reference stands
 * for is never normalised.
 */
import { AMP, CR, LF, SPACE, TAB } from "./chars.ts";
import { referenceEnd, referencePoint } from "./reference.ts";

/** Writes a code point as UTF-8; returns one past it. */
function writePoint(out: Uint8Array, at: number, point: number): number {
  if (point < 0x80) {
    out[at++] = point;
  } else if (point < 0x800) {
    out[at++] = 0xc0 | point >> 6;
    out[at++] = 0x80 | point & 0x3f;
  } else if (point < 0x10000) {
    out[at++] = 0xe0 | point >> 12;
    out[at++] = 0x80 | point >> 6 & 0x3f;
    out[at++] = 0x80 | point & 0x3f;
  } else {
    out[at++] = 0xf0 | point >> 18;
    out[at++] = 0x80 | point >> 12 & 0x3f;
    out[at++] = 0x80 | point >> 6 & 0x3f;
    out[at++] = 0x80 | point & 0x3f;
  }
  return at;
}

function decode(
  buf: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
  blank: boolean,
): number {
  for (let i = start; i < end; i++) {
    const c = buf[i]!;
    if (c > SPACE && c !== AMP) out[at++] = c;
    else if (c === AMP) {
      const next = referenceEnd(buf, i);
      at = writePoint(out, at, referencePoint(buf, i, next));
      i = next - 1;
    } else if (c === CR) {
      out[at++] = blank ? SPACE : LF;
      if (i + 1 < end && buf[i + 1] === LF) i++;
    } else out[at++] = blank && (c === LF || c === TAB) ? SPACE : c;
  }
  return at;
}

/**
 * Writes the meaning of the attribute value `buf[start, end)` to `out` from `at` on; returns one past the last byte.
 * It never needs more room than the value itself: every reference is longer than what it stands for.
 */
export function decodeInto(buf: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  return decode(buf, start, end, out, at, true);
}

/** The meaning of the attribute value `buf[start, end)`. Allocates. */
export function decodeAttribute(buf: Buffer, start: number, end: number): string {
  let i = start;
  while (i < end && buf[i] !== AMP && buf[i]! >= SPACE) i++;
  if (i === end) return buf.toString("utf8", start, end);
  const out = Buffer.allocUnsafe(end - start);
  return out.toString("utf8", 0, decode(buf, start, end, out, 0, true));
}

/** The meaning of the character data `buf[start, end)` without markup in it. Allocates. */
export function decodeText(buf: Buffer, start: number, end: number): string {
  const out = Buffer.allocUnsafe(end - start);
  return out.toString("utf8", 0, decode(buf, start, end, out, 0, false));
}

const ESCAPE = /[&<>"'\t\n\r]/g;
const ESCAPED: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

/** A value as it may stand between quotes of either kind. The text must consist of XML characters. */
export function escapeAttribute(text: string): string {
  return text.replace(ESCAPE, (character) => ESCAPED[character]!);
}

/** A text as it may stand between tags. The text must consist of XML characters. */
export function escapeText(text: string): string {
  return text.replace(/[&<>\r]/g, (character) => ESCAPED[character]!);
}

// deno-lint-ignore no-control-regex -- control characters are what this is about
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu;

/** `text` without what XML cannot carry at all: for texts that come from outside XML. */
export function printable(text: string): string {
  return text.replace(FORBIDDEN, "\ufffd");
}
