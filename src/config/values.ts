/**
 * The kinds of value a configuration key can have. Each kind's message says what would be right, so that a finding
 * reads `"abc" is not a whole number from 1 to 65535`.
 */
import * as v from "valibot";
import { isIP } from "node:net";
import { canonicalJid, foldJidPart } from "../xmpp/jid.ts";

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number) {
  const right = `a whole number from ${min} to ${max}`;
  return v.pipe(v.number(right), v.check((n) => Number.isSafeInteger(n) && n >= min && n <= max, right));
}

/** Milliseconds. */
export function ms(min: number, max: number) {
  const right = `a whole number of milliseconds from ${min} to ${max}`;
  return v.pipe(v.number(right), v.check((n) => Number.isSafeInteger(n) && n >= min && n <= max, right));
}

/** A fraction from 0 to 1. */
export function share() {
  const right = "a number from 0 to 1";
  return v.pipe(v.number(right), v.check((n) => n >= 0 && n <= 1, right));
}

export function yesOrNo() {
  return v.boolean("true or false");
}

/** One of a few words. */
export function word<const W extends readonly [string, ...string[]]>(...words: W) {
  const quoted = words.map((w) => `"${w}"`);
  const right = quoted.length === 1 ? quoted[0]! : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
  return v.picklist(words, right);
}

/** Text that a person reads: not empty, no control characters, no blanks around it. */
export function text(right = "a text of 1 to 255 characters without control characters or blanks around it") {
  return v.pipe(
    v.string(right),
    v.check((s) => s.length >= 1 && s.length <= 255 && s.trim() === s && !hasControls(s), right),
  );
}

/** A shared secret: whatever the XMPP server has, except nothing. */
export function secret() {
  const right = "a text of 1 to 1024 characters without control characters";
  return v.pipe(v.string(right), v.check((s) => s !== "" && s.length <= 1024 && !hasControls(s), right));
}

/** A bearer token: it must fit into an HTTP header. */
export function token() {
  const right = "a text of 1 to 1024 visible ASCII characters without blanks";
  return v.pipe(v.string(right), v.check((s) => /^[\x21-\x7e]{1,1024}$/.test(s), right));
}

/** The path of a file. */
export function path() {
  const right = "the path of a file";
  return v.pipe(v.string(right), v.check((s) => s !== "" && !s.includes("\0"), right));
}

/** A list whose items are all of one kind; `right` describes the list. */
export function list<const S extends v.GenericSchema>(item: S, right: string, min = 0) {
  return v.pipe(v.array(item, right), v.check((items) => items.length >= min, right));
}

/** A domain, folded to lower case (DC5). */
export function domain() {
  const right = 'a domain such as "node1.example.net"';
  return v.pipe(v.string(right), v.check(isDomain, right), v.transform(foldJidPart));
}

/** One domain or several: a string or a list, always read as a list (G2). */
export function domains() {
  const right = 'a domain such as "rayo.example.net", or a list of domains';
  return v.pipe(
    v.union([v.pipe(v.string(), v.transform((one) => [one])), v.array(v.unknown())], right),
    v.array(domain(), right),
    v.check((items) => items.length > 0, right),
  );
}

/** Who is trusted: a domain, all sub-domains of one, or everybody (DC8). */
export function domainPattern() {
  const right = 'a domain, "*." and a domain, or "*"';
  return v.pipe(
    v.string(right),
    v.check((s) => s === "*" || isDomain(s.startsWith("*.") ? s.slice(2) : s), right),
    v.transform(foldJidPart),
  );
}

/** A JID without resource, folded (DC16). */
export function bareJid() {
  const right = 'a bare JID such as "app@example.net" (no resource)';
  return v.pipe(v.string(right), v.check(isBareJid, right), v.transform(foldJidPart));
}

/** The resource of a JID, kept to letters that no peer has to escape. */
export function resource() {
  const right = "a resource of 1 to 255 letters, digits or -._~+:@";
  return v.pipe(v.string(right), v.check((s) => /^[\p{L}\p{N}._~+:@-]{1,255}$/u.test(s), right));
}

/** A host to connect to. */
export function host() {
  const right = 'a host name or an IP address such as "127.0.0.1"';
  return v.pipe(v.string(right), v.check((s) => isIP(s) !== 0 || isDomain(s), right));
}

/** Where to listen. */
export function listenAddress() {
  const right = 'an address and a port such as "127.0.0.1:8080" or "[::1]:8080"';
  return v.pipe(v.string(right), v.check((s) => splitListen(s) !== null, right));
}

/** A web origin, as browsers write it. */
export function origin() {
  const right = 'an origin such as "https://console.example.net"';
  return v.pipe(
    v.string(right),
    v.check((s) => /^https?:$/.test(protocol(s)) && new URL(s).origin === s, right),
  );
}

/** The letters of an application's permissions, e.g. "suc". */
export function letters() {
  const right = "letters and digits, one for each permission, or empty";
  return v.pipe(v.string(right), v.check((s) => /^[A-Za-z0-9]{0,64}$/.test(s), right));
}

/** One letter, or nothing. */
export function letter() {
  const right = "one letter or digit, or empty";
  return v.pipe(v.string(right), v.check((s) => /^[A-Za-z0-9]?$/.test(s), right));
}

/** Host and port of `127.0.0.1:8080` or `[::1]:8080`; null when it is neither. */
export function splitListen(listen: string): { host: string; port: number } | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(listen);
  if (match === null) return null;
  const [, six, other, digits] = match;
  const port = Number(digits);
  if (port > 65535) return null;
  if (six !== undefined) return isIP(six) === 6 ? { host: six, port } : null;
  return isIP(other!) === 4 || isDomain(other!) ? { host: other!, port } : null;
}

/** Labels as DNS and XMPP servers take them, an underscore and letters of other scripts included; or an IPv4 address. */
export function isDomain(text: string): boolean {
  const folded = foldJidPart(text);
  if (folded.length === 0 || folded.length > 253) return false;
  return folded.split(".").every((label) =>
    label.length <= 63 && /^[\p{L}\p{N}_](?:[\p{L}\p{N}\p{M}_-]*[\p{L}\p{N}\p{M}_])?$/u.test(label)
  );
}

function isBareJid(text: string): boolean {
  const jid = canonicalJid(text);
  return jid !== null && jid.local !== "" && jid.resource === "" && isDomain(jid.domain) &&
    !text.endsWith(".");
}

function protocol(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : "";
}

function hasControls(text: string): boolean {
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  return /[\u0000-\u001f\u007f-\u009f]/.test(text);
}
