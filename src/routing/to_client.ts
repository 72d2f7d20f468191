/**
 * A node's presence on its way to a client: from the call's JID at the external domain, to the client, with every
 * URI inside translated (PX2, RW3, RW4); nothing else changes (DC3).
 *
 * Conforms: XEP-0203 §2, stamps of nodes are passed as they are: complete
 * Conforms: XEP-0327 §5.3, events as directed presence: complete
 */
import type { Resource } from "../cluster/application.ts";
import { escapeAttribute } from "../xmpp/escape.ts";
import { type Stanza, TYPE_NONE } from "../xmpp/stanza.ts";
import { EVENT_COMPLETE, EVENT_END, EVENT_JOINED, EVENT_SPEAKING } from "./event_kind.ts";
import type { Exchange } from "./exchange.ts";
import { payloadToClient } from "./payload.ts";

const UNAVAILABLE = Buffer.from(" type='unavailable'");

/** Sends `s`, an event of call `slot` whose `from` is in `ex.from`, to `party`; false: the outlet refused it. */
export function sendToClient(
  ex: Exchange,
  s: Stanza,
  slot: number,
  kind: number,
  party: Resource,
  cls: number,
): boolean {
  const { rewrite, from, directory } = ex;
  const door = ex.external[0]!;
  rewrite.begin(s);
  if (directory.calls.publicId(slot) === null && !s.fromEscaped) {
    rewrite.bytes(from.domainStart, from.domainEnd, door.wire, 0, door.wire.length);
  } else {
    const resource = from.resourceStart < 0 ? "" : `/${from.resource()}`;
    rewrite.text(
      s.fromStart,
      s.fromEnd,
      escapeAttribute(`${directory.calls.publicText(slot)}@${door.text}${resource}`),
    );
  }
  rewrite.bytes(s.toStart, s.toEnd, party.wire, 0, party.wire.length);
  // JN7: Java nodes say `end` and `complete` without a type; today's clients decide on it.
  if (s.type === TYPE_NONE && (kind === EVENT_END || kind === EVENT_COMPLETE)) {
    rewrite.bytes(s.nameEnd, s.nameEnd, UNAVAILABLE, 0, UNAVAILABLE.length);
  }
  if (kind === EVENT_JOINED || kind === EVENT_SPEAKING) {
    payloadToClient(ex, s, directory.nodeOf(slot), null, party);
  }
  if (!rewrite.send(door.outlet, cls)) {
    ex.meters.refused++;
    return false;
  }
  ex.meters.toClients++;
  return true;
}
