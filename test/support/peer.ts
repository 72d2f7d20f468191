/**
 * What a simulated peer is: someone who is given a way to send and is fed stanzas. No socket, no clock of its own;
 * whoever attaches it (fake_server.ts, component.ts) sets `send` and calls the rest.
 */
import { attr, type El, parseXml } from "./xml.ts";

export interface Peer {
  /** One stanza as text; set by whoever attaches the peer. */
  send: (xml: string) => void;
  receive(stanza: El): void;
  /** Its way to the XMPP server is there. */
  up(): void;
  /** It is gone, and nobody said so in order. */
  down(): void;
}

/** A peer that only remembers: for scenes and small tests that write each stanza themselves. */
export class Puppet implements Peer {
  send: (xml: string) => void = () => {
    throw new Error("this peer is not attached");
  };
  readonly received: El[] = [];
  onStanza: (stanza: El) => void = () => {};

  receive(stanza: El): void {
    this.received.push(stanza);
    this.onStanza(stanza);
  }
  up(): void {}
  down(): void {}
}

/** Several peers behind one component domain: stanzas go to the one whose full JID (or domain) is in `to`. */
export class PeerGroup implements Peer {
  #send: (xml: string) => void = () => {};
  readonly #members = new Map<string, Peer>();

  get send(): (xml: string) => void {
    return this.#send;
  }
  set send(send: (xml: string) => void) {
    this.#send = send;
    for (const peer of this.#members.values()) peer.send = send;
  }

  add(jid: string, peer: Peer): void {
    this.#members.set(jid, peer);
    peer.send = (xml) => this.#send(xml);
  }

  /** What comes for it from now on is dropped, as a server does with a resource that has gone. */
  remove(jid: string): void {
    this.#members.get(jid)?.down();
    this.#members.delete(jid);
  }

  receive(stanza: El): void {
    this.#members.get(attr(stanza, "to"))?.receive(stanza);
  }
  up(): void {
    for (const peer of this.#members.values()) peer.up();
  }
  down(): void {
    for (const peer of this.#members.values()) peer.down();
  }
}

export const RAYO = "urn:xmpp:rayo:1";
export const EXT = "urn:xmpp:rayo:ext:1";
export const STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas";

export interface JidParts {
  local: string;
  domain: string;
  resource: string;
}

export function splitJid(jid: string): JidParts {
  const slash = jid.indexOf("/");
  const bare = slash < 0 ? jid : jid.slice(0, slash);
  const at = bare.indexOf("@");
  return {
    local: at < 0 ? "" : bare.slice(0, at),
    domain: bare.slice(at + 1),
    resource: slash < 0 ? "" : jid.slice(slash + 1),
  };
}

export function bareJid(jid: string): string {
  const slash = jid.indexOf("/");
  return slash < 0 ? jid : jid.slice(0, slash);
}

/** Local part and domain lower-cased, as servers do (FS55); the resource keeps its letters. */
export function foldJid(jid: string): string {
  const slash = jid.indexOf("/");
  return slash < 0 ? jid.toLowerCase() : jid.slice(0, slash).toLowerCase() + jid.slice(slash);
}

/** `<error>` as every peer writes it. */
export function errorXml(type: string, condition: string, text?: string, by?: string): string {
  const words = text === undefined
    ? ""
    : `<text xml:lang='en' xmlns='${STANZAS}'>${
      text.replace(/[<&]/g, (c) => c === "<" ? "&lt;" : "&amp;")
    }</text>`;
  return `<error type='${type}'${
    by === undefined ? "" : ` by='${by}'`
  }><${condition} xmlns='${STANZAS}'/>${words}</error>`;
}

/** The condition of an error stanza, "" if it has none. */
export function conditionOf(stanza: El): string {
  const error = stanza.children.find((c): c is El => typeof c !== "string" && c.name === "error");
  const condition = error?.children.find((c): c is El =>
    typeof c !== "string" && c.ns === STANZAS && c.name !== "text"
  );
  return condition?.name ?? "";
}

/** Feeds text to a peer as if it had come over the wire. */
export function feed(peer: Peer, xml: string): void {
  peer.receive(parseXml(xml));
}
