/**
 * Events that came before the result of the dial they belong to (PX7): held in order, for a short time, in bounded
 * memory; and the memory of what was hung up lately (DC20).
 *
 * An `end` is kept longer than the rest: a result after its own `end` must not bring the call to life again.
 */
import { DeadlineItem, type Deadlines } from "../base/deadlines.ts";
import { foldAscii } from "./fold_id.ts";
import type { Node } from "./node.ts";

export class EarlyEvents extends DeadlineItem {
  readonly key: string;
  readonly node: Node;
  stanzas: Buffer[] = [];
  bytes = 0;
  ended = false;
  /** Only the `end` is left, kept for as long as a result may come. */
  thinned = false;
  /** The call is known by now; what is held goes out at the deadline (AH25). -1: still unknown. */
  slot = -1;
  /** Clock milliseconds until which a component's event waits for its `ref`. */
  waitsUntil = 0;

  constructor(key: string, node: Node) {
    super();
    this.key = key;
    this.node = node;
  }
}

export class EarlyTable {
  readonly #all = new Map<string, EarlyEvents>();
  readonly #deadlines: Deadlines<EarlyEvents>;
  readonly #bytesMax: number;
  #bytes = 0;
  /** Events dropped because there was no room or no call came in time. */
  dropped = 0;

  constructor(deadlines: Deadlines<EarlyEvents>, bytesMax: number) {
    this.#deadlines = deadlines;
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(node: Node, id: string): EarlyEvents | null {
    return this.#all.get(keyOf(node, id)) ?? null;
  }

  /** Holds one more event of (node, id); false: no room, it is dropped and counted. */
  hold(node: Node, id: string, stanza: Buffer, isEnd: boolean, ms: number): boolean {
    const key = keyOf(node, id);
    let events = this.#all.get(key);
    if (this.#bytes + stanza.length > this.#bytesMax || events?.ended === true) {
      this.dropped++;
      return false;
    }
    if (events === undefined) {
      this.#all.set(key, events = new EarlyEvents(key, node));
      this.#deadlines.add(events, ms);
    }
    events.stanzas.push(stanza);
    events.bytes += stanza.length;
    events.ended ||= isEnd;
    this.#bytes += stanza.length;
    return true;
  }

  /** The call is known now: what is held is released in `ms` milliseconds, as `slot`'s. */
  bind(events: EarlyEvents, slot: number, ms: number): void {
    events.slot = slot;
    this.#deadlines.remove(events);
    this.#deadlines.add(events, ms);
  }

  /** Nothing came in time: all but an `end` is dropped, which waits `ms` more. */
  thin(events: EarlyEvents, ms: number): void {
    const end = events.stanzas.at(-1)!;
    this.dropped += events.stanzas.length - 1;
    this.#bytes -= events.bytes - end.length;
    events.thinned = true;
    events.stanzas = [end];
    events.bytes = end.length;
    this.#deadlines.add(events, ms);
  }

  get size(): number {
    return this.#all.size;
  }

  /** Puts back what waits on of a removed entry, for `ms` milliseconds. */
  putBack(events: EarlyEvents, stanzas: Buffer[], ms: number): void {
    events.stanzas = stanzas;
    events.bytes = 0;
    for (const stanza of stanzas) events.bytes += stanza.length;
    this.#bytes += events.bytes;
    this.#all.set(events.key, events);
    this.#deadlines.add(events, ms);
  }

  /** Takes the entry out; what is dropped with it is counted when `lost`. */
  remove(events: EarlyEvents, lost: boolean): void {
    if (!this.#all.delete(events.key)) return;
    this.#deadlines.remove(events);
    this.#bytes -= events.bytes;
    if (lost) this.dropped += events.stanzas.length;
  }
}

function keyOf(node: Node, id: string): string {
  return `${node.number} ${foldAscii(id)}`;
}

/** Who was told to hang up lately, so that nobody is told again and again: at most once in `windowMs` (DC20). */
export class HangupLog {
  readonly #windowMs: number;
  readonly #max: number;
  /** Insertion order is time order. */
  readonly #at = new Map<string, number>();

  constructor(windowMs: number, max: number) {
    this.#windowMs = windowMs;
    this.#max = max;
  }

  get size(): number {
    return this.#at.size;
  }

  /** Was (node, id) told within the window? */
  has(node: Node, id: string, now: number): boolean {
    const at = this.#at.get(keyOf(node, id));
    return at !== undefined && now - at < this.#windowMs;
  }

  /** True once per window for each (node, id). */
  first(node: Node, id: string, now: number): boolean {
    for (const [key, at] of this.#at) {
      if (now - at < this.#windowMs && this.#at.size <= this.#max) break;
      this.#at.delete(key);
    }
    const key = keyOf(node, id);
    if (this.#at.has(key)) return false;
    this.#at.set(key, now);
    return true;
  }
}
