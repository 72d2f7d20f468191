/**
 * Reads one start tag: its name, its attributes and where they stand; checks all of XML's rules for it.
 *
 * The scan can be cut at every byte and goes on where it stopped (only an unfinished name or reference is read
 * again, and both are bounded), so a tag costs time in proportion to its bytes however it arrives. Namespaces are
 * not this file's matter; it only points out which attributes declare some and which have a prefix.
 *
 * XML 1.0 §3.1, "Namespaces in XML 1.0" §4 (colons), RFC 6120 §11.
 */
import type { FramerLimits } from "./framer.ts";
import {
  AMP,
  APOS,
  codePoint,
  COLON,
  EQ,
  GT,
  isNameChar,
  isNameStart,
  LT,
  NAME_CHAR,
  NAME_START,
  QUOT,
  sequenceBytes,
  SLASH,
  SPACE,
  VALUE_STOP,
  WHITE,
} from "./chars.ts";
import { checkReference } from "./reference.ts";
import { CUT, FAULT, SOFT, type Trouble } from "./trouble.ts";

/** What the next byte is expected to be; hot ones first. */
const SPACED = 0, BETWEEN = 1, AFTER_SLASH = 2, NAME = 3, VALUE = 4, AFTER_NAME = 5, BEFORE_VALUE = 6;

const X = 0x78, M = 0x6d, L = 0x6c, N = 0x6e, S = 0x73;

export class TagScan {
  /** `<`. */
  start = 0;
  nameStart = 0;
  nameEnd = 0;
  /** The colon in the element's name; 0: it has no prefix. */
  colon = 0;
  /** An empty-element tag. */
  empty = false;

  /** Attributes found; the arrays below have so many entries. */
  count = 0;
  readonly attrStart: Int32Array;
  readonly attrEnd: Int32Array;
  /** The colon in the attribute's name; 0: none. */
  readonly attrColon: Int32Array;
  readonly valueStart: Int32Array;
  readonly valueEnd: Int32Array;
  /** 1: the value holds a reference, a tab or a line end, so its bytes are not yet its meaning. */
  readonly escaped: Uint8Array;
  /** nameBit() of each attribute found. */
  private bits = 0;
  /** Attributes that are namespace declarations. */
  declarations = 0;
  readonly declaration: Int32Array;
  /** How many attributes have a prefix and are no declarations. */
  prefixed = 0;

  /** Where to go on, and with what, after a cut. */
  at = 0;
  private phase = NAME;
  private quote = 0;

  private readonly attributesMax: number;
  private readonly nameMax: number;
  private readonly trouble: Trouble;

  constructor(limits: FramerLimits, trouble: Trouble) {
    const n = limits.attributesMax + 1;
    this.attrStart = new Int32Array(n);
    this.attrEnd = new Int32Array(n);
    this.attrColon = new Int32Array(n);
    this.valueStart = new Int32Array(n);
    this.valueEnd = new Int32Array(n);
    this.escaped = new Uint8Array(n);
    this.declaration = new Int32Array(n);
    this.attributesMax = limits.attributesMax;
    this.nameMax = limits.nameBytesMax;
    this.trouble = trouble;
  }

  /** A tag begins with the `<` at `start`. */
  begin(start: number): void {
    this.start = start;
    this.at = start + 1;
    this.phase = NAME;
    this.count = 0;
    this.declarations = 0;
    this.prefixed = 0;
    this.bits = 0;
  }

  /** The bytes have moved `by` towards the beginning of their buffer. */
  move(by: number): void {
    this.start -= by;
    this.at -= by;
    this.nameStart -= by;
    this.nameEnd -= by;
    if (this.colon > 0) this.colon -= by;
    for (let k = 0; k <= this.count && k < this.attrStart.length; k++) {
      this.attrStart[k]! -= by;
      this.attrEnd[k]! -= by;
      if (this.attrColon[k]! > 0) this.attrColon[k]! -= by;
      this.valueStart[k]! -= by;
      this.valueEnd[k]! -= by;
    }
  }

  /** Reads on to the tag's end: one past its `>`, or a code of trouble.ts. */
  run(buf: Buffer, end: number): number {
    const attrStart = this.attrStart,
      attrEnd = this.attrEnd,
      valueStart = this.valueStart,
      valueEnd = this.valueEnd;
    const nameMax = this.nameMax, attributesMax = this.attributesMax;
    let i = this.at;
    let phase = this.phase;
    let n = this.count;
    let quote = this.quote;
    let bits = this.bits;
    scan: for (;;) {
      switch (phase) {
        case SPACED: {
          // The road nearly all attributes take: ASCII name, `=`, quote, a value without anything special, quote.
          while (n < attributesMax && i < end && NAME_START[buf[i]!] === 1) {
            let j = i + 1;
            while (j < end && NAME_CHAR[buf[j]!] === 1) j++;
            let colon = 0;
            if (j + 1 < end && buf[j] === COLON && NAME_START[buf[j + 1]!] === 1) {
              colon = j;
              j += 2;
              while (j < end && NAME_CHAR[buf[j]!] === 1) j++;
            }
            if (j + 2 >= end || buf[j] !== EQ || j - i > nameMax) break;
            const q = buf[j + 1]!;
            if (q !== APOS && q !== QUOT) break;
            let k = j + 2;
            // Four at a time: most bytes of a stanza are passed over here. The last step has no branches, since
            // where in its four bytes a value ends cannot be predicted.
            while (k + 3 < end) {
              const a = VALUE_STOP[buf[k]!]!, b = VALUE_STOP[buf[k + 1]!]!;
              const c = VALUE_STOP[buf[k + 2]!]!, d = VALUE_STOP[buf[k + 3]!]!;
              if ((a | b | c | d) !== 0) {
                const passed = a ^ 1, two = passed & (b ^ 1);
                k += passed + two + (two & (c ^ 1));
                break;
              }
              k += 4;
            }
            if (k + 3 >= end) { while (k < end && VALUE_STOP[buf[k]!] === 0) k++; }
            attrStart[n] = i;
            attrEnd[n] = j;
            valueStart[n] = j + 2;
            this.attrColon[n] = colon;
            this.escaped[n] = 0;
            if (k >= end || buf[k] !== q) {
              quote = q;
              i = k;
              phase = VALUE;
              continue scan;
            }
            valueEnd[n] = k;
            const first = buf[i]!;
            const bit = nameBit(first, buf[j - 1]!, j - i);
            if ((bits & bit) !== 0 && this.taken(buf, n, i, j)) return FAULT;
            bits |= bit;
            if (first === X || colon > 0) this.noteDeclaration(buf, n, i, j, colon);
            n++;
            i = k + 1;
            const after = i < end ? buf[i]! : 0;
            if (after === SPACE) i++;
            else if (after === GT) {
              this.empty = false;
              this.count = n;
              return i + 1;
            } else if (after === SLASH && i + 1 < end && buf[i + 1] === GT) {
              this.empty = true;
              this.count = n;
              return i + 2;
            } else {
              phase = BETWEEN;
              continue scan;
            }
          }
          while (i < end && WHITE[buf[i]!] === 1) i++;
          if (i >= end) break scan;
          const first = buf[i]!;
          if (first === GT || first === SLASH) {
            phase = BETWEEN;
            continue;
          }
          if (n >= attributesMax) {
            return this.trouble.soft(`an element of more than ${attributesMax} attributes`);
          }
          const j = this.name(buf, i, end);
          if (j === CUT) break scan;
          if (j < 0) return j;
          attrStart[n] = i;
          attrEnd[n] = j;
          this.attrColon[n] = this.colonFound;
          this.escaped[n] = 0;
          i = j;
          phase = AFTER_NAME;
          continue;
        }
        case BETWEEN: {
          if (i >= end) break scan;
          const c = buf[i]!;
          if (c === GT) {
            this.empty = false;
            this.count = n;
            return i + 1;
          }
          i++;
          if (c === SLASH) phase = AFTER_SLASH;
          else if (WHITE[c] === 1) phase = SPACED;
          else return this.trouble.illFormed("no white space between two parts of a tag", i - 1);
          continue;
        }
        case AFTER_SLASH:
          if (i >= end) break scan;
          if (buf[i] !== GT) return this.trouble.illFormed("a / inside a tag", i);
          this.empty = true;
          this.count = n;
          return i + 1;
        case NAME: {
          let j = i;
          this.colonFound = 0;
          if (i < end && NAME_START[buf[i]!] === 1) {
            j++;
            while (j < end && NAME_CHAR[buf[j]!] === 1) j++;
          }
          if (j >= end || buf[j] === COLON || buf[j]! >= 0x80 || j === i || j - i > nameMax) {
            j = this.name(buf, i, end);
            if (j === CUT) break scan;
            if (j < 0) return j;
          }
          this.nameStart = i;
          this.nameEnd = j;
          this.colon = this.colonFound;
          i = j;
          if (i < end && buf[i] === SPACE) {
            i++;
            phase = SPACED;
          } else phase = BETWEEN;
          continue;
        }
        case VALUE: {
          while (i < end && VALUE_STOP[buf[i]!] === 0) i++;
          if (i >= end) break scan;
          const c = buf[i]!;
          if (c === quote) {
            valueEnd[n] = i++;
            const start = attrStart[n]!, stop = attrEnd[n]!;
            const bit = nameBit(buf[start]!, buf[stop - 1]!, stop - start);
            if ((bits & bit) !== 0 && this.taken(buf, n, start, stop)) return FAULT;
            bits |= bit;
            this.noteDeclaration(buf, n, start, stop, this.attrColon[n]!);
            n++;
            phase = BETWEEN;
          } else if (c === AMP) {
            const next = checkReference(buf, i, end, this.trouble);
            if (next === CUT) break scan;
            if (next < 0) return next;
            this.escaped[n] = 1;
            i = next;
          } else if (c === LT) return this.trouble.illFormed("a < in an attribute value", i);
          else if (WHITE[c] === 1) {
            this.escaped[n] = 1;
            i++;
          } else if (c < SPACE) return this.trouble.illFormed("a character that XML does not allow", i);
          else i++;
          continue;
        }
        case AFTER_NAME:
          while (i < end && WHITE[buf[i]!] === 1) i++;
          if (i >= end) break scan;
          if (buf[i] !== EQ) return this.trouble.illFormed("an attribute without a value", i);
          i++;
          phase = BEFORE_VALUE;
          continue;
        default: // BEFORE_VALUE
          while (i < end && WHITE[buf[i]!] === 1) i++;
          if (i >= end) break scan;
          quote = buf[i]!;
          if (quote !== APOS && quote !== QUOT) {
            return this.trouble.illFormed("an attribute value without quotes", i);
          }
          i++;
          valueStart[n] = i;
          phase = VALUE;
      }
    }
    this.at = i;
    this.phase = phase;
    this.count = n;
    this.quote = quote;
    this.bits = bits;
    return CUT;
  }

  /** Is one of the first `n` attributes called `buf[start, end)`? Then that is a fault. */
  private taken(buf: Buffer, n: number, start: number, end: number): boolean {
    for (let k = 0; k < n; k++) {
      if (this.sameName(buf, k, start, end)) {
        this.trouble.illFormed("an attribute that stands there twice", start);
        return true;
      }
    }
    return false;
  }

  /** Attribute `n`, whose name begins with an x or has a prefix, may be a namespace declaration. */
  private noteDeclaration(buf: Buffer, n: number, start: number, end: number, colon: number): void {
    if (isXmlns(buf, start, colon > 0 ? colon : end)) this.declaration[this.declarations++] = n;
    else if (colon > 0) this.prefixed++;
  }

  private sameName(buf: Buffer, k: number, start: number, end: number): boolean {
    const other = this.attrStart[k]!;
    if (this.attrEnd[k]! - other !== end - start || buf[other] !== buf[start]) return false;
    for (let i = start, j = other; i < end; i++, j++) if (buf[i] !== buf[j]) return false;
    return true;
  }

  /** Set by name(). */
  private colonFound = 0;

  /** The name at `at` by all rules: prefix and local name are both NCNames. One past it, or a code. */
  private name(buf: Buffer, at: number, end: number): number {
    let i = at;
    let partStart = at;
    this.colonFound = 0;
    for (;;) {
      if (i - at > this.nameMax) return this.tooLong();
      if (i >= end) return CUT;
      const c = buf[i]!;
      if (c === COLON) {
        if (i === partStart || this.colonFound > 0) {
          return this.trouble.illFormed("a colon out of place in a name", i);
        }
        this.colonFound = i++;
        partStart = i;
        continue;
      }
      if (c < 0x80) {
        if (NAME_CHAR[c] === 0) break;
        if (i === partStart && NAME_START[c] === 0) break;
        i++;
        continue;
      }
      const length = sequenceBytes(c);
      if (i + length > end) return CUT;
      const point = codePoint(buf, i);
      if (!(i === partStart ? isNameStart(point) : isNameChar(point))) break;
      i += length;
    }
    if (i === partStart) return this.trouble.illFormed("a name that begins with a wrong character", i);
    if (buf[i]! >= 0x80) return this.trouble.illFormed("a wrong character in a name", i);
    return i;
  }

  private tooLong(): number {
    this.trouble.soft(`a name of more than ${this.nameMax} bytes`);
    return SOFT;
  }
}

/** A bit for each name seen: only a bit that is taken makes it worth looking through the names. */
function nameBit(first: number, last: number, length: number): number {
  return 1 << ((first ^ first >> 4 ^ last ^ length << 3) & 31);
}

/** True when `buf[start, end)` is `xmlns`. */
function isXmlns(buf: Buffer, start: number, end: number): boolean {
  return end - start === 5 && buf[start] === X && buf[start + 1] === M && buf[start + 2] === L &&
    buf[start + 3] === N &&
    buf[start + 4] === S;
}
