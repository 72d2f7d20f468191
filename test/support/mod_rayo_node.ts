/**
 * A FreeSWITCH node with mod_rayo, as awkward as the real one (spec §7.1; recordings in captures/): it drops what
 * comes from a bare domain (FS9), takes any sender of an IQ for a client (FS18), forgets the gateway on `dnd`
 * (FS59), offers to everybody who is online, lets events overtake results when asked to (FS32, FS50), and trusts
 * `exec` (FS41), which is why being asked for it is a violation.
 *
 * It never answers within receive(). Calls are in mod_rayo_call.ts, mixers and joins in mod_rayo_join.ts,
 * components in mod_rayo_component.ts, the far end in mod_rayo_dial.ts.
 */
import type { Clock } from "../../src/base/clock.ts";
import { fraction, type Random } from "../../src/base/random.ts";
import { callCommand, type CallReason, endCall, offer, SimCall } from "./mod_rayo_call.ts";
import { componentCommand, digitPressed, finishNow } from "./mod_rayo_component.ts";
import { dial, type Plan } from "./mod_rayo_dial.ts";
import { mixerCommand, type SimMixer } from "./mod_rayo_join.ts";
import { errorXml, type Peer, RAYO, splitJid } from "./peer.ts";
import { attr, attrsXml, child, type El, elements, esc, firstChild, textOf, toXml } from "./xml.ts";

export interface ModRayoOptions {
  domain: string;
  clock: Clock;
  random: Random;
  /** Time a command takes: 20 as measured (FS64); 0: as fast as the clock allows. */
  iqMs?: number;
  /** 1.8 answers some joins that worked with an error (FS52). */
  version?: "1.8" | "1.10";
  /** Sends its one `chat` to the bare peer domain on first contact, or never (FS16, FS60). */
  announce?: boolean;
  /** Probability that a dial's events overtake its result (FS50). */
  overtake?: number;
  /** Probability that a dial gives a ref and then nothing (FS63). */
  silentDial?: number;
  /** More calls than this: `resource-constraint`. */
  callsMax?: number;
  offerTimeoutMs?: number;
  /** To every online client at once, as recorded, or one after the other (FS28). */
  offerMode?: "all" | "next";
  /** Calls that nobody touches end after this (FS45). */
  idleMsMax?: number;
  /** Length of what an output plays if the document does not say. */
  playMs?: number;
  /** Answers for unknown JIDs come from the JID that was asked (as recorded) or from the bare domain (FS38). */
  unknownFrom?: "asked" | "domain";
  /** Everybody else who speaks to the node is a violation (DC1). */
  gatewayJid?: string;
  /** Domains no node may ever read: the clients' and the external one (G4). */
  foreignDomains?: string[];
  /** Call ids; default: UUIDs from `random`. */
  makeId?: () => string;
  /** What the far end does, where the dial string's own meaning is not wanted. */
  plan?: (to: string) => Plan | undefined;
}

export interface ModRayoCounters {
  iqs: number;
  dials: number;
  offers: number;
  ends: number;
  /** Stanzas from a bare domain, dropped (FS9). */
  bareDropped: number;
  /** Events for a client that the node has forgotten (FS19, FS58, FS59). */
  eventsLost: number;
  /** Answers and events swallowed while mute (FS56). */
  muted: number;
  presenceErrors: number;
}

export class ModRayoNode implements Peer {
  send: (xml: string) => void = () => {};
  readonly domain: string;
  readonly options:
    & Required<Omit<ModRayoOptions, "gatewayJid" | "makeId" | "plan">>
    & Pick<ModRayoOptions, "gatewayJid" | "makeId" | "plan">;
  readonly calls = new Map<string, SimCall>();
  readonly mixers = new Map<string, SimMixer>();
  /** Full JIDs that the node knows; true: online, gets offers. */
  readonly clients = new Map<string, boolean>();
  readonly violations: string[] = [];
  readonly counters: ModRayoCounters = {
    iqs: 0,
    dials: 0,
    offers: 0,
    ends: 0,
    bareDropped: 0,
    eventsLost: 0,
    muted: 0,
    presenceErrors: 0,
  };
  /** Its stream to the gateway is lost though the other one is up: acts, but nobody hears of it (FS56). */
  mute = false;
  /** Paused or draining: new calls get `resource-constraint` (FS49). */
  paused = false;
  readonly #peerDomains = new Set<string>();
  #pings = 0;
  #lastStanza = 0;
  #keepAlive = false;

  constructor(options: ModRayoOptions) {
    this.domain = options.domain;
    this.options = {
      iqMs: 20,
      version: "1.8",
      announce: true,
      overtake: 0,
      silentDial: 0,
      callsMax: 1000,
      offerTimeoutMs: 5000,
      offerMode: "all",
      idleMsMax: 300_000,
      playMs: 500,
      unknownFrom: "asked",
      foreignDomains: [],
      ...options,
    };
  }

  get clock(): Clock {
    return this.options.clock;
  }

  // --- scenes -------------------------------------------------------------------------------------------------

  /** A call comes in from the telephone network. Ended at once if no client is online (FS28). */
  incomingCall(
    far: { to: string; from: string; headers?: Record<string, string>; id?: string },
  ): SimCall {
    const call = new SimCall(far.id ?? this.newId(), "inbound", far.to, far.from, far.headers ?? {});
    this.calls.set(call.id, call);
    offer(this, call);
    return call;
  }

  ringFromFarEnd(call: SimCall): void {
    this.callEvent(call, `<ringing xmlns='${RAYO}'/>`);
  }

  answerFromFarEnd(call: SimCall, headers: Record<string, string> = {}): void {
    if (call.state === "answered" || call.state === "ended") return;
    call.state = "answered";
    this.callEvent(call, `<answered xmlns='${RAYO}'>${headersXml(headers)}</answered>`);
  }

  hangupFromFarEnd(call: SimCall, reason: CallReason = { name: "hungup", code: 16 }): void {
    endCall(this, call, reason);
  }

  dtmf(call: SimCall, signal: string): void {
    this.callEvent(call, `<dtmf xmlns='${RAYO}' signal='${esc(signal)}'/>`);
    digitPressed(this, call, signal);
  }

  /** What a component plays, records or waits for is over now. */
  finish(call: SimCall, componentId: string): void {
    finishNow(this, call, componentId);
  }

  /** The process dies: calls are gone, nothing is said (FS17). */
  crash(): void {
    for (const call of this.calls.values()) call.forget();
    this.calls.clear();
    this.mixers.clear();
    this.clients.clear();
    this.#peerDomains.clear();
    this.#soonest = [];
  }

  /** An orderly stop: every `end`, but no `unavailable` for itself (FS62). */
  shutdown(): void {
    for (const call of [...this.calls.values()]) endCall(this, call, { name: "error", code: 16 });
    this.flush();
    this.crash();
  }

  // --- Peer ---------------------------------------------------------------------------------------------------

  up(): void {}

  /** Streams lost: the clients of that peer are gone, their calls go on (FS20, FS58). */
  down(): void {
    this.clients.clear();
    this.#peerDomains.clear();
  }

  receive(stanza: El): void {
    this.#lastStanza = this.clock.now();
    const from = attr(stanza, "from");
    const parts = splitJid(from);
    this.#contact(parts.domain);
    if (parts.local === "" && parts.resource === "") {
      // FS9: the actor of that name is the peer server, which is no client.
      this.counters.bareDropped++;
      return;
    }
    this.#inspect(stanza, from);
    if (stanza.name === "presence") this.#presence(stanza, from);
    else if (stanza.name === "message") this.#message(stanza, from);
    else this.#iq(stanza, from);
  }

  #contact(domain: string): void {
    if (this.#peerDomains.has(domain)) return;
    this.#peerDomains.add(domain);
    if (this.options.announce) {
      this.post(
        `<presence from='${this.domain}' to='${domain}'><show>chat</show>${this.delay()}</presence>`,
        100,
      );
    }
    this.#ping();
  }

  /** FS12: a ping when idle for 60 s. */
  #ping(): void {
    if (this.#keepAlive) return;
    this.#keepAlive = true;
    const wait = this.#lastStanza + 60_000 - this.clock.now();
    this.clock.after(Math.max(wait, 1), () => {
      this.#keepAlive = false;
      if (this.#peerDomains.size === 0) return;
      if (this.clock.now() - this.#lastStanza >= 60_000) {
        this.#lastStanza = this.clock.now();
        for (const peer of this.#peerDomains) {
          const id = `internal-${++this.#pings}`;
          this.post(
            `<iq to='${peer}' from='${this.domain}' type='get' id='${id}'><ping xmlns='urn:xmpp:ping'/></iq>`,
          );
        }
      }
      this.#ping();
    });
  }

  #inspect(stanza: El, from: string): void {
    const { gatewayJid, foreignDomains } = this.options;
    if (gatewayJid !== undefined && from !== gatewayJid) this.violation(`spoken to by ${from} (DC1)`, stanza);
    if (foreignDomains.length === 0) return;
    const text = toXml(stanza);
    for (const domain of foreignDomains) {
      if (new RegExp(`[@:'"]${domain.replaceAll(".", "\\.")}[/'"]`).test(text)) {
        this.violation(`was shown the domain ${domain} (G4)`, stanza);
      }
    }
  }

  violation(what: string, stanza: El): void {
    this.violations.push(`${this.domain} ${what}: ${toXml(stanza)}`);
  }

  #presence(stanza: El, from: string): void {
    const type = stanza.attrs.type;
    if (type === "error") {
      this.counters.presenceErrors++; // FS21: ignored
      return;
    }
    if (splitJid(attr(stanza, "to")).local !== "") return;
    const show = child(stanza, "show");
    const word = show === undefined ? "" : textOf(show);
    if (type === "unavailable" || (type === undefined && word === "dnd")) this.clients.delete(from);
    else if (type === undefined && (word === "" || word === "chat")) this.clients.set(from, true);
  }

  #message(stanza: El, from: string): void {
    this.clients.set(from, true);
    const type = stanza.attrs.type;
    if (type === "error") return;
    const to = attr(stanza, "to");
    if (!this.calls.has(splitJid(to).local)) return this.#bad(stanza, errorXml("cancel", "item-not-found"));
    // FS42
    if (type !== "normal") return this.#bad(stanza, errorXml("modify", "feature-not-implemented"));
    if (child(stanza, "body") === undefined) {
      return this.#bad(stanza, errorXml("modify", "bad-request", "missing body"));
    }
    this.calls.get(splitJid(to).local)!.messages.push(textOf(child(stanza, "body")!));
  }

  #bad(message: El, error: string): void {
    const body = message.children.map((c) => typeof c === "string" ? esc(c) : toXml(c)).join("");
    this.post(
      `<message from='${esc(attr(message, "to"))}' to='${
        esc(attr(message, "from"))
      }' type='error'>${body}${error}</message>`,
    );
  }

  #iq(iq: El, from: string): void {
    const type = iq.attrs.type;
    if (type === "error") return;
    if (type === "result") {
      if (elements(iq).length > 0) {
        this.violation("was given a result with a payload (FS43)", iq);
        this.fail(iq, "modify", "feature-not-implemented");
      }
      return;
    }
    this.counters.iqs++;
    this.clients.set(from, true); // FS18
    const payload = firstChild(iq);
    if (payload === undefined) return this.fail(iq, "modify", "bad-request", "empty IQ request");
    if (iq.attrs.id === undefined) return this.fail(iq, "modify", "bad-request"); // FS39
    if (payload.prefix !== "") {
      this.violation("was sent a prefixed payload (FS2)", iq);
      return this.fail(iq, "modify", "feature-not-implemented");
    }
    const to = splitJid(iq.attrs.to ?? this.domain);
    if (to.domain !== this.domain) return this.notFound(iq);
    if (to.local === "") return this.#server(iq, payload, from);
    const call = this.calls.get(to.local);
    const mixer = this.mixers.get(to.local);
    if (call === undefined && mixer === undefined) return this.notFound(iq);
    if (to.resource !== "") componentCommand(this, iq, payload, (call ?? mixer)!, to.resource, from);
    else if (call !== undefined) callCommand(this, iq, payload, call, from);
    else mixerCommand(this, iq, payload, mixer!, from);
  }

  #server(iq: El, payload: El, from: string): void {
    const key = `${iq.attrs.type} ${payload.ns} ${payload.name}`;
    if (key === "get urn:xmpp:ping ping") return this.result(iq);
    if (key === "get http://jabber.org/protocol/disco#info query") {
      const features = FEATURES.map((f) => `<feature var='${f}'/>`).join("");
      const query = `<query xmlns='${payload.ns}'><identity category='server' type='im'/>${features}</query>`;
      return this.result(iq, query);
    }
    if (key === `set ${RAYO} dial`) return dial(this, iq, payload, from);
    if (key === `set ${RAYO} exec`) {
      this.violation("was asked to exec (FS41, IC4)", iq);
      return this.result(iq);
    }
    this.fail(iq, "modify", "feature-not-implemented");
  }

  // --- what calls, mixers and components use ------------------------------------------------------------------

  newId(): string {
    if (this.options.makeId !== undefined) return this.options.makeId();
    const hex = Array.from({ length: 4 }, () => this.options.random.u32().toString(16).padStart(8, "0")).join(
      "",
    );
    return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5").slice(0, 36);
  }

  chance(probability: number): boolean {
    return probability > 0 && fraction(this.options.random) < probability;
  }

  delay(): string {
    const stamp = new Date(this.clock.wall()).toISOString().replace(/\.\d+Z$/, "Z");
    return `<delay xmlns='urn:xmpp:delay' stamp='${stamp}'/>`;
  }

  result(iq: El, payload = "", call?: SimCall, lateMs = 0): void {
    const attrs = attrsXml({ from: iq.attrs.to ?? this.domain, to: iq.attrs.from, id: iq.attrs.id });
    const wait = this.options.iqMs + lateMs;
    this.post(`<iq type='result'${attrs}>${payload}</iq>`, wait, lateMs > 0 ? undefined : call);
  }

  /** FS54: the payload is echoed, with its default attributes where the command was understood that far. */
  fail(
    iq: El,
    type: string,
    condition: string,
    text?: string,
    defaults: Record<string, string> = {},
    from = iq.attrs.to ?? this.domain,
  ): void {
    const payload = firstChild(iq);
    const echo = payload === undefined ? "" : toXml({ ...payload, attrs: { ...defaults, ...payload.attrs } });
    const attrs = attrsXml({ id: iq.attrs.id, from, to: iq.attrs.from });
    this.post(`<iq type='error'${attrs}>${echo}${errorXml(type, condition, text)}</iq>`, this.options.iqMs);
  }

  notFound(iq: El): void {
    const from = this.options.unknownFrom === "domain" ? this.domain : iq.attrs.to ?? this.domain;
    this.fail(iq, "cancel", "item-not-found", undefined, {}, from);
  }

  /** An event of a call, in order with the call's earlier ones. Nobody controls it: nobody hears it. */
  callEvent(call: SimCall, payload: string, resource = "", type = "", to = call.controller): void {
    if (to === "") return;
    this.event(`${call.id}@${this.domain}${resource === "" ? "" : `/${resource}`}`, to, payload, type, call);
  }

  event(from: string, to: string, payload: string, type = "", call?: SimCall): void {
    const xml = `<presence from='${esc(from)}' to='${esc(to)}'${type === "" ? "" : ` type='${type}'`}>` +
      `${payload}${this.delay()}</presence>`;
    this.post(xml, 0, call, to);
  }

  /** After `ms`, but not before what was posted for `call` earlier; to `client` only if it is known then. */
  post(xml: string, ms = 0, call?: SimCall, client?: string): void {
    const out = () => {
      if (client !== undefined && !this.clients.has(client)) this.counters.eventsLost++;
      else if (this.mute) this.counters.muted++;
      else this.send(xml);
    };
    let at = this.clock.now() + ms;
    if (call !== undefined) at = call.lastPost = Math.max(at, call.lastPost);
    const wait = at - this.clock.now();
    if (wait > 0) this.clock.after(wait, out);
    else this.#soon(out);
  }

  #soonest: (() => void)[] = [];
  #soon(out: () => void): void {
    this.#soonest.push(out);
    if (this.#soonest.length === 1) this.clock.after(0, () => this.flush());
  }

  flush(): void {
    const due = this.#soonest;
    this.#soonest = [];
    for (const out of due) out();
  }
}

const FEATURES = [
  "http://jabber.org/protocol/caps",
  "http://jabber.org/protocol/disco#info",
  "urn:xmpp:rayo:1",
  "urn:xmpp:rayo:cpa:1",
  "urn:xmpp:rayo:fax:1",
];

export function headersXml(headers: Record<string, string>): string {
  return Object.entries(headers).map(([name, value]) => `<header${attrsXml({ name, value })}/>`).join("");
}
