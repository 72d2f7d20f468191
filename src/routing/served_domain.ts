/**
 * A domain that the gateway answers for, external (towards clients) or internal (towards nodes), and the outlet of
 * the stream that carries its stanzas (DC6: one stream a domain).
 */
import { sameFolded } from "../base/bytes.ts";
import { escapeAttribute } from "../xmpp/escape.ts";
import type { OutletPort } from "../xmpp/outlet.ts";

export class ServedDomain {
  readonly external: boolean;
  /** Place in its side's list; 0 is the one that is written (G2). */
  readonly number: number;
  /** Folded. */
  readonly text: string;
  readonly wire: Buffer;
  readonly outlet: OutletPort;

  constructor(external: boolean, number: number, text: string, outlet: OutletPort) {
    this.external = external;
    this.number = number;
    this.text = text;
    this.wire = Buffer.from(escapeAttribute(text));
    this.outlet = outlet;
  }

  /** Is `buf[start, end)` this domain (without regard to case)? */
  is(buf: Uint8Array, start: number, end: number): boolean {
    return end - start === this.wire.length && sameFolded(buf, start, this.wire, 0, end - start);
  }
}
