/**
 * A node's answer: back to whoever asked, under the id and from the address the client knows (spec 2.8, rows IR).
 */
import { isDialId } from "../cluster/own_id.ts";
import type { NodeDomain } from "../cluster/node.ts";
import type { Request } from "../cluster/request.ts";
import { CLASS_ANSWER } from "../xmpp/outlet.ts";
import { type Stanza, TYPE_RESULT } from "../xmpp/stanza.ts";
import { startAnswered } from "./component.ts";
import { endMade } from "./departure.ts";
import { dialError, dialResult } from "./dial.ts";
import { noteOwner } from "./component_owner.ts";
import type { Exchange } from "./exchange.ts";
import { mixerAnswered, mixerUnanswered } from "./mixer_command.ts";
import { payloadToClient, readRef } from "./payload.ts";

/** `s` is an IQ result or error from `domain`'s node; `ex.from` its sender. */
export function answer(ex: Exchange, s: Stanza, domain: NodeDomain): void {
  const { node } = domain;
  const { idStart, idEnd, buf } = s;
  if (idStart < 0) {
    ex.meters.unmatched++;
    return;
  }
  const request = ex.requests.match(buf, idStart, idEnd, node);
  if (request !== null) return forward(ex, s, domain, request);
  const dial = ex.dials.match(buf, idStart, idEnd, node);
  if (dial !== null) return s.type === TYPE_RESULT ? dialResult(ex, s, dial) : dialError(ex, s, dial);
  ex.meters.unmatched++; // IR4
  // DC21: a dial that was given up, in this life or an earlier one, has made a call after all.
  if (s.type !== TYPE_RESULT || !isDialId(buf, idStart, idEnd)) return;
  const ref = readRef(ex, s, node);
  if (ref === null) return;
  const id = Buffer.from(ref.id);
  if (ex.directory.findCall(id, 0, id.length, node) >= 0) return;
  ex.log.warn("result of a dial nobody waits for: hung up", { node: node.jid, call: ref.id });
  endMade(ex, node, ref.id, ref.domain.text);
}

function forward(ex: Exchange, s: Stanza, domain: NodeDomain, request: Request): void {
  const { rewrite } = ex;
  const resource = request.resource!;
  if (ex.directory.componentOwners.size > 0) noteOwner(ex, s, domain.node, resource);
  rewrite.begin(s);
  rewrite.bytes(s.idStart, s.idEnd, request.texts, request.idStart, request.idEnd);
  rewrite.bytes(s.fromStart, s.fromEnd, request.texts, request.toStart, request.toEnd);
  rewrite.bytes(s.toStart, s.toEnd, resource.wire, 0, resource.wire.length);
  if (request.mixer !== null) ex.mixerAnswers = true;
  ex.refStart = -1;
  if (s.childCount > 0) payloadToClient(ex, s, domain.node, null, resource);
  if (rewrite.send(ex.external[request.door]!.outlet, CLASS_ANSWER)) ex.meters.toClients++;
  else ex.meters.refused++;
  if (request.startsIn >= 0) startAnswered(ex, request, s);
  if (request.mixer !== null) mixerAnswered(ex, s, domain, request);
  ex.requests.close(request);
  ex.directory.unhold(resource);
}

/** IR5: no answer in time, or none to be expected any more. */
export function requestExpired(ex: Exchange, request: Request): void {
  const resource = request.resource!;
  const { texts } = request;
  ex.meters.timeouts++;
  const asked = {
    id: texts.toString("utf8", request.idStart, request.idEnd),
    to: texts.toString("utf8", request.toStart, request.toEnd),
  };
  ex.refuseLater(ex.external[request.door]!, asked, resource.wire, "remote-server-timeout", "wait");
  if (request.startsIn >= 0) startAnswered(ex, request, null);
  if (request.mixer !== null) mixerUnanswered(ex, request);
  ex.requests.close(request);
  ex.directory.unhold(resource);
}
