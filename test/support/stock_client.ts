/**
 * An ordinary user of a real server, on `@xmpp/client`: logs in with SASL, binds a resource, sends what it is told.
 */
import { client } from "@xmpp/client";
import { bareJid, type Peer } from "./peer.ts";
import { parseXml } from "./xml.ts";
import type { LiveServer } from "./live_server.ts";
import { StockPeer } from "./stock_peer.ts";

export interface StockClientOptions {
  /** Bare JID of an account of the server. */
  jid: string;
  password: string;
  resource: string;
  /** Questions are left to whoever uses it. Default: the package refuses them, as clients without an answer do. */
  ownAnswers?: boolean;
}

export async function stockClient(server: LiveServer, options: StockClientOptions): Promise<StockPeer> {
  const [username, domain] = options.jid.split("@");
  const { password, resource } = options;
  const service = `xmpp://${server.host}:${server.c2sPort}`;
  // By itself the package takes SCRAM where there is no TLS: half a second of arithmetic for each login.
  const credentials = (authenticate: (words: object, mechanism: string) => Promise<void>) =>
    authenticate({ username, password }, "PLAIN");
  const entity = client({ service, domain, username, credentials, resource, timeout: 10_000 });
  if (options.ownAnswers) {
    // An answer that is never ready is never sent.
    entity.middleware?.use((context, next) =>
      context.type === "get" || context.type === "set" ? new Promise(() => {}) : next()
    );
  }
  return await new StockPeer(entity).start();
}

/** Gives a simulated application an ordinary user's way to the server; it begins at once, with up(). */
export function attachClient(peer: Peer, client: StockPeer): void {
  client.remembers = false;
  const own = bareJid(client.jid);
  client.onStanza = (stanza) => {
    // Its account's own presence, which every resource is told of, is no stanza for the application.
    if (stanza.name === "presence" && bareJid(stanza.attrs["from"] ?? own) === own) return;
    peer.receive(parseXml(String(stanza)));
  };
  client.onClosed = () => peer.down();
  // What is said after the stream's end is lost, as with any client.
  peer.send = (xml) => void client.send(xml).catch(() => {});
  peer.up();
}
