/**
 * What the gateway and its calls can do, as service discovery tells it (XEP-0030 §3) and as the hash that stands for it
 * (XEP-0115 §5).
 *
 * Conforms: XEP-0115 §5.1, verification strings of the gateway's own features: complete
 */
import { createHash } from "node:crypto";
import { escapeAttribute } from "../xmpp/escape.ts";

const DISCO_INFO = "http://jabber.org/protocol/disco#info";
const DISCO_ITEMS = "http://jabber.org/protocol/disco#items";
const CAPS = "http://jabber.org/protocol/caps";
const PING = "urn:xmpp:ping";

interface Identity {
  category: string;
  type: string;
  name: string;
}

/** One identity and its features; the hash is made once. */
export class Capabilities {
  readonly identity: Identity;
  readonly features: readonly string[];
  /** The verification string: base64 of a SHA-1. */
  readonly ver: string;

  constructor(identity: Identity, features: readonly string[]) {
    this.identity = identity;
    this.features = features;
    this.ver = verificationString(identity, features);
  }

  /** The disco#info payload; `node` as it was asked for, "" without one. */
  query(node = ""): string {
    const { category, type, name } = this.identity;
    const named = name === "" ? "" : ` name='${escapeAttribute(name)}'`;
    const asked = node === "" ? "" : ` node='${escapeAttribute(node)}'`;
    return `<query xmlns='${DISCO_INFO}'${asked}><identity category='${category}' type='${type}'${named}/>` +
      `${this.features.map((feature) => `<feature var='${feature}'/>`).join("")}</query>`;
  }

  /** DC12: is `node`, `<anything>#<hash>`, one that these stand for? */
  isMeantBy(node: string): boolean {
    return node.slice(node.lastIndexOf("#") + 1) === this.ver && node.includes("#");
  }

  /** The `<c/>` of a presence. */
  element(node: string): string {
    return `<c xmlns='${CAPS}' hash='sha-1' node='${node}' ver='${this.ver}'/>`;
  }
}

/** XEP-0115 §5.1, for one identity without a language and no forms. Names hold ASCII only, so sorting is by octet. */
export function verificationString(identity: Identity, features: readonly string[]): string {
  const { category, type, name } = identity;
  const parts = [`${category}/${type}//${name}`, ...[...features].sort()];
  return createHash("sha1").update(parts.map((part) => `${part}<`).join("")).digest("base64");
}

const GATEWAY: Identity = { category: "component", type: "generic", name: "Rayo Gateway" };

/** The external domain: X349 MUST. */
export const EXTERNAL_CAPABILITIES = new Capabilities(GATEWAY, [
  DISCO_INFO,
  DISCO_ITEMS,
  CAPS,
  PING,
  "urn:xmpp:rayo:1",
]);
/** The internal domain: X349 MUST (II3). */
export const INTERNAL_CAPABILITIES = new Capabilities(GATEWAY, [
  DISCO_INFO,
  DISCO_ITEMS,
  CAPS,
  PING,
  "urn:xmpp:rayo:gateway:1",
]);
const PHONE: Identity = { category: "client", type: "phone", name: "" };
/** IC13: a call. */
export const CALL_CAPABILITIES = new Capabilities(PHONE, [DISCO_INFO, PING, "urn:xmpp:rayo:call:1"]);
/** IC13: a mixer. */
export const MIXER_CAPABILITIES = new Capabilities(PHONE, [DISCO_INFO, PING, "urn:xmpp:rayo:mixer:1"]);
