/**
 * Components of calls that have changed hands: their events go to who started them (PX8), whose commands alone they take
 * (IC9, in party.ts). Nothing here runs while every call has had one controlling party.
 *
 * Conforms: XEP-0327 §6.5, events of a component go to the executing party: complete
 * Conforms: XEP-0327 §6.5.2, commands of others to a component are a conflict: complete
 */
import type { Resource } from "../cluster/application.ts";
import type { Node } from "../cluster/node.ts";
import { NS_RAYO } from "../xmpp/namespaces.ts";
import { type Stanza, TYPE_RESULT } from "../xmpp/stanza.ts";
import { findChild } from "./children.ts";
import { EVENT_COMPLETE } from "./event_kind.ts";
import type { Exchange } from "./exchange.ts";
import { attributeOf } from "./payload.ts";

/** Who hears an event of call `slot`, whose sender is in `ex.from`: the component's starter, or the controlling party. */
export function listener(ex: Exchange, slot: number, kind: number): Resource | null {
  const { directory, from } = ex;
  const party = directory.partyOf(slot);
  if (from.resourceStart < 0) return party;
  const component = from.resource();
  const owner = directory.componentOwners.of(slot, component);
  if (owner !== null && kind === EVENT_COMPLETE) directory.componentOwners.delete(slot, component);
  return owner ?? party;
}

/** `s` answers a command of `resource` to a call of `node`: a component that it names is `resource`'s. */
export function noteOwner(ex: Exchange, s: Stanza, node: Node, resource: Resource): void {
  const { directory, from } = ex;
  if (s.type !== TYPE_RESULT || from.localStart < 0) return;
  const ref = findChild(s, NS_RAYO, "ref");
  if (ref < 0) return;
  const slot = directory.findCall(from.buf, from.localStart, from.localEnd, node);
  if (slot < 0) return;
  const uri = attributeOf(s, ref, "uri");
  const component = uri === null ? attributeOf(s, ref, "id") : uri.slice(uri.indexOf("/") + 1);
  if (component !== null) directory.componentOwners.add(slot, component, resource);
}
