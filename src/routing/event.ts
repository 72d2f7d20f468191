/**
 * A call's presence: an offer, an event for its controlling party, or something of a call nobody knows (spec 2.3,
 * rows PX).
 *
 * Conforms: XEP-0327 §6.6.4, one end for everybody, nothing after it: complete
 */
import {
  CALL_ACCEPTED,
  CALL_CONTROLLED,
  CALL_HOLDING,
  CALL_OUTBOUND,
  CALL_STARTING,
} from "../cluster/call_table.ts";
import { foldId } from "../cluster/fold_id.ts";
import { viewOf } from "../base/bytes.ts";
import type { Node, NodeDomain } from "../cluster/node.ts";
import { escapeAttribute } from "../xmpp/escape.ts";
import { NS_CAPS } from "../xmpp/namespaces.ts";
import { CLASS_END, CLASS_EVENT } from "../xmpp/outlet.ts";
import { type Stanza, TYPE_ERROR, TYPE_NONE, TYPE_UNAVAILABLE } from "../xmpp/stanza.ts";
import { findChild } from "./children.ts";
import { holdForRef, isEarly, noteComplete } from "./component.ts";
import { endUnknown, errorToCall, forget } from "./departure.ts";
import {
  EVENT_ANSWERED,
  EVENT_COMPLETE,
  EVENT_END,
  EVENT_JOINED,
  EVENT_NONE,
  EVENT_OFFER,
  eventKind,
} from "./event_kind.ts";
import type { Exchange } from "./exchange.ts";
import { listener } from "./component_owner.ts";
import { releaseEarly } from "./early.ts";
import { callJoined, mixerPresence } from "./mixer_event.ts";
import { newOffer } from "./offer.ts";
import { attributeOf } from "./payload.ts";
import { sendToClient } from "./to_client.ts";

/** `ex.from` holds the sender: a call, a component of one, or a mixer of `domain`'s node. */
export function callPresence(ex: Exchange, s: Stanza, domain: NodeDomain): void {
  const { from } = ex;
  const view = from.buf === s.buf ? s.view : viewOf(from.buf);
  const slot = ex.directory.findCall(from.buf, from.localStart, from.localEnd, domain.node, view);
  if (slot >= 0) return callEvent(ex, s, domain, slot);
  const kind = eventKind(s);
  if (ex.directory.mixers.size > 0) {
    const mixer = ex.directory.mixers.find(domain.node, from.local());
    if (mixer !== null) return mixerPresence(ex, s, mixer, kind);
  }
  if (kind === EVENT_OFFER && ex.dials.reserving(foldId(from.local()))?.node === domain.node) {
    ex.meters.ignored++; // OF5: the echo of the dial it is asked
    return;
  }
  if (kind === EVENT_OFFER && s.type === TYPE_NONE) newOffer(ex, s, domain);
  else unknownCall(ex, s, domain, kind);
}

/** Of the live call `slot`. */
export function callEvent(ex: Exchange, s: Stanza, domain: NodeDomain, slot: number): void {
  const kind = eventKind(s);
  if (kind === EVENT_OFFER || s.type === TYPE_ERROR) {
    ex.meters.ignored++; // OF5: the node's own re-offer of a known call; PX10: a bounce
    return;
  }
  const flags = ex.directory.calls.flags(slot);
  if ((flags & (CALL_HOLDING | CALL_STARTING)) !== 0) {
    if ((flags & CALL_HOLDING) !== 0) return holdBehind(ex, s, domain.node, slot, kind);
    if (isEarly(ex, slot) && holdForRef(ex, s, slot)) return;
  }
  deliver(ex, s, slot, kind);
}

/** PX2, PX4, PX8: to the controlling party; an `end` to everybody who was offered the call, and then it is no more. */
export function deliver(ex: Exchange, s: Stanza, slot: number, kind: number): void {
  const { directory } = ex;
  if (kind === EVENT_END) {
    for (const party of directory.parties(slot)) sendToClient(ex, s, slot, kind, party, CLASS_END);
    forget(ex, slot);
    return;
  }
  if (kind === EVENT_JOINED) callJoined(ex, s, slot);
  else if (kind === EVENT_ANSWERED) noteAnswered(ex, slot);
  else if (kind === EVENT_COMPLETE) noteComplete(ex, slot);
  if (directory.calls.has(slot, CALL_CONTROLLED)) {
    const party = directory.componentOwners.size === 0 ? directory.partyOf(slot) : listener(ex, slot, kind);
    if (party !== null) sendToClient(ex, s, slot, kind, party, CLASS_EVENT);
    return;
  }
  for (const party of directory.parties(slot)) sendToClient(ex, s, slot, kind, party, CLASS_EVENT);
}

/** An outgoing call is up from now on: `dialing` becomes `active` (9.4). */
function noteAnswered(ex: Exchange, slot: number): void {
  const { calls } = ex.directory;
  if (!calls.has(slot, CALL_OUTBOUND) || calls.has(slot, CALL_ACCEPTED)) return;
  calls.setFlag(slot, CALL_ACCEPTED, true);
  ex.directory.noteCall(slot);
}

/** PX3, PX7, DC20. */
function unknownCall(ex: Exchange, s: Stanza, domain: NodeDomain, kind: number): void {
  const { from, meters, settings } = ex;
  const { node } = domain;
  if (s.type === TYPE_ERROR) {
    meters.ignored++;
    return;
  }
  const id = from.local();
  if (isMixer(ex, s, domain, id, kind)) {
    meters.ignored++;
    return;
  }
  const ends = s.type === TYPE_UNAVAILABLE || kind === EVENT_END;
  // What is told to hang up says `end` a little later: no dial's result will follow that one.
  const late = ends && ex.dials.reserving(foldId(id)) === null && ex.hangups.has(node, id, ex.clock.now());
  if (node.outstandingDials > 0 && !late) {
    ex.rewrite.begin(s);
    ex.early.hold(node, id, ex.rewrite.copy(), kind === EVENT_END, settings.holdMs);
    meters.held++;
    return;
  }
  if (ends) {
    meters.unmatched++;
    return;
  }
  refuseUnknown(ex, node, id, domain.text);
}

/** PX3, DC20: a call that nobody here knows is refused, and ended at its node. */
export function refuseUnknown(ex: Exchange, node: Node, id: string, domain: string): void {
  const text = `Could not find registered JID for id ${id}`;
  errorToCall(ex, escapeAttribute(`${id}@${domain}`), "recipient-unavailable", text);
  endUnknown(ex, node, id, domain);
}

/** DC20: is this the presence of a mixer that is not ours, or not any more? Nothing is said of those. */
function isMixer(ex: Exchange, s: Stanza, domain: NodeDomain, id: string, kind: number): boolean {
  const caps = findChild(s, NS_CAPS, "c");
  if (kind === EVENT_NONE && caps >= 0 && attributeOf(s, caps, "node") === "urn:xmpp:rayo:mixer:1") {
    ex.mixers.add(domain.node, id);
    return true;
  }
  return ex.mixers.has(domain.node, id);
}

/** The call's first events are about to be released (AH25): this one goes out after them. */
export function holdBehind(ex: Exchange, s: Stanza, node: Node, slot: number, kind: number): void {
  const held = ex.early.get(node, ex.from.local());
  ex.rewrite.begin(s);
  if (ex.early.hold(node, ex.from.local(), ex.rewrite.copy(), kind === EVENT_END, ex.settings.holdMs)) return;
  // Nothing comes after an `end`; anything else without room must not be lost to a call that lives.
  if (held === null || held.ended) return;
  releaseEarly(ex, held);
  if (ex.readFrom(s)) deliver(ex, s, slot, kind);
}
