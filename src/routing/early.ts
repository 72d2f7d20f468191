/**
 * Early events: released after the dial's result or the component's `ref`, or given up (PX7, PX8, AH25).
 */
import { CALL_HOLDING } from "../cluster/call_table.ts";
import type { EarlyEvents } from "../cluster/early.ts";
import type { Node } from "../cluster/node.ts";
import { PRESENCE } from "../xmpp/stanza.ts";
import { AFTER_REF_MS, judgeHeld } from "./component.ts";
import { deliver, refuseUnknown } from "./event.ts";
import { EVENT_NONE, eventKind } from "./event_kind.ts";
import type { Exchange } from "./exchange.ts";

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
  release(ex, events, true);
}

/** Time is up, or a `ref` has come: what is held goes out in order, up to an event that waits on for its own `ref`. */
function release(ex: Exchange, events: EarlyEvents, all: boolean): void {
  const { directory: { calls }, early } = ex;
  const { slot, stanzas } = events;
  calls.setFlag(slot, CALL_HOLDING, false);
  early.remove(events, false);
  let sent = 0, waits = false;
  for (const stanza of stanzas) {
    ex.rescan.read(stanza, (s) => {
      if (!ex.readFrom(s) || !calls.isLive(slot)) return;
      const fate = all ? "send" : judgeHeld(ex, events);
      if (fate === "send") deliver(ex, s, slot, s.kind === PRESENCE ? eventKind(s) : EVENT_NONE);
      else if (fate === "drop") early.dropped++;
      else waits = true;
    });
    if (waits) break;
    sent++;
  }
  if (!waits) return;
  calls.setFlag(slot, CALL_HOLDING, true);
  const { holdMs } = ex.settings;
  const left = events.waitsUntil - ex.clock.now();
  early.putBack(events, stanzas.slice(sent), sent === 0 ? left : holdMs);
  if (sent > 0) events.waitsUntil = ex.clock.now() + holdMs;
}

/** Time is up, or a `ref` has come: held events go out if their call is known by now, else they are dropped, an `end` last. */
export function earlyExpired(ex: Exchange, events: EarlyEvents): void {
  const { early } = ex;
  const { node } = events;
  if (events.slot >= 0) return release(ex, events, false);
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
