/**
 * The live calls, packed: one 64-byte record a call in large segments and an open-addressed index over them.
 *
 * A million calls as objects cost 420 bytes each and stall the collector; as records they cost about 90 and no
 * collector sees them. A look-up reads two cache lines: one of the index (slot_index.ts), one of the record. Segments
 * never move, so growth copies nothing.
 *
 * A call is (node, id) (DC15): the same id at another node is another call. Ids are compared folded (DC16). Clients
 * know a call by its public id: the node's id unless the client wrote it with other letters or another live
 * call had it first; only those exceptions are kept on the side.
 */
import { hashWords, sameFolded, viewOf } from "../base/bytes.ts";
import { invariant } from "../base/invariant.ts";
import { SLOT_MASK, SlotIndex, tagOf } from "./slot_index.ts";

/** One party controls it. Without this flag it is an offer nobody has answered with a command (DC17). */
export const CALL_CONTROLLED = 1;
/** It is up as far as the gateway knows: a command other than `reject` or `hangup`, or `answered` of an outgoing call. */
export const CALL_ACCEPTED = 2;
/** Came from a dial. */
export const CALL_OUTBOUND = 4;
/** The offer was refused or timed out; the node's `end` is awaited. */
export const CALL_REFUSED = 8;
/** Early events are held and not yet released; later ones queue behind them (PX7). */
export const CALL_HOLDING = 16;
/** A command that starts a component is unanswered. */
export const CALL_STARTING = 256;
/** The component table has something of it. */
export const CALL_COMPONENTS = 512;
/** Came back after a restart: what components it runs is not known. */
export const CALL_RESTORED = 1024;
/** It is in a mixer, or was, or is about to be: its end is that table's business, too. */
export const CALL_IN_MIXER = 0x1000;
const CALL_LONG_ID = 32;
const CALL_PUBLIC_ID = 64;
const CALL_LIVE = 128;

const SEGMENT_BITS = 14;
const SEGMENT_SLOTS = 1 << SEGMENT_BITS;
const SEGMENT_MASK = SEGMENT_SLOTS - 1;
/** One cache line holds all that a look-up reads: five numbers and the id. */
const RECORD_BYTES = 64;
const RECORD_INTS = RECORD_BYTES / 4;
const HASH = 0, DOMAIN = 1, PARTY = 2, FLAGS = 3, STARTED = 4;
const ID_OFFSET = 20;
/** Bytes of the id kept in the record itself; a UUID has 36. */
const ID_CELL = RECORD_BYTES - ID_OFFSET;
/** Neighbours in the party's list and the node's: looked at when a call comes or goes. */
const LINKS = 4;
const PARTY_NEXT = 0, PARTY_PREV = 1, NODE_NEXT = 2, NODE_PREV = 3;
/** Calls at once; four times what the gateway is measured with. */
const CALLS_MAX = SLOT_MASK - 1;
/** 2020-01-01T00:00:00Z in seconds: start times fit 31 bits until 2088. */
const STARTED_BASE = 1_577_836_800;

interface Segment {
  readonly ints: Int32Array;
  readonly bytes: Uint8Array;
  readonly links: Int32Array;
}

export class CallTable {
  readonly #segments: Segment[] = [];
  readonly #index = new SlotIndex((slot) => this.#int(slot, HASH));
  readonly #longIds = new Map<number, Uint8Array>();
  readonly #publicIds = new Map<number, Uint8Array>();
  /** Folded public id -> slot, for those that differ from the node's id by more than letter case. */
  readonly #aliases = new Map<string, number>();
  #freeHead = -1;
  #slots = 0;
  #size = 0;

  /** Live calls. */
  get size(): number {
    return this.#size;
  }

  /** One past the highest slot ever used: for walking all calls. */
  get slotsEnd(): number {
    return this.#slots;
  }

  /** No further call can be entered. */
  get full(): boolean {
    return this.#freeHead < 0 && this.#slots >= CALLS_MAX;
  }

  isLive(slot: number): boolean {
    return slot >= 0 && slot < this.#slots && (this.#int(slot, FLAGS) & CALL_LIVE) !== 0;
  }

  /**
   * Enters a call with the id `buf[start, end)` at node domain number `domain` and returns its slot. The caller has
   * made sure that the node has no such call. `slot` may be given when a stored call returns to its place.
   */
  add(
    buf: Uint8Array,
    start: number,
    end: number,
    domain: number,
    startedSeconds: number,
    slot = -1,
  ): number {
    slot = slot < 0 ? this.#allocate() : this.#allocateAt(slot);
    const { ints, bytes, links } = this.#segments[slot >>> SEGMENT_BITS]!;
    const record = (slot & SEGMENT_MASK) * RECORD_INTS;
    const length = end - start;
    const hash = hashWords(viewOf(buf), start, end);
    ints[record + HASH] = hash;
    ints[record + DOMAIN] = domain;
    ints[record + PARTY] = -1;
    const own = (slot & SEGMENT_MASK) * LINKS;
    links.fill(-1, own, own + LINKS);
    ints[record + STARTED] = startedSeconds - STARTED_BASE;
    let flags = CALL_LIVE;
    const cell = record * 4 + ID_OFFSET;
    if (length <= ID_CELL) {
      for (let i = 0; i < length; i++) bytes[cell + i] = buf[start + i]!;
    } else {
      flags |= CALL_LONG_ID;
      this.#longIds.set(slot, Uint8Array.prototype.slice.call(buf, start, end));
    }
    ints[record + FLAGS] = flags | length << 16;
    this.#index.insert(slot, hash);
    this.#size++;
    return slot;
  }

  /** Forgets a call. Its lists must have been left (see Directory). */
  remove(slot: number): void {
    invariant(this.isLive(slot), "only a live call is removed");
    this.#index.erase(slot, this.#int(slot, HASH));
    const flags = this.#int(slot, FLAGS);
    if ((flags & CALL_LONG_ID) !== 0) this.#longIds.delete(slot);
    if ((flags & CALL_PUBLIC_ID) !== 0) this.#forgetPublicId(slot);
    this.#set(slot, FLAGS, 0);
    this.#setLink(slot, PARTY_NEXT, this.#freeHead);
    this.#freeHead = slot;
    this.#size--;
  }

  /**
   * The call with node id `buf[start, end)` for which `domains[domain]` equals `owner` (a node's number), or -1.
   * `domains` maps domain numbers to node numbers; `view` lies over the same bytes as `buf`.
   */
  find(
    buf: Uint8Array,
    start: number,
    end: number,
    domains: Int32Array,
    owner: number,
    view: DataView = viewOf(buf),
  ): number {
    const hash = hashWords(view, start, end);
    const shard = this.#index.shard(hash);
    const mask = shard.length - 1, tag = tagOf(hash);
    for (let at = hash & mask;; at = (at + 1) & mask) {
      const entry = shard[at]!;
      if (entry === 0) return -1;
      if ((entry & ~SLOT_MASK) !== tag) continue;
      const slot = (entry & SLOT_MASK) - 1;
      const { ints } = this.#segments[slot >>> SEGMENT_BITS]!;
      const record = (slot & SEGMENT_MASK) * RECORD_INTS;
      if (ints[record + HASH] !== hash || domains[ints[record + DOMAIN]!] !== owner) continue;
      if (sameLetters(ints, record, view, start, end) || this.#hasId(slot, buf, start, end)) return slot;
    }
  }

  /** The call that clients know as `buf[start, end)`, or -1. */
  findPublic(buf: Uint8Array, start: number, end: number, view: DataView = viewOf(buf)): number {
    if (this.#aliases.size > 0) {
      const alias = this.#aliases.get(Buffer.from(buf.subarray(start, end)).toString().toLowerCase());
      if (alias !== undefined) return alias;
    }
    const hash = hashWords(view, start, end);
    const shard = this.#index.shard(hash);
    const mask = shard.length - 1, tag = tagOf(hash);
    for (let at = hash & mask;; at = (at + 1) & mask) {
      const entry = shard[at]!;
      if (entry === 0) return -1;
      if ((entry & ~SLOT_MASK) !== tag) continue;
      const slot = (entry & SLOT_MASK) - 1;
      const { ints } = this.#segments[slot >>> SEGMENT_BITS]!;
      const record = (slot & SEGMENT_MASK) * RECORD_INTS;
      if (ints[record + HASH] !== hash) continue;
      if (!sameLetters(ints, record, view, start, end) && !this.#hasId(slot, buf, start, end)) continue;
      // An aliased call is not reachable under its node's id: that name belongs to another call.
      if ((ints[record + FLAGS]! & CALL_PUBLIC_ID) !== 0 && !this.#sameFoldedPublicId(slot)) continue;
      return slot;
    }
  }

  /** Lets clients know the call as `publicId` instead of its node id. */
  setPublicId(slot: number, publicId: string): void {
    this.setFlag(slot, CALL_PUBLIC_ID, true);
    this.#publicIds.set(slot, Buffer.from(publicId));
    if (!this.#sameFoldedPublicId(slot)) this.#aliases.set(publicId.toLowerCase(), slot);
  }

  /** Some live call has a public id that is not its node's. */
  get anyPublicId(): boolean {
    return this.#publicIds.size > 0;
  }

  /** The bytes of the public id where it differs from the node's, else null: then the node's id stands. */
  publicId(slot: number): Uint8Array | null {
    return (this.#int(slot, FLAGS) & CALL_PUBLIC_ID) === 0 ? null : this.#publicIds.get(slot)!;
  }

  /** Hash of the id: tells a call from another one that has got its slot. */
  hash(slot: number): number {
    return this.#int(slot, HASH);
  }

  idLength(slot: number): number {
    return this.#int(slot, FLAGS) >>> 16;
  }

  /** Copies the node's id to `out` at `at`; returns one past its end. */
  writeId(slot: number, out: Uint8Array, at: number): number {
    const bytes = this.#idBytes(slot);
    const start = this.#idStart(slot), length = this.idLength(slot);
    for (let i = 0; i < length; i++) out[at + i] = bytes[start + i]!;
    return at + length;
  }

  /** The node's id as text. */
  id(slot: number): string {
    const start = this.#idStart(slot);
    return Buffer.from(this.#idBytes(slot).subarray(start, start + this.idLength(slot))).toString();
  }

  /** The id clients know as text. */
  publicText(slot: number): string {
    const own = this.publicId(slot);
    return own === null ? this.id(slot) : Buffer.from(own).toString();
  }

  /** True when the node's id is `buf[start, end)` to the letter. */
  hasExactId(slot: number, buf: Uint8Array, start: number, end: number): boolean {
    if (this.idLength(slot) !== end - start) return false;
    const bytes = this.#idBytes(slot);
    for (let i = start, j = this.#idStart(slot); i < end; i++, j++) if (bytes[j] !== buf[i]) return false;
    return true;
  }

  domain(slot: number): number {
    return this.#int(slot, DOMAIN);
  }
  /** The controlling resource's number, or that of the resource asked last; -1: nobody. */
  party(slot: number): number {
    return this.#int(slot, PARTY);
  }
  flags(slot: number): number {
    return this.#int(slot, FLAGS) & 0xffff;
  }
  has(slot: number, flag: number): boolean {
    return (this.#int(slot, FLAGS) & flag) !== 0;
  }
  setFlag(slot: number, flag: number, on: boolean): void {
    const { ints } = this.#segments[slot >>> SEGMENT_BITS]!;
    const at = (slot & SEGMENT_MASK) * RECORD_INTS + FLAGS;
    ints[at] = on ? ints[at]! | flag : ints[at]! & ~flag;
  }
  /** Seconds since 1970. */
  startedSeconds(slot: number): number {
    return this.#int(slot, STARTED) + STARTED_BASE;
  }

  /** Puts the call in front of the list that begins with `head` and belongs to `party`; returns the new head. */
  joinParty(slot: number, party: number, head: number): number {
    this.#set(slot, PARTY, party);
    return this.#link(slot, head, PARTY_NEXT, PARTY_PREV);
  }
  /** Takes the call out of its party's list; returns the new head. */
  leaveParty(slot: number, head: number): number {
    this.#set(slot, PARTY, -1);
    return this.#unlink(slot, head, PARTY_NEXT, PARTY_PREV);
  }
  nextOfParty(slot: number): number {
    return this.#linkOf(slot, PARTY_NEXT);
  }
  joinNode(slot: number, head: number): number {
    return this.#link(slot, head, NODE_NEXT, NODE_PREV);
  }
  leaveNode(slot: number, head: number): number {
    return this.#unlink(slot, head, NODE_NEXT, NODE_PREV);
  }
  nextOfNode(slot: number): number {
    return this.#linkOf(slot, NODE_NEXT);
  }

  #link(slot: number, head: number, next: number, prev: number): number {
    this.#setLink(slot, next, head);
    this.#setLink(slot, prev, -1);
    if (head >= 0) this.#setLink(head, prev, slot);
    return slot;
  }

  #unlink(slot: number, head: number, next: number, prev: number): number {
    const after = this.#linkOf(slot, next), before = this.#linkOf(slot, prev);
    if (after >= 0) this.#setLink(after, prev, before);
    if (before >= 0) this.#setLink(before, next, after);
    this.#setLink(slot, next, -1);
    this.#setLink(slot, prev, -1);
    return head === slot ? after : head;
  }

  #linkOf(slot: number, link: number): number {
    return this.#segments[slot >>> SEGMENT_BITS]!.links[(slot & SEGMENT_MASK) * LINKS + link]!;
  }
  #setLink(slot: number, link: number, value: number): void {
    this.#segments[slot >>> SEGMENT_BITS]!.links[(slot & SEGMENT_MASK) * LINKS + link] = value;
  }

  #int(slot: number, field: number): number {
    return this.#segments[slot >>> SEGMENT_BITS]!.ints[(slot & SEGMENT_MASK) * RECORD_INTS + field]!;
  }
  #set(slot: number, field: number, value: number): void {
    this.#segments[slot >>> SEGMENT_BITS]!.ints[(slot & SEGMENT_MASK) * RECORD_INTS + field] = value;
  }

  #idBytes(slot: number): Uint8Array {
    const long = (this.#int(slot, FLAGS) & CALL_LONG_ID) !== 0;
    return long ? this.#longIds.get(slot)! : this.#segments[slot >>> SEGMENT_BITS]!.bytes;
  }
  #idStart(slot: number): number {
    const long = (this.#int(slot, FLAGS) & CALL_LONG_ID) !== 0;
    return long ? 0 : (slot & SEGMENT_MASK) * RECORD_BYTES + ID_OFFSET;
  }
  #hasId(slot: number, buf: Uint8Array, start: number, end: number): boolean {
    return this.idLength(slot) === end - start &&
      sameFolded(this.#idBytes(slot), this.#idStart(slot), buf, start, end - start);
  }

  #sameFoldedPublicId(slot: number): boolean {
    const own = this.#publicIds.get(slot)!;
    return this.#hasId(slot, own, 0, own.length);
  }

  #forgetPublicId(slot: number): void {
    const folded = Buffer.from(this.#publicIds.get(slot)!).toString().toLowerCase();
    if (this.#aliases.get(folded) === slot) this.#aliases.delete(folded);
    this.#publicIds.delete(slot);
  }

  #allocate(): number {
    if (this.#freeHead >= 0) {
      const slot = this.#freeHead;
      this.#freeHead = this.#linkOf(slot, PARTY_NEXT);
      return slot;
    }
    const slot = this.#slots++;
    if (slot >>> SEGMENT_BITS === this.#segments.length) this.#addSegment();
    return slot;
  }

  #allocateAt(slot: number): number {
    while (this.#slots <= slot) {
      const next = this.#slots++;
      if (next >>> SEGMENT_BITS === this.#segments.length) this.#addSegment();
      this.#setLink(next, PARTY_NEXT, this.#freeHead);
      this.#freeHead = next;
    }
    invariant(!this.isLive(slot), "a stored call returns to a free slot");
    if (this.#freeHead === slot) {
      this.#freeHead = this.#linkOf(slot, PARTY_NEXT);
      return slot;
    }
    // Rows come back in slot order, so the place is found among the gaps just made.
    let before = this.#freeHead;
    while (this.#linkOf(before, PARTY_NEXT) !== slot) before = this.#linkOf(before, PARTY_NEXT);
    this.#setLink(before, PARTY_NEXT, this.#linkOf(slot, PARTY_NEXT));
    return slot;
  }

  #addSegment(): void {
    const memory = new ArrayBuffer(SEGMENT_SLOTS * RECORD_BYTES);
    const links = new Int32Array(SEGMENT_SLOTS * LINKS);
    this.#segments.push({ ints: new Int32Array(memory), bytes: new Uint8Array(memory), links });
  }
}

/** Is the id of the record at `record` the bytes `[start, end)` under `view`, to the letter? The hot form. */
function sameLetters(ints: Int32Array, record: number, view: DataView, start: number, end: number): boolean {
  const flags = ints[record + FLAGS]!;
  if (flags >>> 16 !== end - start || (flags & CALL_LONG_ID) !== 0) return false;
  let i = start, k = record + ID_OFFSET / 4;
  for (; i + 4 <= end; i += 4, k++) if (ints[k] !== view.getInt32(i, true)) return false;
  if (i === end) return true;
  // The cell is longer than any id in it, so its last word is there; the bytes beyond the id are not looked at.
  for (let word = ints[k]!; i < end; i++, word >>>= 8) if ((word & 0xff) !== view.getUint8(i)) return false;
  return true;
}
