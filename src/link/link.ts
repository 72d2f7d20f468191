/**
 * What app.ts knows of a link, and what a link needs from below: a way to connect that a simulation can replace.
 */
import type { OutletPort } from "../xmpp/outlet.ts";
import type { Stanza } from "../xmpp/stanza.ts";

export type Side = "external" | "internal";

/** One TCP connection (or a simulated one). */
export interface Wire {
  /** Bytes taken of `buf[start, end)`: 0 while blocked (wait for drained), -1 once closed. Copies what it takes. */
  write(buf: Buffer, start: number, end: number): number;
  /** Half-closes after what was written. */
  end(): void;
  /** Drops the connection at once. */
  destroy(): void;
}

/** All calls after connect() has returned. */
export interface WireSink {
  opened(wire: Wire): void;
  data(chunk: Buffer): void;
  drained(): void;
  /** Exactly once, also when the connection never opened; `why` is words for a log. */
  closed(why: string): void;
}

export interface Connector {
  connect(host: string, port: number, sink: WireSink): void;
}

/** Where a link's stanzas and its ups and downs go. Synchronous; a Stanza is valid only during the call. */
export interface LinkSink {
  stanza(stanza: Stanza, link: Link): void;
  skipped(stanza: Stanza, why: string, link: Link): void;
  up(link: Link): void;
  /** The link was up, or failed to come up; it goes on trying by itself. */
  down(link: Link, why: string): void;
}

export interface Link {
  readonly side: Side;
  /** The domain this stream stands for, folded. */
  readonly domain: string;
  readonly outlet: OutletPort;
  readonly up: boolean;
  /** Why it is down, "" while up. */
  readonly reason: string;
  /** Wall clock milliseconds of the last change between up and down. */
  readonly since: number;
  /** Bytes waiting to be written. */
  readonly waitingBytes: number;
  start(): void;
  /** Writes what waits, closes the stream in order (`</stream:stream>`), gives up after a bounded time. */
  stop(): Promise<void>;
}
