/**
 * Components of the simulated FreeSWITCH: output, input, prompt, record. They complete by themselves, by `stop`, or
 * with their call (FS22, FS26, FS29; recordings c_offer_loopback, p_answer_output).
 */
import type { Timer } from "../../src/base/clock.ts";
import { SimCall } from "./mod_rayo_call.ts";
import type { SimMixer } from "./mod_rayo_join.ts";
import type { ModRayoNode } from "./mod_rayo_node.ts";
import { EXT, RAYO } from "./peer.ts";
import { attrsXml, child, type El, elements, toXml } from "./xml.ts";

export interface SimComponent {
  id: string;
  kind: "output" | "input" | "prompt" | "record";
  /** Who started it, and alone may command it. */
  owner: string;
  timer: Timer | null;
  /** What it completes with when its time is over; "" if only others end it. */
  reason: string;
  /** What a record completes with, beside the reason. */
  recording: string;
}

const EXT_COMPLETE = "urn:xmpp:rayo:ext:complete:1";
const INPUT_COMPLETE = "urn:xmpp:rayo:input:complete:1";
const RECORD_COMPLETE = "urn:xmpp:rayo:record:complete:1";

/** FS54: attributes that an echo has although nobody wrote them. */
const DEFAULTS: Record<SimComponent["kind"], Record<string, string>> = {
  output: {
    "start-offset": "0",
    "start-paused": "false",
    "repeat-interval": "0",
    "repeat-times": "1",
    "max-time": "-1",
    renderer: "",
    voice: "",
    direction: "out",
  },
  input: {
    mode: "any",
    terminator: "",
    recognizer: "",
    language: "",
    "initial-timeout": "-1",
    "inter-digit-timeout": "-1",
    sensitivity: "0.5",
    "min-confidence": "0",
    "max-silence": "-1",
    "match-content-type": "application/nlsml+xml",
  },
  prompt: { "barge-in": "true" },
  record: {
    format: "",
    "start-beep": "false",
    "stop-beep": "false",
    "start-paused": "false",
    "max-duration": "-1",
    "initial-timeout": "-1",
    "final-timeout": "-1",
    direction: "duplex",
    mix: "false",
  },
};

const COMMANDS: Record<SimComponent["kind"], readonly string[]> = {
  output: ["pause", "resume", "seek", "speed-up", "speed-down", "volume-up", "volume-down"],
  input: ["start-timers"],
  prompt: [],
  record: ["pause", "resume"],
};

type Host = SimCall | SimMixer;

function hostName(host: Host): string {
  return host instanceof SimCall ? host.id : host.name;
}

export function startComponent(node: ModRayoNode, iq: El, payload: El, host: Host, from: string): void {
  const kind = payload.name as SimComponent["kind"];
  if (!wellFormed(payload)) return node.fail(iq, "modify", "bad-request", undefined, DEFAULTS[kind]);
  let recording = "";
  if (kind === "record") {
    // The file takes a number of its own.
    const file = `file:///var/lib/freeswitch/recordings/${hostName(host)}-${++host.componentCount}.wav`;
    const duration = payload.attrs["max-duration"] ?? "0";
    recording = `<recording xmlns='${RECORD_COMPLETE}'${attrsXml({ uri: file, duration, size: "0" })}/>`;
  }
  const life = lifeOf(node, payload);
  const component: SimComponent = {
    id: `${kind}-${++host.componentCount}`,
    kind,
    owner: from,
    timer: null,
    reason: life?.reason ?? "",
    recording,
  };
  host.components.set(component.id, component);
  const uri = `xmpp:${hostName(host)}@${node.domain}/${component.id}`;
  node.result(iq, `<ref xmlns='${RAYO}'${attrsXml({ uri })}/>`, host instanceof SimCall ? host : undefined);
  if (life === null) return;
  component.timer = node.clock.after(
    node.options.iqMs + life.ms,
    () => complete(node, host, component, life.reason),
  );
}

function wellFormed(payload: El): boolean {
  switch (payload.name) {
    case "output":
      return elements(payload).some((c) => c.name === "document");
    case "input":
      return elements(payload).some((c) => c.name === "grammar");
    case "prompt":
      return child(payload, "output") !== undefined && child(payload, "input") !== undefined;
    default:
      return true;
  }
}

function lifeOf(node: ModRayoNode, payload: El): { ms: number; reason: string } | null {
  const noInput = `<noinput xmlns='${INPUT_COMPLETE}'/>`;
  const timeout = (el: El) => Number(el.attrs["initial-timeout"] ?? "-1");
  switch (payload.name) {
    case "output":
      return { ms: playMs(node, payload), reason: "<finish xmlns='urn:xmpp:rayo:output:complete:1'/>" };
    case "input":
      return timeout(payload) < 0 ? null : { ms: timeout(payload), reason: noInput };
    case "prompt": {
      const input = child(payload, "input")!;
      return timeout(input) < 0
        ? null
        : { ms: playMs(node, child(payload, "output")!) + timeout(input), reason: noInput };
    }
    default: {
      const max = Number(payload.attrs["max-duration"] ?? "-1");
      return max < 0 ? null : { ms: max, reason: `<max-duration xmlns='${RECORD_COMPLETE}'/>` };
    }
  }
}

/** `tone_stream://%(500,0,440)` lasts 500 ms. */
function playMs(node: ModRayoNode, output: El): number {
  const tone = /tone_stream:\/\/%\((\d+),/.exec(toXml(output));
  return tone === null ? node.options.playMs : Number(tone[1]);
}

function complete(node: ModRayoNode, host: Host, component: SimComponent, reason: string): void {
  if (!host.components.delete(component.id)) return;
  component.timer?.cancel();
  const from = `${hostName(host)}@${node.domain}/${component.id}`;
  const payload = `<complete xmlns='${EXT}'>${reason}${component.recording}</complete>`;
  node.event(from, component.owner, payload, "unavailable", host instanceof SimCall ? host : undefined);
}

/** Its time is over now, whatever the timer says. */
export function finishNow(node: ModRayoNode, call: SimCall, id: string): void {
  const component = call.components.get(id);
  if (component !== undefined && component.reason !== "") complete(node, call, component, component.reason);
}

/** Its call ends. */
export function completeAll(node: ModRayoNode, host: Host): void {
  for (const component of [...host.components.values()]) {
    complete(node, host, component, `<hangup xmlns='${EXT_COMPLETE}'/>`);
  }
}

export function digitPressed(node: ModRayoNode, call: SimCall, digit: string): void {
  const listening = [...call.components.values()].find((c) => c.kind === "input" || c.kind === "prompt");
  if (listening === undefined) return;
  const match = `<match xmlns='${INPUT_COMPLETE}' content-type='application/nlsml+xml'>` +
    `<result xmlns='http://www.ietf.org/xml/ns/mrcpv2'><interpretation confidence='100'>` +
    `<input mode='dtmf'>${digit}</input><instance>${digit}</instance></interpretation></result></match>`;
  complete(node, call, listening, match);
}

export function componentCommand(
  node: ModRayoNode,
  iq: El,
  payload: El,
  host: Host,
  id: string,
  from: string,
): void {
  const component = host.components.get(id);
  if (component === undefined) return node.notFound(iq);
  const stop = payload.name === "stop" && payload.ns === EXT;
  const known = stop ||
    (payload.ns === `urn:xmpp:rayo:${component.kind}:1` && COMMANDS[component.kind].includes(payload.name));
  if (iq.attrs.type !== "set" || !known) return node.fail(iq, "modify", "feature-not-implemented");
  if (component.owner !== from) return node.fail(iq, "cancel", "conflict");
  node.result(iq, "", host instanceof SimCall ? host : undefined);
  if (stop) complete(node, host, component, `<stop xmlns='${EXT_COMPLETE}'/>`);
}
