/**
 * Offers nobody has answered with a command yet (§2.4, OF3, DC19), and calls refused whose `end` is awaited.
 */
import { DeadlineItem, type Deadlines } from "../base/deadlines.ts";
import type { Application, Resource } from "./application.ts";

/** How many resources are asked at most, one after the other (DC19). */
export const OFFER_RESOURCES_MAX = 4;
/** How many are asked at most where all are asked at once: each costs a stanza for the offer and one for the `end`. */
export const OFFER_ALL_MAX = 32;

export class Offer extends DeadlineItem {
  readonly slot: number;
  readonly application: Application;
  /** The node's presence as it came, able to stand alone; null: lost in a restart, nobody else can be asked. */
  readonly stanza: Buffer | null;
  readonly asked: Resource[];
  /** Milliseconds that each resource has. */
  readonly partMs: number;
  /** Clock milliseconds when the whole offer is over, whoever was asked late (DC19). */
  endsAt = Infinity;
  refused = false;

  constructor(
    slot: number,
    application: Application,
    stanza: Buffer | null,
    asked: Resource[],
    partMs: number,
  ) {
    super();
    this.slot = slot;
    this.application = application;
    this.stanza = stanza;
    this.asked = asked;
    this.partMs = partMs;
  }
}

export class OfferTable {
  readonly #offers = new Map<number, Offer>();
  readonly #deadlines: Deadlines<Offer>;

  constructor(deadlines: Deadlines<Offer>) {
    this.#deadlines = deadlines;
  }

  get size(): number {
    return this.#offers.size;
  }

  add(offer: Offer): void {
    this.#offers.set(offer.slot, offer);
    this.#deadlines.add(offer, offer.partMs);
  }

  get(slot: number): Offer | null {
    return this.#offers.get(slot) ?? null;
  }

  /** Offers that `resource` was asked with and that nobody has taken or refused yet. */
  asking(resource: Resource): Offer[] {
    const found: Offer[] = [];
    for (const offer of this.#offers.values()) {
      if (!offer.refused && offer.asked.includes(resource)) found.push(offer);
    }
    return found;
  }

  /** Waits `ms` milliseconds from now, whatever was left. */
  wait(offer: Offer, ms: number): void {
    this.#deadlines.remove(offer);
    this.#deadlines.add(offer, ms);
  }

  /** Somebody commands, or the call is gone. Nothing happens if the call has no offer. */
  conclude(slot: number): void {
    const offer = this.#offers.get(slot);
    if (offer === undefined) return;
    this.#offers.delete(slot);
    this.#deadlines.remove(offer);
  }
}
