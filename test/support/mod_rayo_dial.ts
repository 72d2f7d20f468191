/**
 * Dialing on the simulated FreeSWITCH: what it refuses (FS30, FS49), and what the far end then does, by dial string
 * (FS31, FS48; recording d_dial). Failed calls succeed first: a ref, then `end`.
 */
import { type CallReason, endCall, SimCall, touch } from "./mod_rayo_call.ts";
import { nestedJoin, nestedJoinFault } from "./mod_rayo_join.ts";
import type { ModRayoNode } from "./mod_rayo_node.ts";
import { RAYO } from "./peer.ts";
import { attr, attrsXml, child, type El, elements } from "./xml.ts";

/** What the far end does, in milliseconds after the dial's result. */
export interface Plan {
  ringMs?: number;
  answerMs?: number;
  end?: { ms: number; reason: CallReason };
}

/** Causes that are the node's fault or the caller's; others end the call. */
const CONSTRAINTS = [
  "DESTINATION_OUT_OF_ORDER",
  "EXCHANGE_ROUTING_ERROR",
  "SYSTEM_SHUTDOWN",
  "GATEWAY_DOWN",
  "INVALID_NUMBER_FORMAT",
];
const MISTAKES = ["CHAN_NOT_IMPLEMENTED", "INVALID_URL", "INVALID_GATEWAY", "INVALID_PROFILE"];

const BUSY: CallReason = { name: "busy", code: 17 };
const REJECTED: CallReason = { name: "rejected", code: 21 };
const TIMEOUT: CallReason = { name: "timeout", code: 19 };
const ABSENT: CallReason = { name: "error", code: 20 };
const UNREACHABLE: CallReason = { name: "error", code: 41 };

/** A plan, or the cause that the dial fails with. */
export function planOf(to: string, timeoutMs: number): Plan | string {
  const target = to.replace(/^\{[^}]*\}/, "");
  const [kind = "", name = ""] = target.split(/[/:@]/);
  if (kind === "loopback") return LOOPBACK[name]?.(timeoutMs) ?? { answerMs: 0 };
  if (kind === "null") return { answerMs: 0 };
  if (kind === "user") {
    if (name === "busy") return { end: { ms: 20, reason: BUSY } };
    return name === "nobody" ? { end: { ms: 0, reason: ABSENT } } : { ringMs: 0, answerMs: 20 };
  }
  if (kind === "error") return causePlan(name);
  if (kind === "sip" || kind === "sofia") {
    return /:5090\b/.test(target) ? { end: { ms: 20, reason: UNREACHABLE } } : { ringMs: 20, answerMs: 20 };
  }
  return "INVALID_GATEWAY";
}

const LOOPBACK: Record<string, (timeoutMs: number) => Plan> = {
  ring1: () => ({ ringMs: 0, answerMs: 20 }),
  early: () => ({ ringMs: 0, answerMs: 1020 }),
  ringonly: (timeoutMs) => ({ ringMs: 0, end: { ms: timeoutMs, reason: TIMEOUT } }),
  silent: () => ({}),
  busy: () => ({ end: { ms: 20, reason: BUSY } }),
  reject: () => ({ end: { ms: 20, reason: REJECTED } }),
  noanswer: () => ({ end: { ms: 20, reason: TIMEOUT } }),
  short: () => ({ answerMs: 0, end: { ms: 1040, reason: { name: "hungup", code: 16 } } }),
};

function causePlan(cause: string): Plan | string {
  switch (cause) {
    case "USER_BUSY":
      return { end: { ms: 20, reason: BUSY } };
    case "CALL_REJECTED":
      return { end: { ms: 20, reason: REJECTED } };
    case "NO_ANSWER":
      return { end: { ms: 20, reason: TIMEOUT } };
    case "SUBSCRIBER_ABSENT":
      return { end: { ms: 0, reason: ABSENT } };
    default:
      return cause;
  }
}

export function dial(node: ModRayoNode, iq: El, payload: El, from: string): void {
  const bad = (text: string) => node.fail(iq, "modify", "bad-request", text);
  const to = attr(payload, "to");
  if (to === "") return bad("missing dial to attribute");
  if (/\s/.test(to)) return bad("malformed dial string");
  let id = "";
  if (payload.attrs.uri !== undefined) {
    const uri = payload.attrs.uri.replace(/^xmpp:/, "");
    const at = uri.lastIndexOf("@");
    if (at < 0) return bad("Bad uri");
    if (uri.slice(at + 1) !== node.domain) return bad("Bad uri (invalid domain)");
    if (at === 0) return bad("Bad uri (missing node)");
    id = uri.slice(0, at);
    if (node.calls.has(id)) return node.fail(iq, "cancel", "conflict");
  }
  if (node.paused || node.calls.size >= node.options.callsMax) {
    return node.fail(iq, "wait", "resource-constraint", "DESTINATION_OUT_OF_ORDER");
  }
  const nested = child(payload, "join", RAYO);
  const fault = nested === undefined ? "" : nestedJoinFault(node, nested);
  if (fault !== "") return node.fail(iq, "cancel", "service-unavailable", fault);
  const timeoutMs = Number(payload.attrs.timeout ?? "60000");
  const plan = node.options.plan?.(to) ?? planOf(to, timeoutMs);
  if (typeof plan === "string") return refuse(node, iq, plan);

  const headers = Object.fromEntries(
    elements(payload).filter((c) => c.name === "header").map((c) => [attr(c, "name"), attr(c, "value")]),
  );
  const call = new SimCall(id === "" ? node.newId() : id, "outbound", to, attr(payload, "from"), headers);
  call.controller = from;
  node.calls.set(call.id, call);
  node.counters.dials++;
  touch(node, call);
  const late = node.chance(node.options.overtake) ? 5 + node.options.random.u32() % 36 : 0;
  const uri = `xmpp:${call.id}@${node.domain}`;
  node.result(iq, `<ref xmlns='${RAYO}'${attrsXml({ uri })}/>`, call, late);
  if (!node.chance(node.options.silentDial)) play(node, call, plan, nested); // FS63
}

function refuse(node: ModRayoNode, iq: El, cause: string): void {
  if (CONSTRAINTS.includes(cause)) return node.fail(iq, "wait", "resource-constraint", cause);
  if (MISTAKES.includes(cause)) return node.fail(iq, "modify", "bad-request", cause);
  node.fail(iq, "wait", "internal-server-error", cause);
}

function play(node: ModRayoNode, call: SimCall, plan: Plan, nested: El | undefined): void {
  const at = (ms: number, run: () => void) => {
    call.timers.push(node.clock.after(node.options.iqMs + ms, () => {
      if (call.state !== "ended") run();
    }));
  };
  if (plan.ringMs !== undefined) at(plan.ringMs, () => node.ringFromFarEnd(call));
  if (plan.answerMs !== undefined) {
    at(plan.answerMs, () => {
      if (call.state === "answered") return;
      node.answerFromFarEnd(call);
      if (nested !== undefined) nestedJoin(node, nested, call);
    });
  }
  if (plan.end !== undefined) {
    const { ms, reason } = plan.end;
    at(ms, () => endCall(node, call, reason));
  }
}
