/**
 * What fanning a mixer's events out is measured against: as a user of `@xmpp/component` would write it. Every event is
 * parsed into a tree, `from` and `to` are changed for each of ten recipients, and each copy is sent.
 *
 * It knows one audience for all mixers, keeps no state, checks nothing and leaves URIs alone: much less than a gateway
 * has to do. Serialising makes the copy; the tree is used again for the next recipient, which makes it faster.
 * Arguments: port, secret.
 */
import { EXTERNAL, INTERNAL, PARTICIPANTS, RECIPIENT_STEM } from "./plan.ts";

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
  // The package answers every request that no handler took; a copier must not. This makes it faster, too.
  link.removeAllListeners("element");
  return link;
}

const recipients = Array.from({ length: PARTICIPANTS }, (_, i) => `${RECIPIENT_STEM}${i}`);
const [external, internal] = await Promise.all([open(EXTERNAL), open(INTERNAL)]);
internal.on("stanza", (stanza) => {
  const { attrs } = stanza;
  const from = attrs["from"]!;
  attrs["from"] = from.slice(0, from.indexOf("@") + 1) + EXTERNAL;
  for (const recipient of recipients) {
    attrs["to"] = recipient;
    external.send(stanza);
  }
});
