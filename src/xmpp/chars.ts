/**
 * Which bytes and characters may stand where in XML 1.0 (fifth edition), as tables for the scanners.
 *
 * Bytes from 0x80 on are parts of UTF-8 sequences. They count as ordinary in text and values, because utf8.ts has
 * judged them before a scanner sees them; in names they are decoded, because the letter matters there.
 */

export const TAB = 0x09, LF = 0x0a, CR = 0x0d, SPACE = 0x20;
export const LT = 0x3c,
  GT = 0x3e,
  SLASH = 0x2f,
  AMP = 0x26,
  APOS = 0x27,
  QUOT = 0x22,
  EQ = 0x3d,
  COLON = 0x3a;
export const BANG = 0x21, QUESTION = 0x3f, BRACKET = 0x5b, BRACKET_END = 0x5d, HASH = 0x23, SEMICOLON = 0x3b;

function table(special: (byte: number) => boolean): Uint8Array {
  const made = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) if (special(byte)) made[byte] = 1;
  return made;
}

/** A control character that no XML document may contain (XML 1.0 §2.2). */
function control(byte: number): boolean {
  return byte < SPACE && byte !== TAB && byte !== LF && byte !== CR;
}

function of(text: string): (byte: number) => boolean {
  return (byte) => byte < 0x80 && text.includes(String.fromCharCode(byte));
}

/** Forbidden anywhere. */
export const CONTROL = table(control);

/** Where a run of text has to be looked at: `<`, `&`, `>` (it may end `]]>`) and forbidden characters. */
export const TEXT_STOP = table((byte) => control(byte) || of("<&>")(byte));

/** Where an attribute value has to be looked at; white space other than a blank is normalised later (§3.3.3). */
export const VALUE_STOP = table((byte) => control(byte) || of("<&'\"\t\n\r")(byte));

/** Where a CDATA section has to be looked at. */
export const CDATA_STOP = table((byte) => control(byte) || of(">")(byte));

export const WHITE = table(of(" \t\n\r"));

/** ASCII letters and `_`. */
export const NAME_START = table((byte) => /^[A-Za-z_]$/.test(String.fromCharCode(byte)));

/** ASCII letters, digits, `_`, `-`, `.`; not the colon, which namespaces give a meaning of its own. */
export const NAME_CHAR = table((byte) => /^[A-Za-z0-9_.-]$/.test(String.fromCharCode(byte)));

/** [first, last] of NameStartChar beyond ASCII. */
const NAME_START_RANGES: readonly (readonly [number, number])[] = [
  [0xc0, 0xd6],
  [0xd8, 0xf6],
  [0xf8, 0x2ff],
  [0x370, 0x37d],
  [0x37f, 0x1fff],
  [0x200c, 0x200d],
  [0x2070, 0x218f],
  [0x2c00, 0x2fef],
  [0x3001, 0xd7ff],
  [0xf900, 0xfdcf],
  [0xfdf0, 0xfffd],
  [0x10000, 0xeffff],
];

/** NameStartChar without the colon (an NCName's first character). */
export function isNameStart(point: number): boolean {
  if (point < 0x80) return NAME_START[point] === 1;
  for (const [first, last] of NAME_START_RANGES) {
    if (point < first) return false;
    if (point <= last) return true;
  }
  return false;
}

/** NameChar without the colon. */
export function isNameChar(point: number): boolean {
  if (point < 0x80) return NAME_CHAR[point] === 1;
  return isNameStart(point) || point === 0xb7 || (point >= 0x300 && point <= 0x36f) || point === 0x203f ||
    point === 0x2040;
}

/** A character that a document may contain (Char, XML 1.0 §2.2). */
export function isChar(point: number): boolean {
  return point < SPACE
    ? point === TAB || point === LF || point === CR
    : point <= 0xd7ff || (point >= 0xe000 && point <= 0xfffd) || (point >= 0x10000 && point <= 0x10ffff);
}

/** Bytes of the UTF-8 sequence that begins with `lead`, by its lead byte alone; 0: no sequence begins so. */
export function sequenceBytes(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

/** The code point at `at` of bytes that are known to be UTF-8 and to be there in full. */
export function codePoint(buf: Uint8Array, at: number): number {
  const lead = buf[at]!;
  if (lead < 0x80) return lead;
  const second = buf[at + 1]! & 0x3f;
  if (lead < 0xe0) return (lead & 0x1f) << 6 | second;
  const third = buf[at + 2]! & 0x3f;
  if (lead < 0xf0) return (lead & 0x0f) << 12 | second << 6 | third;
  return (lead & 0x07) << 18 | second << 12 | third << 6 | buf[at + 3]! & 0x3f;
}
