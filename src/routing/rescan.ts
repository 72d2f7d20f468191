/**
 * A kept stanza seen again as a Stanza: for another try of a dial, for the next resource of an offer, for events that
 * were held. Kept stanzas stand alone (their inherited declarations were written into them).
 */
import { ATTRIBUTES_MAX, NAME_BYTES_MAX, STANZA_BYTES_HARD_MAX, STANZA_DEPTH_MAX } from "../base/limits.ts";
import { invariant } from "../base/invariant.ts";
import { Framer } from "../xmpp/framer.ts";
import { Stanza } from "../xmpp/stanza.ts";

const HEADER = Buffer.from(
  "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='0'>",
);

export class Rescan {
  #use: ((s: Stanza) => void) | null = null;
  readonly #framer: Framer;

  constructor() {
    const sink = {
      header() {},
      stanza: (s: Stanza) => this.#use?.(s),
      skipped() {},
      closed() {},
      fault() {},
    };
    this.#framer = new Framer(sink, {
      // Whatever was accepted once is accepted again, also after its declarations made it longer.
      stanzaBytesMax: STANZA_BYTES_HARD_MAX,
      stanzaBytesHardMax: STANZA_BYTES_HARD_MAX,
      depthMax: STANZA_DEPTH_MAX,
      attributesMax: ATTRIBUTES_MAX + 32,
      nameBytesMax: NAME_BYTES_MAX,
    });
    this.#framer.push(HEADER);
  }

  /** Calls `use` with the stanza in `bytes`, which must be one that a framer has delivered. Does not nest. */
  read(bytes: Buffer, use: (s: Stanza) => void): void {
    invariant(this.#use === null, "a rescan does not nest");
    this.#use = use;
    this.#framer.push(bytes);
    this.#use = null;
  }
}
