/**
 * The namespaces the gateway knows, as small numbers, so that routing compares numbers and not text.
 *
 * The framer resolves prefixes and defaults and hands out one of these ids for each child element.
 */
import { sameBytes } from "../base/bytes.ts";

/** No namespace, or one that means nothing here. */
export const NS_OTHER = 0;
/** The content namespace of the stream itself (`jabber:component:accept`, `jabber:client`, `jabber:server`). */
export const NS_STREAM_CONTENT = 1;
/** `urn:xmpp:rayo:1` (XEP-0327), or the same under its older name. */
export const NS_RAYO = 2;
/** `urn:xmpp:rayo:ext:1`: component commands and `complete`. */
export const NS_RAYO_EXT = 3;
/** Any other `urn:xmpp:rayo…`. */
export const NS_RAYO_OTHER = 4;
/** `urn:xmpp:rayo:cluster:1`: the Java node's `node-info`. */
export const NS_RAYO_CLUSTER = 5;
/** Any other `urn:xmpp:tropo…` (JN10). */
export const NS_TROPO = 6;
export const NS_PING = 7;
export const NS_DISCO_INFO = 8;
export const NS_CAPS = 9;
export const NS_DELAY = 10;
/** `urn:ietf:params:xml:ns:xmpp-session`. */
export const NS_SESSION = 11;
/** `urn:ietf:params:xml:ns:xmpp-stanzas`: error conditions. */
export const NS_STANZAS = 12;
/** `http://etherx.jabber.org/streams`. */
export const NS_STREAMS = 13;
/** `urn:ietf:params:xml:ns:xmpp-streams`: stream error conditions. */
export const NS_STREAM_ERRORS = 14;
export const NS_DISCO_ITEMS = 15;

/** Index: namespace id; text of those that are exactly one namespace. */
export const NAMESPACE_TEXT: readonly string[] = [
  "",
  "",
  "urn:xmpp:rayo:1",
  "urn:xmpp:rayo:ext:1",
  "",
  "urn:xmpp:rayo:cluster:1",
  "",
  "urn:xmpp:ping",
  "http://jabber.org/protocol/disco#info",
  "http://jabber.org/protocol/caps",
  "urn:xmpp:delay",
  "urn:ietf:params:xml:ns:xmpp-session",
  "urn:ietf:params:xml:ns:xmpp-stanzas",
  "http://etherx.jabber.org/streams",
  "urn:ietf:params:xml:ns:xmpp-streams",
  "http://jabber.org/protocol/disco#items",
];

/** True for everything a Rayo command, event or component may be in (I4, JN10). */
export function isRayo(ns: number): boolean {
  return ns >= NS_RAYO && ns <= NS_TROPO;
}

const BYTES = NAMESPACE_TEXT.map((text) => new TextEncoder().encode(text));
const RAYO_PREFIX = new TextEncoder().encode("urn:xmpp:rayo");
const TROPO_PREFIX = new TextEncoder().encode("urn:xmpp:tropo");
/** JN10: what the core namespaces were called before; elements in them are the same elements. */
const OZONE = new TextEncoder().encode("urn:xmpp:tropo:ozone:1");
const OZONE_EXT = new TextEncoder().encode("urn:xmpp:tropo:ozone:ext:1");
/** Length of a name -> the first known namespace of that length; SAME_LENGTH: -> the next one. 0 ends the chain. */
const BY_LENGTH = new Uint8Array(64);
const SAME_LENGTH = new Uint8Array(NAMESPACE_TEXT.length);
NAMESPACE_TEXT.forEach((text, id) => {
  if (text === "") return;
  SAME_LENGTH[id] = BY_LENGTH[text.length]!;
  BY_LENGTH[text.length] = id;
});

/** What RFC 6120 §4.8.2 and XEP-0114 know as content namespaces. */
export const CONTENT_NAMESPACES: readonly string[] = [
  "jabber:component:accept",
  "jabber:client",
  "jabber:server",
];
const CONTENT_BYTES = CONTENT_NAMESPACES.map((text) => new TextEncoder().encode(text));

/** The number of the namespace whose name is `buf[start, end)`; any content namespace counts as the stream's. */
export function namespaceId(buf: Uint8Array, start: number, end: number): number {
  const id = knownNamespaceId(buf, start, end);
  if (id !== NS_OTHER) return id;
  for (const content of CONTENT_BYTES) {
    if (content.length === end - start && sameBytes(buf, start, content, 0, end - start)) {
      return NS_STREAM_CONTENT;
    }
  }
  return NS_OTHER;
}

function isName(buf: Uint8Array, start: number, length: number, name: Uint8Array): boolean {
  return length === name.length && sameBytes(buf, start, name, 0, length);
}

/** As namespaceId(), without the content namespaces: those depend on the stream. */
export function knownNamespaceId(buf: Uint8Array, start: number, end: number): number {
  const length = end - start;
  for (let id = length < 64 ? BY_LENGTH[length]! : 0; id > 0; id = SAME_LENGTH[id]!) {
    if (sameBytes(buf, start, BYTES[id]!, 0, length)) return id;
  }
  if (length > 13 && sameBytes(buf, start, RAYO_PREFIX, 0, 13)) return NS_RAYO_OTHER;
  if (length >= 14 && sameBytes(buf, start, TROPO_PREFIX, 0, 14)) {
    if (isName(buf, start, length, OZONE)) return NS_RAYO;
    return isName(buf, start, length, OZONE_EXT) ? NS_RAYO_EXT : NS_TROPO;
  }
  return NS_OTHER;
}
