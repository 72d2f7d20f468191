/**
 * The availability that a presence tells: the text of its `<show/>` (RFC 6121 §4.7.2.1).
 */
import { NS_STREAM_CONTENT } from "../xmpp/namespaces.ts";
import { decodeText } from "../xmpp/escape.ts";
import type { Stanza } from "../xmpp/stanza.ts";
import { findChild } from "./children.ts";

/** Longer texts are no show. */
const SHOW_BYTES_MAX = 64;

/**
 * `chat`, `away`, `dnd` or `xa` in lower case (older Java nodes shout, JN2); "" when there is none or it is something
 * else.
 */
export function showOf(s: Stanza): "" | "chat" | "away" | "dnd" | "xa" {
  const i = findChild(s, NS_STREAM_CONTENT, "show");
  if (i < 0) return "";
  const start = s.childTagEnd[i]!;
  if (start >= s.childEnd[i]!) return "";
  const end = s.buf.lastIndexOf(0x3c, s.childEnd[i]! - 1);
  if (end - start > SHOW_BYTES_MAX || end < start) return "";
  const show = decodeText(s.buf, start, end).trim().toLowerCase();
  return show === "chat" || show === "away" || show === "dnd" || show === "xa" ? show : "";
}
