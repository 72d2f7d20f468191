/**
 * What a real XMPP server for tests can be asked to be, and what one that runs can do; the same for every product.
 */
import { type Child, type ChildOptions, eventually, startChild, temporaryFolder } from "./process.ts";
import { freePort, isListening, LOOPBACK } from "./ports.ts";

export interface LiveServerOptions {
  /** Component domain → shared secret: the gateway's domains, nodes, applications. jabberd2: the same for all. */
  components: Record<string, string>;
  /** Domains with ordinary users. The first is the server's own; default: `localhost.test`. */
  hosts?: readonly string[];
  /** Accounts that exist from the start. Bare JIDs of one of the hosts. */
  users?: readonly { jid: string; password: string }[];
  /** ejabberd only (DC6): every stream is given all component domains. Default false: a stream, a domain. */
  globalRoutes?: boolean;
  /** ejabberd only: component domains with a port of their own, where a stream always is one domain. Default none. */
  apart?: Record<string, string>;
  /** Prosody only (DC7): what happens to the first stream when a second one comes. Default `kick_new`, as Prosody's. */
  componentConflictResolve?: "kick_new" | "kick_old";
  /** XEP-0198 for users: a cut client's session then outlives its connection. Default false. */
  streamManagement?: boolean;
  /** More of the server's own configuration, global, in its own language. */
  moreConfiguration?: string;
}

export interface LiveServer {
  readonly kind: "prosody" | "ejabberd" | "jabberd2";
  /** Always loopback. */
  readonly host: string;
  /** XEP-0114, all components. */
  readonly componentPort: number;
  /** Where the `apart` components connect; without them nobody listens there. */
  readonly apartPort: number;
  /** Ordinary users; SASL PLAIN without TLS is allowed. */
  readonly c2sPort: number;
  /** Process group, and the server's process itself (for /proc). */
  readonly pid: number;
  childPid(): number;
  /** The server's own log so far. */
  log(): string;
  /** Orderly (SIGTERM): streams are closed. Nothing is left, the data included. */
  stop(): Promise<void>;
  /** SIGKILL: as if the machine had lost power, but the kernel closes its sockets. */
  kill(): Promise<void>;
  /** The process stands still with its sockets open: what a dead machine looks like from afar. */
  pause(): void;
  resume(): void;
  /** After stop() or kill(): again, on the same ports, with fresh data. */
  restart(): Promise<void>;
}

export interface Ports {
  component: number;
  apart: number;
  c2s: number;
}

/** How a product is started; everything else is common. */
export interface Product {
  kind: LiveServer["kind"];
  /** Writes the configuration into the folder and says how to run it. */
  prepare(folder: string, ports: Ports): Omit<ChildOptions, "folder">;
  /** What it logs once it listens on these ports and its accounts are there: all of these words. */
  ready(ports: Ports): string[];
}

/** A slow machine with a cold disk; a healthy one takes one to three seconds. */
const START_LIMIT_MS = 60_000;
const START_ATTEMPTS_MAX = 4;

export async function startServer(product: Product): Promise<LiveServer> {
  for (let attempt = 1;; attempt++) {
    const ports: Ports = { component: await freePort(), apart: await freePort(), c2s: await freePort() };
    try {
      const server = new RunningServer(product, ports);
      await server.begin();
      return server;
    } catch (fault) {
      // Somebody may have taken a port since we looked.
      const taken = fault instanceof Error && /in use|eaddrinuse/i.test(fault.message);
      if (!taken || attempt === START_ATTEMPTS_MAX) throw fault;
    }
  }
}

class RunningServer implements LiveServer {
  readonly kind: LiveServer["kind"];
  readonly host = LOOPBACK;
  readonly componentPort: number;
  readonly apartPort: number;
  readonly c2sPort: number;
  readonly #product: Product;
  #child: Child | null = null;

  constructor(product: Product, ports: Ports) {
    this.#product = product;
    this.kind = product.kind;
    this.componentPort = ports.component;
    this.apartPort = ports.apart;
    this.c2sPort = ports.c2s;
  }

  get pid(): number {
    return this.#started().pid;
  }
  childPid(): number {
    return this.#started().childPid();
  }
  log(): string {
    return this.#started().log();
  }
  stop(): Promise<void> {
    return this.#started().stop();
  }
  kill(): Promise<void> {
    return this.#started().kill();
  }
  pause(): void {
    this.#started().signal("STOP");
  }
  resume(): void {
    this.#started().signal("CONT");
  }
  async restart(): Promise<void> {
    if (!this.#started().ended) throw new Error(`${this.kind} runs: stop() or kill() it before restart()`);
    await this.begin();
  }

  async begin(): Promise<void> {
    const { kind, componentPort, apartPort, c2sPort } = this;
    const folder = temporaryFolder(kind);
    const ports: Ports = { component: componentPort, apart: apartPort, c2s: c2sPort };
    const how = this.#product.prepare(folder, ports);
    const child = startChild({ ...how, folder });
    this.#child = child;
    // Its own word first: another process may be the one that accepts on that port.
    const ready = await eventually(
      async () => {
        const log = child.log();
        return this.#product.ready(ports).every((words) => log.includes(words)) &&
          await isListening(componentPort);
      },
      START_LIMIT_MS,
      () => child.ended || /already in use|eaddrinuse/i.test(child.log()),
    );
    if (ready) return;
    await child.kill();
    throw new Error(
      `${kind} did not start on ${LOOPBACK}:${componentPort} and ${LOOPBACK}:${c2sPort}; it said:\n${
        child.log().slice(-6000)
      }`,
    );
  }

  #started(): Child {
    if (this.#child === null) throw new Error(`${this.kind} was not started`);
    return this.#child;
  }
}

/** The domain of the server itself when a test does not care. */
export const DEFAULT_HOST = "localhost.test";

/** Splits `user@domain`; throws on anything else, since it is the test that is wrong. */
export function splitAccount(jid: string, hosts: readonly string[]): { user: string; domain: string } {
  const [user, domain, ...more] = jid.split("@");
  if (!user || !domain || more.length > 0 || domain.includes("/")) {
    throw new Error(`"${jid}" is not user@domain`);
  }
  if (!hosts.includes(domain)) throw new Error(`"${domain}" of the account "${jid}" is not among the hosts`);
  return { user, domain };
}
