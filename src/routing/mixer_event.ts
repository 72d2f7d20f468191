/**
 * A mixer's presence: once to each resource with a call in it, from `m@external`; a component's events to who started
 * it (spec 2.3, rows PMX).
 */
import type { Resource } from "../cluster/application.ts";
import type { EarlyEvents } from "../cluster/early.ts";
import type { Mixer } from "../cluster/mixer.ts";
import { attributeText } from "../xmpp/attributes.ts";
import { escapeAttribute } from "../xmpp/escape.ts";
import { canonicalJid } from "../xmpp/jid.ts";
import { NS_CAPS, NS_RAYO } from "../xmpp/namespaces.ts";
import { CLASS_END, CLASS_EVENT } from "../xmpp/outlet.ts";
import { type Stanza, TYPE_ERROR, TYPE_NONE, TYPE_UNAVAILABLE } from "../xmpp/stanza.ts";
import { findChild, isChild } from "./children.ts";
import { EVENT_COMPLETE, EVENT_JOINED, EVENT_NONE, EVENT_SPEAKING, eventKind } from "./event_kind.ts";
import type { Exchange } from "./exchange.ts";
import { concludeMixer, mixerJoined, mixerLeft, mixerMade } from "./mixer_life.ts";
import { mixerOfJoined } from "./mixer_name.ts";
import { payloadToClient } from "./payload.ts";

const UNAVAILABLE = Buffer.from(" type='unavailable'");

/** Marks who has heard what is being told (PMX4). */
let fanOut = 0;
/** What is being told, translated but for its `to`, and where that goes; null: not translated yet. */
let told: Buffer | null = null;
let toldAt = 0;

/** `ex.from` is `mixer`, or a component of it. */
export function mixerPresence(ex: Exchange, s: Stanza, mixer: Mixer, kind: number): void {
  if (s.type === TYPE_ERROR) {
    ex.meters.ignored++; // PX10: a bounce
    return;
  }
  if (ex.from.resourceStart >= 0) return verbEvent(ex, s, mixer, kind);
  if (kind === EVENT_NONE) {
    if (s.type === TYPE_UNAVAILABLE) return mixerEnded(ex, s, mixer);
    if (findChild(s, NS_CAPS, "c") >= 0) mixerMade(ex, mixer);
    // PMX6, FS51: it appears before anybody's join is answered; those who wait for theirs are told, too.
    tellAll(ex, s, mixer, kind, ex.directory.mixers.joinsOf(mixer).map((join) => join.resource));
    return;
  }
  if (kind !== EVENT_JOINED) return tellAll(ex, s, mixer, kind, []);
  const slot = namedCall(ex, s, mixer);
  if (slot < 0) return tellAll(ex, s, mixer, kind, []);
  if (joins(s)) {
    // PMX4: the mixer may be faster than the call.
    mixerJoined(ex, mixer, slot);
    tellAll(ex, s, mixer, kind, []);
    return;
  }
  const party = ex.directory.partyOf(slot);
  tellAll(ex, s, mixer, kind, party === null ? [] : [party]);
  mixerLeft(ex, mixer, slot);
}

/** PX5, PX6: call `slot` says that it is in a mixer, or not any more. FS24: the name may stand where URIs stand. */
export function callJoined(ex: Exchange, s: Stanza, slot: number): void {
  const at = joinedChild(s);
  if (at < 0) return;
  const { buf } = s;
  const tag = s.childStart[at]!;
  const isJoined = isChild(s, at, NS_RAYO, "joined");
  const name = attributeText(buf, tag, "mixer-name") ?? "";
  if (name !== "") {
    const mixer = mixerOfJoined(ex, slot, name, isJoined);
    if (mixer === null) return;
    if (isJoined) mixerJoined(ex, mixer, slot);
    else mixerLeft(ex, mixer, slot);
    return;
  }
  if (isJoined || ex.directory.mixers.size === 0) return;
  const odd = attributeText(buf, tag, "call-uri") ?? "";
  const mixer = odd === "" ? null : ex.directory.mixers.find(ex.directory.nodeOf(slot), odd);
  if (mixer !== null) mixerLeft(ex, mixer, slot);
}

function joinedChild(s: Stanza): number {
  const joined = findChild(s, NS_RAYO, "joined");
  return joined >= 0 ? joined : findChild(s, NS_RAYO, "unjoined");
}

function joins(s: Stanza): boolean {
  return isChild(s, joinedChild(s), NS_RAYO, "joined");
}

/** The live call of the mixer's node and zone that a `joined` or `unjoined` names, by URI or id (GAP 8); -1: none. */
function namedCall(ex: Exchange, s: Stanza, mixer: Mixer): number {
  const { directory } = ex;
  const tag = s.childStart[joinedChild(s)]!;
  const uri = attributeText(s.buf, tag, "call-uri");
  const local = uri === null ? "" : canonicalJid(uri.replace(/^xmpp:/, ""))?.local ?? "";
  const id = local !== "" ? local : attributeText(s.buf, tag, "call-id") ?? "";
  if (id === "") return -1;
  const bytes = Buffer.from(id);
  const slot = directory.findCall(bytes, 0, bytes.length, mixer.domain.node);
  if (slot < 0 || mixer.application === "") return slot;
  return directory.partyOf(slot)?.bare === mixer.application ? slot : -1;
}

/** PMX7: it is gone; who was told of it is told so, by the node's own words. */
function mixerEnded(ex: Exchange, s: Stanza, mixer: Mixer): void {
  for (const resource of mixer.told) {
    if (!mixer.filtered(resource.bare)) tell(ex, s, mixer, EVENT_NONE, resource, CLASS_END);
  }
  if (mixer.made) concludeMixer(ex, mixer);
}

/** PMX4: each resource with a call in it once, those of `more`, and none that wants nothing of it. */
function tellAll(ex: Exchange, s: Stanza, mixer: Mixer, kind: number, more: readonly Resource[]): void {
  const { directory } = ex;
  const { mixers, calls } = directory;
  const stamp = ++fanOut;
  const before = mixer.told.length;
  told = null;
  let n = 0;
  for (const resource of more) if (resource.heard !== stamp) one(ex, s, mixer, kind, resource, stamp, n++);
  for (let at = mixer.head; at >= 0; at = mixers.next(at)) {
    const resource = directory.resource(calls.party(mixers.slotOf(at)));
    if (resource === null || resource.heard === stamp) continue;
    one(ex, s, mixer, kind, resource, stamp, n++);
  }
  if (mixer.told.length > before) {
    if (mixer.made) directory.noteMixer(mixer);
    else mixerMade(ex, mixer); // its node speaks of it, and who heard that will hear of its end
  }
  if (n === 0) ex.meters.ignored++; // PMX5
}

/** `place`: how many have heard it before; the audience hardly changes from one event to the next. */
function one(
  ex: Exchange,
  s: Stanza,
  mixer: Mixer,
  kind: number,
  resource: Resource,
  stamp: number,
  place: number,
): void {
  resource.heard = stamp;
  if (mixer.filters !== null && mixer.filtered(resource.bare)) return;
  const audience = mixer.told;
  if (audience[place] !== resource && !audience.includes(resource)) {
    audience.push(resource);
    resource.holds++;
  }
  if (mixer.letters === null) return tellCopy(ex, s, mixer, kind, resource);
  tell(ex, s, mixer, kind, resource, CLASS_EVENT);
}

/** The ordinary case, all letters being the same: translated once, copied for each. */
function tellCopy(ex: Exchange, s: Stanza, mixer: Mixer, kind: number, resource: Resource): void {
  if (told === null) {
    translate(ex, s, mixer, kind, resource, "");
    ex.rewrite.bytes(s.toStart, s.toEnd, UNAVAILABLE, 0, 0);
    toldAt = ex.rewrite.offsetOf(s.toStart);
    told = ex.rewrite.copy();
  }
  const { outlet } = ex.external[0]!;
  const { wire } = resource;
  const bytes = told.length + wire.length;
  if (!outlet.reserve(bytes, CLASS_EVENT)) {
    ex.meters.refused++;
    return;
  }
  const { buf, end } = outlet;
  told.copy(buf, end, 0, toldAt);
  let at = end + toldAt;
  for (let k = 0; k < wire.length; k++) buf[at++] = wire[k]!;
  told.copy(buf, at, toldAt);
  outlet.commit(end + bytes, CLASS_EVENT);
  ex.meters.toClients++;
}

function tell(
  ex: Exchange,
  s: Stanza,
  mixer: Mixer,
  kind: number,
  resource: Resource,
  cls: number,
  verb = "",
): void {
  const { rewrite } = ex;
  translate(ex, s, mixer, kind, resource, verb);
  rewrite.bytes(s.toStart, s.toEnd, resource.wire, 0, resource.wire.length);
  if (rewrite.send(ex.external[0]!.outlet, cls)) ex.meters.toClients++;
  else ex.meters.refused++;
}

/** All that changes but the `to`. */
function translate(
  ex: Exchange,
  s: Stanza,
  mixer: Mixer,
  kind: number,
  resource: Resource,
  verb: string,
): void {
  const { rewrite } = ex;
  const from = escapeAttribute(`${mixer.nameFor(resource.jid)}@${ex.external[0]!.text}${verb}`);
  rewrite.begin(s);
  rewrite.text(s.fromStart, s.fromEnd, from);
  if (s.type === TYPE_NONE && kind === EVENT_COMPLETE) {
    rewrite.bytes(s.nameEnd, s.nameEnd, UNAVAILABLE, 0, UNAVAILABLE.length); // JN7
  }
  if (kind === EVENT_JOINED || kind === EVENT_SPEAKING) {
    payloadToClient(ex, s, mixer.domain.node, null, resource);
  }
}

// ── components ─────────────────────────────────────────────────────────────────────────────────────────────

/** PMX1–PMX3: to who started it; one that is not known yet is held while a command to the mixer is unanswered. */
function verbEvent(ex: Exchange, s: Stanza, mixer: Mixer, kind: number): void {
  const { node } = mixer.domain;
  const id = ex.from.resource();
  const known = mixer.verbs?.has(id) === true;
  if (known && ex.verbEvents.size === 0) return deliverVerb(ex, s, mixer, id, kind);
  const key = verbKey(mixer, id);
  const waits = ex.verbEvents.get(node, key) !== null;
  if (known && !waits) return deliverVerb(ex, s, mixer, id, kind);
  if (!waits && mixer.commands === 0) {
    ex.meters.ignored++; // PMX3
    return;
  }
  ex.rewrite.begin(s);
  if (ex.verbEvents.hold(node, key, ex.rewrite.copy(), false, ex.settings.holdMs)) ex.meters.held++;
}

function deliverVerb(ex: Exchange, s: Stanza, mixer: Mixer, id: string, kind: number): void {
  const starter = mixer.verbs?.get(id);
  if (starter === undefined) return;
  // PMX2: what its application wants to hear nothing of ends all the same.
  if (!mixer.filtered(starter.bare)) {
    tell(ex, s, mixer, kind, starter, CLASS_EVENT, `/${id}`);
  } else ex.meters.ignored++;
  if (kind !== EVENT_COMPLETE) return;
  mixer.verbs!.delete(id);
  ex.directory.noteMixer(mixer);
  ex.directory.unhold(starter);
}

/** Under which its early events are kept. */
export function verbKey(mixer: Mixer, id: string): string {
  return `${mixer.nodeName}/${id}`;
}

/** The events of a component go out a little after its `ref` (AH25), or no `ref` has come and they are dropped. */
export function verbEventsExpired(ex: Exchange, events: EarlyEvents): void {
  const bound = events.slot >= 0;
  ex.verbEvents.remove(events, !bound);
  if (!bound) return;
  for (const stanza of events.stanzas) {
    ex.rescan.read(stanza, (s) => {
      if (!ex.readFrom(s)) return;
      const mixer = ex.directory.mixers.find(events.node, ex.from.local());
      if (mixer !== null) deliverVerb(ex, s, mixer, ex.from.resource(), eventKind(s));
    });
  }
}
