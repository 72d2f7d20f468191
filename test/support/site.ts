/**
 * A whole site on loopback for trials of the built executable: the played XMPP server with simulated nodes and
 * applications in this process, the gateway as a process of its own with the shipped config.toml.
 *
 * What a real server does is the live tests' subject; here the gateway is killed, starved and reloaded, which needs
 * parties that can be looked into.
 */
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { Application, type ApplicationOptions } from "./application.ts";
import { type Attachment, FakeServer } from "./fake_server.ts";
import { ComponentPort } from "./fake_server_tcp.ts";
import { JavaNode } from "./java_node.ts";
import { type LiveGateway, startGateway } from "./live_gateway.ts";
import { ModRayoNode, type ModRayoOptions } from "./mod_rayo_node.ts";
import { eventually } from "./process.ts";

/** As config.toml has them. */
export const EXTERNAL = "rayo.example.test";
export const INTERNAL = "rayo-internal.example.test";
export const APPLICATION = "demo@apps.example.test";
export const ADDRESS = "sip:demo@example.test";
const SECRETS = { [EXTERNAL]: "of the clients' side", [INTERNAL]: "of the nodes' side" };

const LIMIT_MS = 20_000;

export class Site {
  readonly server = new FakeServer({
    clock: systemClock,
    random: systemRandom,
    components: SECRETS,
    hosts: ["apps.example.test"],
  });
  readonly port = new ComponentPort(this.server);
  /** Ways of the parties to the server, by domain or full JID. */
  readonly ways = new Map<string, Attachment>();
  readonly parties: (ModRayoNode | JavaNode | Application)[] = [];
  gateway!: LiveGateway;

  /** A FreeSWITCH-like node `name.nodes.example.test`; name those in `start`. */
  freeswitch(name: string, options: Partial<ModRayoOptions> = {}): ModRayoNode {
    const domain = `${name}.nodes.example.test`;
    const node = new ModRayoNode({
      domain,
      clock: systemClock,
      random: systemRandom,
      gatewayJid: `${INTERNAL}/gateway`,
      foreignDomains: [EXTERNAL, "apps.example.test"],
      ...options,
    });
    this.ways.set(domain, this.server.attachNode(node, domain));
    this.parties.push(node);
    return node;
  }

  /** A Java node, which announces itself when it is told to. */
  java(name: string): JavaNode {
    const domain = `${name}.nodes.example.test`;
    const node = new JavaNode({ domain, gatewayDomain: INTERNAL, clock: systemClock, random: systemRandom });
    this.ways.set(domain, this.server.attachNode(node, domain));
    this.parties.push(node);
    return node;
  }

  /** A resource of an application, logged in; it says `chat` when it is told to be ready. */
  client(resource: string, options: Partial<ApplicationOptions> = {}, bare = APPLICATION): Application {
    const jid = `${bare}/${resource}`;
    const client = new Application({
      jid,
      root: EXTERNAL,
      clock: systemClock,
      random: systemRandom,
      nodeDomains: [...this.ways.keys()].filter((name) => name.endsWith(".nodes.example.test")),
      ...options,
    });
    this.ways.set(jid, this.server.attachClient(client, jid));
    this.parties.push(client);
    return client;
  }

  /** Starts the gateway, by default with the shipped config.toml; it greets the nodes named in `statics` (FS16). */
  async start(
    statics: readonly ModRayoNode[],
    overrides: Record<string, string> = {},
    configuration?: string,
  ): Promise<LiveGateway> {
    this.gateway = await startGateway({
      external: { componentPort: this.port.port },
      ...(configuration === undefined ? {} : { configuration }),
      overrides: {
        XMPP__EXTERNAL__SECRET: SECRETS[EXTERNAL]!,
        XMPP__INTERNAL__SECRET: SECRETS[INTERNAL]!,
        NODES__STATIC: `[${statics.map(({ domain }) => `{ jid = "${domain}" }`).join(", ")}]`,
        ...overrides,
      },
    });
    await this.gateway.ready();
    return this.gateway;
  }

  /** `client` says `chat`; until it is listed and `node` would offer calls to the gateway. */
  async acquainted(node: ModRayoNode, client: Application): Promise<void> {
    client.ready();
    await this.until("the client is listed and the node knows the gateway", async () => {
      const { items } = await this.get<{ items: { jid: string }[] }>("/api/v1/clients");
      return items.some(({ jid }) => jid === client.jid) && node.clients.get(`${INTERNAL}/gateway`) === true;
    });
  }

  /** Waits for `probe`; says `what` and the gateway's last words when it does not come true. */
  async until(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
    if (await eventually(probe, LIMIT_MS)) return;
    throw new Error(`still not true: ${what}; the gateway said:\n${this.gateway?.log().slice(-4000)}`);
  }

  /** An answer of REST, or of Jolokia below `/rayo/jmx`. */
  async get<T = Record<string, unknown>>(path: string): Promise<T> {
    const answer = await fetch(this.gateway.url + path, { signal: AbortSignal.timeout(LIMIT_MS) });
    return await answer.json() as T;
  }

  /** Changes something by REST; resolves to the HTTP status. */
  async ask(method: string, path: string, body?: object): Promise<number> {
    const answer = await fetch(this.gateway.url + path, {
      method,
      signal: AbortSignal.timeout(LIMIT_MS),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
    await answer.arrayBuffer();
    return answer.status;
  }

  /** Until the server has noticed that the gateway is gone: what comes for it bounces from now on. */
  async disconnected(): Promise<void> {
    await this.until(
      "the server has lost both streams",
      () => [EXTERNAL, INTERNAL].every((domain) => this.server.seatsOf(domain).length === 0),
    );
  }

  /** Until the store has everything that happened so far (DC39). */
  async stored(): Promise<void> {
    await this.until("everything is stored", async () => {
      const { store } = await this.get<{ store: { ok: boolean; pending_changes: number } }>("/api/v1/status");
      return store.ok && store.pending_changes === 0;
    });
  }

  /** What the gateway did to anybody that it must never do. */
  violations(): string[] {
    return this.parties.flatMap((party) => party.violations);
  }

  async stop(): Promise<void> {
    await this.gateway?.close();
    for (const party of this.parties) {
      if (party instanceof Application) party.down();
      else if (party instanceof ModRayoNode) party.crash();
    }
    this.port.stop();
  }
}
