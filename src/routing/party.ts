/**
 * From the sender of a client's stanza to the resource it is, and who that resource may be to a call (GAP 3).
 */
import { CALL_CONTROLLED } from "../cluster/call_table.ts";
import type { Resource } from "../cluster/application.ts";
import type { Stanza } from "../xmpp/stanza.ts";
import type { Exchange } from "./exchange.ts";

/** The resource that sent `s`, entered if it is new. `ex.from` holds its JID. */
export function resourceOf(ex: Exchange, s: Stanza): Resource {
  const { from, directory } = ex;
  const known = directory.findResource(from.buf, from.start, from.bareEnd, from.end);
  if (known !== null) return known;
  const wire = Buffer.from(ex.text(s.buf, s.fromStart, s.fromEnd));
  return directory.resourceFor(from.full(), from.bare(), wire);
}

export const MAY = 0, NOT_FOUND = 1, CONFLICT = 2;

/**
 * May the sender (`ex.from`) command call `slot`? Foreign calls are as if they did not exist (DC23); a call that
 * another resource of the same application controls is a conflict (OF4, IC3).
 */
export function mayCommand(ex: Exchange, slot: number, sender: Resource | null): number {
  const { directory, from } = ex;
  const party = directory.partyOf(slot);
  if (party === null) return NOT_FOUND;
  if (sender !== null && directory.isParty(slot, sender)) {
    const other = directory.calls.has(slot, CALL_CONTROLLED) && party !== sender;
    return other ? CONFLICT : MAY;
  }
  return from.bare() === party.bare ? CONFLICT : NOT_FOUND;
}
