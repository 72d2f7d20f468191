/**
 * The sentence: a stanza in, classified by who sent it to whom, routed, rewritten, out. This file is the table of
 * contents; each kind of traffic has a file of its own beside it.
 *
 * Synchronous: no step waits, throws or reads a clock. Which side a stanza belongs to is decided by its `to` (G1),
 * never by the stream it came on (DC6).
 *
 * Conforms: XEP-0349 §4.1, two domains, two sides: complete
 */
import { sameBytes } from "../base/bytes.ts";
import { CLASS_ANSWER } from "../xmpp/outlet.ts";
import {
  IQ,
  MESSAGE,
  PRESENCE,
  type Stanza,
  TYPE_ERROR,
  TYPE_GET,
  TYPE_RESULT,
  TYPE_SET,
} from "../xmpp/stanza.ts";
import type { NodeDomain } from "../cluster/node.ts";
import { answer } from "./answer.ts";
import { clientPresence } from "./client_presence.ts";
import { callEvent, callPresence } from "./event.ts";
import type { Exchange } from "./exchange.ts";
import { clientIq, nodeIq } from "./iq.ts";
import { clientMessage, nodeMessage } from "./message.ts";
import { nodePresence } from "./node_presence.ts";
import type { ServedDomain } from "./served_domain.ts";
import { clientAnswer } from "./watching.ts";

export class Pipeline {
  readonly #ex: Exchange;
  #warnedOtherLink = false;

  constructor(exchange: Exchange) {
    this.#ex = exchange;
  }

  /** One stanza that came on the stream of `arrival`. */
  stanza(s: Stanza, arrival: ServedDomain): void {
    const ex = this.#ex;
    if (s.kind === PRESENCE) {
      if (arrival === ex.internal[0] && isSelf(ex, s)) {
        const slot = ex.lane.fromCall(ex, s);
        if (slot >= 0) {
          ex.meters.messages++;
          callEvent(ex, s, ex.lane.domain, slot);
          return;
        }
      }
    } else if (s.type === TYPE_SET && s.kind === IQ && arrival === ex.external[0]) {
      const slot = ex.lane.toCall(ex, s);
      if (slot >= 0 && ex.readFrom(s)) {
        clientIq(ex, s, arrival, slot);
        return;
      }
    }
    const door = this.#address(s, arrival);
    if (door === null) return;
    if (door.external) this.#fromClient(s, door);
    else {
      const domain = nodeDomain(ex);
      if (domain === null) this.#fromStranger(s, door);
      else this.#fromNode(s, domain, door);
    }
  }

  /** A stanza over a soft limit: answered where it may be answered (DC4). */
  skipped(s: Stanza, why: string): void {
    const ex = this.#ex;
    const readable = ex.readTo(s) && ex.readFrom(s);
    ex.log.warn("stanza skipped", { why, from: readable ? ex.from.full() : "" });
    if (!readable || s.kind !== IQ || (s.type !== TYPE_GET && s.type !== TYPE_SET)) return;
    const door = ex.served(ex.to);
    if (door === null || (!door.external && nodeDomain(ex) === null)) return;
    const asked = { id: ex.text(s.buf, s.idStart, s.idEnd), to: ex.text(s.buf, s.toStart, s.toEnd) };
    const client = Buffer.from(ex.text(s.buf, s.fromStart, s.fromEnd));
    ex.refuseLater(door, asked, client, "policy-violation", "modify", why);
  }

  /** Reads both addresses; the served domain that `s` is for, or null when it was dealt with here. */
  #address(s: Stanza, arrival: ServedDomain): ServedDomain | null {
    const ex = this.#ex;
    if (s.kind === PRESENCE) ex.meters.messages++;
    if (!ex.readFrom(s)) {
      ex.meters.ignored++;
      return null;
    }
    // Nearly everything nodes say goes to the gateway's one JID: comparing is cheaper than taking apart.
    if (s.type !== TYPE_GET && s.type !== TYPE_SET && arrival === ex.internal[0] && isSelf(ex, s)) {
      return arrival;
    }
    if (!ex.readTo(s)) {
      this.#astray(s, arrival, "jid-malformed", "Malformed JID"); // I5
      return null;
    }
    ex.lane.noteTo(ex.to);
    const door = ex.served(ex.to);
    if (door === null) {
      this.#astray(s, arrival, "recipient-unavailable", "Unknown domain"); // I7
      return null;
    }
    if (door !== arrival && door.external !== arrival.external && !this.#warnedOtherLink) {
      this.#warnedOtherLink = true;
      ex.log.warn(
        "stanzas for one domain arrive on the other domain's stream: routed all the same, but order is lost; set global_routes: false in ejabberd",
        { to: door.text, stream: arrival.text },
      );
    }
    return door;
  }

  /** I5, I7, P-X1: behind a real server this cannot happen (DC14). The answer's `from` is ours, not the odd one (DC5). */
  #astray(s: Stanza, arrival: ServedDomain, condition: string, text: string): void {
    const ex = this.#ex;
    if (s.type === TYPE_ERROR || s.type === TYPE_RESULT || (s.kind !== IQ && s.kind !== PRESENCE)) return;
    const client = ex.text(s.buf, s.fromStart, s.fromEnd);
    const id = s.idStart < 0 ? "" : ` id='${ex.text(s.buf, s.idStart, s.idEnd)}'`;
    const open = `type='error'${id} from='${arrival.wire}' to='${client}'`;
    ex.meters.errors++;
    if (s.kind === IQ) {
      ex.say(arrival.outlet, `<iq ${open}>${ex.error(condition, "cancel", text)}</iq>`, CLASS_ANSWER);
    } else {
      const error = ex.error("bad-request", "cancel", "Could not map request.");
      ex.say(arrival.outlet, `<presence ${open}>${error}</presence>`, CLASS_ANSWER);
    }
  }

  #fromClient(s: Stanza, door: ServedDomain): void {
    const ex = this.#ex;
    if (s.kind === IQ) {
      if (s.type === TYPE_RESULT || s.type === TYPE_ERROR) clientAnswer(ex, s);
      else clientIq(ex, s, door);
    } else if (s.kind === PRESENCE) clientPresence(ex, s, door);
    else if (s.kind === MESSAGE) clientMessage(ex, s, door);
  }

  #fromNode(s: Stanza, domain: NodeDomain, door: ServedDomain): void {
    const ex = this.#ex;
    if (s.kind === PRESENCE) {
      if (ex.from.localStart < 0) nodePresence(ex, s, domain, door);
      else callPresence(ex, s, domain);
    } else if (s.kind === IQ) {
      if (s.type === TYPE_RESULT || s.type === TYPE_ERROR) {
        ex.meters.messages++;
        answer(ex, s, domain);
      } else nodeIq(ex, s, door);
    } else if (s.kind === MESSAGE) nodeMessage(ex, s, domain, door);
    else ex.meters.ignored++;
  }

  /** DC8: nobody but trusted nodes may use the internal interface. */
  #fromStranger(s: Stanza, door: ServedDomain): void {
    const ex = this.#ex;
    ex.meters.untrusted++;
    ex.log.debug("stanza from an untrusted domain", { domain: ex.from.domain() });
    if (s.kind === IQ && (s.type === TYPE_GET || s.type === TYPE_SET)) {
      ex.refuse(s, door, "forbidden", "auth");
    }
  }
}

/** Is `to` the gateway's one JID towards nodes, to the letter? `ex.to` is not needed then. */
function isSelf(ex: Exchange, s: Stanza): boolean {
  const { self } = ex;
  return s.toEnd - s.toStart === self.length && sameBytes(s.buf, s.toStart, self, 0, self.length);
}

/** The node domain that `ex.from` lies in, if it may speak as a node. */
function nodeDomain(ex: Exchange): NodeDomain | null {
  const { from, directory } = ex;
  const domain = directory.findDomain(from.buf, from.domainStart, from.domainEnd) ??
    directory.trustedDomain(from.domain());
  if (domain !== null) ex.lane.note(from, domain);
  return domain;
}
