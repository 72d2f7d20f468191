/**
 * Presence from clients to an external domain: who is ready for calls and who has left (spec 2.2, rows PC).
 *
 * Conforms: XEP-0327 §6.1, client registration: complete
 */
import type { Exchange } from "./exchange.ts";
import { mixerFilter } from "./mixer_filter.ts";
import type { ServedDomain } from "./served_domain.ts";
import { showOf } from "./show.ts";
import { isSubscription, subscription } from "./subscription.ts";
import { type Stanza, TYPE_ERROR, TYPE_NONE, TYPE_UNAVAILABLE } from "../xmpp/stanza.ts";
import { resourceOf, sender } from "./party.ts";
import { resourceBounced, resourceGone, resourceQuiet, resourceReady } from "./watching.ts";

export function clientPresence(ex: Exchange, s: Stanza, door: ServedDomain): void {
  const { directory, from, to } = ex;
  if (isSubscription(ex, s)) return subscription(ex, s, door); // PC9, PC10
  if (from.resourceStart < 0) {
    ex.meters.ignored++;
    return;
  }
  const known = sender(ex);

  if (s.type === TYPE_ERROR) {
    if (known !== null) resourceBounced(ex, s, known); // PC10
    ex.meters.ignored++;
    return;
  }
  if (to.localStart >= 0 && directory.mixers.size > 0 && mixerFilter(ex, s, door, known)) return; // PM1–PM3
  // Presence to a call or a mixer is no word about the client itself: a server sends `unavailable` there, too (DC27).
  if (to.localStart >= 0 && s.type === TYPE_UNAVAILABLE) {
    ex.meters.ignored++;
    return;
  }
  if (s.type === TYPE_UNAVAILABLE) {
    if (known !== null) resourceGone(ex, known); // PC7, PC8
    return;
  }
  if (s.type !== TYPE_NONE) {
    ex.meters.ignored++; // PC9, PC10: to a call
    return;
  }

  const show = showOf(s);
  if (show === "") {
    ex.meters.ignored++; // PC6
    return;
  }
  const bare = from.bare();
  if (directory.bans.has(bare)) {
    ex.refusePresence(s, door, "recipient-unavailable", "cancel", "The application does not exist"); // PC3
    return;
  }
  if (show !== "chat") {
    if (known !== null) directory.unregisterResource(known); // PC4, PC5
    resourceQuiet(ex, from.full());
    return;
  }
  const application = directory.applications.get(bare);
  if (application === undefined) {
    ex.refusePresence(s, door, "registration-required", "auth"); // PC2, DC22
    return;
  }
  const resource = known ?? resourceOf(ex, s);
  if (!resource.registered) {
    directory.registerResource(resource, application); // PC1, PC12, PC13
    ex.log.info("resource is ready", { resource: resource.jid, application: bare });
    resourceReady(ex, resource);
  }
}
