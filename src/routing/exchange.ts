/**
 * Everything a route may use, in one place: the state it reads, the tables of what is under way, the domains and
 * their outlets, and the ways to say something. Built once in app.ts; the files beside this one are its users.
 *
 * Never reads a clock or a socket itself: time comes from the Clock it is given.
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { Deadlines } from "../base/deadlines.ts";
import { DIALS_MAX, EARLY_BYTES_MAX, HANGUP_LOG_MAX, REQUESTS_MAX } from "../base/limits.ts";
import { type Dial, DialTable } from "../cluster/dial.ts";
import { makeEpoch } from "../cluster/own_id.ts";
import { ComponentTable } from "../cluster/component_table.ts";
import type { Directory } from "../cluster/directory.ts";
import { type EarlyEvents, EarlyTable, HangupLog } from "../cluster/early.ts";
import type { Mixer } from "../cluster/mixer.ts";
import { MixerNames } from "../cluster/mixer_names.ts";
import type { Node } from "../cluster/node.ts";
import { type Offer, OfferTable } from "../cluster/offer.ts";
import { type Request, RequestTable } from "../cluster/request.ts";
import { type Watch, WatchTable } from "../cluster/watch.ts";
import { decodeAttribute, decodeInto, escapeAttribute } from "../xmpp/escape.ts";
import { JidView, splitJid } from "../xmpp/jid.ts";
import { CLASS_ANSWER, CLASS_END, type OutletPort } from "../xmpp/outlet.ts";
import { stanzaError, type StanzaErrorType } from "../xmpp/stanza_error.ts";
import { type Stanza, TYPE_ERROR, TYPE_RESULT } from "../xmpp/stanza.ts";
import { FastLane } from "./fast_lane.ts";
import { RoutingMeters } from "./meters.ts";
import type { MixerWish } from "./mixer_name.ts";
import type { OwnershipSettings } from "./ownership.ts";
import { Rescan } from "./rescan.ts";
import { Rewrite } from "./rewrite.ts";
import type { ServedDomain } from "./served_domain.ts";

export interface RoutingSettings {
  /** The resource of the gateway's one JID towards nodes (FS9, FS10). */
  internalResource: string;
  /** Changed at run time by operators (Admin.maxDialRetries). */
  dialAttemptsMax: number;
  dialTimeoutMs: number;
  dialDeadlineMs: number;
  /** Error conditions after which another node is tried (DL8). */
  dialRetryConditions: ReadonlySet<string>;
  commandTimeoutMs: number;
  offerTimeoutMs: number;
  holdMs: number;
  /** Every application sees the same mixers (`mixers.scope = "shared"`). */
  mixersShared: boolean;
  failuresAllowed: number;
  /** Who may have a call, and what becomes of it without them. */
  ownership: OwnershipSettings;
}

/** What routing has to be told when time is up; filled in by the pipeline. */
export interface Expiries {
  request(request: Request): void;
  dial(dial: Dial): void;
  offer(offer: Offer): void;
  early(events: EarlyEvents): void;
  /** An empty mixer whose node has not said that it is gone. */
  mixer(mixer: Mixer): void;
  /** Held events of a component on a mixer. */
  verbEvents(events: EarlyEvents): void;
  watch(watch: Watch): void;
}

/** DC20: one `hangup` per unknown call in this time. */
const HANGUP_WINDOW_MS = 10_000;
/** RFC 7622 §3.1: three parts of at most 1023 bytes, `@` and `/`. */
const JID_BYTES_MAX = 3071;

export class Exchange {
  readonly directory: Directory;
  readonly settings: RoutingSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly external: readonly ServedDomain[];
  readonly internal: readonly ServedDomain[];
  readonly meters = new RoutingMeters();
  readonly components = new ComponentTable();
  readonly mixers = new MixerNames();
  readonly hangups = new HangupLog(HANGUP_WINDOW_MS, HANGUP_LOG_MAX);
  readonly requests: RequestTable;
  readonly dials: DialTable;
  readonly offers: OfferTable;
  readonly early: EarlyTable;
  /** Events of components on mixers that came before their `ref` (PMX3). */
  readonly verbEvents: EarlyTable;
  /** Empty mixers, until their nodes say that they are gone (PMX8). */
  readonly mixerEnds: Deadlines<Mixer>;
  /** What the joins in the payload that was translated last ask for; taken by whoever sends it. */
  readonly mixerWishes: MixerWish[] = [];
  /** The answer being translated concerns a mixer. */
  mixerAnswers = false;
  /** The component that the answer at hand refers to, where payloadToClient() met it in passing; -1: look for it. */
  refStart = -1;
  refEnd = -1;
  readonly watches: WatchTable;
  readonly rewrite = new Rewrite();
  readonly rescan = new Rescan();
  readonly lane = new FastLane();
  /** The gateway towards nodes: `<internal domain>/<resource>`, ready for an attribute (DC1). */
  readonly self: Buffer;

  /** Addresses of the stanza at hand; decoded copies where the stanza has references in them. */
  readonly from = new JidView();
  readonly to = new JidView();
  readonly #fromDecoded = Buffer.allocUnsafeSlow(JID_BYTES_MAX * 6);
  readonly #toDecoded = Buffer.allocUnsafeSlow(JID_BYTES_MAX * 6);
  /** Clock milliseconds since when the internal link has been up (DC9). */
  internalUpSince = 0;
  /** The same of the external one. */
  externalUpSince = 0;
  /** What follows when a request's time is up, or its node is gone. */
  readonly expireRequest: (request: Request) => void;
  #ownIds = 0;
  readonly #ownIdPrefix: string;

  constructor(
    directory: Directory,
    settings: RoutingSettings,
    clock: Clock,
    random: Random,
    log: Log,
    domains: readonly ServedDomain[],
    expiries: Expiries,
  ) {
    this.directory = directory;
    this.settings = settings;
    this.clock = clock;
    this.log = log;
    this.external = domains.filter((domain) => domain.external);
    this.internal = domains.filter((domain) => !domain.external);
    const epoch = makeEpoch(clock.wall(), random.u32());
    this.requests = new RequestTable(
      epoch,
      new Deadlines<Request>(clock, (r) => expiries.request(r)),
      REQUESTS_MAX,
    );
    this.dials = new DialTable(epoch, new Deadlines<Dial>(clock, (d) => expiries.dial(d)), DIALS_MAX);
    this.offers = new OfferTable(new Deadlines<Offer>(clock, (o) => expiries.offer(o)));
    this.early = new EarlyTable(new Deadlines<EarlyEvents>(clock, (e) => expiries.early(e)), EARLY_BYTES_MAX);
    this.verbEvents = new EarlyTable(
      new Deadlines<EarlyEvents>(clock, (e) => expiries.verbEvents(e)),
      EARLY_BYTES_MAX,
    );
    this.mixerEnds = new Deadlines<Mixer>(clock, (m) => expiries.mixer(m));
    this.expireRequest = (request) => expiries.request(request);
    this.self = Buffer.from(escapeAttribute(`${this.internal[0]!.text}/${settings.internalResource}`));
    const watchDeadlines = new Deadlines<Watch>(clock, (w) => expiries.watch(w));
    this.watches = new WatchTable(`gw-${epoch.slice(1)}-w`, watchDeadlines);
    this.#ownIdPrefix = `gw-${epoch.slice(1)}-`;
  }

  // ── reading ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Reads `from` into its view; false: absent or no JID. */
  readFrom(s: Stanza): boolean {
    if (s.fromStart < 0) return false;
    if (!s.fromEscaped) return splitJid(s.buf, s.fromStart, s.fromEnd, this.from);
    if (s.fromEnd - s.fromStart > this.#fromDecoded.length) return false;
    return splitJid(
      this.#fromDecoded,
      0,
      decodeInto(s.buf, s.fromStart, s.fromEnd, this.#fromDecoded, 0),
      this.from,
    );
  }

  /** Reads `to` into its view; false: absent or no JID. */
  readTo(s: Stanza): boolean {
    if (s.toStart < 0) return false;
    if (!s.toEscaped) return splitJid(s.buf, s.toStart, s.toEnd, this.to);
    if (s.toEnd - s.toStart > this.#toDecoded.length) return false;
    return splitJid(this.#toDecoded, 0, decodeInto(s.buf, s.toStart, s.toEnd, this.#toDecoded, 0), this.to);
  }

  /** The served domain that `jid` lies in, or null. */
  served(jid: JidView): ServedDomain | null {
    for (const domain of this.external) if (domain.is(jid.buf, jid.domainStart, jid.domainEnd)) return domain;
    for (const domain of this.internal) if (domain.is(jid.buf, jid.domainStart, jid.domainEnd)) return domain;
    return null;
  }

  /** DC10: new calls are refused while one of the links cannot keep up, or there is no room for them. */
  congested(): boolean {
    return this.toNodes.congested() || this.toClients.congested() || this.directory.calls.full;
  }

  /** DL13: is there a live call that clients know as `publicId`? */
  knowsCall(publicId: string): boolean {
    const bytes = Buffer.from(publicId);
    return this.directory.calls.findPublic(bytes, 0, bytes.length) >= 0;
  }

  // ── saying ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** The outlet that stanzas of the first internal domain leave by. */
  get toNodes(): OutletPort {
    return this.internal[0]!.outlet;
  }
  /** The outlet that stanzas of the first external domain leave by. */
  get toClients(): OutletPort {
    return this.external[0]!.outlet;
  }

  /** Writes a whole stanza given as text. */
  say(outlet: OutletPort, text: string, cls: number): boolean {
    const bytes = Buffer.byteLength(text);
    if (!outlet.reserve(bytes, cls)) {
      this.meters.refused++;
      return false;
    }
    const end = outlet.end;
    outlet.buf.write(text, end);
    outlet.commit(end + bytes, cls);
    return true;
  }

  /** A new id for a request of the gateway's own (9.5). */
  ownId(): string {
    return this.#ownIdPrefix + (this.#ownIds++).toString(36);
  }

  /**
   * Answers the IQ `s` with an error that echoes it (G10), `from` the domain that was asked; `door` is the served
   * domain it was addressed to. What is no request is never answered.
   */
  refuse(s: Stanza, door: ServedDomain, condition: string, type: StanzaErrorType, text = ""): void {
    if (s.type === TYPE_RESULT || s.type === TYPE_ERROR) return;
    const { rewrite } = this;
    if (s.topNameStart > s.start + 1) {
      // A prefixed stanza gives its children another default namespace: no echo, but an error that is understood.
      const asked = { id: this.text(s.buf, s.idStart, s.idEnd), to: this.text(s.buf, s.toStart, s.toEnd) };
      const client = Buffer.from(this.text(s.buf, s.fromStart, s.fromEnd));
      return this.refuseLater(door, asked, client, condition, type, text);
    }
    rewrite.begin(s);
    this.#swapAddresses(s);
    if (s.typeStart < 0) rewrite.text(s.nameEnd, s.nameEnd, " type='error'");
    else rewrite.text(s.typeStart, s.typeEnd, "error");
    const error = stanzaError(condition, type, text);
    const { buf } = s;
    if (s.tagEnd === s.end) {
      const name = buf.toString("utf8", s.start + 1, s.nameEnd);
      rewrite.text(s.end - 2, s.end, `>${error}</${name}>`);
    } else {
      const close = buf.lastIndexOf(0x3c, s.end - 1);
      rewrite.text(close, close, error);
    }
    this.#countError();
    if (!rewrite.send(door.outlet, CLASS_ANSWER)) this.meters.refused++;
  }

  /** An IQ answer with the error alone, for requests whose stanza is not at hand any more. Raw texts are attribute bytes. */
  refuseLater(
    door: ServedDomain,
    request: { to: string; id: string },
    client: Buffer,
    condition: string,
    type: StanzaErrorType,
    text = "",
  ): void {
    this.#countError();
    const xml = `<iq type='error' id='${request.id}' from='${request.to}' to='${client}'>` +
      `${stanzaError(condition, type, text)}</iq>`;
    this.say(door.outlet, xml, CLASS_ANSWER);
  }

  /** Answers the IQ `s` with a result that holds `payload`. */
  result(s: Stanza, door: ServedDomain, payload = ""): void {
    this.meters.answers++;
    const open = `<iq type='result'${this.#idOf(s)} from='${this.text(s.buf, s.toStart, s.toEnd)}' to='${
      this.text(s.buf, s.fromStart, s.fromEnd)
    }'`;
    this.say(door.outlet, payload === "" ? `${open}/>` : `${open}>${payload}</iq>`, CLASS_ANSWER);
  }

  /** A presence error to whom `s` came from, from whom it was sent to; without an echo (AH27). */
  refusePresence(s: Stanza, door: ServedDomain, condition: string, type: StanzaErrorType, text = ""): void {
    this.#countError();
    const from = door.external ? this.text(s.buf, s.toStart, s.toEnd) : this.self;
    const xml =
      `<presence type='error'${this.#idOf(s)} from='${from}' to='${
        this.text(s.buf, s.fromStart, s.fromEnd)
      }'>` +
      `${stanzaError(condition, type, text)}</presence>`;
    this.say(door.outlet, xml, CLASS_ANSWER);
  }

  /** Tells a node to end one of its calls, by IQ; `jid`: the call's JID, escaped; `command`: the whole element. */
  command(jid: string, command: string): void {
    this.meters.hangups++;
    this.say(
      this.toNodes,
      `<iq type='set' id='${this.ownId()}' from='${this.self}' to='${jid}'>${command}</iq>`,
      CLASS_END,
    );
  }

  /** The JID that a call has at its node, escaped. */
  callJid(slot: number): string {
    const { calls } = this.directory;
    return escapeAttribute(`${calls.id(slot)}@${this.directory.domain(calls.domain(slot)).text}`);
  }

  /** 9.5: tells a node that the gateway is there; while the link is down it is not, and all are greeted once it is up. */
  greet(node: Node): void {
    if (!this.toNodes.up) return;
    const xml = `<presence from='${this.self}' to='${
      escapeAttribute(node.jid)
    }'><show>chat</show></presence>`;
    this.say(this.toNodes, xml, CLASS_ANSWER);
  }

  /** `text` as it may stand in an attribute. */
  escaped(text: string): string {
    return escapeAttribute(text);
  }

  /** An `<error/>` element. */
  error(condition: string, type: StanzaErrorType, text: string): string {
    return stanzaError(condition, type, text);
  }

  /** The value of an attribute, escaped so that it fits between single quotes. */
  text(buf: Buffer, start: number, end: number): string {
    return start < 0 ? "" : escapeAttribute(decodeAttribute(buf, start, end));
  }

  /** The value of an attribute that has references in it, as bytes. */
  decoded(buf: Buffer, start: number, end: number): Buffer {
    return Buffer.from(decodeAttribute(buf, start, end));
  }

  #idOf(s: Stanza): string {
    return s.idStart < 0 ? "" : ` id='${this.text(s.buf, s.idStart, s.idEnd)}'`;
  }

  #swapAddresses(s: Stanza): void {
    this.rewrite.text(s.toStart, s.toEnd, this.text(s.buf, s.fromStart, s.fromEnd));
    this.rewrite.text(s.fromStart, s.fromEnd, this.text(s.buf, s.toStart, s.toEnd));
  }

  #countError(): void {
    this.meters.errors++;
    this.meters.answers++;
  }
}
