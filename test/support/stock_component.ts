/**
 * A component (XEP-0114) of a real server, on `@xmpp/component`.
 */
import { component } from "@xmpp/component";
import type { LiveServer } from "./live_server.ts";
import { StockPeer } from "./stock_peer.ts";

export async function stockComponent(server: LiveServer, domain: string, secret: string): Promise<StockPeer> {
  const service = `xmpp://${server.host}:${server.componentPort}`;
  return await new StockPeer(component({ service, domain, password: secret, timeout: 10_000 })).start();
}
