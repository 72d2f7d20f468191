/**
 * Service discovery (XEP-0030) of the gateway's own domains and of calls (IC13, II3, DC12).
 */
import { NS_DISCO_INFO } from "../xmpp/namespaces.ts";
import { type Stanza, TYPE_GET } from "../xmpp/stanza.ts";
import { isChild } from "./children.ts";
import type { Exchange } from "./exchange.ts";
import { mayCommand, NOT_FOUND, sender } from "./party.ts";
import { attributeOf } from "./payload.ts";
import type { ServedDomain } from "./served_domain.ts";

const DISCO = "http://jabber.org/protocol/disco#info";

function features(identity: string, ...names: string[]): string {
  return `<query xmlns='${DISCO}'>${identity}${
    [DISCO, "urn:xmpp:ping", ...names].map((name) => `<feature var='${name}'/>`).join("")
  }</query>`;
}

const EXTERNAL = features(
  "<identity category='component' type='generic' name='Rayo Gateway'/>",
  "urn:xmpp:rayo:1",
);
const INTERNAL = features(
  "<identity category='component' type='generic' name='Rayo Gateway'/>",
  "urn:xmpp:rayo:gateway:1",
);
const CALL = features("<identity category='client' type='phone'/>", "urn:xmpp:rayo:call:1");

/** True if `s` was a disco#info request, which is answered then. `ex.to` and `ex.from` are its addresses. */
export function answeredDisco(ex: Exchange, s: Stanza, door: ServedDomain): boolean {
  if (s.type !== TYPE_GET || !isChild(s, 0, NS_DISCO_INFO, "query")) return false;
  if (attributeOf(s, 0, "node") !== null) {
    // DC12: `node#ver` is answered only where the hash fits; the calls' hashes are their nodes' own.
    ex.refuse(s, door, "item-not-found", "cancel");
  } else if (ex.to.localStart < 0) {
    ex.result(s, door, door.external ? EXTERNAL : INTERNAL);
  } else {
    callDisco(ex, s, door);
  }
  return true;
}

/** Calls are asked in their party's name by servers, too (DC12); of foreign ones nothing is said (DC23). */
function callDisco(ex: Exchange, s: Stanza, door: ServedDomain): void {
  const { to, directory } = ex;
  const slot = door.external ? directory.calls.findPublic(to.buf, to.localStart, to.localEnd) : -1;
  if (slot < 0 || mayCommand(ex, slot, sender(ex)) === NOT_FOUND) {
    ex.refuse(s, door, "item-not-found", "cancel");
  } else ex.result(s, door, CALL);
}
