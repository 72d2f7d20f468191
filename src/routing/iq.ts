/**
 * IQ requests: the checks every one passes, in order, and who deals with it (spec 2.5, rows I and IC; 2.8, rows II).
 *
 * Conforms: RFC 6120 §8.2.3, one child, one answer, answers never answered: complete
 * Conforms: RFC 6120 §8.4, unknown payloads are refused: complete
 * Conforms: XEP-0199 §4, pings of clients and nodes are answered: complete
 */
import { isRayo, NS_PING, NS_RAYO, NS_SESSION } from "../xmpp/namespaces.ts";
import { type Stanza, TYPE_GET, TYPE_SET } from "../xmpp/stanza.ts";
import { isChild } from "./children.ts";
import { command } from "./command.ts";
import { dial } from "./dial.ts";
import { answeredDisco } from "./disco.ts";
import type { Exchange } from "./exchange.ts";
import type { ServedDomain } from "./served_domain.ts";

/** A request (get, set, or no known type) to an external domain; `ex.from` and `ex.to` are read, `slot` if it is known. */
export function clientIq(ex: Exchange, s: Stanza, door: ServedDomain, slot = -1): void {
  if (answered(ex, s, door)) return;
  if (!isRayo(s.childNs[0]!)) {
    return ex.refuse(s, door, "feature-not-implemented", "cancel", "Feature not supported"); // I4
  }
  ex.meters.messages++;
  if (ex.directory.bans.size > 0 && ex.directory.bans.has(ex.from.bare())) {
    return ex.refuse(s, door, "recipient-unavailable", "cancel", "The application does not exist"); // IC6
  }
  if (ex.to.localStart >= 0) return command(ex, s, door, slot);
  if (!isChild(s, 0, NS_RAYO, "dial")) return ex.refuse(s, door, "feature-not-implemented", "cancel"); // IC4
  if (s.type !== TYPE_SET) return ex.refuse(s, door, "bad-request", "modify"); // IC5
  dial(ex, s, door); // IC1
}

/** A request from a trusted node to an internal domain (II1–II4). */
export function nodeIq(ex: Exchange, s: Stanza, door: ServedDomain): void {
  if (answered(ex, s, door)) return;
  if (!isRayo(s.childNs[0]!)) {
    return ex.refuse(s, door, "feature-not-implemented", "cancel", "Feature not supported");
  }
  ex.meters.messages++;
  ex.refuse(s, door, "bad-request", "cancel", "Rayo Nodes should not be sending IQ requests to the gateway");
}

/** What is answered alike on both sides: ill-formed requests, ping, session, disco. */
function answered(ex: Exchange, s: Stanza, door: ServedDomain): boolean {
  if ((s.type !== TYPE_GET && s.type !== TYPE_SET) || s.childTotal !== 1) {
    ex.refuse(s, door, "bad-request", "modify"); // I6, RFC 6120 §8.2.3
    return true;
  }
  if (s.type === TYPE_GET && isChild(s, 0, NS_PING, "ping")) {
    ex.result(s, door); // I1, II2
    return true;
  }
  if (s.type === TYPE_SET && isChild(s, 0, NS_SESSION, "session")) {
    ex.result(s, door); // I2
    return true;
  }
  return answeredDisco(ex, s, door);
}
