/**
 * The gateway without its sockets: directory, exchange and pipeline wired together, told of stanzas, links and time.
 * A simulation runs this as it is; app.ts gives it real links.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { Directory } from "../cluster/directory.ts";
import type { Trust } from "../cluster/trust.ts";
import { CLASS_COMMAND } from "../xmpp/outlet.ts";
import type { Stanza } from "../xmpp/stanza.ts";
import { requestExpired } from "./answer.ts";
import { nodeDismissed } from "./departure.ts";
import { dialExpired, dialsLost } from "./dial.ts";
import { earlyExpired } from "./early.ts";
import { Exchange, type RoutingSettings } from "./exchange.ts";
import { verbEventsExpired } from "./mixer_event.ts";
import { mixerExpired, resumeMixers } from "./mixer_life.ts";
import { offerExpired, resumeOffers } from "./offer.ts";
import { Pipeline } from "./pipeline.ts";
import type { ServedDomain } from "./served_domain.ts";
import { askEverybody, watchExpired } from "./watching.ts";

export class Switchboard {
  readonly exchange: Exchange;
  readonly #pipeline: Pipeline;
  readonly #greetIntervalMs: number;
  #greeting: Timer | null = null;

  /** `domains`: external and internal ones, each side in the order of the configuration. */
  constructor(
    directory: Directory,
    settings: RoutingSettings,
    greetIntervalMs: number,
    clock: Clock,
    random: Random,
    log: Log,
    domains: readonly ServedDomain[],
  ) {
    this.exchange = new Exchange(directory, settings, clock, random, log, domains, {
      request: (request) => requestExpired(this.exchange, request),
      dial: (dial) => dialExpired(this.exchange, dial),
      offer: (offer) => offerExpired(this.exchange, offer),
      early: (events) => earlyExpired(this.exchange, events),
      mixer: (mixer) => mixerExpired(this.exchange, mixer),
      verbEvents: (events) => verbEventsExpired(this.exchange, events),
      watch: (watch) => watchExpired(this.exchange, watch),
    });
    this.#pipeline = new Pipeline(this.exchange);
    this.#greetIntervalMs = greetIntervalMs;
    resumeOffers(this.exchange);
    resumeMixers(this.exchange);
  }

  stanza(s: Stanza, arrival: ServedDomain): void {
    this.#pipeline.stanza(s, arrival);
  }

  skipped(s: Stanza, why: string): void {
    this.#pipeline.skipped(s, why);
  }

  /** A link's stream is open. Nodes are greeted when it is the one that leads to them (9.5, FS60). */
  linkUp(domain: ServedDomain): void {
    const { exchange } = this;
    if (domain === exchange.external[0]) {
      exchange.externalUpSince = exchange.clock.now();
      askEverybody(exchange);
    }
    if (domain !== exchange.internal[0]) return;
    exchange.internalUpSince = exchange.clock.now();
    for (const node of exchange.directory.enrolledNodes()) exchange.greet(node);
    this.#greetLater();
  }

  /**
   * A link's stream is lost, or could not be opened again. Without the one that leads to nodes nothing that was asked
   * will be answered: clients are told at once, and what has not left yet is not sent later (DC9).
   */
  linkDown(domain: ServedDomain): void {
    const { exchange } = this;
    if (domain !== exchange.internal[0]) return;
    this.#greeting?.cancel();
    this.#greeting = null;
    domain.outlet.discard(CLASS_COMMAND);
    for (const request of exchange.requests.allOpen()) exchange.expireRequest(request);
    dialsLost(exchange);
  }

  /** The configuration trusts others than before; `statics`: the domains of its static nodes (DC44). */
  setTrust(trust: Trust, statics: ReadonlySet<string>): void {
    const { directory } = this.exchange;
    for (const node of directory.nodes) if (!statics.has(node.jid)) node.isStatic = false;
    this.exchange.lane.forget();
    for (const node of directory.setTrust(trust)) nodeDismissed(this.exchange, node);
  }

  /** No timer of this object runs after this. */
  stop(): void {
    this.#greeting?.cancel();
    this.#greeting = null;
  }

  /** DC33: static nodes are greeted again and again; one that restarted has forgotten the gateway. */
  #greetLater(): void {
    this.#greeting?.cancel();
    this.#greeting = this.exchange.clock.after(this.#greetIntervalMs, () => {
      for (const node of this.exchange.directory.enrolledNodes()) {
        if (node.isStatic) this.exchange.greet(node);
      }
      this.#greetLater();
    });
  }
}
