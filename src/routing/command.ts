/**
 * A client's command to a call or one of its components: may it, where is the call, and on to the node (spec 2.5,
 * rows IC3, IC9).
 *
 * Conforms: XEP-0327 §6.5, commands to calls and components: complete
 */
import { CALL_ACCEPTED, CALL_CONTROLLED, CALL_REFUSED } from "../cluster/call_table.ts";
import { NS_RAYO } from "../xmpp/namespaces.ts";
import { CLASS_COMMAND, CLASS_END } from "../xmpp/outlet.ts";
import { type Stanza, TYPE_SET } from "../xmpp/stanza.ts";
import { isChild } from "./children.ts";
import { noteStart } from "./component.ts";
import type { Exchange } from "./exchange.ts";
import { CONFLICT, mayCommand, NOT_FOUND, ownsComponent, sender } from "./party.ts";
import { lacksLetter } from "./ownership.ts";
import { joinSent, mixerCommand } from "./mixer_command.ts";
import { OK, payloadToNode } from "./payload.ts";
import type { ServedDomain } from "./served_domain.ts";
import { resourceBack } from "./watching.ts";

/**
 * `ex.to` holds the call's JID at the external domain, `ex.from` the client; `slot` is the call if it was found
 * already. Child 0 is in a Rayo namespace.
 */
export function command(ex: Exchange, s: Stanza, door: ServedDomain, slot = -1): void {
  const { directory, to, rewrite } = ex;
  const { calls } = directory;
  if (slot < 0) slot = calls.findPublic(to.buf, to.localStart, to.localEnd);
  const party = sender(ex);
  const may = slot < 0 || calls.has(slot, CALL_REFUSED) ? NOT_FOUND : mayCommand(ex, slot, party);
  if (may === CONFLICT) return ex.refuse(s, door, "conflict", "cancel");
  if (may === NOT_FOUND || party === null) {
    if (directory.mixers.size > 0 && mixerCommand(ex, s, door, party)) return;
    return ex.refuse(s, door, "item-not-found", "cancel", `Could not find rayo node for id [${to.local()}]`);
  }
  // FS41: `exec` runs anything on a FreeSWITCH; it is not for clients, whatever it is addressed to (IC4).
  if (isChild(s, 0, NS_RAYO, "exec")) return ex.refuse(s, door, "feature-not-implemented", "cancel");

  if (ex.settings.ownership.commandsNeedLetters && lacksLetter(ex, s, party)) {
    return ex.refuse(s, door, "not-authorized", "auth");
  }

  const domain = directory.domain(calls.domain(slot));
  const { node } = domain;
  const outlet = ex.toNodes;
  if (!outlet.up) return ex.refuse(s, door, "remote-server-timeout", "wait"); // DC9
  if (s.idStart < 0) return ex.refuse(s, door, "bad-request", "modify", "An IQ needs an id");

  rewrite.begin(s);
  const refusal = payloadToNode(ex, s, node, party);
  if (refusal !== OK) return ex.refuse(s, door, refusal.condition, refusal.type, refusal.text);
  const request = ex.requests.open(
    node,
    party,
    door.number,
    s.view,
    s.idStart,
    s.idEnd,
    s.toStart,
    s.toEnd,
    ex.settings.commandTimeoutMs,
  );
  if (request === null) {
    return ex.refuse(s, door, "resource-constraint", "wait", "The requested resource is busy.");
  }
  const idAt = rewrite.space(32);
  rewrite.scratchEnd = ex.requests.writeId(request, rewrite.scratch, idAt);
  rewrite.bytes(s.idStart, s.idEnd, rewrite.scratch, idAt, rewrite.scratchEnd);
  rewrite.bytes(s.fromStart, s.fromEnd, ex.self, 0, ex.self.length);
  if (!s.toEscaped && calls.hasExactId(slot, to.buf, to.localStart, to.localEnd)) {
    rewrite.bytes(to.domainStart, to.domainEnd, domain.wire, 0, domain.wire.length);
  } else {
    const resource = to.resourceStart < 0 ? "" : ex.escaped(`/${to.resource()}`);
    rewrite.text(s.toStart, s.toEnd, `${ex.callJid(slot)}${resource}`);
  }
  const last = isChild(s, 0, NS_RAYO, "hangup") || isChild(s, 0, NS_RAYO, "reject");
  if (!rewrite.send(outlet, last ? CLASS_END : CLASS_COMMAND)) {
    ex.meters.refused++;
    ex.requests.close(request);
    directory.unhold(party);
    return ex.refuse(s, door, "resource-constraint", "wait", "The requested resource is busy.");
  }
  ex.meters.toNodes++;
  if (ex.mixerWishes.length > 0) joinSent(ex, request, slot);
  if (s.childNs[0] !== NS_RAYO) noteStart(ex, s, slot, request);
  party.consecutiveErrors = 0;
  if (party.missing) resourceBack(ex, party);
  if (s.type !== TYPE_SET) return;
  // DC17: the first IQ set decides who controls the call.
  if (!calls.has(slot, CALL_CONTROLLED)) {
    if (!last) calls.setFlag(slot, CALL_ACCEPTED, true);
    directory.takeOver(slot, party);
    ex.offers.conclude(slot);
  } else if (calls.party(slot) !== party.number && ownsComponent(ex, slot, party) === null) {
    directory.takeOver(slot, party); // calls.siblings_may_command
  }
}
