/**
 * What a component says to open its stream: XEP-0114 §3.
 */
import { createHash } from "node:crypto";
import { escapeAttribute } from "./escape.ts";

export const COMPONENT_NAMESPACE = "jabber:component:accept";

/** The opening tag of a component's stream for `domain`. */
export function componentHeader(domain: string): string {
  return `<?xml version='1.0'?><stream:stream xmlns='${COMPONENT_NAMESPACE}' ` +
    `xmlns:stream='http://etherx.jabber.org/streams' to='${escapeAttribute(domain)}'>`;
}

/** What stands in `<handshake/>`: SHA-1 of the stream's id (decoded) and the shared secret, in lower-case hex. */
export function handshakeDigest(streamId: string, secret: string): string {
  return createHash("sha1").update(streamId + secret, "utf8").digest("hex");
}
