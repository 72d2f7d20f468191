/**
 * Stanza errors as text: RFC 6120 §8.3. Conditions and text stand in their namespace, a `type` is always there (G10,
 * AH26: without either a client never learns that its request failed).
 *
 * Conforms: RFC 6120 §8.3, stanza errors with a type, a condition and a text: complete
 */
import { escapeText, printable } from "./escape.ts";

export type StanzaErrorType = "auth" | "cancel" | "continue" | "modify" | "wait";

/** RFC 6120 §8.3.3: condition -> the type that fits it where nothing more is known. */
export const STANZA_ERRORS: Readonly<Record<string, StanzaErrorType>> = {
  "bad-request": "modify",
  "conflict": "cancel",
  "feature-not-implemented": "cancel",
  "forbidden": "auth",
  "gone": "cancel",
  "internal-server-error": "cancel",
  "item-not-found": "cancel",
  "jid-malformed": "modify",
  "not-acceptable": "modify",
  "not-allowed": "cancel",
  "not-authorized": "auth",
  "payment-required": "auth",
  "policy-violation": "modify",
  "recipient-unavailable": "wait",
  "redirect": "modify",
  "registration-required": "auth",
  "remote-server-not-found": "cancel",
  "remote-server-timeout": "wait",
  "resource-constraint": "wait",
  "service-unavailable": "cancel",
  "subscription-required": "auth",
  "undefined-condition": "cancel",
  "unexpected-request": "wait",
};

const NAMESPACE = "urn:ietf:params:xml:ns:xmpp-stanzas";

/** `<error/>` with a condition of STANZA_ERRORS; "" as `type` is the condition's own, "" as `text` is no text. */
export function stanzaError(condition: string, type = "", text = ""): string {
  const words = text === "" ? "" : `<text xmlns='${NAMESPACE}'>${escapeText(printable(text))}</text>`;
  const kind = type === "" ? STANZA_ERRORS[condition] ?? "cancel" : type;
  return `<error type='${kind}'><${condition} xmlns='${NAMESPACE}'/>${words}</error>`;
}
