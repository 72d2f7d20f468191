/**
 * Plays the XMPP server between the gateway and everybody else: routes stanzas between component streams, nodes
 * (as remote domains) and clients, with the manners that were found in Prosody 0.12 and ejabberd 23.01 (spec §7.4,
 * DC5, DC6, DC12, DC13, DC30, DC31).
 *
 * No sockets here: component streams come through component_session.ts, from TCP (fake_server_tcp.ts) or from
 * memory (memory_connector.ts). Kind it is not: presence to a vanished resource is dropped without a word.
 */
import type { Clock } from "../../src/base/clock.ts";
import type { Random } from "../../src/base/random.ts";
import { bareJid, errorXml, foldJid, type Peer, splitJid } from "./peer.ts";
import { attr, child, type El, esc, parseXml, toXml } from "./xml.ts";

export type Manners = "prosody" | "ejabberd" | "plain";

export interface FakeServerOptions {
  clock: Clock;
  random: Random;
  manners?: Manners;
  /** Component domains it knows, with their secrets. */
  components?: Record<string, string>;
  /** Domains whose users it serves; their clients are attached with attachClient(). */
  hosts?: string[];
  /** ejabberd's default: every component stream of the listener gets stanzas of all its domains (DC6). */
  globalRoutes?: boolean;
  /** Time from one party to the next. */
  delayMs?: number;
  /** A larger stanza from a component ends its stream. Prosody's default (DC4). */
  stanzaBytesMax?: number;
}

export interface LogEntry {
  at: number;
  /** Who handed it in: a component domain, a node's domain, or a client's full JID. */
  origin: string;
  /** Who got it; "" if nobody did. */
  target: string;
  /** Why nobody got it, or that the server made it. */
  note: "" | "bounced" | "dropped" | "server";
  /** As it was handed in. */
  xml: string;
  stanza: El;
}

/** Someone the server can give stanzas to. */
export interface Seat {
  /** The domain it stands for, or a client's full JID. */
  readonly name: string;
  readonly kind: "component" | "remote" | "client";
  deliver(xml: string, stanza: El): void;
}

/** What a test can do to an attached peer's way to the server. */
export class Attachment implements Seat {
  readonly name: string;
  readonly kind: "remote" | "client";
  readonly peer: Peer;
  readonly #server: FakeServer;
  /** Addresses this client sent directed presence to: they are told when it goes. */
  readonly directed = new Set<string>();
  online = false;
  up = true;
  #paused: { xml: string; stanza: El }[] | null = null;
  /** The way is dead and nobody has noticed: what is sent in either direction vanishes. */
  #dark = false;

  constructor(server: FakeServer, peer: Peer, name: string, kind: "remote" | "client") {
    this.#server = server;
    this.peer = peer;
    this.name = name;
    this.kind = kind;
    peer.send = (xml) => {
      if (this.up && !this.#dark) server.accept(this, parseXml(xml), xml);
    };
  }

  deliver(xml: string, stanza: El): void {
    if (this.#dark || !this.up) return;
    if (this.#paused !== null) this.#paused.push({ xml, stanza });
    else this.peer.receive(stanza);
  }

  /** Cut at once, and the server sees it: a client's `unavailable` goes out, a node's domain becomes unreachable. */
  drop(): void {
    if (!this.up) return;
    this.up = false;
    this.#server.gone(this);
    this.peer.down();
  }

  /** Goes silent: nobody is told (the machine lost its power). */
  darken(): void {
    this.#dark = true;
  }

  /** The light comes back; what was sent meanwhile is lost. */
  lighten(): void {
    this.#dark = false;
  }

  /** Back after drop(); the same JID. */
  restore(): void {
    if (this.up) return;
    this.up = true;
    this.#server.seat(this);
    this.peer.up();
  }

  /** Stops reading; the server keeps what comes. */
  pause(): void {
    this.#paused ??= [];
  }

  resume(): void {
    const waiting = this.#paused ?? [];
    this.#paused = null;
    for (const { xml, stanza } of waiting) this.deliver(xml, stanza);
  }
}

export class FakeServer {
  readonly clock: Clock;
  readonly random: Random;
  readonly manners: Manners;
  readonly secrets: Record<string, string>;
  readonly globalRoutes: boolean;
  readonly stanzaBytesMax: number;
  delayMs: number;
  /** Declarations in the headers of its component streams, beside the usual ones: ` xmlns:r='urn:xmpp:rayo:1'`. */
  streamDeclarations = "";
  /** Everything that was handed in, in order, with what became of it. */
  readonly log: LogEntry[] = [];
  /** Stanzas that a test wants to disappear on their way (a server that loses them). */
  lose: (entry: LogEntry) => boolean = () => false;

  readonly #hosts: Set<string>;
  /** Domain to streams or node; ejabberd may have several streams for one domain. */
  readonly #domains = new Map<string, Seat[]>();
  readonly #clients = new Map<string, Attachment>();
  /** Ids of the questions that the server itself asks. */
  readonly #asked = new Set<string>();
  #queue: (() => void)[] = [];
  #ids = 0;

  constructor(options: FakeServerOptions) {
    this.clock = options.clock;
    this.random = options.random;
    this.manners = options.manners ?? "prosody";
    this.secrets = options.components ?? {};
    this.#hosts = new Set(options.hosts ?? []);
    this.globalRoutes = options.globalRoutes ?? false;
    this.delayMs = options.delayMs ?? 0;
    this.stanzaBytesMax = options.stanzaBytesMax ?? 524_288;
  }

  /** A node, as a remote domain reached by s2s. */
  attachNode(peer: Peer, domain: string): Attachment {
    const seat = new Attachment(this, peer, domain, "remote");
    this.seat(seat);
    peer.up();
    return seat;
  }

  /** A client of one of the server's hosts, logged in with this full JID. */
  attachClient(peer: Peer, fullJid: string): Attachment {
    this.#hosts.add(splitJid(fullJid).domain);
    const seat = new Attachment(this, peer, foldJid(fullJid), "client");
    this.seat(seat);
    peer.up();
    return seat;
  }

  seat(seat: Seat): void {
    if (seat.kind === "client") {
      this.#clients.set(seat.name, seat as Attachment);
      return;
    }
    const seats = this.#domains.get(seat.name) ?? [];
    seats.push(seat);
    this.#domains.set(seat.name, seats);
  }

  /** Somebody's way to the server has ended and the server knows. */
  gone(seat: Seat): void {
    if (seat.kind !== "client") {
      const left = (this.#domains.get(seat.name) ?? []).filter((s) => s !== seat);
      if (left.length > 0) this.#domains.set(seat.name, left);
      else this.#domains.delete(seat.name);
      return;
    }
    const client = seat as Attachment;
    this.#clients.delete(client.name);
    for (const to of client.directed) {
      this.#route(
        client,
        parseXml(`<presence type='unavailable' from='${esc(client.name)}' to='${esc(to)}'/>`),
        "server",
      );
    }
    client.directed.clear();
    client.online = false;
  }

  /** Streams that stand for a domain now. */
  seatsOf(domain: string): readonly Seat[] {
    return this.#domains.get(domain) ?? [];
  }

  /** One stanza from one party; its `from` has not been looked at yet. Components are checked by their session. */
  accept(origin: Seat, stanza: El, xml: string): void {
    if (origin.kind === "client") {
      stanza.attrs.from = origin.name;
      return this.#fromClient(origin as Attachment, stanza, xml);
    }
    if (origin.kind === "remote" && splitJid(attr(stanza, "from")).domain !== origin.name) {
      this.#note(origin.name, "", "dropped", xml, stanza);
      return;
    }
    this.#route(origin, stanza, "", xml);
  }

  #fromClient(client: Attachment, stanza: El, xml: string): void {
    const to = attr(stanza, "to");
    if (stanza.name === "presence") {
      const gone = stanza.attrs.type === "unavailable";
      if (to === "") {
        client.online = !gone;
        this.#note(client.name, "", "", xml, stanza);
        if (gone) this.#tellDirected(client);
        return;
      }
      if (gone) client.directed.delete(foldJid(to));
      else if (stanza.attrs.type === undefined) client.directed.add(foldJid(to));
    }
    if (to === "") {
      this.#note(client.name, "", "", xml, stanza);
      if (stanza.name === "iq") this.#answerHost(client, stanza);
      return;
    }
    this.#route(client, stanza, "", xml);
  }

  #tellDirected(client: Attachment): void {
    const told = [...client.directed];
    client.directed.clear();
    for (const to of told) {
      this.#route(
        client,
        parseXml(`<presence type='unavailable' from='${esc(client.name)}' to='${esc(to)}'/>`),
        "server",
      );
    }
  }

  #route(origin: Seat, stanza: El, note: "" | "server", xml = toXml(stanza)): void {
    if (this.manners !== "plain") {
      // FS55: node preparation.
      if (stanza.attrs.to !== undefined) stanza.attrs.to = foldJid(stanza.attrs.to);
      if (stanza.attrs.from !== undefined) stanza.attrs.from = foldJid(stanza.attrs.from);
    }
    const to = attr(stanza, "to");
    if (stanza.attrs.type !== "get" && this.#asked.delete(attr(stanza, "id"))) {
      this.#note(origin.name, "", "server", xml, stanza); // its own question, though in the client's name
      return;
    }
    const domain = splitJid(to).domain;
    const seat = this.#find(domain, to, stanza);
    const entry = this.#note(origin.name, seat?.name ?? "", note, xml, stanza);
    if (this.lose(entry)) {
      entry.note = "dropped";
      entry.target = "";
      return;
    }
    if (seat !== null) return this.#hand(seat, stanza);
    this.#nobody(origin, stanza, domain, entry);
  }

  #find(domain: string, to: string, stanza: El): Seat | null {
    if (this.#hosts.has(domain)) {
      const parts = splitJid(to);
      if (parts.resource !== "") return this.#clients.get(to) ?? null;
      if (parts.local === "" || stanza.name === "iq") return null;
      for (const client of this.#clients.values()) {
        if (client.online && bareJid(client.name) === to) return client;
      }
      return null;
    }
    let seats = this.#domains.get(domain);
    if (this.globalRoutes && domain in this.secrets && seats !== undefined) {
      seats = Object.keys(this.secrets).flatMap((d) => this.#domains.get(d) ?? []);
    }
    if (seats === undefined || seats.length === 0) return null;
    return seats[seats.length === 1 ? 0 : this.random.u32() % seats.length]!;
  }

  #nobody(origin: Seat, stanza: El, domain: string, entry: LogEntry): void {
    const asks = stanza.name === "iq" && (stanza.attrs.type === "get" || stanza.attrs.type === "set");
    const answerable = stanza.attrs.type !== "error" && stanza.attrs.type !== "result";
    entry.note = "dropped";
    if (this.#hosts.has(domain)) {
      if (splitJid(attr(stanza, "to")).local === "" && asks) return this.#answerHost(origin, stanza);
      // DC30: a vanished resource. Presence vanishes with it; only a question is answered (DC31).
      if (asks || (stanza.name === "message" && answerable)) {
        entry.note = "bounced";
        this.#reply(origin, stanza, errorXml("cancel", "service-unavailable"));
      }
      return;
    }
    if (!answerable) return;
    entry.note = "bounced";
    if (domain in this.secrets && this.manners === "prosody") {
      return this.#reply(
        origin,
        stanza,
        errorXml("wait", "remote-server-timeout", "Component unavailable", domain),
      );
    }
    const by = splitJid(attr(stanza, "from")).domain;
    const text = "Server-to-server connection failed: connection refused";
    this.#reply(origin, stanza, errorXml("cancel", "remote-server-not-found", text, by));
  }

  /** The server itself is asked. */
  #answerHost(origin: Seat, stanza: El): void {
    if (stanza.attrs.type !== "get" && stanza.attrs.type !== "set") return;
    const known = child(stanza, "ping", "urn:xmpp:ping") ?? child(stanza, "session") ??
      child(stanza, "query", "jabber:iq:roster");
    this.#reply(origin, stanza, known === undefined ? errorXml("cancel", "service-unavailable") : "");
  }

  /** An answer in the name of whoever was addressed; `error` "" makes it a result. */
  #reply(origin: Seat, stanza: El, error: string): void {
    const id = stanza.attrs.id === undefined ? "" : ` id='${esc(stanza.attrs.id)}'`;
    const from = stanza.attrs.to === undefined ? "" : ` from='${esc(stanza.attrs.to)}'`;
    const type = error === "" ? "result" : "error";
    const xml = `<${stanza.name}${id} type='${type}' to='${
      esc(attr(stanza, "from"))
    }'${from}>${error}</${stanza.name}>`;
    const answer = parseXml(xml);
    this.#note(attr(stanza, "to"), origin.name, "server", xml, answer);
    this.#hand(origin, answer);
  }

  #hand(seat: Seat, stanza: El): void {
    this.#later(() => {
      const xml = this.#dress(stanza);
      seat.deliver(xml, parseXml(xml));
      if (seat.kind === "client") this.#seenByClient(seat as Attachment, stanza);
    });
  }

  #seenByClient(client: Attachment, stanza: El): void {
    if (stanza.name !== "presence" || this.manners !== "ejabberd") return;
    const from = attr(stanza, "from");
    // DC13: after a presence error ejabberd forgets that this client ever told that address.
    if (stanza.attrs.type === "error") {
      client.directed.delete(from);
      client.directed.delete(bareJid(from));
    }
    // DC12: its caps module asks in the client's name.
    const caps = child(stanza, "c", "http://jabber.org/protocol/caps");
    if (caps === undefined || stanza.attrs.type !== undefined) return;
    const node = `${attr(caps, "node")}#${attr(caps, "ver")}`;
    const query = `<query xmlns='http://jabber.org/protocol/disco#info' node='${esc(node)}'/>`;
    const id = `caps${this.#ids++}`;
    this.#asked.add(id);
    const xml = `<iq type='get' id='${id}' from='${esc(client.name)}' to='${esc(from)}'>${query}</iq>`;
    this.#route(client, parseXml(xml), "server", xml);
  }

  /** How it looks when it leaves: attributes in another order, a language (FS54). */
  #dress(stanza: El): string {
    if (this.manners === "plain") return toXml(stanza);
    const dressed = this.#shuffled(stanza);
    if (!("xml:lang" in dressed.attrs)) dressed.attrs["xml:lang"] = "en";
    return toXml(dressed);
  }

  #shuffled(el: El): El {
    const names = Object.keys(el.attrs);
    for (let i = names.length - 1; i > 0; i--) {
      const j = this.random.u32() % (i + 1);
      [names[i], names[j]] = [names[j]!, names[i]!];
    }
    const attrs: Record<string, string> = {};
    for (const name of names) attrs[name] = el.attrs[name]!;
    return {
      ...el,
      prefix: "",
      attrs,
      children: el.children.map((c) => typeof c === "string" ? c : this.#shuffled(c)),
    };
  }

  #note(origin: string, target: string, note: LogEntry["note"], xml: string, stanza: El): LogEntry {
    const entry: LogEntry = { at: this.clock.now(), origin, target, note, xml, stanza };
    this.log.push(entry);
    return entry;
  }

  /** Never within the caller's own call, and in order. */
  #later(run: () => void): void {
    if (this.delayMs > 0) {
      this.clock.after(this.delayMs, run);
      return;
    }
    this.#queue.push(run);
    if (this.#queue.length > 1) return;
    this.clock.after(0, () => {
      const due = this.#queue;
      this.#queue = [];
      for (const each of due) each();
    });
  }
}
