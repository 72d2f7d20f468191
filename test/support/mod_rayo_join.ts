/**
 * Joins and mixers of the simulated FreeSWITCH (FS24, FS33–FS36, FS51–FS53; recordings e_*, n_direction).
 */
import type { SimCall } from "./mod_rayo_call.ts";
import { type SimComponent, startComponent } from "./mod_rayo_component.ts";
import type { ModRayoNode } from "./mod_rayo_node.ts";
import { RAYO, splitJid } from "./peer.ts";
import { attr, attrsXml, type El } from "./xml.ts";

export interface SimMixer {
  name: string;
  /** Ids of the calls in it. */
  members: Set<string>;
  components: Map<string, SimComponent>;
  componentCount: number;
}

const JOIN_DEFAULTS = { direction: "duplex", media: "bridge", "call-uri": "", "mixer-name": "" };
const MIXER_CAPS =
  "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:xmpp:rayo:mixer:1' ver='UPI0nkuDhf6VrFfI4lWHWOatZgA='/>";

export function join(node: ModRayoNode, iq: El, payload: El, call: SimCall, from: string): void {
  const refuse = (type: string, condition: string, text?: string) =>
    node.fail(iq, type, condition, text, JOIN_DEFAULTS);
  const mixer = attr(payload, "mixer-name");
  const uri = attr(payload, "call-uri");
  if (mixer === "" && uri === "") {
    return refuse("modify", "bad-request", "mixer-name or call-uri is required");
  }
  if (mixer !== "" && uri !== "") {
    return refuse("modify", "bad-request", "mixer-name and call-uri are mutually exclusive");
  }
  if (call.joined !== null) {
    if (mixer === "" || call.joined.name !== mixer) {
      return refuse("cancel", "conflict", "call is already joined");
    }
    // A change of direction works, but 1.8 says otherwise (FS52).
    if (node.options.version === "1.10") return node.result(iq, mixerRef(node, mixer), call);
    const verb = attr(payload, "direction") === "recv" ? "mute" : "unmute";
    return refuse("cancel", "service-unavailable", `+OK ${verb} 1\n`);
  }
  if (call.state !== "answered") return refuse("wait", "unexpected-request", "a-leg is not ready to join");
  if (mixer !== "") {
    enter(node, call, mixer, () => node.result(iq, mixerRef(node, mixer), call));
    return;
  }
  const other = findCall(node, uri.replace(/^xmpp:/, ""));
  if (other === undefined) return refuse("cancel", "service-unavailable", "b-leg is gone");
  if (other.controller !== from) return refuse("cancel", "not-allowed");
  if (other.joined !== null) return refuse("cancel", "conflict", "b-leg is already joined to another call");
  if (other.state !== "answered") return refuse("wait", "unexpected-request", "b-leg is not ready to join");
  // FS51: the result may come after the events.
  const late = node.chance(node.options.overtake) ? 30 : 0;
  node.result(iq, "", call, late);
  bridge(node, call, other);
}

function mixerRef(node: ModRayoNode, mixer: string): string {
  return `<ref xmlns='${RAYO}'${attrsXml({ uri: `xmpp:${mixer}@${node.domain}` })}/>`;
}

function findCall(node: ModRayoNode, jid: string): SimCall | undefined {
  const parts = splitJid(jid);
  return parts.domain === node.domain ? node.calls.get(parts.local) : undefined;
}

function bridge(node: ModRayoNode, a: SimCall, b: SimCall): void {
  a.joined = { kind: "call", name: b.id };
  b.joined = { kind: "call", name: a.id };
  b.lastPost = a.lastPost = Math.max(a.lastPost, b.lastPost);
  tellJoined(node, b, a);
  tellJoined(node, a, b);
}

function tellJoined(node: ModRayoNode, call: SimCall, other: SimCall, word = "joined"): void {
  node.callEvent(
    call,
    `<${word} xmlns='${RAYO}'${attrsXml({ "call-uri": `xmpp:${other.id}@${node.domain}` })}/>`,
  );
}

/** Into a mixer; the first one makes it. */
function enter(node: ModRayoNode, call: SimCall, name: string, answer: () => void): void {
  let mixer = node.mixers.get(name);
  if (mixer === undefined) {
    mixer = { name, members: new Set(), components: new Map(), componentCount: 0 };
    node.mixers.set(name, mixer);
    // FS51: before the join's result. FS35: to everybody who is online.
    for (const [jid, online] of node.clients) {
      if (online) node.post(mixerPresence(node, name, jid, MIXER_CAPS), node.options.iqMs, call, jid);
    }
  }
  mixer.members.add(call.id);
  call.joined = { kind: "mixer", name };
  answer();
  node.callEvent(call, `<joined xmlns='${RAYO}'${attrsXml({ "mixer-name": name })}/>`);
  tellMixer(node, mixer, "joined", call);
}

function mixerPresence(node: ModRayoNode, name: string, to: string, payload: string, type?: string): string {
  return `<presence${
    attrsXml({ from: `${name}@${node.domain}`, to, type })
  }>${payload}${node.delay()}</presence>`;
}

/** Members' controllers hear of each other, once each (PMX4). */
function tellMixer(node: ModRayoNode, mixer: SimMixer, word: string, call: SimCall): void {
  const told = new Set([call.controller]);
  for (const id of mixer.members) told.add(node.calls.get(id)?.controller ?? "");
  told.delete("");
  const payload = `<${word} xmlns='${RAYO}'${attrsXml({ "call-uri": `xmpp:${call.id}@${node.domain}` })}/>`;
  for (const jid of told) node.post(mixerPresence(node, mixer.name, jid, payload), 0, call, jid);
}

export function unjoin(node: ModRayoNode, iq: El, payload: El, call: SimCall): void {
  const refuse = (text: string) => node.fail(iq, "cancel", "service-unavailable", text);
  const mixer = attr(payload, "mixer-name");
  const uri = attr(payload, "call-uri").replace(/^xmpp:/, "");
  if (call.joined === null) return refuse("not joined to anything");
  const name = call.joined.kind === "mixer" ? call.joined.name : `${call.joined.name}@${node.domain}`;
  const asked = mixer || uri;
  if (asked !== "" && asked !== name) return refuse(`not joined to ${asked}`);
  if (call.joined.kind === "mixer" && node.options.version === "1.8") refuse("+OK hup 1\n"); // FS52
  else node.result(iq, "", call);
  call.lastPost = Math.max(call.lastPost, node.clock.now() + node.options.iqMs);
  leave(node, call);
}

/** Parts from whatever it is joined to; a mixer ends with its last member (PMX8). */
export function leave(node: ModRayoNode, call: SimCall): void {
  const joined = call.joined;
  if (joined === null) return;
  call.joined = null;
  if (joined.kind === "call") {
    const other = node.calls.get(joined.name);
    if (other === undefined) return;
    other.joined = null;
    other.lastPost = call.lastPost = Math.max(call.lastPost, other.lastPost);
    tellJoined(node, other, call, "unjoined");
    tellJoined(node, call, other, "unjoined");
    return;
  }
  const mixer = node.mixers.get(joined.name)!;
  mixer.members.delete(call.id);
  node.callEvent(call, `<unjoined xmlns='${RAYO}'${attrsXml({ "mixer-name": mixer.name })}/>`);
  tellMixer(node, mixer, "unjoined", call);
  if (mixer.members.size > 0) return;
  node.mixers.delete(mixer.name);
  for (const component of mixer.components.values()) component.timer?.cancel();
  // After the `end` of the call that was its last member, if that is why (e_mixer).
  node.clock.after(0, () => {
    for (const [jid, online] of node.clients) {
      if (online) node.post(mixerPresence(node, mixer.name, jid, "", "unavailable"), 0, call, jid);
    }
  });
}

/** Why a dial with a nested join cannot be made; "" if it can. */
export function nestedJoinFault(node: ModRayoNode, nested: El): string {
  const uri = attr(nested, "call-uri");
  if (uri === "") return "";
  const other = findCall(node, uri.replace(/^xmpp:/, ""));
  if (other?.joined) return "peer call already joined";
  // FS53: nested, only the form with `xmpp:` is found.
  return other === undefined || !uri.startsWith("xmpp:") ? "b-leg is gone" : "";
}

/** The dialed call was answered. */
export function nestedJoin(node: ModRayoNode, nested: El, call: SimCall): void {
  const mixer = attr(nested, "mixer-name");
  if (mixer !== "") return enter(node, call, mixer, () => {});
  const other = findCall(node, attr(nested, "call-uri").replace(/^xmpp:/, ""));
  if (other !== undefined && other.joined === null) bridge(node, call, other);
}

export function mixerCommand(node: ModRayoNode, iq: El, payload: El, mixer: SimMixer, from: string): void {
  const runs = (payload.ns === "urn:xmpp:rayo:output:1" && payload.name === "output") ||
    (payload.ns === "urn:xmpp:rayo:record:1" && payload.name === "record");
  if (iq.attrs.type === "set" && runs) return startComponent(node, iq, payload, mixer, from); // FS36
  node.fail(iq, "modify", "feature-not-implemented");
}
