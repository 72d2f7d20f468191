/**
 * What the gateway is measured against: a forwarder as a user of `@xmpp/component` would write it. Two components,
 * every stanza parsed into a tree, `to` and `from` changed, sent on the other component.
 *
 * It knows one node and one client, keeps no state, checks nothing and leaves ids and URIs alone: much less than a
 * gateway has to do. Arguments: port, secret.
 */
import { CLIENT, EXTERNAL, GATEWAY_JID, INTERNAL, NODE } from "./plan.ts";
import { open } from "./peer_component.ts";

/** `call@any/component` at `domain`. */
function moved(jid: string, domain: string): string {
  const at = jid.indexOf("@");
  const slash = jid.indexOf("/", at);
  return jid.slice(0, at + 1) + domain + (slash < 0 ? "" : jid.slice(slash));
}

const [external, internal] = await Promise.all([open(EXTERNAL), open(INTERNAL)]);
internal.on("stanza", (stanza) => {
  stanza.attrs["from"] = moved(stanza.attrs["from"]!, EXTERNAL);
  stanza.attrs["to"] = CLIENT;
  external.send(stanza);
});
external.on("stanza", (stanza) => {
  stanza.attrs["to"] = moved(stanza.attrs["to"]!, NODE);
  stanza.attrs["from"] = GATEWAY_JID;
  internal.send(stanza);
});
