/**
 * An ordinary user of a real server, on `@xmpp/client`: logs in with SASL, binds a resource, sends what it is told.
 */
import { client } from "@xmpp/client";
import type { LiveServer } from "./live_server.ts";
import { StockPeer } from "./stock_peer.ts";

export interface StockClientOptions {
  /** Bare JID of an account of the server. */
  jid: string;
  password: string;
  resource: string;
}

export async function stockClient(server: LiveServer, options: StockClientOptions): Promise<StockPeer> {
  const [username, domain] = options.jid.split("@");
  const { password, resource } = options;
  const service = `xmpp://${server.host}:${server.c2sPort}`;
  return await new StockPeer(client({ service, domain, username, password, resource, timeout: 10_000 }))
    .start();
}
