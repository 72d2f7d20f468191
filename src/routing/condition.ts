/**
 * The condition of a stanza error that a node sent (RFC 6120 §8.3), and whose fault it is (§3.5).
 */
import { ElementCursor, textOf } from "../xmpp/attributes.ts";
import { NS_STANZAS, NS_STREAM_CONTENT } from "../xmpp/namespaces.ts";
import type { Stanza } from "../xmpp/stanza.ts";
import { findChild } from "./children.ts";

export interface StanzaCondition {
  /** Element name of the condition; "undefined-condition" if there is none. */
  condition: string;
  text: string;
  /** The text names a cause that lies in the call: another node would only ring the callee again. */
  callsOwnFault: boolean;
}

/**
 * FreeSWITCH's cause texts that say something about the callee and nothing about the node (§3.5, FS30). A dial that
 * fails with one of them is not tried elsewhere and does not count against the node.
 */
const CALLS_OWN_CAUSES: ReadonlySet<string> = new Set([
  "NORMAL_CLEARING",
  "USER_BUSY",
  "NO_USER_RESPONSE",
  "NO_ANSWER",
  "SUBSCRIBER_ABSENT",
  "CALL_REJECTED",
  "NUMBER_CHANGED",
  "UNALLOCATED_NUMBER",
  "ORIGINATOR_CANCEL",
  "NORMAL_UNSPECIFIED",
]);

const NO_GATEWAY = "dial: No dial gateway found";

const cursor = new ElementCursor();

/** Reads the `<error/>` of `s`. */
export function readCondition(s: Stanza): StanzaCondition {
  const found: StanzaCondition = { condition: "undefined-condition", text: "", callsOwnFault: false };
  const at = findChild(s, NS_STREAM_CONTENT, "error");
  if (at < 0) return found;
  cursor.ofChild(s, at);
  while (cursor.next()) {
    if (cursor.ns !== NS_STANZAS) continue;
    if (cursor.is(NS_STANZAS, "text")) found.text = textOf(s.buf, cursor.tagEnd, cursor.end).trim();
    else found.condition = s.buf.toString("utf8", cursor.nameStart, cursor.nameEnd);
  }
  found.callsOwnFault = CALLS_OWN_CAUSES.has(found.text) || found.text.startsWith(NO_GATEWAY);
  return found;
}
