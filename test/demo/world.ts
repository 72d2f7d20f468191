/**
 * Everybody the demo needs: a real XMPP server, the built gateway with the shipped config.toml, simulated nodes as
 * components of that server, and one application whose resources log in as ordinary users.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { Application } from "../support/application.ts";
import { attachComponent, type ComponentAttachment } from "../support/component.ts";
import { startEjabberd } from "../support/ejabberd.ts";
import { JavaNode } from "../support/java_node.ts";
import { type LiveGateway, startGateway } from "../support/live_gateway.ts";
import type { LiveServer } from "../support/live_server.ts";
import { ModRayoNode } from "../support/mod_rayo_node.ts";
import { whyNoLiveServers } from "../support/packages.ts";
import { freePort, isListening } from "../support/ports.ts";
import { eventually } from "../support/process.ts";
import { startProsody } from "../support/prosody.ts";
import { attachClient, stockClient } from "../support/stock_client.ts";
import type { StockPeer } from "../support/stock_peer.ts";
import { ROOT } from "../support/toolchain.ts";
import { Crossings, overheard } from "./crossing.ts";
import type { DemoOptions } from "./options.ts";

export interface DemoNode {
  kind: "FreeSWITCH" | "Java";
  domain: string;
  peer: ModRayoNode | JavaNode;
  /** Calls that were seen to end. */
  done: number;
}

export interface DemoResource {
  app: Application;
  done: number;
}

/** What config.toml says, as far as the other parties must know it. */
interface Names {
  external: string;
  internal: string;
  /** Bare JID. */
  application: string;
  addresses: string[];
  nodeDomain: string;
  adminPort: number;
}

/** Of this run alone; those in config.toml are examples, about which the gateway rightly complains. */
const SECRETS = {
  external: crypto.randomUUID(),
  internal: crypto.randomUUID(),
  node: crypto.randomUUID(),
  user: crypto.randomUUID(),
};

export class World {
  readonly names = readNames(join(ROOT, "config.toml"));
  readonly crossings = new Crossings();
  readonly nodes: DemoNode[] = [];
  readonly resources: DemoResource[] = [];
  server!: LiveServer;
  gateway!: LiveGateway;
  readonly #options: DemoOptions;
  readonly #attachments: ComponentAttachment[] = [];
  readonly #clients: StockPeer[] = [];
  #stopped = false;

  constructor(options: DemoOptions) {
    this.#options = options;
  }

  /** Step by step; `tell` gets a sentence before each. */
  async start(tell: (sentence: string) => void): Promise<void> {
    const { names } = this;
    const why = whyNoLiveServers();
    if (why !== "") throw new Error(why);
    const fs = domains("freeswitch", this.#options.nodes, names.nodeDomain);
    const java = domains("java", this.#options.javaNodes, names.nodeDomain);

    tell(`starting ${this.#options.server}`);
    this.server = await this.#startServer([...fs, ...java]);
    // A FreeSWITCH is greeted when the gateway's link comes up, and then only now and again (DC33); a Java node
    // announces itself when its own does (JN2). So these are there before the gateway, and those after it.
    tell(`starting ${fs.length} FreeSWITCH-like nodes`);
    for (const domain of fs) {
      this.#add("FreeSWITCH", new ModRayoNode({ domain, clock: systemClock, random: systemRandom }));
    }
    await this.#connected();

    tell("starting the gateway");
    this.gateway = await startGateway({
      external: this.server,
      adminPort: await this.#adminPort(),
      overrides: {
        // It never announces itself (FS16, FS60): the gateway has to know of it.
        NODES__STATIC: `[${fs.map((jid) => `{ jid = "${jid}" }`).join(", ")}]`,
        XMPP__EXTERNAL__SECRET: SECRETS.external,
        XMPP__INTERNAL__SECRET: SECRETS.internal,
      },
    });
    await this.gateway.ready();

    tell(`starting ${java.length} Java-like nodes`);
    for (const domain of java) {
      const gatewayDomain = names.internal;
      const playMs = this.#options.once > 0 ? 300 : 4000;
      this.#add(
        "Java",
        new JavaNode({ domain, gatewayDomain, playMs, clock: systemClock, random: systemRandom }),
      );
    }
    await this.#connected();

    tell("logging the application in");
    for (let i = 1; i <= this.#options.resources; i++) await this.#logIn(`resource${i}`);
    tell("waiting until the gateway and the nodes know each other");
    await this.#acquainted();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const { app } of this.resources) app.down();
    await Promise.all(this.#clients.map((client) => client.stop().catch(() => client.cut())));
    await this.gateway?.close();
    for (const attachment of this.#attachments) attachment.close();
    await this.server?.stop();
  }

  /** What went wrong in somebody's eyes. */
  violations(): string[] {
    return [...this.nodes.map(({ peer }) => peer), ...this.resources.map(({ app }) => app)].flatMap((party) =>
      party.violations
    );
  }

  #startServer(nodes: readonly string[]): Promise<LiveServer> {
    const { names } = this;
    const start = this.#options.server === "prosody" ? startProsody : startEjabberd;
    return start({
      components: {
        [names.external]: SECRETS.external,
        [names.internal]: SECRETS.internal,
        ...Object.fromEntries(nodes.map((domain) => [domain, SECRETS.node])),
      },
      hosts: [names.application.replace(/.*@/, "")],
      users: [{ jid: names.application, password: SECRETS.user }],
    });
  }

  async #connected(): Promise<void> {
    await Promise.all(this.#attachments.map(({ ready }) => ready));
  }

  /** People remember 8080; a test must not need it. */
  async #adminPort(): Promise<number> {
    const { port, once } = this.#options;
    if (port !== 0) return port;
    if (once > 0 || await isListening(this.names.adminPort)) return await freePort();
    return this.names.adminPort;
  }

  #add(kind: DemoNode["kind"], peer: ModRayoNode | JavaNode): void {
    const node: DemoNode = { kind, domain: peer.domain, peer, done: 0 };
    this.nodes.push(node);
    const { host, componentPort: port } = this.server;
    const heard = overheard(peer, "node", this.crossings, (stanza) => {
      if (stanza.children.some((child) => typeof child !== "string" && child.name === "end")) node.done++;
    });
    this.#attachments.push(attachComponent(heard, { host, port, domain: peer.domain, secret: SECRETS.node }));
  }

  async #logIn(resource: string): Promise<void> {
    const jid = this.names.application;
    const client = await stockClient(this.server, { jid, password: SECRETS.user, resource });
    this.#clients.push(client);
    const app = new Application({
      jid: client.jid,
      root: this.names.external,
      clock: systemClock,
      random: systemRandom,
      // A Java node names its calls itself, whatever a dial asks for (JN5): then nobody should ask (AH7, AH18).
      ownUris: this.#options.javaNodes === 0,
      nodeDomains: this.nodes.map(({ domain }) => domain),
    });
    attachClient(overheard(app, "client", this.crossings), client);
    app.ready();
    this.resources.push({ app, done: 0 });
  }

  async #acquainted(): Promise<void> {
    const all = async () => {
      // A FreeSWITCH offers calls to those alone who said `chat` to it (FS19).
      const greeted = this.nodes.every(({ peer }) => !(peer instanceof ModRayoNode) || peer.clients.size > 0);
      if (!greeted) return false;
      const counters = await this.counters();
      return counters["ActiveRayoNodesCount"] === this.nodes.length &&
        counters["TotalClientResourcesCount"] === this.resources.length;
    };
    if (await eventually(all, 45_000, () => this.gateway.ended)) return;
    throw new Error(
      `the gateway and its parties did not find each other; it said:\n${this.gateway.log().slice(-6000)}`,
    );
  }

  /** §4.3, from the gateway's own HTTP API. */
  async counters(): Promise<Record<string, number>> {
    const answer = await fetch(`${this.gateway.url}/api/v1/status`);
    return ((await answer.json()) as { counters?: Record<string, number> }).counters ?? {};
  }
}

function domains(name: string, count: number, parent: string): string[] {
  return Array.from({ length: count }, (_, i) => `${name}${i + 1}.${parent}`);
}

function readNames(file: string): Names {
  const config = Bun.TOML.parse(readFileSync(file, "utf8")) as {
    gateway: { external_domain: string; internal_domain: string };
    nodes: { trusted: string[] };
    applications: { jid: string; addresses: string[] }[];
    admin?: { listen?: string };
  };
  const application = config.applications[0];
  const trusted = config.nodes.trusted[0];
  if (application === undefined || trusted === undefined || !trusted.startsWith("*.")) {
    throw new Error(`"${file}" has no application, or trusts no domain of nodes`);
  }
  return {
    external: config.gateway.external_domain,
    internal: config.gateway.internal_domain,
    application: application.jid,
    addresses: application.addresses,
    nodeDomain: trusted.slice(2),
    adminPort: Number((config.admin?.listen ?? "127.0.0.1:8080").replace(/.*:/, "")),
  };
}
