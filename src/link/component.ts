/**
 * A link as a component of an XMPP server: one stream for one domain, for ever (XEP-0114, spec 9.5, DC6, DC7, DC10).
 *
 * Owns what outlives a connection: the outlet, the pauses between connections, the watch for a dead peer. Writes what
 * waits once per batch of work (a microtask after the callback that made it), never once per stanza. Does not look
 * into stanzas, but for its own pings coming home; that their `from` is right is routing's promise (DC5).
 */
import type { Clock, Timer } from "../base/clock.ts";
import { OUTLET_BYTES_MAX } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { FramerLimits } from "../xmpp/framer.ts";
import { CLASS_ANSWER, Outlet } from "../xmpp/outlet.ts";
import { IQ, type Stanza } from "../xmpp/stanza.ts";
import { Backoff, type BackoffTimes } from "./backoff.ts";
import { ComponentStream, type StreamOwner, type StreamTimes } from "./component_stream.ts";
import type { Connector, Link, LinkSink, Side, Wire } from "./link.ts";
import { OwnPings } from "./own_ping.ts";
import { Probe, type ProbeTimes } from "./probe.ts";
import type { Place } from "./words.ts";

export interface LinkTimes {
  stream: StreamTimes;
  probe: ProbeTimes;
  backoff: BackoffTimes;
  /** A link that was up for so long reconnects at once; one that falls again and again waits longer and longer. */
  steadyMs: number;
  /** For stop() to write what waits. */
  stopMs: number;
}

/**
 * A dead server is noticed in probe.idleMs + probe.answerMs = 4.5 s: less than the shortest time after which calls are
 * given up for silence (clients.grace_ms, 5 s; DC29), for while a link is down nobody's silence counts (DC9).
 */
export const LINK_TIMES: LinkTimes = {
  stream: { connectMs: 5_000, handshakeMs: 10_000, lingerMs: 1_000 },
  probe: { idleMs: 1_500, answerMs: 3_000 },
  backoff: { firstMs: 200, maxMs: 10_000 },
  steadyMs: 5_000,
  stopMs: 2_000,
};

export interface ComponentLinkOptions {
  side: Side;
  /** Folded (DC5). */
  domain: string;
  host: string;
  port: number;
  secret: string;
  /** The table of the configuration that complaints point to; `xmpp.<side>` if absent. */
  key?: string;
  limits: FramerLimits;
  outletBytesMax?: number;
  times?: LinkTimes;
  /** One for all links of the process; a link without has its own. */
  pings?: OwnPings;
  connector: Connector;
  clock: Clock;
  random: Random;
  log: Log;
  sink: LinkSink;
}

/** The same complaint is logged again only after so long. */
const COMPLAIN_AGAIN_MS = 60_000;

export class ComponentLink implements Link, StreamOwner {
  readonly side: Side;
  readonly domain: string;
  readonly outlet: Outlet;

  readonly #options: ComponentLinkOptions;
  readonly #place: Place;
  readonly #times: LinkTimes;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #sink: LinkSink;
  readonly #backoff: Backoff;
  readonly #probe: Probe;
  readonly #pings: OwnPings;

  #stream: ComponentStream | null = null;
  /** Open for stanzas. */
  #wire: Wire | null = null;
  #blocked = false;
  #up = false;
  #reason = "not started";
  #since: number;
  #upAt = 0;
  #started = false;
  #stopping: PromiseWithResolvers<void> | null = null;
  /** The next attempt to connect, or the end of stop()'s patience. */
  #timer: Timer | null = null;
  #complaint = "";
  #complainedAt = 0;
  #droppedBefore = 0;
  #bugAt = -Infinity;

  constructor(options: ComponentLinkOptions) {
    const { side, domain, host, port, clock } = options;
    this.side = side;
    this.domain = domain;
    this.#options = options;
    this.#place = { side, domain, host, port, key: options.key ?? `xmpp.${side}` };
    this.#times = options.times ?? LINK_TIMES;
    this.#clock = clock;
    this.#log = options.log;
    this.#sink = options.sink;
    this.#since = clock.wall();
    this.outlet = new Outlet(options.outletBytesMax ?? OUTLET_BYTES_MAX, {
      dirty: () => queueMicrotask(this.#flush),
      // Never at once: somebody is in the middle of reserve().
      overflow: () => queueMicrotask(this.#overflow),
    });
    this.#backoff = new Backoff(this.#times.backoff, options.random);
    this.#probe = new Probe(clock, this.#times.probe, () => this.#ping(), () => {
      const { idleMs, answerMs } = this.#times.probe;
      this.#stream?.destroy(
        `nothing came from the server for ${idleMs + answerMs} ms, not even our own ping`,
      );
    });
    this.#pings = options.pings ?? new OwnPings();
    this.#pings.register(domain, () => this.#probe.heard());
  }

  get up(): boolean {
    return this.#up;
  }

  get reason(): string {
    return this.#reason;
  }

  get since(): number {
    return this.#since;
  }

  get waitingBytes(): number {
    return this.outlet.waitingBytes;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#reason = "connecting";
    this.#connectIn(this.#backoff.next());
  }

  stop(): Promise<void> {
    if (this.#stopping !== null) return this.#stopping.promise;
    const stopping = this.#stopping = Promise.withResolvers<void>();
    this.#started = true;
    this.#timer?.cancel();
    this.#probe.stop();
    this.#setDown("stopped");
    if (this.#stream === null) {
      stopping.resolve();
    } else if (this.#wire === null) {
      this.#stream.destroy("stopped");
    } else {
      this.#timer = this.#clock.after(this.#times.stopMs, () => this.#stream?.destroy("stopped"));
      // What the callbacks of this moment still append is written too.
      queueMicrotask(this.#flush);
    }
    return stopping.promise;
  }

  // ---- the stream's life (StreamOwner)

  streamUp(wire: Wire): void {
    this.#wire = wire;
    this.#blocked = false;
    this.#up = this.outlet.up = true;
    this.#reason = "";
    this.#since = this.#clock.wall();
    this.#upAt = this.#clock.now();
    this.#complaint = "";
    this.#probe.start();
    this.#logUp();
    this.#guarded(() => this.#sink.up(this));
    this.#flush();
  }

  streamStanza(stanza: Stanza): void {
    if (stanza.kind === IQ && this.#pings.takes(stanza)) return;
    // A bug met by one stanza must not cost the others of its chunk, nor the connection.
    try {
      this.#sink.stanza(stanza, this);
    } catch (error) {
      this.#logBug(error);
    }
  }

  streamSkipped(stanza: Stanza, why: string): void {
    this.#guarded(() => this.#sink.skipped(stanza, why, this));
  }

  streamHeard(): void {
    this.#probe.heard();
  }

  streamDrained(): void {
    // The peer's machine has acknowledged bytes: somebody lives there.
    this.#probe.heard();
    this.#blocked = false;
    this.#flush();
  }

  get midStanza(): boolean {
    return this.#wire !== null && this.outlet.midStanza;
  }

  streamLost(why: string): void {
    this.#wire = null;
    this.#probe.stop();
    this.outlet.rewind();
    if (this.#stopping !== null) return this.#setDown("stopped");
    if (this.#up && this.#clock.now() - this.#upAt >= this.#times.steadyMs) this.#backoff.reset();
    this.#setDown(why);
    this.#complain(why);
    this.#guarded(() => this.#sink.down(this, why));
  }

  streamGone(): void {
    this.#stream = null;
    if (this.#stopping === null) return this.#connectIn(this.#backoff.next());
    this.#timer?.cancel();
    this.#stopping.resolve();
  }

  #connectIn(ms: number): void {
    this.#timer = this.#clock.after(ms, () => {
      const { secret, limits, connector } = this.#options;
      this.#stream = new ComponentStream(
        this.#place,
        secret,
        limits,
        this.#times.stream,
        connector,
        this.#clock,
        this,
      );
    });
  }

  #setDown(why: string): void {
    if (this.#up) this.#since = this.#clock.wall();
    this.#up = this.outlet.up = false;
    this.#reason = why;
  }

  // ---- bytes out

  readonly #flush = (): void => {
    const wire = this.#wire;
    if (wire === null || this.#blocked) return;
    const outlet = this.outlet;
    outlet.clean();
    for (;;) {
      const end = outlet.writable(), start = outlet.writeStart;
      if (start === end) break;
      const taken = wire.write(outlet.buf, start, end);
      // Closed: the connection tells so itself, in a moment.
      if (taken < 0) return;
      outlet.taken(taken);
      if (taken < end - start) {
        this.#blocked = true;
        return;
      }
    }
    if (this.#stopping !== null) this.#stream?.close("stopped");
  };

  readonly #overflow = (): void => {
    const megabytes = Math.round(this.outlet.waitingBytes / 1e6);
    this.#stream?.destroy(`the server does not read: ${megabytes} MB of answers wait for it (DC10)`);
  };

  // ---- signs of life

  /** XEP-0199, from the domain to itself: the server can but bring it back (DC7). */
  #ping(): void {
    // A blocked connection shows life by taking bytes; a ping behind all that waits would tell nothing more.
    if (this.#blocked) return;
    this.outlet.appendText(this.#pings.xml(this.domain), CLASS_ANSWER);
  }

  // ---- the log

  #logUp(): void {
    const dropped = this.outlet.dropped.reduce((sum, n) => sum + n, 0) - this.#droppedBefore;
    this.#droppedBefore += dropped;
    const { host, port } = this.#place;
    this.#log.info(`${this.side} link is up`, { domain: this.domain, server: `${host}:${port}` });
    if (dropped > 0) {
      this.#log.warn(`the outlet of the ${this.side} link was full: stanzas were dropped (DC10)`, {
        domain: this.domain,
        stanzas: dropped,
      });
    }
  }

  #complain(why: string): void {
    const now = this.#clock.now();
    const again = why === this.#complaint && now - this.#complainedAt < COMPLAIN_AGAIN_MS;
    if (!again) {
      this.#complaint = why;
      this.#complainedAt = now;
    }
    this.#log[again ? "debug" : "warn"](`${this.side} link is down: ${why}`, { domain: this.domain });
  }

  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#logBug(error);
    }
  }

  /** At most one a second: the same bug may be met by every stanza. */
  #logBug(error: unknown): void {
    const now = this.#clock.now();
    if (now - this.#bugAt < 1000) return;
    this.#bugAt = now;
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#log.error(`a stanza met a bug and was dropped: ${text}`, { domain: this.domain, side: this.side });
  }
}
