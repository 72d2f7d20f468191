/**
 * Stream errors: RFC 6120 §4.9, sent and received.
 */
import { ElementCursor, textOf } from "./attributes.ts";
import { escapeText, printable } from "./escape.ts";
import { NS_STREAM_ERRORS } from "./namespaces.ts";
import type { Stanza } from "./stanza.ts";

/** RFC 6120 §4.9.3. */
export const STREAM_ERRORS: readonly string[] = [
  "bad-format",
  "bad-namespace-prefix",
  "conflict",
  "connection-timeout",
  "host-gone",
  "host-unknown",
  "improper-addressing",
  "internal-server-error",
  "invalid-from",
  "invalid-namespace",
  "invalid-xml",
  "not-authorized",
  "not-well-formed",
  "policy-violation",
  "remote-connection-failed",
  "reset",
  "resource-constraint",
  "restricted-xml",
  "see-other-host",
  "system-shutdown",
  "undefined-condition",
  "unsupported-encoding",
  "unsupported-feature",
  "unsupported-stanza-type",
  "unsupported-version",
];

const NAMESPACE = "urn:ietf:params:xml:ns:xmpp-streams";

/** `<stream:error/>` with a condition of STREAM_ERRORS; the stream's own prefix must be `stream`. */
export function streamErrorXml(condition: string, text = ""): string {
  const words = text === "" ? "" : `<text xmlns='${NAMESPACE}'>${escapeText(printable(text))}</text>`;
  return `<stream:error><${condition} xmlns='${NAMESPACE}'/>${words}</stream:error>`;
}

/** What a peer's stream error says; a condition that RFC 6120 does not know is `undefined-condition`. */
export function readStreamError(stanza: Stanza): { condition: string; text: string } {
  const found = { condition: "undefined-condition", text: "" };
  const children = new ElementCursor();
  children.ofStanza(stanza);
  while (children.next()) {
    if (children.ns !== NS_STREAM_ERRORS) continue;
    const name = stanza.buf.toString("latin1", children.nameStart, children.nameEnd);
    if (name === "text") found.text = textOf(stanza.buf, children.tagEnd, children.end);
    else if (STREAM_ERRORS.includes(name)) found.condition = name;
  }
  return found;
}
