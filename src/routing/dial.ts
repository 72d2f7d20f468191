/**
 * Outgoing calls: which node, what if it fails, and one answer whatever happens (spec 2.6, 3.6).
 *
 * Conforms: XEP-0327 §6.2.1, outbound calls, their URIs and their errors: complete
 * Conforms: XEP-0349 §4.2, dials are spread over the nodes: complete
 */
import { CALL_CONTROLLED, CALL_OUTBOUND, CALL_REFUSED } from "../cluster/call_table.ts";
import { foldId } from "../cluster/fold_id.ts";
import type { Resource } from "../cluster/application.ts";
import { Dial } from "../cluster/dial.ts";
import { nodeFailed, nodeSucceeded } from "../cluster/failures.ts";
import type { Node } from "../cluster/node.ts";
import type { StanzaErrorType } from "../xmpp/stanza_error.ts";
import { CLASS_ANSWER, CLASS_NEW } from "../xmpp/outlet.ts";
import { type Stanza, TYPE_ERROR } from "../xmpp/stanza.ts";
import { endMade } from "./departure.ts";
import { bindEarly, dropEarly } from "./early.ts";
import type { Exchange } from "./exchange.ts";
import { readCondition, type StanzaCondition } from "./condition.ts";
import { dialLacksLetter } from "./ownership.ts";
import { bindDialJoins, dropDialJoins, expectDialJoins } from "./mixer_life.ts";
import { sender } from "./party.ts";
import { OK, payloadToClient, payloadToNode, readDial, readRef } from "./payload.ts";
import type { ServedDomain } from "./served_domain.ts";
import { resourceBack } from "./watching.ts";

/** An IQ set with a `dial` to an external domain; `ex.from` is the client. */
export function dial(ex: Exchange, s: Stanza, door: ServedDomain): void {
  const { directory, from } = ex;
  if (directory.quiesced) {
    return ex.refuse(s, door, "service-unavailable", "cancel", "Gateway Server is on Quiesce Mode"); // DL1
  }
  const application = directory.applications.get(from.bare());
  if (application === undefined) return ex.refuse(s, door, "registration-required", "auth"); // DC22
  const known = sender(ex);
  if (known?.missing === true) resourceBack(ex, known);
  if (known === null || !known.registered) {
    const text = `Could not find associated platform for client JID ${from.full()}`;
    return ex.refuse(s, door, "service-unavailable", "cancel", text); // DL2
  }
  if (dialLacksLetter(ex, s, application)) return ex.refuse(s, door, "not-authorized", "auth");
  if (s.idStart < 0) return ex.refuse(s, door, "bad-request", "modify", "An IQ needs an id");
  if (ex.congested() || ex.dials.full) {
    return ex.refuse(s, door, "resource-constraint", "wait", "The requested resource is busy.");
  }
  const wanted = readDial(ex, s, known);
  if (wanted.refusal !== OK) {
    return ex.refuse(s, door, wanted.refusal.condition, wanted.refusal.type, wanted.refusal.text);
  }
  const nodeId = foldId(wanted.publicId);
  if (nodeId !== "" && (ex.dials.reserving(nodeId) !== null || ex.knowsCall(wanted.publicId))) {
    return ex.refuse(s, door, "conflict", "modify"); // DL13
  }

  ex.rewrite.begin(s);
  const { dials, settings, clock } = ex;
  const now = clock.now();
  const attempt = new Dial(
    dials.nextNumber(),
    known,
    door.number,
    ex.rewrite.copy(),
    ex.text(s.buf, s.idStart, s.idEnd),
    ex.text(s.buf, s.toStart, s.toEnd),
    wanted.publicId,
    nodeId,
    wanted.onlyNode,
    now + settings.dialDeadlineMs,
  );
  dials.add(attempt);
  if (!askNode(ex, attempt, s, nextNode(ex, attempt))) noNode(ex, attempt);
}

/** The node to ask next, or null. A nested join leaves no choice (DC24). */
function nextNode(ex: Exchange, d: Dial): Node | null {
  if (!ex.toNodes.up) return null;
  if (d.onlyNode !== null) return d.tried.length === 0 ? d.onlyNode : null;
  return ex.directory.platform(d.resource.application!.platform).pick(d.tried);
}

/** DL4: sends the dial `s` to `node`; false: there is no node, or the link took nothing (DL5). */
function askNode(ex: Exchange, d: Dial, s: Stanza, node: Node | null): boolean {
  if (node === null) return false;
  const { rewrite, dials, settings } = ex;
  const now = ex.clock.now();
  dropDialJoins(ex, d);
  dials.ask(d, node, now, Math.min(settings.dialTimeoutMs, d.endsAt - now));
  rewrite.begin(s);
  const idAt = rewrite.space(32);
  rewrite.scratchEnd = dials.writeId(d, rewrite.scratch, idAt);
  rewrite.bytes(s.idStart, s.idEnd, rewrite.scratch, idAt, rewrite.scratchEnd);
  rewrite.bytes(s.fromStart, s.fromEnd, ex.self, 0, ex.self.length);
  rewrite.bytes(s.toStart, s.toEnd, node.wire, 0, node.wire.length);
  if (payloadToNode(ex, s, node, d.resource) !== OK || !rewrite.send(ex.toNodes, CLASS_NEW)) {
    dials.leave(d);
    ex.mixerWishes.length = 0;
    return false;
  }
  if (ex.mixerWishes.length > 0) expectDialJoins(ex, d);
  ex.meters.dialAttempts++;
  ex.meters.toNodes++;
  return true;
}

/** DL7: the node has made the call; `s` is its answer. */
export function dialResult(ex: Exchange, s: Stanza, d: Dial): void {
  const { directory, dials } = ex;
  const node = d.node!;
  dials.leave(d);
  nodeSucceeded(directory, node);
  const ref = readRef(ex, s, node);
  if (ref === null && !d.abandoned) {
    // A result that names no call of this node: the client cannot use it, and waiting longer helps nobody.
    answerDial(ex, d, "internal-server-error", "cancel", "The node answered without a usable ref");
    return;
  }
  if (ref === null || d.abandoned) {
    if (ref !== null) endMade(ex, node, ref.id, ref.domain.text); // DL12
    finish(ex, d);
    return;
  }
  const id = Buffer.from(ref.id);
  let slot = directory.findCall(id, 0, id.length, node);
  if (slot < 0 && directory.calls.full) {
    endMade(ex, node, ref.id, ref.domain.text);
    answerDial(ex, d, "resource-constraint", "wait", "The requested resource is busy.");
    return;
  }
  if (slot < 0) {
    const flags = CALL_OUTBOUND | CALL_CONTROLLED;
    // AH7: the client hears of its call by the letters it chose, if the node took the id.
    const publicId = d.publicId !== ref.id && d.nodeId !== "" && foldId(ref.id) === d.nodeId
      ? d.publicId
      : "";
    slot = directory.addCall(id, 0, id.length, ref.domain, d.resource, flags, ex.clock.wall(), publicId);
    directory.noteCall(slot);
  } else if (directory.partyOf(slot) !== d.resource) {
    answerDial(ex, d, "internal-server-error", "cancel", "The node answered with another party's call");
    return;
  } else if (directory.calls.has(slot, CALL_REFUSED)) {
    answerDial(ex, d, "internal-server-error", "cancel", "The node answered with a call that was refused");
    return;
  }
  bindDialJoins(ex, d, slot);
  forwardAnswer(ex, s, d, node);
  bindEarly(ex, node, slot);
  finish(ex, d);
}

/** DL8, DL9: the node has refused; `s` is its answer. */
export function dialError(ex: Exchange, s: Stanza, d: Dial): void {
  const { directory, dials, settings } = ex;
  const node = d.node!;
  const error = readCondition(s);
  dials.leave(d);
  dropEarly(ex, node, d.nodeId);
  if (!retriable(ex, error)) {
    nodeSucceeded(directory, node);
    if (!d.abandoned) forwardAnswer(ex, s, d, node);
    finish(ex, d);
    return;
  }
  nodeFailed(directory, node, settings.failuresAllowed);
  ex.log.warn("dial failed at node", {
    node: node.jid,
    condition: error.condition,
    text: error.text,
    attempt: d.tried.length,
  });
  if (tryNext(ex, d)) return;
  if (d.tried.length >= settings.dialAttemptsMax || d.onlyNode !== null) {
    forwardAnswer(ex, s, d, node); // §3.6: the last node's own error
    finish(ex, d);
  } else {
    noNode(ex, d);
  }
}

/** DL10: the node said nothing, or is gone. */
export function dialFailed(ex: Exchange, d: Dial, condition: string, type: StanzaErrorType): void {
  const { directory, dials, settings } = ex;
  const node = d.node!;
  const { askedAt } = d;
  dials.leave(d);
  // DC9: silence while the link was down says nothing about the node.
  if (ex.toNodes.up && ex.internalUpSince <= askedAt) nodeFailed(directory, node, settings.failuresAllowed);
  ex.log.warn("dial failed at node", { node: node.jid, condition, attempt: d.tried.length });
  if (tryNext(ex, d)) return;
  answerDial(ex, d, condition, type);
}

/** DC9: the link to the nodes is lost, and with it whatever they answer; nobody's fault, and nowhere else to go. */
export function dialsLost(ex: Exchange): void {
  for (const d of ex.dials.all()) {
    ex.dials.leave(d);
    noNode(ex, d);
  }
}

/** The client has left (DL12): nothing is said to it any more, and a call that comes of the dial is hung up. */
export function abandonDials(ex: Exchange, resource: Resource): void {
  for (const d of ex.dials.ofResource(resource)) d.abandoned = true;
}

/** The client is not wanted any more (IC6): it is told at once, and a call that comes of the dial is hung up. */
export function revokeDials(ex: Exchange, resource: Resource, condition: string, text: string): void {
  for (const d of ex.dials.ofResource(resource)) {
    if (!d.abandoned) sayNo(ex, d, condition, "cancel", text);
    d.abandoned = true;
  }
}

/** Time is up for the node that was asked last (DL10). */
export function dialExpired(ex: Exchange, d: Dial): void {
  ex.meters.timeouts++;
  dialFailed(ex, d, "remote-server-timeout", "wait");
}

/** §3.6: another node, if attempts, time and nodes are left and the client is still there. */
function tryNext(ex: Exchange, d: Dial): boolean {
  if (d.abandoned) {
    finish(ex, d);
    return true;
  }
  if (d.tried.length >= ex.settings.dialAttemptsMax || ex.clock.now() >= d.endsAt || ex.directory.quiesced) {
    return false;
  }
  const node = nextNode(ex, d);
  if (node === null) return false;
  ex.meters.dialRetries++;
  let asked = false;
  ex.rescan.read(d.stanza, (s) => asked = askNode(ex, d, s, node));
  return asked;
}

function retriable(ex: Exchange, error: StanzaCondition): boolean {
  return ex.settings.dialRetryConditions.has(error.condition) && !error.callsOwnFault;
}

/** Passes the node's answer on: from whom the client asked, under the client's own id (DL11, IR1). */
function forwardAnswer(ex: Exchange, s: Stanza, d: Dial, node: Node): void {
  const { rewrite } = ex;
  const door = ex.external[d.door]!;
  rewrite.begin(s);
  rewrite.text(s.idStart, s.idEnd, d.id);
  rewrite.text(s.fromStart, s.fromEnd, d.to);
  rewrite.bytes(s.toStart, s.toEnd, d.resource.wire, 0, d.resource.wire.length);
  payloadToClient(ex, s, node, d, d.resource);
  if (s.type === TYPE_ERROR) ex.log.debug("dial refused by node", { node: node.jid });
  if (rewrite.send(door.outlet, CLASS_ANSWER)) ex.meters.toClients++;
  else ex.meters.refused++;
}

/** DL3. */
function noNode(ex: Exchange, d: Dial): void {
  const platform = d.resource.application?.platform ?? "";
  if (d.onlyNode !== null) answerDial(ex, d, "service-unavailable", "cancel", "b-leg is gone"); // DC24
  else {answerDial(
      ex,
      d,
      "service-unavailable",
      "cancel",
      `Could not find an available Rayo Node in platform ${platform}`,
    );}
}

/** The dial's one answer, an error of the gateway's own; echoes the request (G10). */
function answerDial(ex: Exchange, d: Dial, condition: string, type: StanzaErrorType, text = ""): void {
  ex.log.warn("dial refused", {
    client: d.resource.jid,
    condition,
    reason: text,
    tried: d.tried.map((n) => n.jid).join(","),
  });
  if (!d.abandoned) sayNo(ex, d, condition, type, text);
  finish(ex, d);
}

function sayNo(ex: Exchange, d: Dial, condition: string, type: StanzaErrorType, text: string): void {
  const door = ex.external[d.door]!;
  let said = false;
  ex.rescan.read(d.stanza, (s) => {
    ex.refuse(s, door, condition, type, text);
    said = true;
  });
  if (!said) ex.refuseLater(door, d, d.resource.wire, condition, type, text);
}

function finish(ex: Exchange, d: Dial): void {
  dropDialJoins(ex, d);
  ex.dials.remove(d);
  ex.directory.unhold(d.resource);
}
