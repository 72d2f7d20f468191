/**
 * Events of components that come before the `ref` they belong to (PX8, AH25): held in order with all that follows in
 * their call, for a short time, and released a little after the `ref`, in a write of their own. A client that has
 * not seen the `ref` would not know whose event it is.
 *
 * Nothing is held in a call that starts no component at the moment; calls of an earlier life have components that
 * nobody here remembers, so their events are late at most, never dropped.
 *
 * Conforms: XEP-0327 §6.5, references before their components' events: complete
 */
import { CALL_COMPONENTS, CALL_HOLDING, CALL_RESTORED, CALL_STARTING } from "../cluster/call_table.ts";
import type { EarlyEvents } from "../cluster/early.ts";
import type { Request } from "../cluster/request.ts";
import { AttributeCursor } from "../xmpp/attributes.ts";
import { NS_RAYO, NS_RAYO_OTHER, NS_TROPO } from "../xmpp/namespaces.ts";
import { type Stanza, TYPE_RESULT, TYPE_SET } from "../xmpp/stanza.ts";
import { findChild } from "./children.ts";
import type { Exchange } from "./exchange.ts";

/** AH25: clients lose an event that comes in one segment with the `ref` it belongs to. */
export const AFTER_REF_MS = 20;

const SLASH = 0x2f;
const attributes = new AttributeCursor();

/** `s` went to call `slot` as `request`: if it starts a component, its `ref` is waited for. */
export function noteStart(ex: Exchange, s: Stanza, slot: number, request: Request): void {
  const ns = s.childNs[0]!;
  if ((ns !== NS_RAYO_OTHER && ns !== NS_TROPO) || s.type !== TYPE_SET || ex.to.resourceStart >= 0) return;
  if (!ex.components.starts(slot)) return;
  const { calls } = ex.directory;
  calls.setFlag(slot, CALL_STARTING | CALL_COMPONENTS, true);
  request.startsIn = slot;
  request.callHash = calls.hash(slot);
}

/** `request`, which starts a component, is answered by `s`; null: it never will be. */
export function startAnswered(ex: Exchange, request: Request, s: Stanza | null): void {
  const { components, directory: { calls } } = ex;
  const slot = request.startsIn;
  // The call may have ended, and another one may have its place.
  if (!calls.isLive(slot) || calls.hash(slot) !== request.callHash) return;
  if (s !== null && s.type === TYPE_RESULT) noteRef(ex, s, slot);
  if (components.answered(slot)) calls.setFlag(slot, CALL_STARTING, false);
  if (!calls.has(slot, CALL_HOLDING)) return;
  const held = ex.early.get(ex.directory.nodeOf(slot), calls.id(slot));
  if (held !== null) ex.early.bind(held, slot, AFTER_REF_MS);
}

/** The component's name is the resource of the ref's `uri`, or its `id` (JN5). */
function noteRef(ex: Exchange, s: Stanza, slot: number): void {
  if (ex.refStart >= 0) return ex.components.add(slot, s.buf, ex.refStart, ex.refEnd);
  const ref = findChild(s, NS_RAYO, "ref");
  if (ref < 0) return;
  const tag = s.childStart[ref]!;
  const { buf } = s;
  const isUri = attributes.find(buf, tag, "uri");
  if (!isUri && !attributes.find(buf, tag, "id")) return;
  let { valueStart: start, valueEnd: end } = attributes;
  let bytes: Buffer = buf;
  if (attributes.escaped) {
    bytes = ex.decoded(buf, start, end);
    start = 0;
    end = bytes.length;
  }
  const slash = isUri ? bytes.indexOf(SLASH, start) : start - 1;
  if (isUri && (slash < 0 || slash >= end)) return;
  ex.components.add(slot, bytes, slash + 1, end);
}

/** Is `s`, whose sender is in `ex.from`, an event of a component that the client of call `slot` has not heard of? */
export function isEarly(ex: Exchange, slot: number): boolean {
  const { from } = ex;
  return from.resourceStart >= 0 && !ex.components.has(slot, from.buf, from.resourceStart, from.resourceEnd);
}

/** Holds `s`, the first of call `slot`, until its `ref` has come; false: there is no room. */
export function holdForRef(ex: Exchange, s: Stanza, slot: number): boolean {
  const { directory, early, settings } = ex;
  const node = directory.nodeOf(slot);
  ex.rewrite.begin(s);
  if (!early.hold(node, ex.from.local(), ex.rewrite.copy(), false, settings.holdMs)) return false;
  const held = early.get(node, ex.from.local())!;
  early.bind(held, slot, settings.holdMs);
  held.waitsUntil = ex.clock.now() + settings.holdMs;
  directory.calls.setFlag(slot, CALL_HOLDING, true);
  ex.meters.held++;
  return true;
}

/** What becomes of a held stanza of `ex.from`: it goes out, waits on, or is dropped because its `ref` never came. */
export function judgeHeld(ex: Exchange, events: EarlyEvents): "send" | "wait" | "drop" {
  const { calls } = ex.directory;
  const { slot } = events;
  if (!calls.has(slot, CALL_COMPONENTS) || !isEarly(ex, slot)) return "send";
  if (calls.has(slot, CALL_STARTING) && ex.clock.now() + 0.5 < events.waitsUntil) return "wait";
  return calls.has(slot, CALL_RESTORED) ? "send" : "drop";
}

/** A component of call `slot`, named in `ex.from`, has completed. */
export function noteComplete(ex: Exchange, slot: number): void {
  const { from } = ex;
  if (from.resourceStart < 0 || !ex.directory.calls.has(slot, CALL_COMPONENTS)) return;
  ex.components.delete(slot, from.buf, from.resourceStart, from.resourceEnd);
}
