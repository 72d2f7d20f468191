/**
 * Which application an offered address belongs to (OF6, DC26).
 *
 * Exact text first (D21); then without display name and parameters and with the host folded; then with equal scheme
 * or none on either side (FS65: FreeSWITCH leaves the scheme out when there is a port); then without the scheme's
 * default port. Never the user part alone.
 */

interface Parts {
  /** Folded, without the colon; "" if there is none. */
  scheme: string;
  /** Everything after the scheme, display name and parameters removed, host folded. */
  body: string;
  /** `body` without the default port of its scheme. */
  portless: string;
}

const DEFAULT_PORTS: Record<string, string> = { "": ":5060", sip: ":5060", sips: ":5061" };

/** Addresses beyond this are compared exactly only; a peer must not make us parse novels. */
const ADDRESS_LENGTH_MAX = 1024;

function parts(address: string): Parts | null {
  if (address.length > ADDRESS_LENGTH_MAX) return null;
  let text = address.trim();
  const open = text.lastIndexOf("<"), close = text.indexOf(">", open);
  if (open >= 0 && close > open) text = text.slice(open + 1, close).trim();
  const end = text.search(/[;?]/);
  if (end >= 0) text = text.slice(0, end);
  const scheme = /^([a-z][a-z0-9+.-]*):(?!\d+$)/i.exec(text);
  const name = scheme === null ? "" : scheme[1]!.toLowerCase();
  let body = scheme === null ? text : text.slice(scheme[0].length);
  if (body === "") return null;
  const at = body.lastIndexOf("@");
  if (at >= 0) body = body.slice(0, at) + body.slice(at).toLowerCase();
  const port = DEFAULT_PORTS[name];
  const portless = at >= 0 && port !== undefined && body.endsWith(port) ? body.slice(0, -port.length) : body;
  return { scheme: name, body, portless };
}

interface Entry<A> {
  address: string;
  scheme: string;
  owner: A;
}

export class AddressBook<A> {
  readonly #exact = new Map<string, A>();
  readonly #bodies = new Map<string, Entry<A>[]>();
  readonly #portless = new Map<string, Entry<A>[]>();

  get size(): number {
    return this.#exact.size;
  }

  /** Who owns exactly this text (D21), or undefined. */
  owner(address: string): A | undefined {
    return this.#exact.get(address);
  }

  /** Gives the address to `owner`, taking it from whoever had it (BUG 21: no ghost stays behind). */
  set(address: string, owner: A): void {
    this.delete(address);
    this.#exact.set(address, owner);
    const split = parts(address);
    if (split === null) return;
    const entry = { address, scheme: split.scheme, owner };
    push(this.#bodies, split.body, entry);
    push(this.#portless, split.portless, entry);
  }

  delete(address: string): void {
    if (!this.#exact.delete(address)) return;
    const split = parts(address);
    if (split === null) return;
    drop(this.#bodies, split.body, address);
    drop(this.#portless, split.portless, address);
  }

  /** The application for an offer's `to`, or undefined. */
  match(address: string): A | undefined {
    const exact = this.#exact.get(address);
    if (exact !== undefined) return exact;
    const split = parts(address);
    if (split === null) return undefined;
    return choose(this.#bodies.get(split.body), split.scheme) ??
      choose(this.#portless.get(split.portless), split.scheme);
  }
}

/** Equal scheme first, then none on either side. */
function choose<A>(entries: Entry<A>[] | undefined, scheme: string): A | undefined {
  if (entries === undefined) return undefined;
  const same = entries.find((e) => e.scheme === scheme);
  return (same ?? entries.find((e) => e.scheme === "" || scheme === ""))?.owner;
}

function push<A>(map: Map<string, Entry<A>[]>, key: string, entry: Entry<A>): void {
  const entries = map.get(key);
  if (entries === undefined) map.set(key, [entry]);
  else entries.push(entry);
}

function drop<A>(map: Map<string, Entry<A>[]>, key: string, address: string): void {
  const entries = map.get(key)?.filter((e) => e.address !== address);
  if (entries === undefined) return;
  if (entries.length === 0) map.delete(key);
  else map.set(key, entries);
}
