/**
 * Pings from one of our own domains to itself (XEP-0199, DC7): whatever the server does with one, some byte comes back.
 *
 * One OwnPings serves all links of a process: ejabberd with `global_routes` brings a ping home on any of our streams
 * (DC6), and the link that sent it must be told. Ids begin with `gw-link-`; nobody but ourselves sends in the name of
 * our domains, servers see to that.
 *
 * Conforms: XEP-0199 §4.3, pings that notice a dead stream: complete
 */
import { escapeAttribute } from "../xmpp/escape.ts";
import type { Stanza } from "../xmpp/stanza.ts";

const PREFIX = "gw-link-";
const PREFIX_BYTES = Buffer.from(PREFIX);
const LETTER_G = 0x67;

export class OwnPings {
  /** By folded domain: what to do when one of its pings has come home. */
  readonly #home = new Map<string, () => void>();
  #count = 0;

  register(domain: string, home: () => void): void {
    this.#home.set(domain, home);
  }

  /** A new ping. */
  xml(domain: string): string {
    const jid = escapeAttribute(domain);
    return `<iq type='get' id='${PREFIX}${++this
      .#count}' from='${jid}' to='${jid}'><ping xmlns='urn:xmpp:ping'/></iq>`;
  }

  /** True for an IQ that is one of ours come home, as it was sent, bounced or answered: no business of routing's. */
  takes(iq: Stanza): boolean {
    const { buf, idStart, idEnd } = iq;
    if (idEnd - idStart <= PREFIX_BYTES.length || buf[idStart] !== LETTER_G) return false;
    if (buf.compare(PREFIX_BYTES, 0, PREFIX_BYTES.length, idStart, idStart + PREFIX_BYTES.length) !== 0) {
      return false;
    }
    if (iq.fromStart < 0) return false;
    const home = this.#home.get(buf.toString("utf8", iq.fromStart, iq.fromEnd).toLowerCase());
    home?.();
    return home !== undefined;
  }
}
