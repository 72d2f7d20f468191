/**
 * Everything routing reads, in memory: nodes, platforms, applications, resources and calls; the truth while the
 * process runs (spec page 1). What must outlive the process is noted in a journal as it changes.
 *
 * One object for its readers, three files: this one has the calls, which name both what node_directory.ts and what
 * client_directory.ts keep. Never waits, never asks the store, never writes to a link. Rules that involve more
 * than state (who is told, what is sent) live in routing/.
 */
import { viewOf } from "../base/bytes.ts";
import type { Resource } from "./application.ts";
import { CALL_ACCEPTED, CALL_CONTROLLED, CALL_OUTBOUND, CALL_RESTORED, CallTable } from "./call_table.ts";
import { ClientDirectory } from "./client_directory.ts";
import { ComponentOwners } from "./component_owners.ts";
import type { Mixer } from "./mixer.ts";
import { MixerTable } from "./mixer_table.ts";
import type { Node, NodeDomain } from "./node.ts";
import type { Journal } from "./node_directory.ts";
import type { CallRow, MixerRow } from "./store.ts";

/** A journal for those who keep nothing. */
export const noJournal: Journal = { note() {} };

/** Of an id that an alias is made from. */
const ALIAS_STEM_MAX = 200;

export class Directory extends ClientDirectory {
  readonly calls = new CallTable();
  readonly mixers = new MixerTable(this.calls);
  quiesced = false;
  readonly componentOwners = new ComponentOwners();
  /** Calls that more than one resource was offered or has controlled: all of them, first asked first. */
  readonly #alsoOffered = new Map<number, Resource[]>();

  /** The call of `node` with id `buf[start, end)`, or -1. */
  findCall(buf: Uint8Array, start: number, end: number, node: Node, view = viewOf(buf)): number {
    return this.calls.find(buf, start, end, this.domainOwners, node.number, view);
  }

  /** The node of a call. */
  nodeOf(slot: number): Node {
    return this.domain(this.calls.domain(slot)).node;
  }

  /** The resource that controls a call or was asked last, or null. */
  partyOf(slot: number): Resource | null {
    return this.resource(this.calls.party(slot));
  }

  /**
   * Enters a call with id `buf[start, end)` at `domain` for `party`. `flags`: CALL_OUTBOUND, CALL_CONTROLLED,
   * CALL_ACCEPTED as fits. Clients know it as `publicId` (the same id in other letters; "": the node's own), or by an
   * alias if another live call has that name (DC15) or a dial under way asked for it (`reserved`, DL13).
   */
  addCall(
    buf: Uint8Array,
    start: number,
    end: number,
    domain: NodeDomain,
    party: Resource,
    flags: number,
    startedMs: number,
    publicId = "",
    reserved = false,
  ): number {
    const taken = reserved || this.calls.findPublic(buf, start, end) >= 0;
    const slot = this.calls.add(buf, start, end, domain.number, Math.floor(startedMs / 1000));
    if (taken) this.calls.setPublicId(slot, this.#alias(slot));
    else if (publicId !== "") this.calls.setPublicId(slot, publicId);
    this.#enter(slot, domain.node, party, flags);
    this.totals.calls++;
    return slot;
  }

  /** AH22, AH23, DC15: a name no other live call has, of letters that every client can match. */
  #alias(slot: number): string {
    const stem = this.calls.id(slot).toLowerCase().replace(/[^a-z0-9._-]/g, "_").slice(0, ALIAS_STEM_MAX);
    for (let n = 2;; n++) {
      const alias = `${stem}.${n}`;
      const bytes = Buffer.from(alias);
      if (this.calls.findPublic(bytes, 0, bytes.length) < 0) return alias;
    }
  }

  #enter(slot: number, node: Node, party: Resource, flags: number): void {
    if (flags !== 0) this.calls.setFlag(slot, flags, true);
    node.callsHead = this.calls.joinNode(slot, node.callsHead);
    node.calls++;
    party.callsHead = this.calls.joinParty(slot, party.number, party.callsHead);
    party.calls++;
  }

  /** One more resource has the offer of `slot`; it becomes the one that events go to until somebody commands. */
  offerAlsoTo(slot: number, resource: Resource): void {
    const before = this.partyOf(slot)!;
    const all = this.#alsoOffered.get(slot);
    if (all === undefined) {
      before.holds++;
      this.#alsoOffered.set(slot, [before, resource]);
    } else {
      all.push(resource);
    }
    resource.holds++;
    this.#moveTo(slot, resource);
  }

  /** Every resource that was offered this call or controls it. */
  parties(slot: number): readonly Resource[] {
    const all = this.#alsoOffered.get(slot);
    if (all !== undefined) return all;
    const party = this.partyOf(slot);
    return party === null ? [] : [party];
  }

  isParty(slot: number, resource: Resource): boolean {
    return this.calls.party(slot) === resource.number ||
      this.#alsoOffered.get(slot)?.includes(resource) === true;
  }

  /** OF4, DC17: `resource`, one of the parties, controls the call from now on. */
  takeControl(slot: number, resource: Resource): void {
    this.calls.setFlag(slot, CALL_CONTROLLED, true);
    if (this.calls.party(slot) !== resource.number) this.#moveTo(slot, resource);
    this.noteCall(slot);
  }

  /**
   * `resource`, a sibling of the controlling party, controls the call from now on. The one before stays a party: it
   * hears the `end`, and its components go on being its own (IC9).
   */
  takeOver(slot: number, resource: Resource): void {
    const before = this.partyOf(slot)!;
    if (!this.isParty(slot, resource)) this.offerAlsoTo(slot, resource);
    if (this.calls.has(slot, CALL_CONTROLLED)) this.componentOwners.share(slot, before);
    this.takeControl(slot, resource);
  }

  /** The controlling party is gone: `heir` takes its place, with all it had started. */
  handOver(slot: number, heir: Resource): void {
    const before = this.partyOf(slot)!;
    if (!this.isParty(slot, heir)) this.offerAlsoTo(slot, heir);
    this.takeControl(slot, heir);
    this.componentOwners.inherit(slot, before, heir);
    this.withdraw(slot, before);
  }

  /** `resource` is gone: what it had started on calls of others is the business of who controls them (PX8). */
  leaveComponents(resource: Resource): void {
    for (const slot of this.componentOwners.slots()) {
      const party = this.partyOf(slot);
      if (party !== null && party !== resource) this.componentOwners.inherit(slot, resource, party);
    }
  }

  /** `resource` is not a party of the call any more; nothing happens if it is the only one. */
  withdraw(slot: number, resource: Resource): void {
    const all = this.#alsoOffered.get(slot);
    const at = all === undefined ? -1 : all.indexOf(resource);
    if (all === undefined || at < 0 || all.length === 1) return;
    all.splice(at, 1);
    if (this.calls.party(slot) === resource.number) this.#moveTo(slot, all.at(-1)!);
    this.noteCall(slot);
    this.unhold(resource);
  }

  /** Forgets a call: it has ended, or its node is told to end it. */
  removeCall(slot: number): void {
    const node = this.nodeOf(slot);
    const party = this.partyOf(slot);
    this.journal.note({
      kind: "call-gone",
      slot,
      domain: this.domain(this.calls.domain(slot)).text,
      id: this.calls.id(slot),
    });
    node.callsHead = this.calls.leaveNode(slot, node.callsHead);
    node.calls--;
    if (party !== null) {
      party.callsHead = this.calls.leaveParty(slot, party.callsHead);
      party.calls--;
    }
    const others = this.#alsoOffered.get(slot);
    this.#alsoOffered.delete(slot);
    if (this.componentOwners.size > 0) this.componentOwners.forget(slot);
    this.calls.remove(slot);
    if (others !== undefined) { for (const other of others) this.unhold(other); }
    if (party !== null) this.release(party);
  }

  #moveTo(slot: number, resource: Resource): void {
    const before = this.partyOf(slot);
    if (before !== null) {
      before.callsHead = this.calls.leaveParty(slot, before.callsHead);
      before.calls--;
    }
    resource.callsHead = this.calls.joinParty(slot, resource.number, resource.callsHead);
    resource.calls++;
    if (before !== null) this.release(before);
  }

  noteCall(slot: number): void {
    this.journal.note({ kind: "call", row: this.callRow(slot) });
  }

  callRow(slot: number): CallRow {
    const { calls } = this;
    const party = this.partyOf(slot);
    const others = this.parties(slot);
    const parties = party === null ? [] : [party.jid];
    for (const other of others) if (other !== party) parties.push(other.jid);
    return {
      slot,
      domain: this.domain(calls.domain(slot)).text,
      id: calls.id(slot),
      publicId: calls.publicId(slot) === null ? "" : calls.publicText(slot),
      application: party?.bare ?? "",
      parties,
      controlled: calls.has(slot, CALL_CONTROLLED),
      accepted: calls.has(slot, CALL_ACCEPTED),
      outbound: calls.has(slot, CALL_OUTBOUND),
      startedAt: calls.startedSeconds(slot) * 1000,
    };
  }

  /** Puts a stored call back in its place. `party` and `others`: see CallRow.parties. */
  restoreCall(row: CallRow, domain: NodeDomain, party: Resource, others: readonly Resource[]): void {
    const id = Buffer.from(row.id);
    const slot = this.calls.add(id, 0, id.length, domain.number, Math.floor(row.startedAt / 1000), row.slot);
    const flags = CALL_RESTORED | (row.controlled ? CALL_CONTROLLED : 0) |
      (row.accepted ? CALL_ACCEPTED : 0) |
      (row.outbound ? CALL_OUTBOUND : 0);
    this.#enter(slot, domain.node, party, flags);
    if (row.publicId !== "") this.calls.setPublicId(slot, row.publicId);
    if (others.length > 0) {
      this.#alsoOffered.set(slot, [party, ...others]);
      for (const resource of [party, ...others]) resource.holds++;
    }
  }

  /** A mixer that is there changed; one that is only spoken for is nobody's business yet. */
  noteMixer(mixer: Mixer): void {
    if (mixer.made && !mixer.gone) this.journal.note({ kind: "mixer", row: this.#mixerRow(mixer) });
  }

  /** Forgets a mixer and gives back what it held. */
  removeMixer(mixer: Mixer): void {
    this.mixers.remove(mixer);
    if (mixer.made) this.journal.note({ kind: "mixer-gone", name: mixer.nodeName });
    for (const resource of mixer.told) this.unhold(resource);
    for (const resource of mixer.verbs?.values() ?? []) this.unhold(resource);
    for (const resource of mixer.filters ?? []) this.unhold(resource);
  }

  #mixerRow(mixer: Mixer): MixerRow {
    return {
      name: mixer.nodeName,
      publicName: mixer.name,
      application: mixer.application,
      domain: mixer.domain.text,
      participants: this.mixers.slots(mixer),
      told: mixer.told.map((resource) => resource.jid),
      verbs: [...mixer.verbs ?? []].map(([id, resource]) => [id, resource.jid]),
      filters: [...mixer.filters ?? []].map((resource) => resource.jid),
      letters: [...mixer.letters ?? []],
    };
  }

  /** Puts a stored mixer back; `resource` finds a full JID's. Calls that are not there any more are left out. */
  restoreMixer(row: MixerRow, domain: NodeDomain, resource: (jid: string) => Resource | null): void {
    const mixer = this.mixers.add(row.name, row.publicName, row.application, domain);
    mixer.made = true;
    for (const slot of row.participants) {
      if (this.calls.isLive(slot) && this.nodeOf(slot) === domain.node) this.mixers.join(mixer, slot);
    }
    const held = (jid: string, keep: (found: Resource) => void) => {
      const found = resource(jid);
      if (found === null) return;
      found.holds++;
      keep(found);
    };
    for (const jid of row.told) held(jid, (found) => mixer.told.push(found));
    for (const [id, jid] of row.verbs) held(jid, (found) => (mixer.verbs ??= new Map()).set(id, found));
    for (const jid of row.filters) held(jid, (found) => (mixer.filters ??= new Set()).add(found));
    for (const [jid, name] of row.letters) mixer.writtenBy(jid, name);
  }
}
