/**
 * Early events: released after the dial's result, or given up (PX7, AH25).
 */
import { CALL_HOLDING } from "../cluster/call_table.ts";
import type { EarlyEvents } from "../cluster/early.ts";
import type { Node } from "../cluster/node.ts";
import { deliver, refuseUnknown } from "./event.ts";
import { eventKind } from "./event_kind.ts";
import type { Exchange } from "./exchange.ts";

/** AH25: clients lose an event that comes in one segment with the `ref` it belongs to. */
const AFTER_REF_MS = 20;

/** The result of a dial made call `slot` known: what came before it follows a little later, in order. */
export function bindEarly(ex: Exchange, node: Node, slot: number): void {
  if (ex.early.bytes === 0) return;
  const events = ex.early.get(node, ex.directory.calls.id(slot));
  if (events === null) return;
  ex.directory.calls.setFlag(slot, CALL_HOLDING, true);
  ex.early.bind(events, slot, AFTER_REF_MS);
}

/** The dial failed: what came under the id it asked for belongs to no call (PX7). */
export function dropEarly(ex: Exchange, node: Node, nodeId: string): void {
  if (nodeId === "" || ex.early.bytes === 0) return;
  const events = ex.early.get(node, nodeId);
  if (events !== null && events.slot < 0) ex.early.remove(events, true);
}

/** A held event found no room: what is held goes out now, so that this one may follow it. */
export function releaseEarly(ex: Exchange, events: EarlyEvents): void {
  const { directory, early } = ex;
  const { slot } = events;
  directory.calls.setFlag(slot, CALL_HOLDING, false);
  early.remove(events, false);
  for (const stanza of events.stanzas) {
    ex.rescan.read(stanza, (s) => {
      if (ex.readFrom(s) && directory.calls.isLive(slot)) deliver(ex, s, slot, eventKind(s));
    });
  }
}

/** Time is up: held events go out if their call is known by now, else they are dropped, an `end` last. */
export function earlyExpired(ex: Exchange, events: EarlyEvents): void {
  const { early } = ex;
  const { node } = events;
  if (events.slot >= 0) return releaseEarly(ex, events);
  const awaited = node.outstandingDials > 0;
  // An `end` is remembered for as long as the result it precedes may come, which is once the time of a dial.
  if (events.ended && !events.thinned && awaited) return early.thin(events, ex.settings.dialTimeoutMs);
  early.remove(events, true);
  // No dial can explain it any more: a call that nobody here knows (DC20).
  if (!events.ended && !awaited && node.state !== "unreachable") {
    ex.rescan.read(events.stanzas[0]!, (s) => {
      if (ex.readFrom(s)) refuseUnknown(ex, node, ex.from.local(), ex.from.domain());
    });
  }
}
