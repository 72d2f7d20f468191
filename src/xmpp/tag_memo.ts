/**
 * Start tags that were read before, recognised by their bytes.
 *
 * The elements inside stanzas repeat: `<answered xmlns='urn:xmpp:rayo:1'/>` comes a thousand times a second, to the
 * letter. Comparing bytes with those of a tag that passed all checks costs a fraction of checking again. Only tags
 * whose meaning depends on nothing around them but the default namespace are kept: no prefixes.
 *
 * One entry a place, chosen by the tag's first bytes; a newcomer moves in only when the entry was missed twice in a
 * row, so that tags that never repeat (time stamps) do not drive out those that do.
 */
import type { TagScan } from "./tag.ts";

const PLACES = 256;
/** Longer tags are not kept; nearly all that repeat are shorter. */
const BYTES_MAX = 64;
/** Shorter ones are read as fast as they are compared. */
const BYTES_MIN = 8;
/** The tag declares no default namespace. */
export const NO_DEFAULT = -2;
const MISSES = 2;

export class TagMemo {
  private readonly bytes = new Uint8Array(PLACES * BYTES_MAX);
  /** 0: an empty place. */
  readonly length = new Int32Array(PLACES);
  readonly nameLength = new Int32Array(PLACES);
  readonly defaultId = new Int32Array(PLACES);
  readonly empty = new Uint8Array(PLACES);
  private readonly misses = new Uint8Array(PLACES);
  /** Where the tag looked for last would stand. */
  private place = 0;

  /** Another stream: namespaces may mean something else. */
  clear(): void {
    this.length.fill(0);
  }

  /** The place of the kept tag that stands at `start`, or -1. */
  match(buf: Buffer, start: number, end: number): number {
    if (start + BYTES_MIN > end) return this.place = -1;
    const hash = Math.imul(
      (buf[start + 1]! | buf[start + 2]! << 8 | buf[start + 3]! << 16 | buf[start + 4]! << 24) ^
        (buf[start + 5]! << 4 | buf[start + 7]! << 12),
      0x9e3779b1,
    );
    const place = this.place = hash >>> 24;
    const length = this.length[place]!;
    if (length === 0 || start + length > end) return -1;
    const bytes = this.bytes;
    let i = start, k = place * BYTES_MAX;
    const last = start + length;
    for (const fours = last - 3; i < fours; i += 4, k += 4) {
      if (
        ((bytes[k]! ^ buf[i]!) | (bytes[k + 1]! ^ buf[i + 1]!) | (bytes[k + 2]! ^ buf[i + 2]!) |
          (bytes[k + 3]! ^ buf[i + 3]!)) !== 0
      ) return -1;
    }
    for (; i < last; i++, k++) if (bytes[k] !== buf[i]) return -1;
    this.misses[place] = 0;
    return place;
  }

  /** The tag that match() did not know was read to `tagEnd`; `defaultId` is what it declares, or NO_DEFAULT. */
  learn(buf: Buffer, tag: TagScan, tagEnd: number, defaultId: number): void {
    const place = this.place;
    const length = tagEnd - tag.start;
    if (place < 0 || length > BYTES_MAX || length < BYTES_MIN) return;
    if (this.length[place] !== 0 && ++this.misses[place]! <= MISSES) return;
    this.misses[place] = 0;
    this.length[place] = length;
    this.nameLength[place] = tag.nameEnd - tag.nameStart;
    this.defaultId[place] = defaultId;
    this.empty[place] = tag.empty ? 1 : 0;
    for (let i = tag.start, k = place * BYTES_MAX; i < tagEnd; i++, k++) this.bytes[k] = buf[i]!;
  }
}
