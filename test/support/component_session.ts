/**
 * The server's end of one XEP-0114 stream, without a socket: bytes in, text out.
 *
 * As strict as Prosody and ejabberd: a wrong `from` domain ends the stream (DC5), so do a second stream of a domain
 * (`conflict`, DC7), a wrong handshake, an unknown host, ill-formed XML and an oversized stanza.
 */
import { createHash } from "node:crypto";
import type { FakeServer, Seat } from "./fake_server.ts";
import { splitJid } from "./peer.ts";
import { attr, type El, esc, StreamReader, textOf, toXml } from "./xml.ts";

const STREAMS = "http://etherx.jabber.org/streams";
const STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams";

/** What the session does to its connection. */
export interface SessionWire {
  write(text: string): void;
  /** After what was written. */
  close(): void;
}

export class ComponentSession implements Seat {
  readonly kind = "component";
  /** The domain it asked for; "" before. */
  name = "";
  state: "header" | "handshake" | "open" | "closed" = "header";
  /** The stream error that ended it, if the server ended it. */
  error = "";
  readonly #server: FakeServer;
  readonly #wire: SessionWire;
  readonly #reader: StreamReader;
  readonly #id: string;
  #sinceStanza = 0;

  constructor(server: FakeServer, wire: SessionWire) {
    this.#server = server;
    this.#wire = wire;
    this.#id = `s${server.random.u32().toString(16)}`;
    this.#reader = new StreamReader({
      open: (root) => this.#open(root),
      stanza: (stanza) => this.#stanza(stanza),
      close: () => this.close(),
      fault: (why) => this.fail("not-well-formed", why),
    });
  }

  push(chunk: Uint8Array | string): void {
    if (this.state === "closed") return;
    this.#sinceStanza += chunk.length;
    this.#reader.push(chunk);
    if (this.#sinceStanza > this.#server.stanzaBytesMax + 65_536) {
      this.fail("policy-violation", "stanza too large");
    }
  }

  deliver(xml: string): void {
    if (this.state === "open") this.#wire.write(xml);
  }

  /** The connection is gone. */
  lost(): void {
    if (this.state === "open") this.#server.gone(this);
    this.state = "closed";
  }

  /** In order, from this side. */
  close(): void {
    if (this.state === "closed") return;
    this.#wire.write("</stream:stream>");
    this.lost();
    this.#wire.close();
  }

  fail(condition: string, text: string): void {
    if (this.state === "closed") return;
    this.error = condition;
    if (this.state === "header") this.#header("");
    this.#wire.write(
      `<stream:error><${condition} xmlns='${STREAM_ERRORS}'/><text xmlns='${STREAM_ERRORS}'>${
        esc(text)
      }</text></stream:error>`,
    );
    this.close();
  }

  #header(from: string): void {
    this.#wire.write(
      `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='${STREAMS}' id='${this.#id}'` +
        ` from='${esc(from)}' xml:lang='en'${this.#server.streamDeclarations}>`,
    );
  }

  #open(root: El): void {
    this.#sinceStanza = 0;
    const host = attr(root, "to");
    if (root.name !== "stream" || root.ns !== STREAMS) {
      return this.fail("invalid-namespace", "no stream header");
    }
    if (attr(root, "xmlns") !== "jabber:component:accept") {
      return this.fail("invalid-namespace", `'${attr(root, "xmlns")}' is not spoken here`);
    }
    this.#header(host);
    this.state = "handshake";
    this.name = host;
    if (!(host in this.#server.secrets)) {
      this.fail("host-unknown", `${host} does not match any configured external components`);
    }
  }

  #stanza(stanza: El): void {
    const bytes = this.#sinceStanza;
    this.#sinceStanza = 0;
    if (this.state === "handshake") return this.#handshake(stanza);
    if (this.state !== "open") return;
    if (bytes > this.#server.stanzaBytesMax && toXml(stanza).length > this.#server.stanzaBytesMax) {
      return this.fail("policy-violation", "XML stanza is too big");
    }
    if (stanza.ns !== "" || !["iq", "message", "presence"].includes(stanza.name)) {
      return this.fail("unsupported-stanza-type", `<${stanza.name}> is no stanza`);
    }
    const from = stanza.attrs.from;
    if (from === undefined) stanza.attrs.from = this.name;
    else if (!this.#mayBe(splitJid(from).domain)) {
      return this.fail(
        "invalid-from",
        `Component tried to send from address <${from}> which is not in domain <${this.name}>`,
      );
    }
    this.#server.accept(this, stanza, toXml(stanza));
  }

  #mayBe(domain: string): boolean {
    if (this.#server.globalRoutes) return domain in this.#server.secrets;
    return domain === this.name;
  }

  #handshake(stanza: El): void {
    const expected = createHash("sha1").update(this.#id + this.#server.secrets[this.name]!).digest("hex");
    if (stanza.name !== "handshake" || textOf(stanza) !== expected) {
      return this.fail("not-authorized", "Given token does not match calculated token");
    }
    if (this.#server.manners !== "ejabberd" && this.#server.seatsOf(this.name).length > 0) {
      return this.fail("conflict", "Component already connected");
    }
    this.state = "open";
    this.#wire.write("<handshake/>");
    this.#server.seat(this);
  }
}
