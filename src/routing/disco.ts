/**
 * Service discovery (XEP-0030) of the gateway's own domains, of calls and of mixers (IC13, II3, DC12). Nodes are not asked: calls of
 * FreeSWITCH do not answer, and what they would say is the same for all.
 *
 * Conforms: XEP-0030 §3, disco#info of the domains, of calls and of mixers: complete
 * Conforms: XEP-0030 §4, disco#items: empty, as nothing here is to be browsed: complete
 * Conforms: XEP-0327 §8, support of Rayo is advertised: complete
 * Conforms: XEP-0349 §5, support on both domains is advertised: complete
 */
import { NS_DISCO_INFO, NS_DISCO_ITEMS } from "../xmpp/namespaces.ts";
import { type Stanza, TYPE_GET } from "../xmpp/stanza.ts";
import {
  CALL_CAPABILITIES,
  type Capabilities,
  EXTERNAL_CAPABILITIES,
  INTERNAL_CAPABILITIES,
  MIXER_CAPABILITIES,
} from "./capabilities.ts";
import { isChild } from "./children.ts";
import type { Exchange } from "./exchange.ts";
import { mixerOf } from "./mixer_name.ts";
import { mayCommand, NOT_FOUND, sender } from "./party.ts";
import { attributeOf } from "./payload.ts";
import type { ServedDomain } from "./served_domain.ts";

const NO_ITEMS = "<query xmlns='http://jabber.org/protocol/disco#items'/>";

/** True if `s` was a discovery request, which is answered then. `ex.to` and `ex.from` are its addresses. */
export function answeredDisco(ex: Exchange, s: Stanza, door: ServedDomain): boolean {
  if (s.type !== TYPE_GET) return false;
  const items = isChild(s, 0, NS_DISCO_ITEMS, "query");
  if (!items && !isChild(s, 0, NS_DISCO_INFO, "query")) return false;
  const node = attributeOf(s, 0, "node") ?? "";
  const found = capabilitiesOf(ex, door);
  // DC12: `node#ver` is answered only where the hash fits; of other nodes nothing is known.
  if (found === null || (node !== "" && (items || !found.isMeantBy(node)))) {
    ex.refuse(s, door, "item-not-found", "cancel");
  } else {
    ex.result(s, door, items ? NO_ITEMS : found.query(node));
  }
  return true;
}

/** Of whom `ex.to` names; null: nobody the asker (`ex.from`) may know of (DC23). */
function capabilitiesOf(ex: Exchange, door: ServedDomain): Capabilities | null {
  const { to, directory } = ex;
  if (to.localStart < 0) return door.external ? EXTERNAL_CAPABILITIES : INTERNAL_CAPABILITIES;
  // Calls are asked in their party's name by servers, too (DC12).
  const slot = door.external ? directory.calls.findPublic(to.buf, to.localStart, to.localEnd) : -1;
  if (slot >= 0 && mayCommand(ex, slot, sender(ex)) !== NOT_FOUND) return CALL_CAPABILITIES;
  const mixer = door.external && directory.mixers.size > 0 ? mixerOf(ex, to.local(), ex.from.bare()) : null;
  return mixer === null ? null : MIXER_CAPABILITIES;
}
