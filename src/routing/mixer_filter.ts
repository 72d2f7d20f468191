/**
 * Presence from clients to a mixer: who wants no more events of it, and who wants them again (PM1–PM3, DC27).
 */
import type { Resource } from "../cluster/application.ts";
import type { Mixer } from "../cluster/mixer.ts";
import { CLASS_ANSWER } from "../xmpp/outlet.ts";
import {
  type Stanza,
  TYPE_ERROR,
  TYPE_PROBE,
  TYPE_SUBSCRIBE,
  TYPE_UNAVAILABLE,
  TYPE_UNSUBSCRIBE,
} from "../xmpp/stanza.ts";
import type { Exchange } from "./exchange.ts";
import { mixerOf } from "./mixer_name.ts";
import type { ServedDomain } from "./served_domain.ts";

/**
 * `ex.to` has a localpart. False: it is no mixer that `sender` may see, or its word is none for a mixer. Servers send
 * `unavailable` at logout for everyone who ever sent presence there: from who is not registered it says nothing.
 */
export function mixerFilter(ex: Exchange, s: Stanza, door: ServedDomain, sender: Resource | null): boolean {
  if (s.type === TYPE_ERROR || s.type === TYPE_PROBE || sender === null || !sender.registered) return false;
  const mixer = mixerOf(ex, ex.to.local(), sender.bare);
  if (mixer === null) return false;
  if (s.type === TYPE_UNAVAILABLE || s.type === TYPE_UNSUBSCRIBE) setFilter(ex, mixer, sender);
  else liftFilters(ex, mixer, sender);
  // GAP 12: who is in the mixer's zone is subscribed without asking, so asking is granted.
  if (s.type === TYPE_SUBSCRIBE) say(ex, s, door, "subscribed");
  return true;
}

function setFilter(ex: Exchange, mixer: Mixer, sender: Resource): void {
  const filters = mixer.filters ??= new Set();
  if (filters.has(sender)) return;
  filters.add(sender);
  sender.holds++;
  ex.directory.noteMixer(mixer);
}

/** PM2, PM3: the application hears of it again, whoever of its resources set the filter. */
function liftFilters(ex: Exchange, mixer: Mixer, sender: Resource): void {
  let changed = false;
  for (const resource of [...mixer.filters ?? []]) {
    if (resource.bare !== sender.bare) continue;
    mixer.filters!.delete(resource);
    ex.directory.unhold(resource);
    changed = true;
  }
  if (mixer.filters?.size === 0) mixer.filters = null;
  if (changed) ex.directory.noteMixer(mixer);
}

function say(ex: Exchange, s: Stanza, door: ServedDomain, type: string): void {
  ex.meters.answers++;
  const from = ex.text(s.buf, s.toStart, s.toEnd), to = ex.text(s.buf, s.fromStart, s.fromEnd);
  ex.say(door.outlet, `<presence type='${type}' from='${from}' to='${to}'/>`, CLASS_ANSWER);
}
