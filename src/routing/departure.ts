/**
 * What follows when a client or a node is gone: its calls end, exactly once for everybody (PC7, PC8, PN7, DL12).
 *
 * Conforms: XEP-0203 §2, a delay on every end that the gateway makes: complete
 * Conforms: XEP-0327 §6.6.3, hang-up of what nobody controls: complete
 */
import { CALL_COMPONENTS, CALL_CONTROLLED, CALL_IN_MIXER, CALL_REFUSED } from "../cluster/call_table.ts";
import type { Resource } from "../cluster/application.ts";
import type { Node } from "../cluster/node.ts";
import { escapeAttribute } from "../xmpp/escape.ts";
import { CLASS_ANSWER, CLASS_END } from "../xmpp/outlet.ts";
import type { Exchange } from "./exchange.ts";
import { endMixersOf, leaveAudiences, leaveMixers } from "./mixer_life.ts";
import { askNext } from "./offer.ts";
import { controllerLoss } from "./ownership.ts";
import { abandonDials, dialFailed, revokeDials } from "./dial.ts";

const HANGUP = "<hangup xmlns='urn:xmpp:rayo:1'/>";
/** OF2: the reason is the first child. */
export const REJECT = "<reject xmlns='urn:xmpp:rayo:1'><error/></reject>";

/**
 * PC7, PC8: a resource left for good. Offers it had go to others (OF3); calls it controls are ended at their nodes, or
 * go to another resource of its application (`calls.on_controller_loss`).
 */
export function clientDeparted(ex: Exchange, resource: Resource): void {
  const { directory } = ex;
  resource.holds++;
  directory.unregisterResource(resource);
  abandonDials(ex, resource); // DL12
  offersLeft(ex, resource, true);
  const handsOver = controllerLoss(ex, resource) === "handover";
  const { calls } = directory;
  for (let slot = resource.callsHead; slot >= 0;) {
    const next = calls.nextOfParty(slot);
    // A refused offer waits for its `end`.
    if (ex.offers.get(slot) === null) {
      const heir = handsOver ? resource.application?.pick() ?? null : null;
      if (heir !== null) directory.handOver(slot, heir);
      else {
        sayEnd(ex, slot, resource); // GAP 10: others were offered the call before
        endAtNode(ex, slot);
      }
    }
    slot = next;
  }
  if (directory.componentOwners.size > 0) directory.leaveComponents(resource);
  leaveAudiences(ex, resource);
  ex.log.info("resource has left", { resource: resource.jid });
  directory.unhold(resource);
}

/** OF3: `resource`, not in rotation any more, has offers open: others are asked. If it left `forGood` it is no party. */
export function offersLeft(ex: Exchange, resource: Resource, forGood: boolean): void {
  const { directory } = ex;
  for (const offer of ex.offers.asking(resource)) {
    const othersMay = offer.asked.some((other) => other.registered);
    if (!othersMay || directory.partyOf(offer.slot) === resource) askNext(ex, offer, othersMay);
    if (forGood && directory.calls.isLive(offer.slot)) directory.withdraw(offer.slot, resource);
  }
}

/**
 * IC6: an application is banned. Its resources leave, its dials are refused, its calls are ended for both sides.
 * Returns how many calls that were.
 */
export function applicationBanned(ex: Exchange, jid: string): number {
  const { directory } = ex;
  let ended = 0;
  for (const resource of directory.resourcesOf(jid)) {
    resource.holds++;
    revokeDials(ex, resource, "recipient-unavailable", "The application does not exist");
    while (resource.callsHead >= 0) {
      const slot = resource.callsHead;
      sayEnd(ex, slot);
      endAtNode(ex, slot);
      ended++;
    }
    leaveAudiences(ex, resource);
    directory.unregisterResource(resource);
    directory.unhold(resource);
  }
  return ended;
}

/**
 * Ends a call at its node and forgets it: nobody is left to hear of it. `hangup`, or `reject` before a command (DC18);
 * nothing if it was refused already.
 */
export function endAtNode(ex: Exchange, slot: number): void {
  const { directory } = ex;
  const id = directory.calls.id(slot);
  const node = directory.nodeOf(slot);
  const taken = directory.calls.has(slot, CALL_CONTROLLED);
  if (!directory.calls.has(slot, CALL_REFUSED)) {
    ex.hangups.first(node, id, ex.clock.now());
    ex.command(ex.callJid(slot), taken ? HANGUP : REJECT);
  }
  forget(ex, slot);
}

/** Forgets a call and everything kept for it. */
export function forget(ex: Exchange, slot: number): void {
  const { directory, early } = ex;
  ex.offers.conclude(slot);
  if (directory.calls.has(slot, CALL_COMPONENTS)) ex.components.forget(slot);
  if (ex.early.bytes > 0) {
    const held = early.get(directory.nodeOf(slot), directory.calls.id(slot));
    if (held !== null) early.remove(held, true);
  }
  if (directory.calls.has(slot, CALL_IN_MIXER)) leaveMixers(ex, slot);
  directory.removeCall(slot);
}

/** PN7: a node is gone, and with it its calls, its outstanding dials and requests. */
export function nodeDeparted(ex: Exchange, node: Node): void {
  const { directory } = ex;
  directory.setNodeState(node, "unreachable");
  awaitNothing(ex, node);
  let ended = 0;
  for (let slot = node.callsHead; slot >= 0;) {
    const next = directory.calls.nextOfNode(slot);
    sayEnd(ex, slot);
    forget(ex, slot);
    ended++;
    slot = next;
  }
  endMixersOf(ex, node);
  ex.log.warn("node is gone", { node: node.jid, calls_ended: ended });
}

/** The configuration does not trust a node any more: it is not listened to, so its calls cannot go on. */
export function nodeDismissed(ex: Exchange, node: Node): void {
  if (!node.enrolled && node.calls === 0 && node.outstandingDials === 0) return;
  ex.directory.removeNode(node);
  awaitNothing(ex, node);
  let ended = 0;
  for (; node.callsHead >= 0; ended++) {
    const slot = node.callsHead;
    sayEnd(ex, slot);
    endAtNode(ex, slot);
  }
  endMixersOf(ex, node);
  ex.log.warn("node is not trusted any more", { node: node.jid, calls_ended: ended });
}

/** What the node was asked will not be answered by it. */
function awaitNothing(ex: Exchange, node: Node): void {
  for (const request of ex.requests.ofNode(node)) ex.expireRequest(request);
  for (const dial of ex.dials.atNode(node)) dialFailed(ex, dial, "remote-server-timeout", "wait");
}

/** A made-up `end` to every party of a call but `except`, which looks like a real one (AH16, DC28). */
export function sayEnd(ex: Exchange, slot: number, except: Resource | null = null): void {
  const { directory, meters } = ex;
  const parties = directory.parties(slot).filter((party) => party !== except);
  if (parties.length === 0) return;
  const from = escapeAttribute(`${directory.calls.publicText(slot)}@${ex.external[0]!.text}`);
  const stamp = new Date(ex.clock.wall()).toISOString().replace(/\.\d+Z$/, "Z");
  meters.errors++;
  for (const party of parties) {
    const xml = `<presence from='${from}' to='${party.wire}' type='unavailable'>` +
      `<end xmlns='urn:xmpp:rayo:1'><error/></end><delay xmlns='urn:xmpp:delay' stamp='${stamp}'/></presence>`;
    ex.say(ex.toClients, xml, CLASS_END);
  }
}

/** GAP 1, DC20: a call that nobody here knows is ended at its node, at most once in a while. */
export function endUnknown(ex: Exchange, node: Node, id: string, domain: string): void {
  if (ex.hangups.first(node, id, ex.clock.now())) ex.command(escapeAttribute(`${id}@${domain}`), HANGUP);
}

/** DC21, DL12: a dial has made a call that nobody waits for; said for each, or the call would live on unheard. */
export function endMade(ex: Exchange, node: Node, id: string, domain: string): void {
  ex.hangups.first(node, id, ex.clock.now());
  ex.command(escapeAttribute(`${id}@${domain}`), HANGUP);
}

/** A presence error to a call's JID, which Java nodes take for a hang-up (JN4); FreeSWITCH ignores it (FS21). */
export function errorToCall(ex: Exchange, jid: string, condition: string, text: string): void {
  ex.meters.errors++;
  ex.meters.answers++;
  ex.say(
    ex.toNodes,
    `<presence type='error' from='${ex.self}' to='${jid}'>${ex.error(condition, "cancel", text)}</presence>`,
    CLASS_ANSWER,
  );
}
