/**
 * From the sender of a client's stanza to the resource it is, and who that resource may be to a call (GAP 3).
 *
 * Conforms: XEP-0327 §6.2.2, potential and definite controlling parties: complete
 * Conforms: XEP-0349 §4.4, permissions on commands: complete
 */
import { CALL_CONTROLLED } from "../cluster/call_table.ts";
import type { Resource } from "../cluster/application.ts";
import type { Stanza } from "../xmpp/stanza.ts";
import type { Exchange } from "./exchange.ts";

/**
 * The resource whose full JID is `ex.from`, or null. Looked up by its bytes; a JID in other letters than its server
 * usually writes (a capital beyond ASCII, a dot at the end) by its canonical form.
 */
export function sender(ex: Exchange): Resource | null {
  const { from, directory } = ex;
  return directory.findResource(from.buf, from.start, from.bareEnd, from.end) ??
    directory.resourceByJid(from.full());
}

/** The resource that sent `s`, entered if it is new. `ex.from` holds its JID. */
export function resourceOf(ex: Exchange, s: Stanza): Resource {
  const { from, directory } = ex;
  const known = sender(ex);
  if (known !== null) return known;
  const wire = Buffer.from(ex.text(s.buf, s.fromStart, s.fromEnd));
  return directory.resourceFor(from.full(), from.bare(), wire);
}

/** Answers of mayCommand(). */
export const MAY = 0, NOT_FOUND = 1, CONFLICT = 2;

/**
 * May the sender (`ex.from`) command call `slot`, or the component of it that `ex.to` names? Foreign calls are as if they
 * did not exist (DC23); a call that another resource of the same application controls is a conflict (OF4, IC3) unless
 * siblings may take calls over; a component takes commands of who started it only (IC9).
 */
export function mayCommand(ex: Exchange, slot: number, who: Resource | null): number {
  const { directory, from } = ex;
  const party = directory.partyOf(slot);
  if (party === null) return NOT_FOUND;
  if (directory.componentOwners.size > 0) {
    const owns = ownsComponent(ex, slot, who);
    if (owns !== null) return owns ? MAY : from.bare() === party.bare ? CONFLICT : NOT_FOUND;
  }
  const mayTakeOver = ex.settings.ownership.siblingsMayCommand && who !== null && who.registered;
  if (who !== null && directory.isParty(slot, who)) {
    const other = directory.calls.has(slot, CALL_CONTROLLED) && party !== who;
    return other && !mayTakeOver ? CONFLICT : MAY;
  }
  if (from.bare() !== party.bare) return NOT_FOUND;
  return mayTakeOver ? MAY : CONFLICT;
}

/**
 * IC9: is the component that `ex.to` names one that `who` started? Null: it is no component, or the call has had one
 * controlling party only.
 */
export function ownsComponent(ex: Exchange, slot: number, who: Resource | null): boolean | null {
  const { directory, to } = ex;
  if (to.resourceStart < 0 || directory.componentOwners.size === 0) return null;
  const owner = directory.componentOwners.of(slot, to.resource());
  return owner === null ? null : owner === who;
}
