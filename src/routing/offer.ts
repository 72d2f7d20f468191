/**
 * Incoming calls: which application, which of its resources, and what if nobody takes the call (spec 2.4).
 *
 * Conforms: XEP-0327 §6.2.2, inbound calls, offers and rejection: complete
 */
import { CALL_CONTROLLED, CALL_REFUSED } from "../cluster/call_table.ts";
import { foldId } from "../cluster/fold_id.ts";
import type { Application, Resource } from "../cluster/application.ts";
import type { NodeDomain } from "../cluster/node.ts";
import { Offer, OFFER_ALL_MAX, OFFER_RESOURCES_MAX } from "../cluster/offer.ts";
import { escapeAttribute } from "../xmpp/escape.ts";
import { NS_RAYO } from "../xmpp/namespaces.ts";
import { CLASS_NEW } from "../xmpp/outlet.ts";
import type { Stanza } from "../xmpp/stanza.ts";
import { findChild } from "./children.ts";
import { endAtNode, errorToCall, forget, REJECT, sayEnd } from "./departure.ts";
import { EVENT_OFFER } from "./event_kind.ts";
import type { Exchange } from "./exchange.ts";
import { permitted } from "./ownership.ts";
import { attributeOf } from "./payload.ts";
import { sendToClient } from "./to_client.ts";

/** How long a refused call may take to end before it is forgotten. */
const REFUSED_MS = 60_000;

/** PX1: an offer of a call that nobody knows yet; `ex.from` holds the call's JID. Checks in the order of §2.4. */
export function newOffer(ex: Exchange, s: Stanza, domain: NodeDomain): void {
  const { directory, from } = ex;
  const { node } = domain;
  ex.meters.offers++;
  if (directory.quiesced) {
    return refuseOffer(ex, domain, "service-unavailable", "Gateway is on Quiesce mode.");
  }
  const address = attributeOf(s, findChild(s, NS_RAYO, "offer"), "to");
  const application = address === null ? undefined : directory.addresses.match(address);
  // DC25: on a platform of another kind it is as if no application had the address.
  const fits = application !== undefined &&
    (node.platforms.length === 0 || node.platforms.includes(application.platform));
  if (!fits) {
    const text = `Could not find application for URI [${address ?? ""}]`;
    return refuseOffer(ex, domain, "recipient-unavailable", text);
  }
  if (ex.congested()) {
    return refuseOffer(ex, domain, "resource-constraint", "The requested resource is busy.");
  }
  const { external } = ex;
  const { offerToAll } = ex.settings.ownership;
  // 9.3: without the letter it is as if no resource were there.
  const mayOffer = external[0]!.outlet.up && permitted(ex, application, "offer");
  const resource = mayOffer ? application.pick() : null;
  if (resource === null) return refuseOffer(ex, domain, "recipient-unavailable", nobody(application));

  const slot = directory.addCall(
    from.buf,
    from.localStart,
    from.localEnd,
    domain,
    resource,
    0,
    ex.clock.wall(),
    "",
    ex.dials.reserving(foldId(from.local())) !== null,
  );
  const parts = offerToAll ? 1 : Math.min(application.resources.length, OFFER_RESOURCES_MAX);
  ex.rewrite.begin(s);
  const offer = new Offer(
    slot,
    application,
    ex.rewrite.copy(),
    [resource],
    Math.floor(ex.settings.offerTimeoutMs / parts),
  );
  offer.endsAt = ex.clock.now() + ex.settings.offerTimeoutMs;
  ex.offers.add(offer);
  if (!sendToClient(ex, s, slot, EVENT_OFFER, resource, CLASS_NEW)) {
    forget(ex, slot); // BUG 38: nothing stays registered of an offer that was not sent
    return refuseOffer(ex, domain, "resource-constraint", "The requested resource is busy.");
  }
  if (offerToAll) offerToOthers(ex, s, offer);
  directory.noteCall(slot);
}

/** OF1, `offers.mode = "all"`: the others are asked at the same moment; the first command wins (OF4). */
function offerToOthers(ex: Exchange, s: Stanza, offer: Offer): void {
  for (;;) {
    const other = offer.asked.length < OFFER_ALL_MAX ? offer.application.pick(offer.asked) : null;
    if (other === null) return;
    ask(ex, s, offer, other);
  }
}

/** The call is offered to one more resource, too. */
function ask(ex: Exchange, s: Stanza, offer: Offer, resource: Resource): void {
  offer.asked.push(resource);
  ex.directory.offerAlsoTo(offer.slot, resource);
  sendToClient(ex, s, offer.slot, EVENT_OFFER, resource, CLASS_NEW);
}

/**
 * OF3, DC19: the resource asked last has gone or said nothing; the next one is asked. If there is none, the call is
 * refused, unless `othersMay` still answer in the time that is running.
 */
export function askNext(ex: Exchange, offer: Offer, othersMay = false): void {
  const { directory } = ex;
  const { application, slot, stanza } = offer;
  const most = ex.settings.ownership.offerToAll ? OFFER_ALL_MAX : OFFER_RESOURCES_MAX;
  const leftMs = offer.endsAt - ex.clock.now();
  const asksOn = stanza !== null && offer.asked.length < most && leftMs > 0 && !directory.quiesced &&
    ex.toClients.up;
  const resource = asksOn ? application.pick(offer.asked) : null;
  if (stanza === null || resource === null) {
    if (!othersMay) refuseCall(ex, offer, nobody(application));
    return;
  }
  // DC19: the time is for the whole offer, whoever came late.
  ex.offers.wait(offer, Math.min(offer.partMs, leftMs));
  ex.rescan.read(stanza, (s) => {
    if (ex.readFrom(s)) ask(ex, s, offer, resource);
  });
  directory.noteCall(slot);
}

/** Time is up for an offer, or for the `end` of a refused one. */
export function offerExpired(ex: Exchange, offer: Offer): void {
  ex.meters.timeouts++;
  if (!offer.refused) return askNext(ex, offer);
  // Its node never said `end`; whoever was offered the call hears one all the same (GAP 10).
  sayEnd(ex, offer.slot);
  forget(ex, offer.slot);
}

/** After a restart: calls offered before it may still be taken by those who were asked, for as long as an offer lasts. */
export function resumeOffers(ex: Exchange): void {
  const { directory } = ex;
  const { calls } = directory;
  for (let slot = 0; slot < calls.slotsEnd; slot++) {
    if (!calls.isLive(slot) || calls.has(slot, CALL_CONTROLLED)) continue;
    const application = directory.partyOf(slot)?.application ?? null;
    if (application === null) endAtNode(ex, slot);
    else {ex.offers.add(
        new Offer(slot, application, null, [...directory.parties(slot)], ex.settings.offerTimeoutMs),
      );}
  }
}

/** OF2: nobody takes a call that was already offered. It stays known until its `end`, which its parties get. */
function refuseCall(ex: Exchange, offer: Offer, text: string): void {
  const { directory } = ex;
  const { slot } = offer;
  offer.refused = true;
  directory.calls.setFlag(slot, CALL_REFUSED, true);
  ex.offers.wait(offer, REFUSED_MS);
  const node = directory.nodeOf(slot);
  ex.hangups.first(node, directory.calls.id(slot), ex.clock.now());
  refuseAtNode(ex, ex.callJid(slot), node.javaNode, "recipient-unavailable", text);
}

/** Refuses an offer that never became a call here (DC18). */
function refuseOffer(ex: Exchange, domain: NodeDomain, condition: string, text: string): void {
  const { from } = ex;
  const jid = escapeAttribute(`${from.local()}@${domain.text}`);
  ex.hangups.first(domain.node, from.local(), ex.clock.now());
  refuseAtNode(ex, jid, domain.node.javaNode, condition, text);
  ex.log.warn("offer refused", { node: domain.node.jid, call: from.local(), reason: text });
}

function refuseAtNode(ex: Exchange, jid: string, javaNode: boolean, condition: string, text: string): void {
  ex.meters.offersRefused++;
  errorToCall(ex, jid, condition, text);
  if (!javaNode) ex.command(jid, REJECT);
}

function nobody(application: Application): string {
  return `Could not find an available resource for JID [${application.jid}]`;
}
