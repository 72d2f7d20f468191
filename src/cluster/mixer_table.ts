/**
 * The live mixers and which calls are in them. A membership is a packed record of 24 bytes in two lists, that of its
 * mixer and that of its call; a mixer is an object of about 750 bytes, its names included.
 *
 * A call that is, or is about to be, in a mixer carries CALL_IN_MIXER: nobody else's end looks anything up here.
 */
import { MIXERS_MAX } from "../base/limits.ts";
import { CALL_IN_MIXER, type CallTable } from "./call_table.ts";
import type { Resource } from "./application.ts";
import { foldId } from "./fold_id.ts";
import { type ExpectedJoin, Mixer } from "./mixer.ts";
import type { Node, NodeDomain } from "./node.ts";

const MIXER = 0, SLOT = 1, NEXT = 2, PREV = 3, NEXT_OF_CALL = 4, PREV_OF_CALL = 5;
const FIELDS = 6;

export class MixerTable {
  /** Mixers made since start (§4.3). */
  total = 0;
  readonly #calls: CallTable;
  readonly #byNodeName = new Map<string, Mixer>();
  readonly #mixers: (Mixer | null)[] = [];
  readonly #freeNumbers: number[] = [];
  #members = new Int32Array(64 * FIELDS);
  #used = 0;
  #freeHead = -1;
  /** Call slot -> its first membership, -1: none. */
  #heads = new Int32Array(0);
  readonly #expected = new Map<number, ExpectedJoin[]>();

  constructor(calls: CallTable) {
    this.#calls = calls;
  }

  /** Known mixers, those included whose name is only spoken for. */
  get size(): number {
    return this.#byNodeName.size;
  }

  /** No further mixer can be entered. */
  get full(): boolean {
    return this.#byNodeName.size >= MIXERS_MAX;
  }

  /** Bytes of the packed tables. */
  get bytes(): number {
    return this.#members.byteLength + this.#heads.byteLength;
  }

  all(): IterableIterator<Mixer> {
    return this.#byNodeName.values();
  }

  /** The mixer that nodes know as `nodeName` (in any letters), wherever it is, or null. */
  named(nodeName: string): Mixer | null {
    return this.#byNodeName.get(nodeName) ?? this.#byNodeName.get(foldId(nodeName)) ?? null;
  }

  /** As named(), if it is at `node`: the same name at another node is not ours (PX12). */
  find(node: Node, nodeName: string): Mixer | null {
    const mixer = this.named(nodeName);
    return mixer !== null && mixer.domain.node === node ? mixer : null;
  }

  add(nodeName: string, name: string, application: string, domain: NodeDomain): Mixer {
    const number = this.#freeNumbers.pop() ?? this.#mixers.length;
    const mixer = new Mixer(number, nodeName, name, application, domain);
    this.#mixers[number] = mixer;
    this.#byNodeName.set(nodeName, mixer);
    return mixer;
  }

  /** Forgets a mixer with its memberships. What it holds of resources is the caller's to give back. */
  remove(mixer: Mixer): void {
    while (mixer.head >= 0) this.#unlink(mixer.head);
    mixer.gone = true;
    this.#byNodeName.delete(mixer.nodeName);
    this.#mixers[mixer.number] = null;
    this.#freeNumbers.push(mixer.number);
  }

  // ── members ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Next member after `member` of the same mixer, -1 at the end; begin with `mixer.head`. */
  next(member: number): number {
    return this.#members[member * FIELDS + NEXT]!;
  }
  slotOf(member: number): number {
    return this.#members[member * FIELDS + SLOT]!;
  }

  /** Slots of the calls in `mixer`, first come first. Allocates. */
  slots(mixer: Mixer): number[] {
    const slots: number[] = [];
    for (let at = mixer.head; at >= 0; at = this.next(at)) slots.push(this.slotOf(at));
    return slots.reverse();
  }

  has(mixer: Mixer, slot: number): boolean {
    return this.#find(mixer, slot) >= 0;
  }

  /** Call `slot` is in `mixer` from now on; false: it was. */
  join(mixer: Mixer, slot: number): boolean {
    this.#comeTrue(mixer, slot);
    if (this.has(mixer, slot)) return false;
    const member = this.#allocate();
    const at = member * FIELDS;
    const m = this.#members;
    m[at + MIXER] = mixer.number;
    m[at + SLOT] = slot;
    m[at + PREV] = m[at + PREV_OF_CALL] = -1;
    m[at + NEXT] = mixer.head;
    if (mixer.head >= 0) m[mixer.head * FIELDS + PREV] = member;
    mixer.head = member;
    mixer.members++;
    const first = this.#headOf(slot);
    m[at + NEXT_OF_CALL] = first;
    if (first >= 0) m[first * FIELDS + PREV_OF_CALL] = member;
    this.#heads[slot] = member;
    this.#calls.setFlag(slot, CALL_IN_MIXER, true);
    return true;
  }

  /** Call `slot` is not in `mixer` any more; false: it was not. */
  leave(mixer: Mixer, slot: number): boolean {
    this.#comeTrue(mixer, slot);
    const member = this.#find(mixer, slot);
    if (member < 0) return false;
    this.#unlink(member);
    return true;
  }

  /** The call has ended: it is in no mixer and nothing is expected of it. Returns the mixers it concerned. */
  callGone(slot: number): Mixer[] {
    const concerned: Mixer[] = [];
    for (const join of this.#expected.get(slot) ?? []) {
      if (!concerned.includes(join.mixer)) concerned.push(join.mixer);
      drop(join);
    }
    this.#expected.delete(slot);
    for (let member = this.#headOf(slot); member >= 0; member = this.#headOf(slot)) {
      const mixer = this.#mixers[this.#members[member * FIELDS + MIXER]!]!;
      if (!concerned.includes(mixer)) concerned.push(mixer);
      this.#unlink(member);
    }
    return concerned;
  }

  // ── joins under way ────────────────────────────────────────────────────────────────────────────────────────

  expect(mixer: Mixer, slot: number, resource: Resource): ExpectedJoin {
    const join: ExpectedJoin = { mixer, slot: -1, resource, live: true };
    (mixer.joins ??= new Set()).add(join);
    if (slot >= 0) this.bind(join, slot);
    return join;
  }

  /** The call that a dial was to make is there. */
  bind(join: ExpectedJoin, slot: number): void {
    if (!join.live) return;
    join.slot = slot;
    const others = this.#expected.get(slot);
    if (others === undefined) this.#expected.set(slot, [join]);
    else others.push(join);
    this.#calls.setFlag(slot, CALL_IN_MIXER, true);
  }

  /** It has failed; nothing happens if it has come true, or its call has ended. */
  giveUp(join: ExpectedJoin): void {
    if (!join.live) return;
    drop(join);
    this.#forgetExpected(join.slot);
  }

  /** The joins that `mixer` waits for. Allocates. */
  joinsOf(mixer: Mixer): ExpectedJoin[] {
    return [...mixer.joins ?? []];
  }

  /** A new mixer has taken the name of the one that `join` was for. */
  moveTo(join: ExpectedJoin, mixer: Mixer): void {
    join.mixer = mixer;
    (mixer.joins ??= new Set()).add(join);
  }

  #comeTrue(mixer: Mixer, slot: number): void {
    const joins = this.#expected.get(slot);
    if (joins === undefined) return;
    for (const join of joins) if (join.mixer === mixer) drop(join);
    this.#forgetExpected(slot);
  }

  #forgetExpected(slot: number): void {
    const joins = this.#expected.get(slot)?.filter((join) => join.live);
    if (joins === undefined) return;
    if (joins.length === 0) this.#expected.delete(slot);
    else this.#expected.set(slot, joins);
  }

  // ── records ────────────────────────────────────────────────────────────────────────────────────────────────

  /** A call is in few mixers, a mixer may hold many calls. */
  #find(mixer: Mixer, slot: number): number {
    let member = this.#headOf(slot);
    while (member >= 0 && this.#members[member * FIELDS + MIXER] !== mixer.number) {
      member = this.#members[member * FIELDS + NEXT_OF_CALL]!;
    }
    return member;
  }

  #headOf(slot: number): number {
    if (slot >= this.#heads.length) {
      const wider = new Int32Array(Math.max(slot + 1, this.#heads.length * 2, 64)).fill(-1);
      wider.set(this.#heads);
      this.#heads = wider;
    }
    return this.#heads[slot]!;
  }

  #allocate(): number {
    if (this.#freeHead >= 0) {
      const member = this.#freeHead;
      this.#freeHead = this.#members[member * FIELDS + NEXT]!;
      return member;
    }
    if ((this.#used + 1) * FIELDS > this.#members.length) {
      const wider = new Int32Array(this.#members.length * 2);
      wider.set(this.#members);
      this.#members = wider;
    }
    return this.#used++;
  }

  #unlink(member: number): void {
    const m = this.#members;
    const at = member * FIELDS;
    const mixer = this.#mixers[m[at + MIXER]!]!;
    const next = m[at + NEXT]!, prev = m[at + PREV]!;
    if (next >= 0) m[next * FIELDS + PREV] = prev;
    if (prev >= 0) m[prev * FIELDS + NEXT] = next;
    else mixer.head = next;
    const nextOfCall = m[at + NEXT_OF_CALL]!, prevOfCall = m[at + PREV_OF_CALL]!;
    if (nextOfCall >= 0) m[nextOfCall * FIELDS + PREV_OF_CALL] = prevOfCall;
    if (prevOfCall >= 0) m[prevOfCall * FIELDS + NEXT_OF_CALL] = nextOfCall;
    else this.#heads[m[at + SLOT]!] = nextOfCall;
    mixer.members--;
    m[at + NEXT] = this.#freeHead;
    this.#freeHead = member;
  }
}

function drop(join: ExpectedJoin): void {
  const { mixer } = join;
  join.live = false;
  mixer.joins!.delete(join);
  if (mixer.joins!.size === 0) mixer.joins = null;
}
