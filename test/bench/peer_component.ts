/**
 * A component of the load generator on `@xmpp/component`, opened as its own users would: what the peers of that package
 * are built on. They are processes of their own, with the arguments port and secret.
 */

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

/** The stream of `domain`, open. */
export async function open(domain: string): Promise<Component> {
  const link = component({ service: `xmpp://127.0.0.1:${port}`, domain, password: secret });
  link.on("error", () => process.exit(0));
  link.reconnect.stop();
  await link.start();
  // The package answers every request that no handler took; a peer of the bench must not. This makes it faster, too.
  link.removeAllListeners("element");
  return link;
}
