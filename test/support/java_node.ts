/**
 * A node of the original Java Rayo server (spec §7.2, JN1–JN10): announces itself with `node-info`, sends every event
 * to the bare gateway domain without a presence type, names its calls in base 36 and answers with `ref id`.
 *
 * It obeys presence errors from a gateway JID without localpart by hanging up (JN4, FS10). Never answers within
 * receive().
 */
import type { Clock } from "../../src/base/clock.ts";
import type { Random } from "../../src/base/random.ts";
import { errorXml, EXT, type Peer, RAYO, splitJid } from "./peer.ts";
import { attr, attrsXml, child, type El, firstChild, toXml } from "./xml.ts";

export interface JavaNodeOptions {
  domain: string;
  /** The bare domain it talks to (JN1). */
  gatewayDomain: string;
  clock: Clock;
  random: Random;
  platforms?: string[];
  weight?: number | string;
  priority?: number | string;
  /** Time a command takes. */
  iqMs?: number;
  /** `ringing`, then `answered` this long after a dial. */
  answerMs?: number;
  playMs?: number;
  /** `<show>` in capitals, as older builds write it (JN2). */
  oldShow?: boolean;
  /** Call JIDs are `id@call.<domain>` (G1). */
  callSubdomain?: boolean;
}

export interface JavaCall {
  id: string;
  /** Call ids it is joined to, or mixers. */
  joined: Set<string>;
  verbs: Map<string, string>;
  verbCount: number;
  answered: boolean;
}

export class JavaNode implements Peer {
  send: (xml: string) => void = () => {};
  readonly domain: string;
  readonly calls = new Map<string, JavaCall>();
  /** Mixer to the ids of its calls. */
  readonly mixers = new Map<string, Set<string>>();
  readonly violations: string[] = [];
  /** Calls hung up because a presence error came (JN4). */
  hungUpByError = 0;
  destroyed: string[] = [];
  quiesced = false;
  outgoingAllowed = true;
  readonly #options: Required<JavaNodeOptions>;
  #due: string[] = [];

  constructor(options: JavaNodeOptions) {
    this.domain = options.domain;
    this.#options = {
      platforms: ["default"],
      weight: 10,
      priority: 1,
      iqMs: 20,
      answerMs: 40,
      playMs: 500,
      oldShow: false,
      callSubdomain: false,
      ...options,
    };
  }

  /** `chat` with node-info, as at start, after quiesce, and when an operator changes something (JN2, JN3). */
  announce(change: Partial<Pick<JavaNodeOptions, "platforms" | "weight" | "priority">> = {}): void {
    Object.assign(this.#options, change);
    this.quiesced = false;
    this.#show("chat");
  }

  quiesce(): void {
    this.quiesced = true;
    this.#show("away");
  }

  /** An orderly stop: `unavailable`, and no `end`s. */
  shutdown(): void {
    this.#post(
      `<presence${attrsXml({ from: this.domain, to: this.#options.gatewayDomain, type: "unavailable" })}/>`,
    );
    this.calls.clear();
    this.mixers.clear();
  }

  incomingCall(far: { to: string; from: string; headers?: Record<string, string> }): JavaCall {
    const call = this.#newCall();
    const headers = Object.entries(far.headers ?? {}).map(([name, value]) =>
      `<header${attrsXml({ name, value })}/>`
    );
    this.event(
      call,
      `<offer xmlns='${RAYO}'${attrsXml({ to: far.to, from: far.from })}>${headers.join("")}</offer>`,
    );
    return call;
  }

  hangupFromFarEnd(call: JavaCall, reason = "hangup"): void {
    if (!this.calls.delete(call.id)) return;
    for (const verb of call.verbs.keys()) this.#complete(call, verb, "hangup");
    for (const [name, members] of this.mixers) if (members.has(call.id)) this.#leaveMixer(call, name);
    this.event(call, `<end xmlns='${RAYO}'><${reason}/></end>`);
  }

  /** Events carry no type at all, `end` and `complete` included (JN7). */
  event(call: JavaCall, payload: string, resource = ""): void {
    const from = this.callJid(call.id) + (resource === "" ? "" : `/${resource}`);
    this.#post(`<presence${attrsXml({ from, to: this.#options.gatewayDomain })}>${payload}</presence>`);
  }

  callJid(id: string): string {
    return `${id}@${this.#options.callSubdomain ? "call." : ""}${this.domain}`;
  }

  up(): void {
    this.announce();
  }
  down(): void {}

  receive(stanza: El): void {
    const from = splitJid(attr(stanza, "from"));
    const to = splitJid(attr(stanza, "to"));
    if (stanza.name === "presence") {
      // JN4: anything else from the gateway is ignored.
      const mine = from.local === "" && from.domain === this.#options.gatewayDomain;
      const call = this.calls.get(to.local);
      if (attr(stanza, "type") === "error" && mine && call !== undefined) {
        this.hungUpByError++;
        this.hangupFromFarEnd(call, "error");
      }
      return;
    }
    if (stanza.name !== "iq") return;
    const type = attr(stanza, "type");
    if (type === "result" || type === "error") return;
    if (from.local !== "") this.violations.push(`a command from ${attr(stanza, "from")}: ${toXml(stanza)}`);
    const payload = firstChild(stanza);
    if (payload === undefined) return this.#fail(stanza, "modify", "bad-request");
    if (payload.ns === "urn:xmpp:ping") return this.#result(stanza);
    if (to.local === "") return this.#node(stanza, payload);
    if (payload.name === "destroy-if-empty") return this.#destroy(stanza, to.local);
    const call = this.calls.get(to.local);
    if (call !== undefined) return this.#call(stanza, payload, call, to.resource);
    if (this.mixers.has(to.local)) return this.#mixer(stanza, payload, to.local, to.resource);
    this.#fail(stanza, "cancel", "item-not-found", `Could not find call [id=${to.local}]`);
  }

  #node(iq: El, payload: El): void {
    if (payload.name !== "dial" || payload.ns !== RAYO) {
      return this.#fail(iq, "cancel", "feature-not-implemented", "Feature not supported");
    }
    // JN6
    if (this.quiesced) return this.#fail(iq, "cancel", "service-unavailable", "This node has been quiesced");
    if (!this.outgoingAllowed) {
      return this.#fail(iq, "cancel", "service-unavailable", "This node is not allowing outbound calls");
    }
    const call = this.#newCall();
    call.answered = false;
    this.#result(iq, `<ref xmlns='${RAYO}' id='${call.id}'/>`);
    this.#options.clock.after(this.#options.iqMs + this.#options.answerMs, () => {
      if (!this.calls.has(call.id)) return;
      this.event(call, `<ringing xmlns='${RAYO}'/>`);
      call.answered = true;
      this.event(call, `<answered xmlns='${RAYO}'/>`);
    });
  }

  #call(iq: El, payload: El, call: JavaCall, resource: string): void {
    if (resource !== "") {
      if (!call.verbs.has(resource)) return this.#fail(iq, "cancel", "item-not-found");
      this.#result(iq);
      if (payload.name === "stop") this.#complete(call, resource, "stop");
      return;
    }
    switch (payload.name) {
      case "accept":
      case "redirect":
        return this.#result(iq);
      case "answer":
        call.answered = true;
        return this.#result(iq);
      case "hangup":
      case "reject":
        this.#result(iq);
        return this.hangupFromFarEnd(call, payload.name === "reject" ? "reject" : "hangup");
      case "join":
        return this.#join(iq, payload, call);
      case "unjoin":
        return this.#unjoin(iq, payload, call);
      case "output":
      case "input":
      case "prompt":
      case "record":
      case "ask":
      case "say":
        return this.#verb(iq, payload, call);
      default:
        this.#fail(iq, "cancel", "feature-not-implemented", "Feature not supported");
    }
  }

  #verb(iq: El, payload: El, call: JavaCall): void {
    const id = (this.#options.random.u32() ^ ++call.verbCount).toString(36);
    call.verbs.set(id, payload.name);
    this.#result(iq, `<ref xmlns='${RAYO}' id='${id}'/>`);
    if (payload.name !== "output" && payload.name !== "say") return;
    this.#options.clock.after(this.#options.iqMs + this.#options.playMs, () => {
      if (this.calls.has(call.id)) this.#complete(call, id, "finish");
    });
  }

  #complete(call: JavaCall, id: string, how: string): void {
    const kind = call.verbs.get(id);
    if (kind === undefined) return;
    call.verbs.delete(id);
    const ns = how === "finish" ? `urn:xmpp:rayo:${kind}:complete:1` : "urn:xmpp:rayo:ext:complete:1";
    const word = how === "finish" ? "success" : how;
    this.event(call, `<complete xmlns='${EXT}'><${word} xmlns='${ns}'/></complete>`, id);
  }

  #join(iq: El, payload: El, call: JavaCall): void {
    const mixer = attr(payload, "mixer-name");
    if (mixer !== "") {
      const members = this.mixers.get(mixer) ?? new Set();
      this.mixers.set(mixer, members.add(call.id));
      this.#result(iq);
      this.event(call, `<joined xmlns='${RAYO}'${attrsXml({ "mixer-name": mixer })}/>`);
      return this.#mixerEvent(mixer, `<joined xmlns='${RAYO}'${attrsXml({ "call-id": call.id })}/>`);
    }
    const asked = attr(payload, "call-id") || splitJid(attr(payload, "call-uri").replace(/^xmpp:/, "")).local;
    const other = this.calls.get(asked);
    if (other === undefined) {
      return this.#fail(iq, "cancel", "service-unavailable", "Could not find call to join");
    }
    call.joined.add(other.id);
    other.joined.add(call.id);
    this.#result(iq);
    this.event(call, `<joined xmlns='${RAYO}'${attrsXml({ "call-id": other.id })}/>`);
    this.event(other, `<joined xmlns='${RAYO}'${attrsXml({ "call-id": call.id })}/>`);
  }

  #unjoin(iq: El, payload: El, call: JavaCall): void {
    const mixer = attr(payload, "mixer-name");
    this.#result(iq);
    if (mixer !== "" && this.mixers.get(mixer)?.has(call.id)) return this.#leaveMixer(call, mixer);
    for (const id of call.joined) {
      call.joined.delete(id);
      this.calls.get(id)?.joined.delete(call.id);
      this.event(call, `<unjoined xmlns='${RAYO}'${attrsXml({ "call-id": id })}/>`);
    }
  }

  /** An empty mixer stays until it is told `destroy-if-empty` (JN9). */
  #leaveMixer(call: JavaCall, mixer: string): void {
    this.mixers.get(mixer)!.delete(call.id);
    this.event(call, `<unjoined xmlns='${RAYO}'${attrsXml({ "mixer-name": mixer })}/>`);
    this.#mixerEvent(mixer, `<unjoined xmlns='${RAYO}'${attrsXml({ "call-id": call.id })}/>`);
  }

  /** Once, to the gateway, who multiplies it (JN1). */
  #mixerEvent(mixer: string, payload: string): void {
    const attrs = attrsXml({ from: `${mixer}@${this.domain}`, to: this.#options.gatewayDomain });
    this.#post(`<presence${attrs}>${payload}</presence>`);
  }

  #mixer(iq: El, payload: El, mixer: string, resource: string): void {
    if (resource !== "" || payload.name !== "output") return this.#result(iq);
    const id = this.#options.random.u32().toString(36);
    this.#result(iq, `<ref xmlns='${RAYO}' id='${id}'/>`);
    this.#options.clock.after(this.#options.iqMs + this.#options.playMs, () => {
      const attrs = attrsXml({ from: `${mixer}@${this.domain}/${id}`, to: this.#options.gatewayDomain });
      const how = "<success xmlns='urn:xmpp:rayo:output:complete:1'/>";
      this.#post(`<presence${attrs}><complete xmlns='${EXT}'>${how}</complete></presence>`);
    });
  }

  #destroy(iq: El, mixer: string): void {
    const members = this.mixers.get(mixer);
    if (members === undefined) return this.#fail(iq, "cancel", "item-not-found");
    if (members.size === 0) {
      this.mixers.delete(mixer);
      this.destroyed.push(mixer);
    }
    this.#result(iq);
  }

  #newCall(): JavaCall {
    const { random } = this.#options;
    const id = random.u32().toString(36) + random.u32().toString(36);
    const call = {
      id,
      joined: new Set<string>(),
      verbs: new Map<string, string>(),
      verbCount: 0,
      answered: true,
    };
    this.calls.set(id, call);
    return call;
  }

  #show(show: string): void {
    const { platforms, weight, priority, gatewayDomain, oldShow } = this.#options;
    const info = platforms.map((p) => `<platform>${p}</platform>`).join("") +
      `<weight>${weight}</weight><priority>${priority}</priority>`;
    this.#post(
      `<presence${attrsXml({ from: this.domain, to: gatewayDomain })}><show>${
        oldShow ? show.toUpperCase() : show
      }</show>` +
        `<node-info xmlns='urn:xmpp:rayo:cluster:1'>${info}</node-info></presence>`,
    );
  }

  #result(iq: El, payload = ""): void {
    this.#post(
      `<iq type='result'${
        attrsXml({ id: iq.attrs.id, from: iq.attrs.to, to: iq.attrs.from })
      }>${payload}</iq>`,
      this.#options.iqMs,
    );
  }

  #fail(iq: El, type: string, condition: string, text?: string): void {
    const echo = child(iq, firstChild(iq)?.name ?? "");
    const attrs = attrsXml({ id: iq.attrs.id, from: iq.attrs.to, to: iq.attrs.from });
    const payload = echo === undefined ? "" : toXml(echo);
    this.#post(
      `<iq type='error'${attrs}>${payload}${errorXml(type, condition, text)}</iq>`,
      this.#options.iqMs,
    );
  }

  /** Everything takes its turn: what was posted earlier is not overtaken. */
  #lastAt = 0;
  #post(xml: string, ms = 0): void {
    const { clock } = this.#options;
    const at = this.#lastAt = Math.max(this.#lastAt, clock.now() + ms);
    const wait = at - clock.now();
    if (wait > 0) {
      clock.after(wait, () => this.send(xml));
      return;
    }
    this.#due.push(xml);
    if (this.#due.length > 1) return;
    clock.after(0, () => {
      const due = this.#due;
      this.#due = [];
      for (const each of due) this.send(each);
    });
  }
}
