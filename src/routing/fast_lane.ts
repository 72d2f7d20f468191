/**
 * What nearly every stanza is, an event of a known call or a command to one, recognised by comparing instead of
 * taking addresses apart: the id is as long as the last one was, and the domain is the one it was.
 *
 * Safe because nothing is believed that is not found: a guess counts only if a live call has just that id at just that
 * domain, and ids in the call table have passed splitJid, so no `@` or `/` hides in front of the domain. Whatever does not
 * fit goes the ordinary way.
 */
import { sameBytes } from "../base/bytes.ts";
import type { NodeDomain } from "../cluster/node.ts";
import type { JidView } from "../xmpp/jid.ts";
import type { Stanza } from "../xmpp/stanza.ts";
import type { Exchange } from "./exchange.ts";

const AT = 0x40, SLASH = 0x2f;

export class FastLane {
  /** The node domain that spoke last; null: none, or it must be looked up again. */
  #domain: NodeDomain | null = null;
  /** Length of the ids seen last, per direction. */
  #fromLength = 36;
  #toLength = 36;

  /** The ordinary way found that `from` lies in `domain`. */
  note(from: JidView, domain: NodeDomain): void {
    if (from.localStart < 0) return;
    this.#domain = domain;
    this.#fromLength = from.localEnd - from.localStart;
  }

  noteTo(to: JidView): void {
    if (to.localStart >= 0) this.#toLength = to.localEnd - to.localStart;
  }

  /** Trust has changed. */
  forget(): void {
    this.#domain = null;
  }

  /** The domain of the last fromCall() that found something. */
  get domain(): NodeDomain {
    return this.#domain!;
  }

  /** The call whose presence `s` is, with `ex.from` filled in; -1: not seen at a glance. */
  fromCall(ex: Exchange, s: Stanza): number {
    const domain = this.#domain;
    if (domain === null || s.fromEscaped || s.fromStart < 0) return -1;
    const { buf, fromStart, fromEnd } = s;
    const at = fromStart + this.#fromLength;
    if (!fits(buf, at, fromEnd, domain.wire)) return -1;
    const { directory } = ex;
    const slot = directory.findCall(buf, fromStart, at, domain.node, s.view);
    if (slot >= 0) place(ex.from, buf, fromStart, at, domain.wire.length, fromEnd);
    return slot;
  }

  /** The call that the IQ `s` to the first external domain is for, with `ex.to` filled in; -1: not seen at a glance. */
  toCall(ex: Exchange, s: Stanza): number {
    if (s.toEscaped || s.toStart < 0) return -1;
    const { buf, toStart, toEnd } = s;
    const { wire } = ex.external[0]!;
    const at = toStart + this.#toLength;
    if (!fits(buf, at, toEnd, wire)) return -1;
    const slot = ex.directory.calls.findPublic(buf, toStart, at, s.view);
    if (slot >= 0) place(ex.to, buf, toStart, at, wire.length, toEnd);
    return slot;
  }
}

/** Does `@` and then `domain` stand at `at`, and then the end or a resource? */
function fits(buf: Buffer, at: number, end: number, domain: Buffer): boolean {
  const domainEnd = at + 1 + domain.length;
  if (domainEnd > end || buf[at] !== AT) return false;
  if (domainEnd !== end && (buf[domainEnd] !== SLASH || domainEnd + 1 === end)) return false;
  return sameBytes(buf, at + 1, domain, 0, domain.length);
}

function place(
  view: JidView,
  buf: Buffer,
  start: number,
  at: number,
  domainLength: number,
  end: number,
): void {
  view.buf = buf;
  view.start = view.localStart = start;
  view.localEnd = at;
  view.domainStart = at + 1;
  view.domainEnd = at + 1 + domainLength;
  view.resourceStart = view.domainEnd === end ? -1 : view.domainEnd + 1;
  view.resourceEnd = view.resourceStart < 0 ? -1 : end;
  view.end = end;
}
