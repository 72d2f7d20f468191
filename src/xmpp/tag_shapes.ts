/**
 * Start tags of a shape that was read before, recognised by comparing.
 *
 * Tags repeat: `<answered xmlns='urn:xmpp:rayo:1'/>` to the letter, `<presence from='…' to='…'>` but for two values. A
 * shape is a tag that passed all checks with its variable values taken out: what is left, the literals, is compared
 * byte by byte, and a value is passed over up to the first byte that needs a look, which then has to begin the next
 * literal with its quote. So a tag that fits is well-formed for the same reasons as the one it is compared with, and
 * everything that was found out about names and namespaces holds again. What does not fit is read by tag.ts.
 *
 * Only tags whose meaning depends on nothing around them but the default namespace are kept: no prefixes. Namespace
 * declarations, and the `type` of a stanza, are part of the literals.
 */
import { VALUE_STOP } from "./chars.ts";
import type { TagScan } from "./tag.ts";

/** The tag declares no default namespace. */
export const NO_DEFAULT = -2;

/** Shapes whose first bytes agree share a place. */
const PLACES = 128;
const WAYS = 4;
const SHAPES = PLACES * WAYS;
/** All literals of one shape together. */
const LITERAL_BYTES_MAX = 128;
const VALUES_MAX = 6;
const ENDS = VALUES_MAX + 1;
/** A newcomer takes over somebody's way only after so many tags in a row that fitted none. */
const MISSES_MAX = 16;
/** Shorter tags are read as fast as they are compared. */
const TAG_BYTES_MIN = 8;

export class TagShapes {
  private readonly bytes = new Uint8Array(SHAPES * LITERAL_BYTES_MAX);
  /** The same, for comparing four at a time. */
  private readonly literals = new DataView(this.bytes.buffer);
  /** Where each literal of a shape ends, counted from the shape's first. */
  private readonly ends = new Uint8Array(SHAPES * ENDS);
  /** Variable values of a shape; -1: no shape. */
  private readonly values = new Int8Array(SHAPES).fill(-1);
  /** Literals that two shapes of one place have in common at their beginning: shape * WAYS + way. */
  private readonly common = new Uint8Array(SHAPES * WAYS);
  /** The way that fitted last, and tags that fitted none since. */
  private readonly recent = new Uint8Array(PLACES);
  private readonly misses = new Uint8Array(PLACES);
  private readonly victim = new Uint8Array(PLACES);
  private place = -1;

  readonly nameLength = new Int32Array(SHAPES);
  readonly defaultId = new Int32Array(SHAPES);
  readonly empty = new Uint8Array(SHAPES);
  /** For the owner: what it knows of a shape, and where the literal `type` stands behind value `typeAfter` - 1. */
  readonly mark = new Int32Array(SHAPES);
  readonly typeAfter = new Int32Array(SHAPES);
  readonly typeFrom = new Int32Array(SHAPES);
  readonly typeTo = new Int32Array(SHAPES);
  private readonly roles = new Uint8Array(SHAPES * VALUES_MAX);

  /** Of the tag that fitted: its shape, and where its values stand. */
  shape = 0;
  readonly valueStart = new Int32Array(VALUES_MAX);
  readonly valueEnd = new Int32Array(VALUES_MAX);

  /** Another stream: namespaces may mean something else. */
  clear(): void {
    this.values.fill(-1);
    this.misses.fill(0);
  }

  /** Values of the tag that fitted. */
  get count(): number {
    return this.values[this.shape]!;
  }

  /** The role of value `k` of the tag that fitted. */
  role(k: number): number {
    return this.roles[this.shape * VALUES_MAX + k]!;
  }

  /** For the owner: what value `k` of a shape is to it. */
  setRole(shape: number, k: number, role: number): void {
    this.roles[shape * VALUES_MAX + k] = role;
  }

  /** One past the tag at `start`, if it fits a shape; else -1. */
  match(buf: Buffer, view: DataView, start: number, end: number): number {
    if (start + TAG_BYTES_MIN > end) return this.place = -1;
    const hash = Math.imul(view.getInt32(start + 1, true) ^ view.getInt32(start + 3, true) >>> 5, 0x9e3779b1);
    const place = this.place = hash >>> 25;
    const { literals, ends, values } = this;
    let way = this.recent[place]!;
    let shape = place * WAYS + way;
    let count = values[shape]!;
    if (count < 0) return -1;
    let i = start, v = 0, tried = 1 << way;
    for (;;) {
      // Literal v of this shape, or of another one that is like it up to here.
      const first = v === 0 ? 0 : ends[shape * ENDS + v - 1]!;
      const length = ends[shape * ENDS + v]! - first;
      if (i + length > end || !same(view, i, literals, shape * LITERAL_BYTES_MAX + first, length)) {
        let next = -1;
        for (let w = 0; w < WAYS; w++) {
          if (
            (tried & 1 << w) === 0 && values[place * WAYS + w]! >= v && this.common[shape * WAYS + w]! >= v
          ) {
            next = w;
            break;
          }
        }
        if (next < 0) {
          if (this.misses[place]! < 255) this.misses[place]!++;
          return -1;
        }
        way = next;
        tried |= 1 << way;
        shape = place * WAYS + way;
        count = values[shape]!;
        continue;
      }
      i += length;
      if (v === count) break;
      this.valueStart[v] = i;
      while (i + 3 < end) {
        const a = VALUE_STOP[buf[i]!]!, b = VALUE_STOP[buf[i + 1]!]!;
        const c = VALUE_STOP[buf[i + 2]!]!, d = VALUE_STOP[buf[i + 3]!]!;
        if ((a | b | c | d) !== 0) {
          const passed = a ^ 1, two = passed & (b ^ 1);
          i += passed + two + (two & (c ^ 1));
          break;
        }
        i += 4;
      }
      while (i < end && VALUE_STOP[buf[i]!] === 0) i++;
      this.valueEnd[v++] = i;
    }
    this.recent[place] = way;
    this.misses[place] = 0;
    this.shape = shape;
    return i;
  }

  /**
   * The tag that match() did not know was read to `tagEnd` and may be kept: its shape's number, or -1. Attribute k is
   * a literal where `literal(k)` says so.
   */
  learn(
    buf: Buffer,
    tag: TagScan,
    tagEnd: number,
    defaultId: number,
    literal: (k: number) => boolean,
  ): number {
    const place = this.place;
    if (place < 0 || tag.colon > 0 || tag.prefixed > 0) return -1;
    const way = this.wayFor(place);
    if (way < 0) return -1;
    const shape = place * WAYS + way;
    this.values[shape] = -1;
    let at = tag.start, written = 0, count = 0;
    for (let k = 0; k <= tag.count; k++) {
      if (k < tag.count && literal(k)) continue;
      const stop = k < tag.count ? tag.valueStart[k]! : tagEnd;
      if (
        written + stop - at > LITERAL_BYTES_MAX ||
        (k < tag.count && (count === VALUES_MAX || tag.escaped[k] === 1))
      ) {
        return -1;
      }
      this.bytes.set(buf.subarray(at, stop), shape * LITERAL_BYTES_MAX + written);
      written += stop - at;
      this.ends[shape * ENDS + count] = written;
      if (k < tag.count) {
        count++;
        at = tag.valueEnd[k]!;
      }
    }
    this.values[shape] = count;
    this.nameLength[shape] = tag.nameEnd - tag.nameStart;
    this.defaultId[shape] = defaultId;
    this.empty[shape] = tag.empty ? 1 : 0;
    this.compareWithOthers(place, way);
    this.recent[place] = way;
    this.misses[place] = 0;
    return shape;
  }

  /** Would learn() keep the tag that match() did not know? Cheap: asked for each of them. */
  get wanting(): boolean {
    const { place } = this;
    if (place < 0) return false;
    const last = place * WAYS + WAYS - 1;
    return this.values[last]! < 0 || this.misses[place]! >= MISSES_MAX;
  }

  /** An empty way, or one that nobody has fitted for a while; -1: all are in use. */
  private wayFor(place: number): number {
    for (let way = 0; way < WAYS; way++) if (this.values[place * WAYS + way]! < 0) return way;
    if (this.misses[place]! < MISSES_MAX) return -1;
    return this.victim[place] = (this.victim[place]! + 1) % WAYS;
  }

  private compareWithOthers(place: number, way: number): void {
    const shape = place * WAYS + way;
    for (let w = 0; w < WAYS; w++) {
      const other = place * WAYS + w;
      if (other === shape || this.values[other]! < 0) continue;
      const most = Math.min(this.values[shape]!, this.values[other]!) + 1;
      let v = 0;
      while (v < most && this.sameLiteral(shape, other, v)) v++;
      this.common[shape * WAYS + w] = this.common[other * WAYS + way] = v;
    }
  }

  private sameLiteral(a: number, b: number, v: number): boolean {
    const start = v === 0 ? 0 : this.ends[a * ENDS + v - 1]!;
    const length = this.ends[a * ENDS + v]! - start;
    if (this.ends[b * ENDS + v]! - (v === 0 ? 0 : this.ends[b * ENDS + v - 1]!) !== length) return false;
    return same(
      this.literals,
      a * LITERAL_BYTES_MAX + start,
      this.literals,
      b * LITERAL_BYTES_MAX + start,
      length,
    );
  }
}

function same(a: DataView, i: number, b: DataView, k: number, length: number): boolean {
  const last = i + length;
  for (; i + 4 <= last; i += 4, k += 4) if (a.getInt32(i, true) !== b.getInt32(k, true)) return false;
  for (; i < last; i++, k++) if (a.getUint8(i) !== b.getUint8(k)) return false;
  return true;
}
