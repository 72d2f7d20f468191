/**
 * Everything routing reads, in memory: nodes, platforms, applications, resources and calls; the truth while the
 * process runs (spec page 1). What must outlive the process is noted in a journal as it changes.
 *
 * Never waits, never asks the store, never writes to a link. Rules that involve more than state (who is told, what is
 * sent) live in routing/.
 */
import { EVER_SEEN_MAX } from "../base/limits.ts";
import { AddressBook } from "./address.ts";
import { Application, Resource } from "./application.ts";
import { CALL_ACCEPTED, CALL_CONTROLLED, CALL_OUTBOUND, CallTable } from "./call_table.ts";
import { NameIndex } from "./name_index.ts";
import { Node, NodeDomain, type NodeSays } from "./node.ts";
import { Platform } from "./platform.ts";
import type { ApplicationRow, CallRow, Change, NodeRow } from "./store.ts";
import type { Trust } from "./trust.ts";

/** Where changes go that must outlive the process; written behind (DC39). */
export interface Journal {
  note(change: Change): void;
}

/** A journal for those who keep nothing. */
export const noJournal: Journal = { note() {} };

export interface DirectorySettings {
  defaultPlatform: string;
  defaultWeight: number;
  defaultPriority: number;
}

/** §4.3: ever since start. */
export interface Totals {
  calls: number;
  clients: number;
  resources: number;
}

/** Of an id that an alias is made from. */
const ALIAS_STEM_MAX = 200;

export class Directory {
  readonly calls = new CallTable();
  readonly applications = new Map<string, Application>();
  readonly addresses = new AddressBook<Application>();
  readonly bans = new Set<string>();
  readonly platforms = new Map<string, Platform>();
  readonly nodes: Node[] = [];
  readonly totals: Totals = { calls: 0, clients: 0, resources: 0 };
  /** Node domain number -> node number, for the call table. */
  domainOwners: Int32Array = new Int32Array(64);
  quiesced = false;

  readonly #settings: DirectorySettings;
  readonly #journal: Journal;
  #trust: Trust;
  readonly #nodesByJid = new Map<string, Node>();
  readonly #domains: NodeDomain[] = [];
  readonly #domainIndex = new NameIndex();
  readonly #resources: (Resource | null)[] = [];
  readonly #freeResources: number[] = [];
  readonly #resourceIndex = new NameIndex();
  /** Calls whose offer more than one resource has seen: all of them, first asked first. */
  readonly #alsoOffered = new Map<number, Resource[]>();
  readonly #everBare = new Set<string>();
  readonly #everFull = new Set<string>();
  #clientOrder = 0;

  constructor(settings: DirectorySettings, trust: Trust, journal: Journal) {
    this.#settings = settings;
    this.#trust = trust;
    this.#journal = journal;
  }

  // ── nodes ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** The node domain `buf[start, end)` if it was heard of before, else null. */
  findDomain(buf: Uint8Array, start: number, end: number): NodeDomain | null {
    const number = this.#domainIndex.find(buf, start, end, end);
    return number < 0 ? null : this.#domains[number]!;
  }

  /** The node domain `text` (folded) if it may speak as a node (DC8), else null. */
  trustedDomain(text: string): NodeDomain | null {
    const jid = this.#trust.nodeOf(text, (domain) => this.#nodesByJid.get(domain)?.enrolled === true);
    return jid === null ? null : this.domainOf(text, this.nodeFor(jid));
  }

  /** Rules changed at run time: domains that nobody trusts any more are not found again. */
  setTrust(trust: Trust): void {
    this.#trust = trust;
    for (const domain of this.#domains) {
      if (trust.nodeOf(domain.text, () => false) === null) this.#domainIndex.delete(domain.text);
      else this.#domainIndex.set(domain.text, domain.number);
    }
  }

  domain(number: number): NodeDomain {
    return this.#domains[number]!;
  }

  domainOf(text: string, node: Node): NodeDomain {
    const known = this.#domains.find((domain) => domain.text === text && domain.node === node);
    if (known !== undefined) {
      this.#domainIndex.set(text, known.number);
      return known;
    }
    const domain = new NodeDomain(this.#domains.length, text, node);
    this.#domains.push(domain);
    if (this.domainOwners.length < this.#domains.length) {
      const wider = new Int32Array(this.domainOwners.length * 2);
      wider.set(this.domainOwners);
      this.domainOwners = wider;
    }
    this.domainOwners[domain.number] = node.number;
    this.#domainIndex.set(text, domain.number);
    return domain;
  }

  nodeByJid(jid: string): Node | null {
    return this.#nodesByJid.get(jid) ?? null;
  }

  /** The node `jid`, made if it is new; making it does not enrol it. */
  nodeFor(jid: string): Node {
    let node = this.#nodesByJid.get(jid);
    if (node === undefined) {
      node = new Node(this.nodes.length, jid, this.#settings.defaultWeight, this.#settings.defaultPriority);
      this.nodes.push(node);
      this.#nodesByJid.set(jid, node);
      this.domainOf(jid, node);
    }
    return node;
  }

  /**
   * A node says `chat` (PN1, PN10) or is configured: it is enrolled with these platforms (the default platform if
   * there are none, GAP 5), weight and priority; a blacklist is lifted. True if it was not available before.
   */
  enrolNode(node: Node, platforms: readonly string[], weight: number | null, priority: number | null): boolean {
    const was = node.enrolled && node.state === "available" && !node.blacklisted;
    node.enrolled = true;
    // A static node's `chat` says nothing about what the configuration says of it.
    const { defaultPlatform, defaultWeight, defaultPriority } = this.#settings;
    node.weight = weight ?? (node.isStatic ? node.weight : defaultWeight);
    node.priority = priority ?? (node.isStatic ? node.priority : defaultPriority);
    if (platforms.length === 0) platforms = node.isStatic && node.platforms.length > 0 ? node.platforms : [defaultPlatform];
    node.state = "available";
    node.blacklisted = false;
    node.consecutiveErrors = 0;
    this.#setPlatforms(node, platforms);
    this.noteNode(node);
    return !was;
  }

  setNodeState(node: Node, state: NodeSays): void {
    if (node.state === state) return;
    node.state = state;
    if (node.enrolled) this.noteNode(node);
  }

  /** An operator removes a node (D3): it is listed no more; its calls stay routable until they end. */
  removeNode(node: Node): void {
    node.enrolled = false;
    node.isStatic = false;
    node.state = "unreachable";
    this.#setPlatforms(node, []);
    this.#journal.note({ kind: "node-gone", jid: node.jid });
  }

  /** Enrolled nodes, in the order in which they were first heard of. */
  enrolledNodes(): Node[] {
    return this.nodes.filter((node) => node.enrolled);
  }

  platform(name: string): Platform {
    let platform = this.platforms.get(name);
    if (platform === undefined) {
      this.platforms.set(name, platform = new Platform(name));
      this.#journal.note({ kind: "platform", name });
    }
    return platform;
  }

  noteNode(node: Node): void {
    this.#journal.note({ kind: "node", row: this.nodeRow(node) });
  }

  nodeRow(node: Node): NodeRow {
    const { jid, platforms, weight, priority, javaNode, state, blacklisted, consecutiveErrors } = node;
    return { jid, platforms, weight, priority, javaNode, state, blacklisted, consecutiveErrors };
  }

  #setPlatforms(node: Node, names: readonly string[]): void {
    for (const name of node.platforms) {
      if (names.includes(name)) continue;
      const { nodes } = this.platform(name);
      nodes.splice(nodes.indexOf(node), 1);
    }
    const before = node.platforms;
    node.platforms = [...new Set(names)];
    for (const name of node.platforms) if (!before.includes(name)) this.platform(name).nodes.push(node);
  }

  // ── applications and their resources ───────────────────────────────────────────────────────────────────────

  addApplication(row: ApplicationRow): Application {
    const application = new Application(row);
    this.applications.set(row.jid, application);
    this.platform(row.platform);
    return application;
  }

  /** Takes an application out with its addresses (D18) and resources (BUG 40); its running calls go on. */
  removeApplication(application: Application): void {
    for (const address of application.addresses) this.addresses.delete(address);
    for (const resource of [...application.resources]) this.unregisterResource(resource);
    this.applications.delete(application.jid);
  }

  setAddress(address: string, application: Application): void {
    this.addresses.owner(address)?.addresses.delete(address);
    this.addresses.set(address, application);
    application.addresses.add(address);
  }

  removeAddress(address: string): void {
    this.addresses.owner(address)?.addresses.delete(address);
    this.addresses.delete(address);
  }

  /** The resource with the full JID `buf[start, end)` (its bare part ends at `bareEnd`), or null if nobody knows it. */
  findResource(buf: Uint8Array, start: number, bareEnd: number, end: number): Resource | null {
    const number = this.#resourceIndex.find(buf, start, bareEnd, end);
    return number < 0 ? null : this.#resources[number]!;
  }

  resourceByJid(jid: string): Resource | null {
    const slash = jid.indexOf("/");
    const number = this.#resourceIndex.findText(jid, foldLength(jid, slash));
    return number < 0 ? null : this.#resources[number]!;
  }

  /** One past the highest resource number in use: for walking all resources. */
  get resourcesEnd(): number {
    return this.#resources.length;
  }

  /** Everything known under a bare JID: registered resources and parties of calls. */
  resourcesOf(bare: string): Resource[] {
    return this.#resources.filter((resource) => resource !== null && resource.bare === bare) as Resource[];
  }

  resource(number: number): Resource | null {
    return number < 0 ? null : this.#resources[number]!;
  }

  /** The resource `jid` (canonical), made if it is new; `wire`: the JID as it is to be written to its server. */
  resourceFor(jid: string, bare: string, wire: Buffer): Resource {
    const known = this.resourceByJid(jid);
    if (known !== null) return known;
    const resource = new Resource(jid, bare, wire);
    resource.number = this.#freeResources.pop() ?? this.#resources.length;
    resource.application = this.applications.get(bare) ?? null;
    this.#resources[resource.number] = resource;
    this.#resourceIndex.set(jid, resource.number, foldLength(jid, bare.length));
    return resource;
  }

  /** PC1, PC12: the resource is in rotation from now on. Nothing happens if it was already (PC11). */
  registerResource(resource: Resource, application: Application): void {
    if (resource.registered) return;
    resource.registered = true;
    resource.application = application;
    resource.consecutiveErrors = 0;
    application.resources.push(resource);
    if (countNew(this.#everFull, resource.jid)) this.totals.resources++;
    if (countNew(this.#everBare, resource.bare)) this.totals.clients++;
    this.#journal.note({ kind: "client", row: { jid: resource.jid, order: this.#clientOrder++ } });
  }

  /** The resource is out of rotation; its calls are not touched. Nothing happens if it was not in (PC5). */
  unregisterResource(resource: Resource): void {
    if (!resource.registered) return;
    resource.registered = false;
    const resources = resource.application!.resources;
    resources.splice(resources.indexOf(resource), 1);
    if (resources.length === 0) resource.application!.forgetLast();
    this.#journal.note({ kind: "client-gone", jid: resource.jid });
    this.release(resource);
  }

  /** Forgets a resource that is not registered and that nothing names any more. */
  release(resource: Resource): void {
    if (resource.registered || resource.calls > 0 || resource.holds > 0) return;
    if (this.#resources[resource.number] !== resource) return;
    this.#resources[resource.number] = null;
    this.#freeResources.push(resource.number);
    this.#resourceIndex.delete(resource.jid, foldLength(resource.jid, resource.bare.length));
  }

  /** Gives back a hold taken by a request, a dial or an offer. */
  unhold(resource: Resource): void {
    resource.holds--;
    this.release(resource);
  }

  // ── calls ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** The call of `node` with id `buf[start, end)`, or -1. */
  findCall(buf: Uint8Array, start: number, end: number, node: Node): number {
    return this.calls.find(buf, start, end, this.domainOwners, node.number);
  }

  /** The node of a call. */
  nodeOf(slot: number): Node {
    return this.#domains[this.calls.domain(slot)]!.node;
  }

  /** The resource that controls a call or was asked last, or null. */
  partyOf(slot: number): Resource | null {
    return this.resource(this.calls.party(slot));
  }

  /**
   * Enters a call with id `buf[start, end)` at `domain` for `party`. `flags`: CALL_OUTBOUND, CALL_CONTROLLED,
   * CALL_ACCEPTED as fits. Clients know it as `publicId` (the same id in other letters; "": the node's own), or by an
   * alias if another live call has that name (DC15).
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
  ): number {
    const taken = this.calls.findPublic(buf, start, end) >= 0;
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
    return this.calls.party(slot) === resource.number || this.#alsoOffered.get(slot)?.includes(resource) === true;
  }

  /** OF4, DC17: `resource`, one of the parties, controls the call from now on. */
  takeControl(slot: number, resource: Resource): void {
    this.calls.setFlag(slot, CALL_CONTROLLED, true);
    if (this.calls.party(slot) !== resource.number) this.#moveTo(slot, resource);
    this.noteCall(slot);
  }

  /** Forgets a call: it has ended, or its node is told to end it. */
  removeCall(slot: number): void {
    const node = this.nodeOf(slot);
    const party = this.partyOf(slot);
    this.#journal.note({
      kind: "call-gone",
      slot,
      domain: this.#domains[this.calls.domain(slot)]!.text,
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
    this.#journal.note({ kind: "call", row: this.callRow(slot) });
  }

  callRow(slot: number): CallRow {
    const { calls } = this;
    const party = this.partyOf(slot);
    const others = this.parties(slot);
    const parties = party === null ? [] : [party.jid];
    for (const other of others) if (other !== party) parties.push(other.jid);
    return {
      slot,
      domain: this.#domains[calls.domain(slot)]!.text,
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
    const flags = (row.controlled ? CALL_CONTROLLED : 0) | (row.accepted ? CALL_ACCEPTED : 0) |
      (row.outbound ? CALL_OUTBOUND : 0);
    this.#enter(slot, domain.node, party, flags);
    if (row.publicId !== "") this.calls.setPublicId(slot, row.publicId);
    if (others.length > 0) {
      this.#alsoOffered.set(slot, [party, ...others]);
      for (const resource of [party, ...others]) resource.holds++;
    }
  }
}

/** Adds `name` to those ever seen; false if it was there, or the memory for it is full. */
function countNew(seen: Set<string>, name: string): boolean {
  if (seen.has(name) || seen.size >= EVER_SEEN_MAX) return false;
  seen.add(name);
  return true;
}

/** How many bytes of a JID's text are folded: those of its bare part. */
function foldLength(jid: string, bareLength: number): number {
  return bareLength < 0 ? -1 : Buffer.byteLength(jid.slice(0, bareLength));
}
