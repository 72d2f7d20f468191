/**
 * The nodes' part of the directory: domains, nodes, platforms, and who is trusted (spec 1.1, G1, GAP 2).
 */
import { sameBytes } from "../base/bytes.ts";
import { Node, NodeDomain, type NodeSays } from "./node.ts";
import { NameIndex } from "./name_index.ts";
import { Platform } from "./platform.ts";
import type { Change, NodeRow } from "./store.ts";
import type { Trust } from "./trust.ts";

/** Where changes go that must outlive the process; written behind (DC39). */
export interface Journal {
  note(change: Change): void;
}

export interface DirectorySettings {
  defaultPlatform: string;
  defaultWeight: number;
  defaultPriority: number;
}

export class NodeDirectory {
  readonly platforms = new Map<string, Platform>();
  readonly nodes: Node[] = [];
  /** Node domain number -> node number, for the call table. */
  domainOwners: Int32Array = new Int32Array(64);

  protected readonly journal: Journal;
  readonly #settings: DirectorySettings;
  #trust: Trust;
  readonly #nodesByJid = new Map<string, Node>();
  readonly #domains: NodeDomain[] = [];
  readonly #domainIndex = new NameIndex();
  #lastFound: NodeDomain | null = null;

  constructor(settings: DirectorySettings, trust: Trust, journal: Journal) {
    this.#settings = settings;
    this.#trust = trust;
    this.journal = journal;
  }

  /** The node domain `buf[start, end)` if it was heard of before, else null. */
  findDomain(buf: Uint8Array, start: number, end: number): NodeDomain | null {
    // One node says many things in a row.
    const last = this.#lastFound;
    if (
      last !== null && last.wire.length === end - start && sameBytes(buf, start, last.wire, 0, end - start)
    ) {
      return last;
    }
    const number = this.#domainIndex.find(buf, start, end, end);
    return number < 0 ? null : this.#lastFound = this.#domains[number]!;
  }

  /** The node domain `text` (folded) if it may speak as a node (DC8), else null. */
  trustedDomain(text: string): NodeDomain | null {
    const jid = this.#trust.nodeOf(text, (domain) => this.#nodesByJid.get(domain)?.enrolled === true);
    return jid === null ? null : this.domainOf(text, this.nodeFor(jid));
  }

  /** May `text` (folded) speak as a node? As trustedDomain(), but nothing is remembered of it. */
  trusts(text: string): boolean {
    return this.#trust.nodeOf(text, () => false) !== null;
  }

  /**
   * Rules changed at run time: domains that nobody trusts any more are not found again. Returns the nodes that may not
   * speak for themselves from now on; their calls are the caller's business.
   */
  setTrust(trust: Trust): Node[] {
    this.#lastFound = null;
    this.#trust = trust;
    for (const domain of this.#domains) {
      if (!this.trusts(domain.text)) this.#domainIndex.delete(domain.text);
      else if (this.#domainIndex.findText(domain.text) < 0) this.#domainIndex.set(domain.text, domain.number);
    }
    return this.nodes.filter((node) => !this.trusts(node.jid));
  }

  domain(number: number): NodeDomain {
    return this.#domains[number]!;
  }

  domainOf(text: string, node: Node): NodeDomain {
    const known = this.#domains.find((domain) => domain.text === text && domain.node === node);
    if (known !== undefined) {
      this.#domainIndex.set(text, known.number);
      this.#lastFound = null;
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
    this.#lastFound = null;
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
  enrolNode(
    node: Node,
    platforms: readonly string[],
    weight: number | null,
    priority: number | null,
  ): boolean {
    const was = node.enrolled && node.state === "available" && !node.blacklisted;
    node.enrolled = true;
    // A static node's `chat` says nothing about what the configuration says of it.
    const { defaultPlatform, defaultWeight, defaultPriority } = this.#settings;
    node.weight = weight ?? (node.isStatic ? node.weight : defaultWeight);
    node.priority = priority ?? (node.isStatic ? node.priority : defaultPriority);
    if (platforms.length === 0) {
      platforms = node.isStatic && node.platforms.length > 0 ? node.platforms : [defaultPlatform];
    }
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
    this.noteNode(node);
  }

  /** An operator removes a node (D3): it is listed no more; its calls stay routable until they end. */
  removeNode(node: Node): void {
    node.enrolled = false;
    node.isStatic = false;
    node.state = "unreachable";
    this.#setPlatforms(node, []);
    this.journal.note({ kind: "node-gone", jid: node.jid });
  }

  /** Enrolled nodes, in the order in which they were first heard of. */
  enrolledNodes(): Node[] {
    return this.nodes.filter((node) => node.enrolled);
  }

  platform(name: string): Platform {
    let platform = this.platforms.get(name);
    if (platform === undefined) {
      this.platforms.set(name, platform = new Platform(name));
      this.journal.note({ kind: "platform", name });
    }
    return platform;
  }

  /** What is known of a node is to be stored; one that is not listed (any more) is not. */
  noteNode(node: Node): void {
    if (!node.enrolled) return;
    this.journal.note({ kind: "node", row: this.nodeRow(node) });
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
}
