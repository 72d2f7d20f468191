/**
 * What the gateway is measured against: a forwarder as a user of `@xmpp/component` would write it. Two components,
 * every stanza parsed into a tree, `to` and `from` changed, sent on the other component.
 *
 * It knows one node and one client, keeps no state, checks nothing and leaves ids and URIs alone: much less than a
 * gateway has to do. Arguments: port, secret.
 */
import { CLIENT, EXTERNAL, GATEWAY_JID, INTERNAL, NODE } from "./plan.ts";

interface Stanza {
  attrs: Record<string, string>;
}
interface Component {
  on(event: "stanza", run: (stanza: Stanza) => void): void;
  on(event: "error", run: (error: Error) => void): void;
  removeAllListeners(event: string): void;
  start(): Promise<unknown>;
  send(stanza: Stanza): Promise<void>;
  reconnect: { stop(): void };
}
interface ComponentModule {
  component(options: { service: string; domain: string; password: string }): Component;
}

const [port, secret] = process.argv.slice(2) as [string, string];
// The package has no types of its own.
const { component } = await import("@xmpp/component" as string) as ComponentModule;

async function open(domain: string): Promise<Component> {
  const link = component({ service: `xmpp://127.0.0.1:${port}`, domain, password: secret });
  link.on("error", () => process.exit(0));
  link.reconnect.stop();
  await link.start();
  // The package answers every request that no handler took; a forwarder must not. This makes it faster, too.
  link.removeAllListeners("element");
  return link;
}

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
