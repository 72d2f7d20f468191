/**
 * What crossed the gateway: a stanza seen on one side and the same stanza seen on the other, with the addresses it
 * had on each. Matched by what the gateway leaves alone: the kind of stanza, the payload's name, and the call's id
 * (the local part), in order.
 */
import type { Peer } from "../support/peer.ts";
import { attr, type El, firstChild, parseXml } from "../support/xml.ts";

export interface Seen {
  from: string;
  to: string;
}

export interface Crossing {
  /** The payload: `offer`, `answer`, `end`… */
  name: string;
  /** Wall clock when it came out. */
  at: number;
  /** From one party's write to the other's read: two ways through the XMPP server, and the gateway. */
  ms: number;
  entered: Seen;
  left: Seen;
}

/** Stanzas that were swallowed, or not meant to cross, are forgotten after so many later ones of their kind. */
const WAITING_MAX = 200;

export class Crossings {
  readonly last: Crossing[] = [];
  total = 0;
  stanzas = 0;
  readonly errors: string[] = [];
  errorTotal = 0;
  readonly #waiting = new Map<string, { seen: Seen; at: number }[]>();
  readonly #times: number[] = [];
  readonly #keep: number;

  constructor(keep = 5) {
    this.#keep = keep;
  }

  /** A stanza as a party wrote or read it. `side` is where that party sits. */
  note(side: "node" | "client", way: "wrote" | "read", stanza: El): void {
    this.stanzas++;
    const seen = { from: attr(stanza, "from"), to: attr(stanza, "to") };
    if (stanza.attrs["type"] === "error") return this.#error(side, way, stanza, seen);
    const key = keyOf(side, way, stanza, seen);
    if (key === null) return;
    const queue = this.#waiting.get(key.text) ?? [];
    if (way === "wrote") {
      queue.push({ seen, at: performance.now() });
      if (queue.length > WAITING_MAX) queue.shift();
      this.#waiting.set(key.text, queue);
      return;
    }
    const entered = queue.shift();
    if (queue.length === 0) this.#waiting.delete(key.text);
    if (entered === undefined) return;
    const ms = performance.now() - entered.at;
    this.total++;
    this.last.push({ name: key.name, at: Date.now(), ms, entered: entered.seen, left: seen });
    if (this.last.length > this.#keep) this.last.shift();
    this.#times.push(ms);
    if (this.#times.length > 2000) this.#times.splice(0, 1000);
  }

  fault(text: string): void {
    this.errorTotal++;
    this.errors.push(text);
    if (this.errors.length > this.#keep) this.errors.shift();
  }

  /** Milliseconds that this share of the latest crossings took at most; 0 before the first. */
  quantile(share: number): number {
    const sorted = this.#times.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  }

  #error(side: string, way: string, stanza: El, { from, to }: Seen): void {
    if (way !== "read") return;
    const error = stanza.children.find((child): child is El =>
      typeof child !== "string" && child.name === "error"
    );
    const condition = error === undefined ? "error" : firstChild(error)?.name ?? "error";
    this.fault(`${condition} for a ${side}: ${stanza.name} from ${from} to ${to}`);
  }
}

function keyOf(side: string, way: string, stanza: El, seen: Seen): { text: string; name: string } | null {
  const type = stanza.attrs["type"] ?? "";
  if (stanza.name === "iq" && type !== "set") return null;
  const payload = stanza.children.find((child): child is El =>
    typeof child !== "string" && child.ns.startsWith("urn:xmpp:rayo")
  );
  if (payload === undefined || payload.name === "node-info") return null;
  // A command's call is in `to`, an event's in `from`; a dial has none yet.
  const outward = (side === "client") === (way === "wrote");
  const address = outward ? seen.to : seen.from;
  const at = address.indexOf("@");
  const local = at < 0 ? "" : address.slice(0, at).toLowerCase();
  const resource = address.includes("/") && at >= 0 ? address.slice(address.indexOf("/")) : "";
  return { text: `${outward} ${stanza.name} ${payload.name} ${local}${resource}`, name: payload.name };
}

/** The same peer, overheard; `wrote` is told of what it writes. */
export function overheard(
  peer: Peer,
  side: "node" | "client",
  crossings: Crossings,
  wrote: (stanza: El) => void = () => {},
): Peer {
  return {
    get send() {
      return peer.send;
    },
    set send(send: (xml: string) => void) {
      peer.send = (xml) => {
        const stanza = parseXml(xml);
        crossings.note(side, "wrote", stanza);
        wrote(stanza);
        send(xml);
      };
    },
    receive(stanza) {
      crossings.note(side, "read", stanza);
      peer.receive(stanza);
    },
    up: () => peer.up(),
    down: () => peer.down(),
  };
}
