/**
 * Starts what is measured and joins it to the load generator's two lines: the gateway executable, the two peers of
 * this folder, or a real XMPP server with the generator's parties as its components.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startEjabberd } from "../support/ejabberd.ts";
import { whyNoLiveServers } from "../support/packages.ts";
import { freePort } from "../support/ports.ts";
import { type Child, eventually, startChild, temporaryFolder } from "../support/process.ts";
import { startProsody } from "../support/prosody.ts";
import { BUN, GATEWAY } from "../support/toolchain.ts";
import { connect, type Line, listen } from "./line.ts";
import { Parties } from "./parties.ts";
import * as plan from "./plan.ts";

export interface UnderTest {
  parties: Parties;
  /** For /proc. */
  pid: number;
  /** From just before the process was made until both streams were open. */
  startMs: number;
  /** What the gateway's /metrics says. */
  metrics(): Promise<string>;
  stop(): Promise<void>;
}

const START_LIMIT_MS = 20_000;

/** `extra`: tables of the gateway's configuration beyond what every run needs. */
export async function start(
  peer: plan.PeerKind,
  store: plan.StoreKind,
  extra: string = "",
): Promise<UnderTest> {
  if (peer === "prosody" || peer === "ejabberd") return await startServer(peer);
  return await startBehindUs(peer, store, extra);
}

/** The generator is the server; the peer opens both streams. */
async function startBehindUs(
  peer: "gateway" | "forwarder" | "copier" | "relay",
  store: plan.StoreKind,
  extra: string,
): Promise<UnderTest> {
  const lines = new Map<string, Line>();
  let openedAt = 0;
  const server = listen((domain, line) => {
    lines.set(domain, line);
    openedAt = performance.now();
  });
  const folder = temporaryFolder(`bench-${peer}`);
  let child: Child | null = null;
  const stop = async () => {
    // The folder goes with the child that works in it.
    if (child !== null) await child.stop();
    else rmSync(folder, { recursive: true, force: true });
    server.stop(true);
  };
  try {
    const adminPort = await freePort();
    const command = commandOf(peer, store, server.port, folder, adminPort, extra);
    const startedAt = performance.now();
    const started = child = startChild({ command, folder });
    const open = await eventually(() => lines.size === 2, START_LIMIT_MS, () => started.ended);
    if (!open) throw new Error(`${peer} did not open its streams; it said: ${started.log().slice(-2000)}`);
    return {
      parties: new Parties(peer, lines.get(plan.INTERNAL)!, lines.get(plan.EXTERNAL)!),
      pid: started.childPid(),
      startMs: openedAt - startedAt,
      metrics: async () => await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The peer opens two streams to 127.0.0.1:`port`. */
function commandOf(
  peer: "gateway" | "forwarder" | "copier" | "relay",
  store: plan.StoreKind,
  port: number,
  folder: string,
  adminPort: number,
  extra: string,
): string[] {
  const here = import.meta.dir;
  if (peer === "relay") {
    return [BUN, join(here, "peer_relay.ts"), String(port), plan.EXTERNAL, plan.INTERNAL, plan.SECRET];
  }
  if (peer === "forwarder" || peer === "copier") {
    return [BUN, join(here, `peer_component_${peer}.ts`), String(port), plan.SECRET];
  }
  const executable = process.env["BENCH_GATEWAY"]?.split(" ") ?? [GATEWAY];
  if (executable.length === 1 && !existsSync(executable[0]!)) {
    throw new plan.Absent(`"${executable[0]!}" is not there: run "make build" first`);
  }
  const configuration = join(folder, "config.toml");
  writeFileSync(configuration, configure(port, store, folder, adminPort, extra), { mode: 0o600 });
  return [...executable, "run", "--config", configuration];
}

/** The gateway's configuration: defaults wherever they do. */
export function configure(
  port: number,
  store: plan.StoreKind,
  folder: string,
  adminPort: number,
  extra: string = "",
): string {
  const link = `host = "127.0.0.1"\nport = ${port}\nsecret = "${plan.SECRET}"\n`;
  return [
    `[gateway]\nname = "bench"\nexternal_domain = "${plan.EXTERNAL}"\ninternal_domain = "${plan.INTERNAL}"\n`,
    `[xmpp.external]\n${link}`,
    `[xmpp.internal]\n${link}`,
    `[nodes]\ntrusted = ["${plan.NODE}"]\n`,
    `[[applications]]\njid = "${plan.APPLICATION}"\nname = "bench"\nplatform = "default"\naddresses = ["sip:bench@example.test"]\n`,
    `[store]\nadapter = "${store}"\npath = "${join(folder, "bench.db")}"\n`,
    `[admin]\nlisten = "127.0.0.1:${adminPort}"\n`,
    extra,
  ].join("\n");
}

/** The peer is the server; node and client are two components of it. */
async function startServer(peer: "prosody" | "ejabberd"): Promise<UnderTest> {
  const why = whyNoLiveServers();
  if (why !== "") throw new plan.Absent(why);
  const components = { [plan.NODE]: plan.SECRET, [plan.CLIENT_DOMAIN]: plan.SECRET };
  const startedAt = performance.now();
  const server = await (peer === "prosody" ? startProsody : startEjabberd)({ components });
  try {
    const nodeLine = await connect(server.componentPort, plan.NODE, plan.SECRET);
    const clientLine = await connect(server.componentPort, plan.CLIENT_DOMAIN, plan.SECRET);
    return {
      parties: new Parties(peer, nodeLine, clientLine),
      pid: server.childPid(),
      startMs: performance.now() - startedAt,
      metrics: () => Promise.reject(new Error(`${peer} has no metrics`)),
      stop: () => server.stop(),
    };
  } catch (error) {
    await server.kill();
    throw error;
  }
}
