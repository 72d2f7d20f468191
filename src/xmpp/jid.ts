/**
 * XMPP addresses: split in place on the data path, canonical as text elsewhere.
 *
 * RFC 7622 as far as a gateway between two servers needs it: lengths, separators and the characters that no
 * localpart may hold. The servers in front do the full string preparation; local and domain part are compared
 * without regard to case (DC16), the resource to the letter.
 *
 * Conforms: RFC 7622 §3.1, lengths and separators: complete
 * Conforms: RFC 7622 §3.3, characters that no localpart holds: complete
 * Conforms: RFC 7622 §3.2, preparation beyond ASCII: left to the servers
 */
import { TAB } from "./chars.ts";

/** RFC 7622 §3.1: bytes of each part. */
export const JID_PART_BYTES_MAX = 1023;

/** 1: may stand in a localpart (RFC 7622 §3.3.1); 2: ASCII that may not, though it may in a resource; 0: in none. */
const LOCAL = (() => {
  const table = new Uint8Array(256).fill(1);
  for (let byte = 0; byte < 0x20; byte++) table[byte] = 0;
  table[0x7f] = 0;
  for (const character of " \"&'/:<>@") table[character.charCodeAt(0)] = 2;
  return table;
})();

/** 1: may stand in a domain as it is written on the wire: names, addresses with `[]:`, anything beyond ASCII. */
const DOMAIN = (() => {
  const table = new Uint8Array(256);
  for (let byte = 0x80; byte < 0x100; byte++) table[byte] = 1;
  for (let byte = TAB; byte < 0x80; byte++) {
    if (/[A-Za-z0-9._:[\]-]/.test(String.fromCharCode(byte))) table[byte] = 1;
  }
  return table;
})();

const DOT = 0x2e, SLASH = 0x2f, AT = 0x40;

/** The parts of an address; an absent one has start and end -1. The domain comes without a trailing dot. */
export class JidView {
  buf: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  localStart = -1;
  localEnd = -1;
  domainStart = -1;
  domainEnd = -1;
  resourceStart = -1;
  resourceEnd = -1;

  /** One past the domain: the bare part is `[start, bareEnd)`. */
  get bareEnd(): number {
    return this.domainEnd;
  }
  /** The localpart as it was written; "" if absent. Allocates. */
  local(): string {
    return this.part(this.localStart, this.localEnd);
  }
  /** The domain, folded. Allocates. */
  domain(): string {
    return foldJidPart(this.part(this.domainStart, this.domainEnd));
  }
  /** The resource; "" if absent. Allocates. */
  resource(): string {
    return this.part(this.resourceStart, this.resourceEnd);
  }
  /** The bare JID, folded. Allocates. */
  bare(): string {
    return foldJidPart(this.part(this.start, this.domainEnd));
  }
  /** The full JID in its canonical form: bare part folded, resource exact. Allocates. */
  full(): string {
    return this.resourceStart < 0 ? this.bare() : `${this.bare()}/${this.resource()}`;
  }

  private part(start: number, end: number): string {
    return start < 0 ? "" : Buffer.from(this.buf.buffer, this.buf.byteOffset + start, end - start).toString();
  }
}

/** Takes `buf[start, end)` apart; false: no valid address (`jid-malformed`), and the view means nothing. */
export function splitJid(buf: Uint8Array, start: number, end: number, view: JidView): boolean {
  view.buf = buf;
  view.start = start;
  view.end = end;
  view.localStart =
    view.localEnd =
    view.resourceStart =
    view.resourceEnd =
      -1;
  let i = start;
  let domainStart = start;
  // Up to `@` it is a localpart, if there is one before the first slash.
  while (i < end && LOCAL[buf[i]!] === 1) i++;
  if (i < end && buf[i] === AT) {
    if (i === start || i - start > JID_PART_BYTES_MAX) return false;
    view.localStart = start;
    view.localEnd = i;
    domainStart = i + 1;
  }
  i = domainStart;
  while (i < end && DOMAIN[buf[i]!] === 1) i++;
  if (i < end && buf[i] !== SLASH) return false;
  let domainEnd = i;
  if (domainEnd > domainStart && buf[domainEnd - 1] === DOT) domainEnd--;
  if (domainEnd === domainStart || domainEnd - domainStart > JID_PART_BYTES_MAX) return false;
  view.domainStart = domainStart;
  view.domainEnd = domainEnd;
  if (i === end) return true;
  view.resourceStart = ++i;
  view.resourceEnd = end;
  if (i === end || end - i > JID_PART_BYTES_MAX) return false;
  for (; i < end; i++) if (LOCAL[buf[i]!] === 0) return false;
  return true;
}

/** An address as text, folded where case does not matter. */
export interface Jid {
  /** "" if absent. */
  local: string;
  domain: string;
  /** "" if absent. */
  resource: string;
  /** `local@domain`, or the domain alone. */
  bare: string;
  /** With the resource, if there is one. */
  full: string;
}

/** Folds a localpart or domain, also beyond ASCII. */
export function foldJidPart(text: string): string {
  return text.toLowerCase().normalize("NFC");
}

/** The canonical form of an address, or null if it is none. */
export function canonicalJid(text: string): Jid | null {
  const buf = Buffer.from(text);
  const view = new JidView();
  // Lone surrogates would not survive the way to bytes and back.
  if (!text.isWellFormed() || !splitJid(buf, 0, buf.length, view)) return null;
  const local = view.localStart < 0 ? "" : foldJidPart(buf.toString("utf8", view.localStart, view.localEnd));
  const domain = foldJidPart(buf.toString("utf8", view.domainStart, view.domainEnd));
  const resource = view.resourceStart < 0 ? "" : buf.toString("utf8", view.resourceStart, view.resourceEnd);
  const bare = local === "" ? domain : `${local}@${domain}`;
  return { local, domain, resource, bare, full: resource === "" ? bare : `${bare}/${resource}` };
}
