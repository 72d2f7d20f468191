/**
 * A client application with the ways of punchblock and Adhearsion (spec §7.3, AH1–AH30): broadcasts `<presence/>`,
 * says `chat` to the root domain once in its life (AH20), assigns its calls' URIs itself (AH5), finds a call by the
 * local part (AH23) and a component only if `xmpp:` + `from` is the ref's URI to the letter (AH9, AH22).
 *
 * What a gateway must never do to it ends up in `violations`, which every scene checks to be empty.
 */
import type { Clock, Timer } from "../../src/base/clock.ts";
import type { Random } from "../../src/base/random.ts";
import { conditionOf, EXT, type Peer, RAYO, splitJid } from "./peer.ts";
import { attr, attrsXml, child, type El, elements, firstChild, toXml } from "./xml.ts";

export interface ApplicationOptions {
  /** `user@domain/resource` (AH1). */
  jid: string;
  /** The external domain (AH2). */
  root: string;
  clock: Clock;
  random: Random;
  /** What it does with a call that is offered to it. */
  onOffer?: "answer" | "reject" | "ignore" | "accept";
  /** After `answered`: plays something, and hangs up when it is over. */
  playThenHangup?: boolean;
  /** Domains of nodes: nothing of them may ever be seen (G4). */
  nodeDomains?: string[];
  /** A command that nobody answered for so long is a violation (AH13). */
  answerMsMax?: number;
  /** Assigns `uri` to its dials (AH5); older clients do not (AH18). */
  ownUris?: boolean;
}

export interface AppComponent {
  uri: string;
  complete: El | null;
}

export interface AppCall {
  /** Local part: all it is known by (AH23). */
  id: string;
  /** Where its commands go. */
  jid: string;
  direction: "inbound" | "outbound";
  /** Names of its events, in order. */
  events: string[];
  ended: boolean;
  components: Map<string, AppComponent>;
}

interface Waiting {
  what: string;
  done: (answer: El | null) => void;
  timer: Timer;
}

export class Application implements Peer {
  send: (xml: string) => void = () => {};
  readonly jid: string;
  readonly root: string;
  readonly options: ApplicationOptions;
  readonly calls = new Map<string, AppCall>();
  readonly violations: string[] = [];
  /** Everything that came, in order. */
  readonly received: El[] = [];
  /** Errors that its commands got: `dial resource-constraint`. */
  readonly errors: string[] = [];
  onOffer: (call: AppCall, offer: El) => void;
  onEvent: (call: AppCall, event: El) => void = () => {};
  readonly #waiting = new Map<string, Waiting>();
  readonly #answered = new Set<string>();
  #pings = 1;
  #ready = false;
  #alive = true;
  #pingTimer: Timer | null = null;

  constructor(options: ApplicationOptions) {
    this.options = options;
    this.jid = options.jid;
    this.root = options.root;
    this.onOffer = (call) => this.#scripted(call);
  }

  // --- its life -----------------------------------------------------------------------------------------------

  /** Connected, or connected again: only the broadcast is repeated (AH20). */
  up(): void {
    this.#alive = true;
    this.send(`<presence from='${this.jid}'/>`);
    this.#ping();
  }

  down(): void {
    this.#alive = false;
    this.#pingTimer?.cancel();
    for (const waiting of this.#waiting.values()) waiting.timer.cancel();
    this.#waiting.clear();
  }

  /** `chat` to the root domain: once in a process's life (AH3, AH20). */
  ready(): void {
    if (this.#ready) return;
    this.#ready = true;
    this.#presence("chat");
  }

  /** Not ready: no new calls (AH3). It may become ready again. */
  notReady(): void {
    this.#ready = false;
    this.#presence("dnd");
  }

  #presence(show: string): void {
    this.send(`<presence${attrsXml({ from: this.jid, to: this.root })}><show>${show}</show></presence>`);
  }

  /** Every 60 s, with ids that collide with other clients' (AH12, AH21). */
  #ping(): void {
    this.#pingTimer?.cancel();
    this.#pingTimer = this.options.clock.after(60_000, () => {
      this.ping();
      this.#ping();
    });
  }

  ping(done: (answer: El | null) => void = () => {}): void {
    const id = `blather${String(++this.#pings).padStart(4, "0")}`;
    this.#iq("ping", this.root, "<ping xmlns='urn:xmpp:ping'/>", done, "get", id);
  }

  // --- what it asks for ---------------------------------------------------------------------------------------

  dial(to: string, done: (call: AppCall | null, answer: El | null) => void = () => {}, inner = ""): string {
    const id = this.#uuid();
    const uri = this.options.ownUris === false ? undefined : `xmpp:${id}@${this.root}`;
    const payload = `<dial xmlns='${RAYO}'${
      attrsXml({ to, from: "sip:app@example.com", uri })
    }>${inner}</dial>`;
    // Events of its own call may come before the ref; it knows the id already.
    if (uri !== undefined) this.#call(id, `${id}@${this.root}`, "outbound");
    this.#iq("dial", this.root, payload, (answer) => {
      const ref = answer === null ? undefined : child(answer, "ref", RAYO);
      if (ref === undefined) {
        this.calls.delete(id);
        return done(null, answer);
      }
      const got = attr(ref, "uri");
      if (uri !== undefined && got !== uri) {
        this.#violation(`call URI ${uri} was not respected (AH7)`, answer!);
      }
      if (got === "") this.#violation("a ref without uri (AH6)", answer!);
      const jid = got.slice("xmpp:".length);
      done(this.#call(splitJid(jid).local, jid, "outbound"), answer);
    });
    return id;
  }

  command(call: AppCall, payload: string, done: (answer: El | null) => void = () => {}): void {
    this.#iq(/^<([\w-]+)/.exec(payload)?.[1] ?? "?", call.jid, payload, done);
  }

  answer(call: AppCall): void {
    this.command(call, `<answer xmlns='${RAYO}'/>`);
  }
  hangup(call: AppCall): void {
    this.command(call, `<hangup xmlns='${RAYO}'/>`);
  }

  /** Starts a component and remembers its ref. */
  start(call: AppCall, payload: string, done: (component: AppComponent | null) => void = () => {}): void {
    this.command(call, payload, (answer) => {
      const ref = answer === null ? undefined : child(answer, "ref", RAYO);
      if (ref === undefined) return done(null);
      const component: AppComponent = { uri: attr(ref, "uri"), complete: null };
      if (component.uri === "") this.#violation("a ref without uri (AH6)", answer!);
      call.components.set(component.uri, component);
      done(component);
    });
  }

  stop(component: AppComponent, done: (answer: El | null) => void = () => {}): void {
    this.#iq("stop", component.uri.slice("xmpp:".length), `<stop xmlns='${EXT}'/>`, done);
  }

  play(call: AppCall): void {
    const document =
      "<document content-type='application/ssml+xml'>&lt;speak&gt;hello&lt;/speak&gt;</document>";
    this.start(call, `<output xmlns='urn:xmpp:rayo:output:1'>${document}</output>`);
  }

  /** Any IQ; `done` gets null if nobody answered in time. */
  #iq(
    what: string,
    to: string,
    payload: string,
    done: (answer: El | null) => void,
    type = "set",
    id = this.#uuid(),
  ): void {
    const timer = this.options.clock.after(this.options.answerMsMax ?? 60_000, () => {
      this.#waiting.delete(id);
      this.violations.push(`${this.jid}: no answer to ${what} to ${to} (AH13)`);
      done(null);
    });
    this.#waiting.set(id, { what, done, timer });
    this.send(`<iq type='${type}'${attrsXml({ id, from: this.jid, to })}>${payload}</iq>`);
  }

  // --- what it is told ----------------------------------------------------------------------------------------

  receive(stanza: El): void {
    if (!this.#alive) return;
    this.received.push(stanza);
    this.#inspect(stanza);
    if (stanza.name === "iq") this.#onIq(stanza);
    else if (stanza.name === "presence") this.#onPresence(stanza);
  }

  #inspect(stanza: El): void {
    if (attr(stanza, "to") !== this.jid) this.#violation("got what is for somebody else", stanza);
    const domains = this.options.nodeDomains ?? [];
    if (domains.length === 0) return;
    const text = toXml(stanza);
    for (const domain of domains) {
      if (new RegExp(`[@.:'"]${domain.replaceAll(".", "\\.")}[/'"]`).test(text)) {
        this.#violation(`saw the node ${domain} (G4)`, stanza);
      }
    }
  }

  #onIq(iq: El): void {
    const type = attr(iq, "type"), id = attr(iq, "id");
    if (type === "get" || type === "set") {
      // AH28: a ping is answered, anything else is not.
      if (child(iq, "ping", "urn:xmpp:ping") === undefined) return;
      this.send(`<iq type='result'${attrsXml({ id, from: this.jid, to: attr(iq, "from") })}/>`);
      return;
    }
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) {
      if (this.#answered.has(id)) this.#violation("two answers to one request", iq);
      return;
    }
    this.#waiting.delete(id);
    this.#answered.add(id);
    waiting.timer.cancel();
    if (type === "error") {
      const kind = attr(child(iq, "error") ?? iq, "type");
      const proper = ["cancel", "continue", "modify", "auth", "wait"].includes(kind) &&
        conditionOf(iq) !== "";
      if (!proper) this.#violation("an error that no client can read (AH26)", iq);
      this.errors.push(`${waiting.what} ${conditionOf(iq)}`);
    }
    waiting.done(iq);
  }

  #onPresence(presence: El): void {
    const type = attr(presence, "type");
    if (type === "error") {
      // AH27: taken for a new offer.
      if (child(presence, "offer") !== undefined) {
        this.#violation("an offer that bounced back (AH27)", presence);
      }
      return;
    }
    const event = elements(presence).find((c) => c.ns.startsWith("urn:xmpp:rayo")); // AH15: the first
    if (event === undefined) return;
    const from = attr(presence, "from");
    const parts = splitJid(from);
    const gone = event.name === "end" || event.name === "complete";
    if (gone !== (type === "unavailable")) {
      this.#violation(`'${event.name}' with type '${type}' (G7, JN7)`, presence);
    }
    if (event.name === "offer") return this.#offered(presence, event, from);
    const call = this.calls.get(parts.local);
    if (call === undefined) return; // AH16
    if (call.ended) return this.#violation(`'${event.name}' after the end`, presence);
    if (parts.resource !== "") return this.#componentEvent(presence, event, call, from);
    call.events.push(event.name);
    if (event.name === "end") {
      call.ended = true;
      if (firstChild(event) === undefined) this.#violation("an end without a reason (AH27)", presence);
      for (const component of call.components.values()) component.complete ??= event;
    }
    this.onEvent(call, event);
    if (event.name === "answered" && this.options.playThenHangup) this.play(call);
  }

  #componentEvent(presence: El, event: El, call: AppCall, from: string): void {
    const component = call.components.get(`xmpp:${from}`);
    if (component === undefined) return; // AH25: lost, as in the real client
    if (event.name !== "complete") return;
    if (component.complete !== null) this.#violation("a second complete", presence);
    component.complete = event;
    this.onEvent(call, event);
    if (this.options.playThenHangup) this.hangup(call);
  }

  #offered(presence: El, offer: El, from: string): void {
    const id = splitJid(from).local;
    if (this.calls.has(id)) return this.#violation("a call offered twice", presence);
    const call = this.#call(id, from, "inbound");
    call.events.push("offer");
    this.onOffer(call, offer);
  }

  #scripted(call: AppCall): void {
    switch (this.options.onOffer ?? "answer") {
      case "answer":
        return this.answer(call);
      case "accept":
        return this.command(call, `<accept xmlns='${RAYO}'/>`);
      case "reject":
        return this.command(call, `<reject xmlns='${RAYO}'><busy/></reject>`);
      case "ignore":
        return;
    }
  }

  #call(id: string, jid: string, direction: AppCall["direction"]): AppCall {
    const known = this.calls.get(id);
    if (known !== undefined) {
      known.jid = jid;
      return known;
    }
    const call: AppCall = { id, jid, direction, events: [], ended: false, components: new Map() };
    this.calls.set(id, call);
    return call;
  }

  #violation(what: string, stanza: El): void {
    this.violations.push(`${this.jid} ${what}: ${toXml(stanza)}`);
  }

  #uuid(): string {
    const hex = Array.from({ length: 4 }, () => this.options.random.u32().toString(16).padStart(8, "0")).join(
      "",
    );
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }
}
