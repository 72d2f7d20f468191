/**
 * What goes wrong between a component and its server, in words that name the key of the configuration to look at.
 *
 * XEP-0114 §3 (handshake), RFC 6120 §4.9.3 (stream errors), spec DC5-DC7, §7.4. Never shows a secret.
 */

/** Where a link goes, as far as its complaints need to know. */
export interface Place {
  side: "external" | "internal";
  domain: string;
  host: string;
  port: number;
  /** The table of the configuration that describes this link: `xmpp.external`. */
  key: string;
}

function domainKey(place: Place): string {
  return `gateway.${place.side}_domain`;
}

/** A stream error that the server sent. */
export function streamErrorWords(place: Place, condition: string, text: string): string {
  return sentence(place, condition) + (text === "" ? "" : ` (the server says: ${quoted(text)})`);
}

function sentence(place: Place, condition: string): string {
  const { domain, host, port, key } = place;
  switch (condition) {
    case "not-authorized":
      // ejabberd answers so for a domain it does not know, too.
      return `not-authorized: the server refuses the secret of component "${domain}": check ${key}.secret and ` +
        `${domainKey(place)}`;
    case "conflict":
      return `conflict: the server has a connection for component "${domain}" already: another gateway, or one that ` +
        `died and that the server has not missed yet; trying again (Prosody: component_conflict_resolve = "kick_old" ` +
        `lets the new connection win)`;
    case "host-unknown":
      return `host-unknown: the server has no component "${domain}": check ${
        domainKey(place)
      } and the server's ` +
        `configuration of that component`;
    case "host-gone":
      return `host-gone: the server no longer serves component "${domain}": check ${domainKey(place)}`;
    case "invalid-namespace":
      return `invalid-namespace: ${host}:${port} does not take components: check ${key}.port`;
    case "invalid-from":
      // Prosody, and rightly, when a stanza leaves in the name of another domain (DC5).
      return `invalid-from: the server saw a stanza that was not from component "${domain}": check ` +
        `${domainKey(place)}`;
    case "policy-violation":
      return `policy-violation: the server does not allow what was sent; its limits on component connections may be ` +
        `lower than limits.stanza_bytes_max`;
    case "system-shutdown":
      return "system-shutdown: the server is stopping";
    case "connection-timeout":
      return "connection-timeout: the server has given this connection up";
    case "reset":
    case "resource-constraint":
    case "internal-server-error":
    case "remote-connection-failed":
    case "undefined-condition":
      return `${condition}: the server ended the stream`;
    default:
      return `${
        condition === "" ? "an unknown stream error" : quoted(condition)
      }: the server ended the stream`;
  }
}

/** TCP could not be had. */
export function connectWords(place: Place, why: string): string {
  return `${place.host}:${place.port}: ${why}: check that the server runs, and ${place.key}.host and ${place.key}.port`;
}

/** TCP was closed before the server said that it is content. */
export function earlyCloseWords(place: Place, headerSeen: boolean, why: string): string {
  return headerSeen
    ? `${why} without an answer to the handshake: check ${place.key}.secret and ${domainKey(place)}`
    : `${why} before its stream began: check that ${place.host}:${place.port} is the server's component port ` +
      `(${place.key}.host, ${place.key}.port)`;
}

/** The server accepted TCP and then kept silent. */
export function handshakeTimeoutWords(place: Place, headerSeen: boolean, ms: number): string {
  return headerSeen
    ? `no answer to the handshake within ${ms} ms`
    : `no XMPP stream from ${place.host}:${place.port} within ${ms} ms: check that it is the server's component port ` +
      `(${place.key}.port), without TLS`;
}

/** The first bytes were no stream of a component. */
export function notComponentWords(place: Place, what: string): string {
  return `${place.host}:${place.port} does not speak the component protocol (${what}): check ${place.key}.port`;
}

/** A peer's words in a log line or a status: short, and printable. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? text.slice(0, 200) + "…" : text);
}
