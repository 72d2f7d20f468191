/**
 * Subscriptions to the gateway's presence and probes for it (PC9, PC10; RFC 6121 §3.1.3, §4.3.2): who may use the gateway
 * hears that it is there, everybody else that there is nothing to hear. Nothing is kept: whoever has lost the answer
 * asks again.
 *
 * Conforms: XEP-0115 §4, the gateway's own presence carries its hash where one is asked for: complete
 */
import { escapeAttribute } from "../xmpp/escape.ts";
import { CLASS_ANSWER } from "../xmpp/outlet.ts";
import { type Stanza, TYPE_PROBE, TYPE_SUBSCRIBE } from "../xmpp/stanza.ts";
import { EXTERNAL_CAPABILITIES } from "./capabilities.ts";
import type { Exchange } from "./exchange.ts";
import type { ServedDomain } from "./served_domain.ts";

/** Is `s` about a subscription to an external domain itself? */
export function isSubscription(ex: Exchange, s: Stanza): boolean {
  return s.type >= TYPE_SUBSCRIBE && s.type <= TYPE_PROBE && ex.to.localStart < 0;
}

/** Such a stanza; `ex.from` is the client, which may be a bare JID. */
export function subscription(ex: Exchange, s: Stanza, door: ServedDomain): void {
  const { directory, from } = ex;
  if (s.type !== TYPE_SUBSCRIBE && s.type !== TYPE_PROBE) {
    ex.meters.ignored++; // the gateway subscribes to nobody and keeps no list
    return;
  }
  const bare = from.bare();
  const admitted = directory.applications.has(bare) &&
    (directory.bans.size === 0 || !directory.bans.has(bare));
  ex.meters.answers++;
  if (!admitted) return say(ex, door, bare, " type='unsubscribed'", "");
  if (s.type === TYPE_SUBSCRIBE) say(ex, door, bare, " type='subscribed'", "");
  const to = s.type === TYPE_SUBSCRIBE ? bare : from.full();
  say(ex, door, to, "", EXTERNAL_CAPABILITIES.element("urn:xmpp:rayo:1"));
}

function say(ex: Exchange, door: ServedDomain, to: string, type: string, inside: string): void {
  const open = `<presence${type} from='${door.wire}' to='${escapeAttribute(to)}'`;
  ex.say(door.outlet, inside === "" ? `${open}/>` : `${open}>${inside}</presence>`, CLASS_ANSWER);
}
