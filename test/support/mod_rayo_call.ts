/**
 * Calls of the simulated FreeSWITCH: offers, who controls, commands, the end (FS26–FS29, FS37, FS40, FS45, FS46).
 */
import type { Timer } from "../../src/base/clock.ts";
import { completeAll, type SimComponent, startComponent } from "./mod_rayo_component.ts";
import { join, leave, unjoin } from "./mod_rayo_join.ts";
import { headersXml, type ModRayoNode } from "./mod_rayo_node.ts";
import { RAYO } from "./peer.ts";
import { attrsXml, type El, elements, firstChild } from "./xml.ts";

/** What stands in `<end>`. */
export interface CallReason {
  name: "hungup" | "hangup-command" | "timeout" | "busy" | "rejected" | "error";
  /** Q.850; absent for `hangup-command`, as recorded. */
  code?: number;
}

export class SimCall {
  readonly id: string;
  readonly direction: "inbound" | "outbound";
  readonly to: string;
  readonly from: string;
  readonly headers: Record<string, string>;
  state: "offered" | "dialing" | "answered" | "ended" = "dialing";
  /** The DCP: who dialed, or who of the offered commanded first (FS29). */
  controller = "";
  /** Full JIDs it was offered to. */
  offered: string[] = [];
  /** A call's id, or a mixer's name. */
  joined: { kind: "call" | "mixer"; name: string } | null = null;
  readonly components = new Map<string, SimComponent>();
  componentCount = 0;
  readonly messages: string[] = [];
  /** When its latest stanza goes out. */
  lastPost = 0;
  /** When somebody last did something with it (FS45). */
  touchedAt = 0;
  readonly timers: Timer[] = [];

  constructor(
    id: string,
    direction: "inbound" | "outbound",
    to: string,
    from: string,
    headers: Record<string, string>,
  ) {
    this.id = id;
    this.direction = direction;
    this.to = to;
    this.from = from;
    this.headers = headers;
  }

  /** Its timers stop; it says nothing more of its own. */
  forget(): void {
    this.state = "ended";
    for (const timer of this.timers) timer.cancel();
    this.timers.length = 0;
    for (const component of this.components.values()) component.timer?.cancel();
    this.components.clear();
  }
}

const CALL_CAPS =
  "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:xmpp:rayo:call:1' ver='L9rOKMEJl9rssEggArljiapRd9k='/>";
/** NORMAL_TEMPORARY_FAILURE. */
const NOBODY: CallReason = { name: "error", code: 41 };

export function offer(node: ModRayoNode, call: SimCall): void {
  call.state = "offered";
  touch(node, call);
  const online = [...node.clients].filter(([, on]) => on).map(([jid]) => jid);
  if (online.length === 0) return endCall(node, call, NOBODY);
  const { offerMode, offerTimeoutMs } = node.options;
  const rounds = offerMode === "all" ? [online] : online.map((jid) => [jid]);
  const ask = (round: number) => {
    const asked = rounds[round];
    if (asked === undefined) return endCall(node, call, NOBODY);
    for (const jid of asked) {
      call.offered.push(jid);
      node.counters.offers++;
      const attrs = attrsXml({ from: call.from, to: call.to });
      node.callEvent(
        call,
        `${CALL_CAPS}<offer xmlns='${RAYO}'${attrs}>${headersXml(call.headers)}</offer>`,
        "",
        "",
        jid,
      );
    }
    call.timers.push(node.clock.after(offerTimeoutMs, () => {
      if (call.controller === "" && call.state === "offered") ask(round + 1);
    }));
  };
  ask(0);
}

/** Notes a sign of life, and starts the clock of calls that nobody cares for (FS45). */
export function touch(node: ModRayoNode, call: SimCall): void {
  const first = call.touchedAt === 0;
  call.touchedAt = node.clock.now() || 1;
  if (!first) return;
  const look = () => {
    if (call.state === "ended") return;
    if (call.joined !== null || call.components.size > 0) call.touchedAt = node.clock.now();
    const left = call.touchedAt + node.options.idleMsMax - node.clock.now();
    if (left <= 0) return endCall(node, call, { name: "hungup", code: 16 });
    call.timers.push(node.clock.after(left, look));
  };
  call.timers.push(node.clock.after(node.options.idleMsMax, look));
}

/** Components complete, legs part, `end` goes to all that were offered, else to the controller (FS26). */
export function endCall(node: ModRayoNode, call: SimCall, reason: CallReason): void {
  if (call.state === "ended") return;
  completeAll(node, call);
  leave(node, call);
  call.forget();
  node.calls.delete(call.id);
  node.counters.ends++;
  const code = reason.code === undefined ? undefined : String(reason.code);
  const end = `<end xmlns='${RAYO}'><${reason.name}${attrsXml({ "platform-code": code })}/></end>`;
  const told = call.offered.length > 0 ? call.offered : [call.controller];
  for (const jid of told) node.callEvent(call, end, "", "unavailable", jid);
}

export function callCommand(node: ModRayoNode, iq: El, payload: El, call: SimCall, from: string): void {
  const run = COMMANDS[`${iq.attrs.type} ${payload.ns} ${payload.name}`];
  // FS37, FS46: what is not understood says so to everybody and touches nothing.
  if (run === undefined) return node.fail(iq, "modify", "feature-not-implemented");
  if (call.controller === "" && call.offered.includes(from)) call.controller = from;
  if (call.controller !== from) return node.fail(iq, "cancel", "conflict");
  touch(node, call);
  run(node, iq, payload, call, from);
}

type Command = (node: ModRayoNode, iq: El, payload: El, call: SimCall, from: string) => void;

const COMMANDS: Record<string, Command> = {
  [`set ${RAYO} accept`]: (node, iq, _, call) => node.result(iq, "", call),
  [`set ${RAYO} answer`]: (node, iq, _, call) => {
    node.result(iq, "", call);
    node.answerFromFarEnd(call);
  },
  [`set ${RAYO} redirect`]: (node, iq, payload, call) => {
    if (!payload.attrs.to) return node.fail(iq, "modify", "bad-request", "Missing redirect to attribute");
    node.result(iq, "", call);
    endCall(node, call, { name: "hungup", code: 31 });
  },
  [`set ${RAYO} reject`]: (node, iq, payload, call) => {
    const reason = firstChild(payload)?.name ?? "";
    if (!["decline", "busy", "error"].includes(reason)) return node.fail(iq, "modify", "bad-request"); // FS40
    node.result(iq, "", call);
    endCall(node, call, { name: "hangup-command" });
  },
  [`set ${RAYO} hangup`]: (node, iq, payload, call) => {
    if (elements(payload).length > 0) return node.fail(iq, "modify", "bad-request"); // FS40
    node.result(iq, "", call);
    endCall(node, call, { name: "hangup-command" });
  },
  [`set ${RAYO} join`]: join,
  [`set ${RAYO} unjoin`]: unjoin,
  "set urn:xmpp:rayo:output:1 output": startComponent,
  "set urn:xmpp:rayo:input:1 input": startComponent,
  "set urn:xmpp:rayo:prompt:1 prompt": startComponent,
  "set urn:xmpp:rayo:record:1 record": startComponent,
};
