/**
 * The gateway between its sockets, on a clock that the test owns: stanzas in as text, stanzas out as trees. For tests
 * that need what scenes cannot say: raw bytes, odd stream headers, restarts, what is left in the tables.
 */
import { Log } from "../../src/base/log.ts";
import {
  ATTRIBUTES_MAX,
  NAME_BYTES_MAX,
  STANZA_BYTES_HARD_MAX,
  STANZA_BYTES_MAX,
  STANZA_DEPTH_MAX,
} from "../../src/base/limits.ts";
import { seededRandom } from "../../src/base/random.ts";
import { Directory } from "../../src/cluster/directory.ts";
import { restore } from "../../src/cluster/restore.ts";
import { type Change, emptySnapshot, type Snapshot } from "../../src/cluster/store.ts";
import { Trust } from "../../src/cluster/trust.ts";
import type { RoutingSettings } from "../../src/routing/exchange.ts";
import type { OwnershipSettings } from "../../src/routing/ownership.ts";
import { ServedDomain } from "../../src/routing/served_domain.ts";
import { Switchboard } from "../../src/routing/switchboard.ts";
import { Framer } from "../../src/xmpp/framer.ts";
import { Outlet } from "../../src/xmpp/outlet.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { type El, elements, parseXml } from "../support/xml.ts";

export const EXTERNAL = "rayo.test";
/** Another external domain, with a stream of its own (DC6). */
export const SECOND = "rayo2.test";
export const INTERNAL = "int.test";
export const SELF = "int.test/gateway";
export const JULIET = "juliet@capulet.test/balcony";
export const NODE1 = "node1.test";

const HEADER =
  "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'";

/** Whose stream: of the first external domain, the second, or the internal one. */
export type Side = "external" | "second" | "internal";

export interface RigOptions {
  trusted?: string[];
  statics?: string[];
  settings?: Partial<RoutingSettings>;
  /** More attributes for the stream headers that come in. */
  header?: string;
  outletBytes?: number;
  clock?: ManualClock;
  /** What an earlier life left behind. */
  journal?: RowJournal;
  seed?: number;
}

/** Keeps rows as a store would. */
export class RowJournal {
  readonly rows = new Map<string, Change>();
  readonly changes: Change[] = [];

  note(change: Change): void {
    this.changes.push(change);
    const kind = change.kind.replace(/-gone$/, "");
    const key = `${kind} ${
      "slot" in change
        ? change.slot
        : change.kind === "call"
        ? change.row.slot
        : "row" in change
        ? ("address" in change.row
          ? change.row.address
          : "jid" in change.row
          ? change.row.jid
          : "name" in change.row
          ? change.row.name
          : "")
        : "jid" in change
        ? change.jid
        : "address" in change
        ? change.address
        : change.name
    }`;
    this.rows.delete(key);
    if (!change.kind.endsWith("-gone")) this.rows.set(key, structuredClone(change));
  }

  copy(): RowJournal {
    const twin = new RowJournal();
    for (const [key, change] of this.rows) twin.rows.set(key, structuredClone(change));
    return twin;
  }

  snapshot(): Snapshot {
    const found = emptySnapshot();
    for (const change of this.rows.values()) {
      if (change.kind === "application") found.applications.push(change.row);
      else if (change.kind === "address") found.addresses.push(change.row);
      else if (change.kind === "node") found.nodes.push(change.row);
      else if (change.kind === "client") found.clients.push(change.row);
      else if (change.kind === "call") found.calls.push(change.row);
      else if (change.kind === "mixer") found.mixers.push(change.row);
      else if (change.kind === "ban") found.bans.push(change.jid);
      else if (change.kind === "platform") found.platforms.push(change.name);
    }
    found.calls.sort((a, b) => a.slot - b.slot);
    return found;
  }
}

/** As the configuration's defaults. */
export const OWNERSHIP: OwnershipSettings = {
  offerToAll: false,
  siblingsMayCommand: false,
  controllerLoss: "hangup",
  controllerLossOf: new Map(),
  clientGraceMs: 5_000,
  clientReturnMs: 600_000,
  permissions: { dial: "", offer: "", join: "", mixer: "", component: "", message: "" },
  commandsNeedLetters: false,
};

const SETTINGS: RoutingSettings = {
  internalResource: "gateway",
  dialAttemptsMax: 3,
  dialTimeoutMs: 30_000,
  dialDeadlineMs: 50_000,
  dialRetryConditions: new Set([
    "service-unavailable",
    "gone",
    "internal-server-error",
    "remote-server-not-found",
    "remote-server-timeout",
    "resource-constraint",
  ]),
  commandTimeoutMs: 55_000,
  offerTimeoutMs: 4_000,
  holdMs: 2_000,
  mixersShared: false,
  failuresAllowed: 5,
  ownership: OWNERSHIP,
};

/** The gateway's own pings of clients (DC31), which only tests of them care about. */
const OWN_PING = /<iq type='get' id='gw-[^>]*><ping xmlns='urn:xmpp:ping'\/><\/iq>/g;

export class Rig {
  readonly clock: ManualClock;
  readonly journal: RowJournal;
  readonly directory: Directory;
  readonly switchboard: Switchboard;
  readonly external: ServedDomain;
  readonly second: ServedDomain;
  readonly internal: ServedDomain;
  readonly logLines: string[] = [];
  readonly outlets: Record<Side, Outlet>;
  readonly #framers: Record<Side, Framer>;
  overflows = 0;

  constructor(options: RigOptions = {}) {
    this.clock = options.clock ?? new ManualClock();
    this.journal = options.journal ?? new RowJournal();
    const log = new Log((line) => this.logLines.push(line), () => this.clock.wall(), "debug");
    const statics = options.statics ?? [];
    const trust = new Trust(options.trusted ?? ["node1.test", "node2.test", "node3.test"], statics);
    const defaults = { defaultPlatform: "default", defaultWeight: 10, defaultPriority: 1 };
    this.directory = new Directory(defaults, trust, this.journal);
    restore(this.directory, this.journal.snapshot(), log);
    for (const jid of statics) {
      const node = this.directory.nodeFor(jid);
      node.isStatic = true;
      this.directory.enrolNode(node, [], null, null);
    }
    const hooks = { dirty() {}, overflow: () => this.overflows++ };
    const bytes = options.outletBytes ?? 1 << 24;
    this.outlets = {
      external: new Outlet(bytes, hooks),
      second: new Outlet(bytes, hooks),
      internal: new Outlet(bytes, hooks),
    };
    this.external = new ServedDomain(true, 0, EXTERNAL, this.outlets.external);
    this.second = new ServedDomain(true, 1, SECOND, this.outlets.second);
    this.internal = new ServedDomain(false, 0, INTERNAL, this.outlets.internal);
    this.switchboard = new Switchboard(
      this.directory,
      { ...SETTINGS, ...options.settings },
      30_000,
      this.clock,
      seededRandom(options.seed ?? 1),
      log,
      [this.external, this.second, this.internal],
    );
    this.#framers = {
      external: this.#framer(this.external, options.header ?? ""),
      second: this.#framer(this.second, options.header ?? ""),
      internal: this.#framer(this.internal, options.header ?? ""),
    };
    this.up("external");
    this.up("second");
    this.up("internal");
    this.raw("internal");
  }

  #framer(arrival: ServedDomain, more: string): Framer {
    const framer = new Framer({
      header() {},
      stanza: (s) => this.switchboard.stanza(s, arrival),
      skipped: (s, why) => this.switchboard.skipped(s, why),
      closed() {},
      fault: (fault) => {
        throw new Error(`the test's own XML is ill: ${fault.text} ${fault.sample}`);
      },
    }, {
      stanzaBytesMax: STANZA_BYTES_MAX,
      stanzaBytesHardMax: STANZA_BYTES_HARD_MAX,
      depthMax: STANZA_DEPTH_MAX,
      attributesMax: ATTRIBUTES_MAX,
      nameBytesMax: NAME_BYTES_MAX,
    });
    framer.push(Buffer.from(`${HEADER} id='1' ${more}>`));
    return framer;
  }

  get ex() {
    return this.switchboard.exchange;
  }

  up(side: Side): void {
    this.outlets[side].up = true;
    this.switchboard.linkUp(this[side]);
  }

  down(side: Side): void {
    this.outlets[side].up = false;
    this.switchboard.linkDown(this[side]);
  }

  /** What came on the external stream, or on the other domain's. */
  client(xml: string, side: Side = "external"): void {
    this.#framers[side].push(Buffer.from(xml));
  }

  /** What came on the internal stream. */
  node(xml: string): void {
    this.#framers.internal.push(Buffer.from(xml));
  }

  application(jid: string, ...addresses: string[]): void {
    const row = { jid, appId: jid, name: jid, platform: "default", accountId: "", permissions: "" };
    this.journal.note({ kind: "application", row });
    const application = this.directory.addApplication(row);
    for (const address of addresses) {
      this.journal.note({ kind: "address", row: { address, jid } });
      this.directory.setAddress(address, application);
    }
  }

  /** The bytes written since the last look, without pings of clients; nothing while the link is down. */
  raw(side: Side): string {
    const text = this.rawAll(side);
    return side === "external" ? text.replace(OWN_PING, "") : text;
  }

  /** The same with the pings. */
  rawAll(side: Side): string {
    const outlet = this.outlets[side];
    let text = "";
    if (!outlet.up) return text;
    for (;;) {
      const end = outlet.writable(), start = outlet.writeStart;
      if (end === start) break;
      text += outlet.buf.toString("utf8", start, end);
      outlet.taken(end - start);
    }
    outlet.clean();
    return text;
  }

  /** Stanzas for clients since the last look. */
  toClients(): El[] {
    return elements(parseXml(`<s xmlns='jabber:component:accept'>${this.raw("external")}</s>`));
  }

  /** Stanzas for nodes since the last look. */
  toNodes(): El[] {
    return elements(parseXml(`<s xmlns='jabber:component:accept'>${this.raw("internal")}</s>`));
  }

  /** Juliet's application, Juliet's resource and a node that has said `chat`; nothing waits to be read. */
  ready(): this {
    this.application("juliet@capulet.test", "sip:juliet@example.com");
    this.chat(JULIET);
    this.nodeChat(NODE1);
    this.raw("external");
    this.raw("internal");
    return this;
  }

  chat(jid: string): void {
    this.client(`<presence from='${jid}' to='${EXTERNAL}'><show>chat</show></presence>`);
  }

  nodeChat(jid: string): void {
    this.node(`<presence from='${jid}' to='${INTERNAL}'><show>chat</show></presence>`);
  }

  offer(call: string, to = "sip:juliet@example.com"): void {
    this.node(
      `<presence from='${call}' to='${SELF}'><offer xmlns='urn:xmpp:rayo:1' to='${to}' from='x'/></presence>`,
    );
  }

  event(call: string, name: string): void {
    this.node(`<presence from='${call}' to='${SELF}'><${name} xmlns='urn:xmpp:rayo:1'/></presence>`);
  }

  end(call: string): void {
    this.node(
      `<presence type='unavailable' from='${call}' to='${SELF}'><end xmlns='urn:xmpp:rayo:1'><hungup/></end></presence>`,
    );
  }

  dial(id: string, from = JULIET, attributes = "", inside = ""): void {
    this.client(
      `<iq type='set' id='${id}' from='${from}' to='${EXTERNAL}'>` +
        `<dial xmlns='urn:xmpp:rayo:1' to='tel:1' from='tel:2'${attributes}>${inside}</dial></iq>`,
    );
  }

  command(id: string, call: string, name: string, from = JULIET): void {
    this.client(
      `<iq type='set' id='${id}' from='${from}' to='${call}@${EXTERNAL}'><${name} xmlns='urn:xmpp:rayo:1'/></iq>`,
    );
  }

  result(id: string, from: string, inside = ""): void {
    this.node(`<iq type='result' id='${id}' from='${from}' to='${SELF}'>${inside}</iq>`);
  }

  /** The node's `ref` to a new call. */
  ref(id: string, node: string, call: string): void {
    this.result(id, node, `<ref xmlns='urn:xmpp:rayo:1' uri='xmpp:${call}@${node}'/>`);
  }

  error(id: string, from: string, condition: string, text = ""): void {
    const words = text === "" ? "" : `<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>${text}</text>`;
    this.node(
      `<iq type='error' id='${id}' from='${from}' to='${SELF}'><error type='cancel'>` +
        `<${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>${words}</error></iq>`,
    );
  }

  /** What is left when everything has ended; empty if nothing is. */
  leftovers(): string[] {
    const { directory, ex } = this;
    const left: string[] = [];
    const count = (what: string, n: number) => n !== 0 && left.push(`${n} ${what}`);
    count("calls", directory.calls.size);
    count("requests", ex.requests.outstanding);
    count("dials", ex.dials.size);
    count("offers", ex.offers.size);
    count("early events", ex.early.size);
    count("early bytes", ex.early.bytes);
    for (const node of directory.nodes) {
      count(`dials outstanding at ${node.jid}`, node.outstandingDials);
      count(`calls of ${node.jid}`, node.calls);
      count(`in the list of ${node.jid}`, node.callsHead + 1);
    }
    for (let i = 0; i < directory.resourcesEnd; i++) {
      const resource = directory.resource(i);
      if (resource === null) continue;
      count(`holds of ${resource.jid}`, resource.holds);
      count(`calls of ${resource.jid}`, resource.calls);
      count(`in the list of ${resource.jid}`, resource.callsHead + 1);
      if (!resource.registered) left.push(`${resource.jid}, which nobody needs`);
    }
    return left;
  }
}

/** `condition/type: text` of an error stanza; "" if it is none. */
export function errorOf(el: El | undefined): string {
  const error = el === undefined ? undefined : elements(el).find((c) => c.name === "error");
  if (error === undefined) return "";
  const NS = "urn:ietf:params:xml:ns:xmpp-stanzas";
  const [condition, text] = elements(error).filter((c) => c.ns === NS);
  return `${condition?.name ?? ""}/${error.attrs.type ?? ""}${
    text === undefined ? "" : `: ${text.children.join("")}`
  }`;
}
