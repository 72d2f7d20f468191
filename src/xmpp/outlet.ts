/**
 * What waits to be written to one link: stanzas as bytes, back to back, each with a class that says what may be
 * dropped first (DC9, DC10). Pure memory: a link takes bytes out, it never sees a socket.
 *
 * Usage on the data path, without a copy or an allocation:
 *   if (outlet.reserve(n, CLASS_EVENT)) { …write at most n bytes into outlet.buf from outlet.end… ; outlet.commit(newEnd, CLASS_EVENT); }
 */

import { viewOf } from "../base/bytes.ts";

/** Dropped first to last. */
export const CLASS_NEW = 0, CLASS_COMMAND = 1, CLASS_EVENT = 2, CLASS_ANSWER = 3, CLASS_END = 4;

/** The part of an outlet that routing sees. */
export interface OutletPort {
  buf: Buffer;
  /** The same bytes, for writing four at a time. */
  view: DataView;
  /** Where the next stanza begins in `buf`. Changes with every reserve() and commit(). */
  end: number;
  /** The link's stream is open. */
  up: boolean;
  /** Makes room for `bytes` more; false: this stanza is refused (and counted) by the rule of DC10. */
  reserve(bytes: number, cls: number): boolean;
  /** What stands between the old `end` and `newEnd` is one whole stanza. */
  commit(newEnd: number, cls: number): void;
  /** True while new calls are to be refused (DC10). */
  congested(): boolean;
  /** Takes back what waits up to and including class `clsMax` (DC9). */
  discard(clsMax: number): void;
}

/** What a link takes from an outlet besides OutletPort. */
export interface OutletHooks {
  /** Something waits where nothing waited since clean(): called once, so that a link writes once. */
  dirty(): void;
  /** Not even an answer or an `end` has room: DC10 closes the link. Called for each refusal. */
  overflow(): void;
}

const CLASSES = 5;
/** Marks a ring entry whose bytes are a hole: dropped, but not yet squeezed out of the buffer. */
const HOLE = 7;
const CLASS_BITS = 3;
const CLASS_MASK = (1 << CLASS_BITS) - 1;
/** A fresh or emptied outlet; small, as a cluster may have many links. */
const IDLE_BYTES = 64 * 1024;
/** An emptied outlet gives its memory back if a burst made it larger than this. */
const KEEP_BYTES = 4 * 1024 * 1024;
/** How far writable() looks ahead for holes in one go; large enough for one system call. */
const RUN_BYTES = 512 * 1024;

/**
 * One growing buffer and, beside it, one integer a stanza (length and class): boundaries are known without looking
 * at the bytes, so a stanza is never split by a drop nor lost by a broken connection.
 *
 * Positions: 0 <= #first <= #sent <= end <= buf.length. [#first, end) is what the ring describes; [#first, #sent) is
 * the part of the first stanza that a connection has taken: after rewind() it is sent again, whole, since no server
 * ever got all of it.
 *
 * A drop only marks (a hole). Holes are stepped over when written and squeezed out when room is needed; the buffer may
 * be a quarter larger than the limit, so a squeeze pays for itself: all work is linear in the bytes that pass.
 */
export class Outlet implements OutletPort {
  buf: Buffer = Buffer.allocUnsafeSlow(IDLE_BYTES);
  view: DataView = viewOf(this.buf);
  end = 0;
  up = false;
  /** Stanzas dropped or refused, by class. */
  readonly dropped = new Float64Array(CLASSES);

  readonly #bytesMax: number;
  readonly #hooks: OutletHooks;
  #first = 0;
  #sent = 0;
  #holes = 0;
  /** reserve() is one comparison below this: the buffer's end or the limit, whichever comes first. */
  #ceiling = 0;
  #dirty = false;
  #congested = false;

  /** length << 3 | class; positions count up for ever and are masked. */
  #ring = new Int32Array(256);
  #ringHead = 0;
  #ringTail = 0;
  readonly #waiting = new Float64Array(CLASSES);
  /** Ring position before which no stanza of this class can be dropped any more. */
  readonly #cursor = new Float64Array(CLASSES);

  constructor(bytesMax: number, hooks: OutletHooks) {
    this.#bytesMax = bytesMax;
    this.#hooks = hooks;
    this.#raiseCeiling();
  }

  reserve(bytes: number, cls: number): boolean {
    return this.end + bytes <= this.#ceiling || this.#makeRoom(bytes, cls);
  }

  commit(newEnd: number, cls: number): void {
    const bytes = newEnd - this.end;
    if (bytes <= 0) return;
    if (this.#ringTail - this.#ringHead === this.#ring.length) this.#growRing();
    this.#ring[this.#ringTail++ & (this.#ring.length - 1)] = bytes << CLASS_BITS | cls;
    this.#waiting[cls]! += bytes;
    this.end = newEnd;
    if (!this.#dirty) {
      this.#dirty = true;
      this.#hooks.dirty();
    }
  }

  /** One whole stanza, copied. */
  append(bytes: Uint8Array, cls: number): boolean {
    if (!this.reserve(bytes.length, cls)) return false;
    this.buf.set(bytes, this.end);
    this.commit(this.end + bytes.length, cls);
    return true;
  }

  /** One whole stanza as text. */
  appendText(text: string, cls: number): boolean {
    if (!this.reserve(Buffer.byteLength(text), cls)) return false;
    this.commit(this.end + this.buf.write(text, this.end), cls);
    return true;
  }

  congested(): boolean {
    const bytes = this.waitingBytes;
    // Hysteresis: on above a half, off below a quarter, so that calls are not refused and taken in turns.
    this.#congested = this.#congested ? bytes * 4 > this.#bytesMax : bytes * 2 > this.#bytesMax;
    return this.#congested;
  }

  /** Bytes that wait, those already taken of a half-written stanza included. */
  get waitingBytes(): number {
    return this.end - this.#first - this.#holes;
  }

  /** A stanza is half written: only the rest of it may be written next. */
  get midStanza(): boolean {
    return this.#sent > this.#first;
  }

  /** The next commit() calls dirty() again. */
  clean(): void {
    this.#dirty = false;
  }

  /** Where the next write begins in `buf`; ask after writable(), which may step over dropped stanzas. */
  get writeStart(): number {
    return this.#sent;
  }

  /** Where it may end (at `writeStart`: nothing to write). Long queues with holes come in several runs. */
  writable(): number {
    if (this.#holes === 0) return this.end;
    this.#skipHoles();
    let at = this.#first;
    for (let i = this.#ringHead; i < this.#ringTail && at - this.#sent < RUN_BYTES; i++) {
      const entry = this.#ring[i & (this.#ring.length - 1)]!;
      if ((entry & CLASS_MASK) === HOLE) break;
      at += entry >> CLASS_BITS;
    }
    return at;
  }

  /** `bytes` from `writeStart` on have been taken by the connection. */
  taken(bytes: number): void {
    const sent = this.#sent + bytes;
    const ring = this.#ring;
    const mask = ring.length - 1;
    let first = this.#first;
    let head = this.#ringHead;
    while (head < this.#ringTail) {
      const entry = ring[head & mask]!;
      const next = first + (entry >> CLASS_BITS);
      if (next > sent) break;
      this.#waiting[entry & CLASS_MASK]! -= next - first;
      first = next;
      head++;
    }
    this.#first = first;
    this.#sent = sent;
    this.#ringHead = head;
    if (this.#holes > 0) this.#skipHoles();
    if (this.#ringHead === this.#ringTail) this.#empty();
    this.#raiseCeiling();
  }

  /** The connection broke: a half-written stanza will be written again from its start. */
  rewind(): void {
    if (!this.midStanza) return;
    this.#sent = this.#first;
    // It may be dropped again like any other.
    const entry = this.#ring[this.#ringHead & (this.#ring.length - 1)]!;
    this.#cursor[entry & CLASS_MASK] = this.#ringHead;
  }

  /**
   * Drops everything that waits up to and including class `clsMax`, but for a half-written stanza: commands and dials
   * that are answered with an error because the link is down must not be sent when it is up again (DC9).
   */
  discard(clsMax: number): void {
    for (let cls = CLASS_NEW; cls <= clsMax; cls++) this.#drop(cls, this.#droppable(cls));
    this.#skipHoles();
    if (this.#ringHead === this.#ringTail) this.#empty();
    this.#raiseCeiling();
  }

  // ---- room

  #makeRoom(bytes: number, cls: number): boolean {
    const missing = this.waitingBytes + bytes - this.#bytesMax;
    if (missing > 0 && !this.#evict(missing, bytes, cls)) {
      this.dropped[cls]!++;
      if (cls >= CLASS_ANSWER) this.#hooks.overflow();
      return false;
    }
    if (this.end + bytes > this.buf.length) this.#enlarge(bytes);
    this.#raiseCeiling();
    return true;
  }

  /** DC10: the lowest classes first, oldest first, nothing of the newcomer's own class; all that is needed or nothing. */
  #evict(missing: number, bytes: number, cls: number): boolean {
    if (bytes > this.#bytesMax) return false;
    let possible = 0;
    for (let lower = CLASS_NEW; lower < cls; lower++) possible += this.#droppable(lower);
    if (possible < missing) return false;
    for (let lower = CLASS_NEW; lower < cls && missing > 0; lower++) missing -= this.#drop(lower, missing);
    this.#skipHoles();
    return true;
  }

  /** Bytes of this class that may go: all but a half-written first stanza. */
  #droppable(cls: number): number {
    const bytes = this.#waiting[cls]!;
    if (!this.midStanza) return bytes;
    const first = this.#ring[this.#ringHead & (this.#ring.length - 1)]!;
    return (first & CLASS_MASK) === cls ? bytes - (first >> CLASS_BITS) : bytes;
  }

  /** Turns the oldest stanzas of one class into holes until `wanted` bytes are free; returns how many are. */
  #drop(cls: number, wanted: number): number {
    const mask = this.#ring.length - 1;
    let free = 0;
    let at = Math.max(this.#cursor[cls]!, this.#ringHead + (this.midStanza ? 1 : 0));
    for (; free < wanted && at < this.#ringTail; at++) {
      const entry = this.#ring[at & mask]!;
      if ((entry & CLASS_MASK) !== cls) continue;
      this.#ring[at & mask] = entry | HOLE;
      this.dropped[cls]!++;
      free += entry >> CLASS_BITS;
    }
    this.#cursor[cls] = at;
    this.#waiting[cls]! -= free;
    this.#holes += free;
    return free;
  }

  /** Holes at the front are simply stepped over. */
  #skipHoles(): void {
    if (this.midStanza) return;
    const mask = this.#ring.length - 1;
    while (this.#ringHead < this.#ringTail) {
      const entry = this.#ring[this.#ringHead & mask]!;
      if ((entry & CLASS_MASK) !== HOLE) break;
      const bytes = entry >> CLASS_BITS;
      this.#ringHead++;
      this.#first += bytes;
      this.#holes -= bytes;
    }
    this.#sent = this.#first;
  }

  /** Room for `bytes` more behind `end`: moves what waits to the front if that frees enough, else doubles. */
  #enlarge(bytes: number): void {
    const live = this.waitingBytes;
    const largest = this.#bytesMax + (this.#bytesMax >> 2);
    let size = this.buf.length;
    // Moving pays when it frees at least as much as it moves, or when the buffer may not grow any more.
    while (live + bytes > size || (live * 2 > size && size < largest)) {
      size = Math.max(live + bytes, Math.min(size * 2, largest));
    }
    this.#squeeze(size === this.buf.length ? this.buf : Buffer.allocUnsafeSlow(size));
  }

  /** Copies the stanzas that wait to the start of `into` (which may be `buf` itself), without the holes. */
  #squeeze(into: Buffer): void {
    const ring = this.#ring;
    const mask = ring.length - 1;
    const half = this.#sent - this.#first;
    if (this.#holes === 0) {
      this.buf.copy(into, 0, this.#first, this.end);
      this.end -= this.#first;
    } else {
      let from = this.#first, runStart = from, to = 0, kept = this.#ringHead;
      for (let at = this.#ringHead; at < this.#ringTail; at++) {
        const entry = ring[at & mask]!;
        const next = from + (entry >> CLASS_BITS);
        if ((entry & CLASS_MASK) === HOLE) {
          // Neighbours that stay are copied as one.
          to += this.buf.copy(into, to, runStart, from);
          runStart = next;
        } else {
          ring[kept++ & mask] = entry;
        }
        from = next;
      }
      to += this.buf.copy(into, to, runStart, from);
      this.#ringTail = kept;
      this.#cursor.fill(this.#ringHead);
      this.#holes = 0;
      this.end = to;
    }
    this.buf = into;
    this.view = viewOf(into);
    this.#first = 0;
    this.#sent = half;
  }

  #empty(): void {
    this.#first =
      this.#sent =
      this.end =
      this.#holes =
        0;
    if (this.buf.length > KEEP_BYTES) {
      this.buf = Buffer.allocUnsafeSlow(IDLE_BYTES);
      this.view = viewOf(this.buf);
    }
    if (this.#ring.length > KEEP_BYTES / 64) this.#ring = new Int32Array(256);
    this.#ringHead = this.#ringTail = 0;
    this.#cursor.fill(0);
  }

  #growRing(): void {
    const old = this.#ring;
    const ring = new Int32Array(old.length * 2);
    for (let at = this.#ringHead; at < this.#ringTail; at++) {
      ring[at & (ring.length - 1)] = old[at & (old.length - 1)]!;
    }
    this.#ring = ring;
  }

  #raiseCeiling(): void {
    this.#ceiling = Math.min(this.buf.length, this.#first + this.#holes + this.#bytesMax);
  }
}
