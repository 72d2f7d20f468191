/**
 * Messages between a client and the far end of its call, both ways (G12, FS42, AH14; DC11: without a type they are
 * `normal`). A call takes `normal` ones alone; what is an error itself is passed to its call's party or dropped, never
 * answered.
 *
 * Conforms: XEP-0327 §6.8.1, call-bound messages, both ways: complete
 */
import { CALL_CONTROLLED, CALL_HOLDING, CALL_REFUSED } from "../cluster/call_table.ts";
import type { Node, NodeDomain } from "../cluster/node.ts";
import { CLASS_ANSWER, CLASS_COMMAND, CLASS_EVENT } from "../xmpp/outlet.ts";
import {
  type Stanza,
  TYPE_CHAT,
  TYPE_ERROR,
  TYPE_GROUPCHAT,
  TYPE_HEADLINE,
  TYPE_NONE,
} from "../xmpp/stanza.ts";
import type { StanzaErrorType } from "../xmpp/stanza_error.ts";
import { EVENT_NONE } from "./event_kind.ts";
import { holdBehind } from "./event.ts";
import type { Exchange } from "./exchange.ts";
import { mixerOf } from "./mixer_name.ts";
import { permitted } from "./ownership.ts";
import { CONFLICT, mayCommand, NOT_FOUND, sender } from "./party.ts";
import type { ServedDomain } from "./served_domain.ts";
import { sendToClient } from "./to_client.ts";
import { resourceBack } from "./watching.ts";

const NORMAL = Buffer.from(" type='normal'");

/** A client's message to an external domain; `ex.from` and `ex.to` are read. */
export function clientMessage(ex: Exchange, s: Stanza, door: ServedDomain): void {
  const { directory, to, rewrite, meters } = ex;
  if (s.type === TYPE_ERROR) {
    meters.ignored++;
    return;
  }
  if (isOther(s.type)) return refuse(ex, s, door, "feature-not-implemented", "modify");
  if (directory.bans.size > 0 && directory.bans.has(ex.from.bare())) {
    return refuse(ex, s, door, "recipient-unavailable", "cancel", "The application does not exist"); // IC6
  }
  // The gateway itself and components of calls translate nothing.
  if (to.localStart < 0) return refuse(ex, s, door, "feature-not-implemented", "cancel");
  const { calls } = directory;
  const slot = calls.findPublic(to.buf, to.localStart, to.localEnd);
  const party = sender(ex);
  const may = slot < 0 || calls.has(slot, CALL_REFUSED) ? NOT_FOUND : mayCommand(ex, slot, party);
  if (may === CONFLICT) return refuse(ex, s, door, "conflict", "cancel");
  if (may === NOT_FOUND || party === null) {
    if (directory.mixers.size > 0 && mixerOf(ex, to.local(), ex.from.bare()) !== null) {
      return refuse(ex, s, door, "feature-not-implemented", "cancel"); // a mixer has nobody to hand it to
    }
    const text = `Could not find rayo node for id [${to.local()}]`;
    return refuse(ex, s, door, "item-not-found", "cancel", text);
  }
  if (!permitted(ex, party.application, "message")) return refuse(ex, s, door, "not-authorized", "auth");
  if (party.missing) resourceBack(ex, party);
  if (to.resourceStart >= 0) return refuse(ex, s, door, "feature-not-implemented", "cancel");
  if (!ex.toNodes.up) return refuse(ex, s, door, "remote-server-timeout", "wait"); // DC9
  rewrite.begin(s);
  rewrite.bytes(s.fromStart, s.fromEnd, ex.self, 0, ex.self.length);
  rewrite.text(s.toStart, s.toEnd, ex.callJid(slot));
  // COMPAT(freeswitch): it takes a message without a type for something else than `normal`.
  if (s.type === TYPE_NONE) rewrite.bytes(s.nameEnd, s.nameEnd, NORMAL, 0, NORMAL.length);
  if (rewrite.send(ex.toNodes, CLASS_COMMAND)) {
    meters.toNodes++;
    return;
  }
  meters.refused++;
  refuse(ex, s, door, "resource-constraint", "wait", "The requested resource is busy.");
}

/** A node's message to an internal domain; `ex.from` is read. */
export function nodeMessage(ex: Exchange, s: Stanza, domain: NodeDomain, door: ServedDomain): void {
  const { directory, from, meters } = ex;
  const isError = s.type === TYPE_ERROR;
  if (isOther(s.type)) return refuse(ex, s, door, "feature-not-implemented", "modify");
  const { calls } = directory;
  const slot = from.localStart < 0
    ? -1
    : directory.findCall(from.buf, from.localStart, from.localEnd, domain.node);
  if (slot < 0) {
    if (isError) meters.ignored++;
    else if (from.localStart < 0) refuse(ex, s, door, "feature-not-implemented", "cancel");
    else if (domain.node.outstandingDials > 0) holdUnknown(ex, s, domain.node, from.local());
    else refuse(ex, s, door, "item-not-found", "cancel");
    return;
  }
  if (calls.has(slot, CALL_HOLDING)) return holdBehind(ex, s, domain.node, slot, EVENT_NONE); // G13
  if (calls.has(slot, CALL_CONTROLLED)) {
    const party = directory.partyOf(slot);
    if (party !== null) sendToClient(ex, s, slot, EVENT_NONE, party, CLASS_EVENT);
    return;
  }
  for (const party of directory.parties(slot)) sendToClient(ex, s, slot, EVENT_NONE, party, CLASS_EVENT);
}

/** PX7: the call's dial may be answered any moment. */
function holdUnknown(ex: Exchange, s: Stanza, node: Node, id: string): void {
  ex.rewrite.begin(s);
  ex.early.hold(node, id, ex.rewrite.copy(), false, ex.settings.holdMs);
  ex.meters.held++;
}

/** Of a type that no call takes; an unknown one counts as `normal` (RFC 6121 §5.2.2). */
function isOther(type: number): boolean {
  return type === TYPE_CHAT || type === TYPE_GROUPCHAT || type === TYPE_HEADLINE;
}

/** An error to whom `s` came from, without an echo; its `from` is what was written to. */
function refuse(
  ex: Exchange,
  s: Stanza,
  door: ServedDomain,
  condition: string,
  type: StanzaErrorType,
  text = "",
): void {
  if (s.type === TYPE_ERROR) return;
  ex.meters.errors++;
  ex.meters.answers++;
  const id = s.idStart < 0 ? "" : ` id='${ex.text(s.buf, s.idStart, s.idEnd)}'`;
  const from = door.external ? ex.text(s.buf, s.toStart, s.toEnd) : ex.self;
  const to = ex.text(s.buf, s.fromStart, s.fromEnd);
  const xml = `<message type='error'${id} from='${from}' to='${to}'>${
    ex.error(condition, type, text)
  }</message>`;
  ex.say(door.outlet, xml, CLASS_ANSWER);
}
