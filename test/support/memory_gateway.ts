/**
 * The gateway itself, put together as app.ts does, but on a clock and wires that a test owns: for scenes and
 * simulations in memory. No store behind it and no HTTP before it.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LiveGateway } from "../../src/admin/live_gateway.ts";
import {
  ATTRIBUTES_MAX,
  NAME_BYTES_MAX,
  STANZA_BYTES_HARD_MAX,
  STANZA_DEPTH_MAX,
} from "../../src/base/limits.ts";
import { Log } from "../../src/base/log.ts";
import { Directory, noJournal } from "../../src/cluster/directory.ts";
import { applyChanges, undeclared } from "../../src/cluster/restore.ts";
import { Trust } from "../../src/cluster/trust.ts";
import { type Config, loadConfig } from "../../src/config.ts";
import { routingSettings } from "../../src/config/routing_settings.ts";
import { ComponentLink } from "../../src/link/component.ts";
import type { LinkSink } from "../../src/link/link.ts";
import { OwnPings } from "../../src/link/own_ping.ts";
import { ServedDomain } from "../../src/routing/served_domain.ts";
import { Switchboard } from "../../src/routing/switchboard.ts";
import type { Place, StartedGateway } from "./memory_world.ts";
import { sceneConfiguration, sceneOverrides } from "./scene_config.ts";
import type { Given } from "./scene_text.ts";

export interface MemoryGateway extends StartedGateway {
  readonly admin: LiveGateway;
  readonly directory: Directory;
  readonly links: readonly ComponentLink[];
  readonly logLines: string[];
}

export async function startMemoryGateway(given: Given, place: Place): Promise<MemoryGateway> {
  const { clock, random, connector, facts } = place;
  const config = configOf(given, facts);
  const logLines: string[] = [];
  const log = new Log((line) => logLines.push(line), () => clock.wall(), "debug");
  const trust = new Trust(config.nodes.trusted, config.nodes.static.map((node) => node.jid));
  const { defaultPlatform, defaultWeight, defaultPriority } = config.nodes;
  const directory = new Directory({ defaultPlatform, defaultWeight, defaultPriority }, trust, noJournal);
  for (const { jid, platforms, weight, priority } of config.nodes.static) {
    const node = directory.nodeFor(jid);
    node.isStatic = true;
    directory.enrolNode(node, platforms, weight, priority);
  }
  applyChanges(
    directory,
    undeclared(directory, config.applications.map((a) => ({ ...a, appId: a.name, accountId: "" })), log),
  );

  let switchboard: Switchboard | null = null;
  const served = new Map<unknown, ServedDomain>();
  const links: ComponentLink[] = [];
  const sink: LinkSink = {
    stanza: (stanza, link) => switchboard!.stanza(stanza, served.get(link)!),
    skipped: (stanza, why) => switchboard!.skipped(stanza, why),
    up: (link) => switchboard!.linkUp(served.get(link)!),
    down: (link) => switchboard!.linkDown(served.get(link)!),
  };
  const pings = new OwnPings();
  for (const side of ["external", "internal"] as const) {
    const domain = facts[side];
    const link = new ComponentLink({
      side,
      domain,
      host: "127.0.0.1",
      port: 5347,
      secret: "secret",
      limits: {
        stanzaBytesMax: config.limits.stanzaBytesMax,
        stanzaBytesHardMax: STANZA_BYTES_HARD_MAX,
        depthMax: STANZA_DEPTH_MAX,
        attributesMax: ATTRIBUTES_MAX,
        nameBytesMax: NAME_BYTES_MAX,
      },
      pings,
      connector,
      clock,
      random,
      log,
      sink,
    });
    served.set(link, new ServedDomain(side === "external", 0, domain, link.outlet));
    links.push(link);
  }
  switchboard = new Switchboard(
    directory,
    routingSettings(config),
    config.nodes.greetIntervalMs,
    clock,
    random,
    log,
    [...served.values()],
  );
  const admin = new LiveGateway(switchboard.exchange, {
    name: "memory",
    version: "test",
    links: () => [],
    store: () => ({ adapter: "memory", ok: true, reason: "", pending_changes: 0 }),
    outletDrops: () => 0,
    commit: () => Promise.resolve(),
  }, log);
  for (const link of links) link.start();
  return {
    admin,
    directory,
    links,
    logLines,
    operate: (words) => operate(admin, words),
    async stop() {
      await Promise.all(links.map((link) => link.stop()));
      switchboard.stop();
    },
  };
}

async function operate(admin: LiveGateway, words: string[]): Promise<void> {
  const [verb, first = "", second = "", third = ""] = words;
  switch (verb) {
    case "quiesce":
      return await admin.quiesce(first === "on");
    case "ban":
      return await admin.ban(first);
    case "unban":
      return await admin.unban(first);
    case "blacklist":
      return await admin.blacklist(first, second, third === "on");
    case "address":
      return await admin.registerAddress(first, second);
    case "unregister":
      return await admin.unregisterApplication(first);
    default:
      throw new Error(`the operator cannot '${words.join(" ")}'`);
  }
}

/** As an operator would write it, read as the executable reads it. */
function configOf(given: Given, facts: Place["facts"]): Config {
  const env: Record<string, string> = { RAYO_GATEWAY__STORE__ADAPTER: "memory" };
  for (const [name, value] of Object.entries(sceneOverrides(given.options))) {
    env[`RAYO_GATEWAY__${name}`] = value;
  }
  const folder = mkdtempSync(join(tmpdir(), "rayo-scene-"));
  try {
    writeFileSync(join(folder, "config.toml"), sceneConfiguration(given, facts));
    const { config, findings } = loadConfig({ file: "config.toml", cwd: folder, env });
    if (config === null) throw new Error(findings.map((f) => JSON.stringify(f)).join("\n"));
    return config;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
