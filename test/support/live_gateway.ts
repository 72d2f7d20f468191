/**
 * The built executable as a child process between real servers: what an operator runs, started as an operator does,
 * with a configuration file and overrides from the environment. Its data outlives its restarts, not the test.
 */
import { join } from "node:path";
import { freePort, LOOPBACK } from "./ports.ts";
import { type Child, eventually, removeFolder, startChild, temporaryFolder } from "./process.ts";
import { builtGateway, ROOT } from "./toolchain.ts";

export interface LiveGatewayOptions {
  /** The XMPP server of the clients, and that of the nodes if it is another one. */
  external: { componentPort: number };
  internal?: { componentPort: number };
  /** Default: the shipped config.toml. */
  configuration?: string;
  /** Overrides without their `RAYO_GATEWAY__`: `NODES__TRUSTED` → `["*.test"]` (DC42). */
  overrides?: Record<string, string>;
  /** Default: a free one. */
  adminPort?: number;
}

export interface LiveGateway {
  /** Of its HTTP server, without a slash at the end. */
  readonly url: string;
  /** The executable's own process. */
  childPid(): number;
  readonly ended: boolean;
  log(): string;
  /** From this byte on. */
  logFrom(byte: number): string;
  /** Until `/readyz` says yes; rejects with the log when it ends or takes too long. */
  ready(): Promise<void>;
  /** SIGHUP. */
  reload(): void;
  /** SIGTERM; resolves to the exit status. The data stays. */
  stop(): Promise<number>;
  /** SIGKILL. The data stays. */
  kill(): Promise<void>;
  /** After stop() or kill(): again, on the same data and ports. */
  start(): void;
  /** Stops what runs and removes the data. */
  close(): Promise<void>;
}

const READY_LIMIT_MS = 30_000;

export async function startGateway(options: LiveGatewayOptions): Promise<LiveGateway> {
  const gateway = new GatewayProcess(options, options.adminPort ?? await freePort());
  gateway.start();
  return gateway;
}

class GatewayProcess implements LiveGateway {
  readonly url: string;
  readonly #command: string[];
  readonly #env: Record<string, string>;
  readonly #folder: string;
  #child: Child | null = null;

  constructor(options: LiveGatewayOptions, adminPort: number) {
    const { external, internal = external, configuration = join(ROOT, "config.toml") } = options;
    this.url = `http://${LOOPBACK}:${adminPort}`;
    this.#command = [builtGateway(), "run", "--config", configuration];
    this.#folder = temporaryFolder("gateway");
    this.#env = prefixed({
      XMPP__EXTERNAL__PORT: String(external.componentPort),
      XMPP__INTERNAL__PORT: String(internal.componentPort),
      STORE__PATH: join(this.#folder, "rayo-gateway.db"),
      ADMIN__LISTEN: `${LOOPBACK}:${adminPort}`,
      ...options.overrides,
    });
  }

  get ended(): boolean {
    return this.#running().ended;
  }
  childPid(): number {
    return this.#running().childPid();
  }
  log(): string {
    return this.#running().log();
  }
  logFrom(byte: number): string {
    return this.#running().logFrom(byte);
  }
  reload(): void {
    this.#running().signal("HUP");
  }

  start(): void {
    if (this.#child !== null && !this.#child.ended) throw new Error("the gateway runs already");
    this.#child = startChild({
      command: this.#command,
      env: this.#env,
      folder: this.#folder,
      keepFolder: true,
    });
  }

  async ready(): Promise<void> {
    const child = this.#running();
    let why = "no answer";
    const isReady = async () => {
      try {
        const answer = await fetch(`${this.url}/readyz`);
        why = await answer.text();
        return answer.status === 200;
      } catch {
        return false;
      }
    };
    if (await eventually(isReady, READY_LIMIT_MS, () => child.ended)) return;
    throw new Error(`the gateway is not ready (${why}); it said:\n${child.log().slice(-6000)}`);
  }

  async stop(): Promise<number> {
    const child = this.#running();
    await child.stop();
    return await child.exited;
  }

  kill(): Promise<void> {
    return this.#running().kill();
  }

  async close(): Promise<void> {
    await this.#child?.stop();
    removeFolder(this.#folder);
  }

  #running(): Child {
    if (this.#child === null) throw new Error("the gateway was not started");
    return this.#child;
  }
}

function prefixed(overrides: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(overrides).map(([name, value]) => [`RAYO_GATEWAY__${name}`, value]),
  );
}
