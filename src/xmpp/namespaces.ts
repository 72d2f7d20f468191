/**
 * The namespaces the gateway knows, as small numbers, so that routing compares numbers and not text.
 *
 * The framer resolves prefixes and defaults and hands out one of these ids for each child element.
 */

/** No namespace, or one that means nothing here. */
export const NS_OTHER = 0;
/** The content namespace of the stream itself (`jabber:component:accept`, `jabber:client`, `jabber:server`). */
export const NS_STREAM_CONTENT = 1;
/** `urn:xmpp:rayo:1` (XEP-0327). */
export const NS_RAYO = 2;
/** `urn:xmpp:rayo:ext:1`: component commands and `complete`. */
export const NS_RAYO_EXT = 3;
/** Any other `urn:xmpp:rayo…`. */
export const NS_RAYO_OTHER = 4;
/** `urn:xmpp:rayo:cluster:1`: the Java node's `node-info`. */
export const NS_RAYO_CLUSTER = 5;
/** Any `urn:xmpp:tropo…` (JN10). */
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
];

/** True for everything a Rayo command, event or component may be in (I4, JN10). */
export function isRayo(ns: number): boolean {
  return ns >= NS_RAYO && ns <= NS_TROPO;
}
