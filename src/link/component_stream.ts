/**
 * One connection of a component from TCP to its end: header, handshake, stanzas, stream errors, orderly close.
 *
 * XEP-0114 (jabber:component:accept), RFC 6120 §4.4 (closing) and §4.9 (stream errors). Lives once: reconnecting,
 * probing and what waits to be sent are its owner's (component.ts). Never logs, never throws.
 *
 * Conforms: XEP-0114 §3, stream, handshake and what ends them: complete
 * Conforms: RFC 6120 §4.4, closing a stream: complete
 * Conforms: RFC 6120 §4.9, stream errors: complete
 */
import type { Clock, Timer } from "../base/clock.ts";
import {
  Framer,
  type FramerLimits,
  type FramerSink,
  type StreamFault,
  type StreamHeader,
} from "../xmpp/framer.ts";
import { OTHER, type Stanza } from "../xmpp/stanza.ts";
import { readStreamError, streamErrorXml } from "../xmpp/stream_error.ts";
import { COMPONENT_NAMESPACE, componentHeader, handshakeDigest } from "../xmpp/stream_header.ts";
import type { Connector, Wire } from "./link.ts";
import {
  connectWords,
  earlyCloseWords,
  handshakeTimeoutWords,
  notComponentWords,
  type Place,
  quoted,
  streamErrorWords,
} from "./words.ts";

export interface StreamTimes {
  /** For TCP to open. */
  connectMs: number;
  /** From the open connection to the server's `<handshake/>`. */
  handshakeMs: number;
  /** For the server to close its side after ours. */
  lingerMs: number;
}

export interface StreamOwner {
  /** The server has accepted the handshake. */
  streamUp(wire: Wire): void;
  streamStanza(stanza: Stanza): void;
  streamSkipped(stanza: Stanza, why: string): void;
  /** A chunk of anything has come, or a blocked connection takes bytes again: the peer lives. */
  streamHeard(): void;
  streamDrained(): void;
  /** Something is half written, so that nothing else can be said on this connection. */
  readonly midStanza: boolean;
  /** Once: the stream is of no more use; the connection may still be closing. */
  streamLost(why: string): void;
  /** Once, after streamLost(): the connection is gone. */
  streamGone(): void;
}

const CLOSE = "</stream:stream>";

export class ComponentStream implements FramerSink {
  readonly #place: Place;
  readonly #secret: string;
  readonly #times: StreamTimes;
  readonly #clock: Clock;
  readonly #owner: StreamOwner;
  readonly #framer: Framer;
  #stage: "connecting" | "header" | "handshake" | "up" | "ending" | "gone" = "connecting";
  #wire: Wire | null = null;
  #timer: Timer;
  /** The server's header came without an id. */
  #idMissing = false;

  constructor(
    place: Place,
    secret: string,
    limits: FramerLimits,
    times: StreamTimes,
    connector: Connector,
    clock: Clock,
    owner: StreamOwner,
  ) {
    this.#place = place;
    this.#secret = secret;
    this.#times = times;
    this.#clock = clock;
    this.#owner = owner;
    this.#framer = new Framer(this, limits);
    this.#timer = clock.after(
      times.connectMs,
      () => this.#drop(connectWords(place, `no connection within ${times.connectMs} ms`)),
    );
    connector.connect(place.host, place.port, {
      opened: (wire) => this.#opened(wire),
      data: (chunk) => this.#data(chunk),
      drained: () => this.#drained(),
      closed: (why) => this.#wireClosed(why),
    });
  }

  /** Ends the stream in order; whatever had to be written has been written. */
  close(why: string): void {
    this.#end(why, "", false);
  }

  /** Ends the connection at once. */
  destroy(why: string): void {
    this.#drop(why);
  }

  // ---- the connection

  #opened(wire: Wire): void {
    // Given up while it was still opening.
    if (this.#stage !== "connecting") return wire.destroy();
    this.#wire = wire;
    this.#stage = "header";
    this.#timer.cancel();
    this.#timer = this.#clock.after(this.#times.handshakeMs, () => this.#drop(this.#lateWords()));
    this.#say(componentHeader(this.#place.domain));
  }

  #lateWords(): string {
    if (this.#idMissing) return notComponentWords(this.#place, "its stream has no id");
    return handshakeTimeoutWords(this.#place, this.#stage === "handshake", this.#times.handshakeMs);
  }

  #data(chunk: Buffer): void {
    if (this.#stage === "gone") return;
    this.#owner.streamHeard();
    this.#framer.push(chunk);
  }

  #drained(): void {
    if (this.#stage !== "gone") this.#owner.streamDrained();
  }

  #wireClosed(why: string): void {
    switch (this.#stage) {
      case "connecting":
        return this.#drop(connectWords(this.#place, why));
      case "header":
        return this.#drop(earlyCloseWords(this.#place, false, why));
      case "handshake":
        return this.#drop(earlyCloseWords(this.#place, true, why));
      case "up":
        return this.#drop(why);
      case "ending":
        return this.#gone();
      case "gone":
        return;
    }
  }

  // ---- the stream (FramerSink)

  header(header: StreamHeader): void {
    if (this.#stage !== "header") return;
    if (header.content !== COMPONENT_NAMESPACE) {
      return this.#end(
        notComponentWords(this.#place, `its stream is for ${quoted(header.content)}`),
        "",
        false,
      );
    }
    // COMPAT(prosody): a header without an id precedes a stream error such as host-unknown; nothing can be said to it.
    if (header.id === "") {
      this.#idMissing = true;
      return;
    }
    this.#stage = "handshake";
    this.#say(`<handshake>${handshakeDigest(header.id, this.#secret)}</handshake>`);
  }

  stanza(stanza: Stanza): void {
    if (stanza.kind !== OTHER) {
      if (this.#stage === "up" || this.#stage === "ending") this.#owner.streamStanza(stanza);
      return;
    }
    const name = topName(stanza);
    if (name === "handshake" && this.#stage === "handshake") {
      this.#stage = "up";
      this.#timer.cancel();
      this.#owner.streamUp(this.#wire!);
    } else if (name === "error") {
      const { condition, text } = readStreamError(stanza);
      this.#end(streamErrorWords(this.#place, condition, text), "", false);
    }
  }

  skipped(stanza: Stanza, why: string): void {
    if (this.#stage === "up" || this.#stage === "ending") this.#owner.streamSkipped(stanza, why);
  }

  closed(): void {
    if (this.#stage === "ending") this.#wire?.end();
    else if (this.#stage === "up") this.#end("the server closed the stream", "", true);
    else {this.#end(
        earlyCloseWords(this.#place, this.#stage === "handshake", "the server closed the stream"),
        "",
        true,
      );}
  }

  fault(fault: StreamFault): void {
    const what = `${fault.condition}: ${fault.text}, at ${quoted(fault.sample)}`;
    this.#end(
      this.#stage === "header"
        ? notComponentWords(this.#place, what)
        : `the server sent what is no XMPP: ${what}`,
      streamErrorXml(fault.condition, fault.text),
      false,
    );
  }

  // ---- the end

  /** Says the last words if that is possible, and gives the server a moment to close its side. */
  #end(why: string, lastWords: string, peerClosed: boolean): void {
    if (this.#stage === "ending" || this.#stage === "gone") return;
    const wire = this.#wire;
    if (wire === null || this.#owner.midStanza) return this.#drop(why);
    this.#stage = "ending";
    this.#timer.cancel();
    this.#timer = this.#clock.after(this.#times.lingerMs, () => this.#gone());
    this.#owner.streamLost(why);
    this.#say(lastWords + CLOSE);
    if (peerClosed) wire.end();
  }

  #drop(why: string): void {
    if (this.#stage === "gone") return;
    if (this.#stage !== "ending") {
      this.#stage = "ending";
      this.#owner.streamLost(why);
    }
    this.#gone();
  }

  #gone(): void {
    if (this.#stage === "gone") return;
    this.#stage = "gone";
    this.#timer.cancel();
    this.#wire?.destroy();
    this.#owner.streamGone();
  }

  /** A few bytes that are no stanza. A connection that does not even take those is of no use. */
  #say(text: string): void {
    const bytes = Buffer.from(text);
    if (this.#wire!.write(bytes, 0, bytes.length) < bytes.length) this.#drop("the connection takes no bytes");
  }
}

/** Local name of the top element; only asked for what is no stanza, so it may make a string. */
function topName(stanza: Stanza): string {
  const name = stanza.buf.toString("latin1", stanza.start + 1, stanza.nameEnd);
  return name.slice(name.indexOf(":") + 1);
}
