/**
 * Everything is built once here, in the order of the sentence: store, directory, links, routing, admin. The adapters
 * of floor 4 meet here and nowhere else.
 */
import { perTurn, systemClock } from "./base/clock.ts";
import { ATTRIBUTES_MAX, NAME_BYTES_MAX, STANZA_BYTES_HARD_MAX, STANZA_DEPTH_MAX } from "./base/limits.ts";
import type { Log } from "./base/log.ts";
import { systemRandom } from "./base/random.ts";
import type { LinkView } from "./admin/gateway.ts";
import { LiveGateway } from "./admin/live_gateway.ts";
import { startAdmin } from "./admin/server.ts";
import { Directory, noJournal } from "./cluster/directory.ts";
import { applyChanges, restore, undeclared } from "./cluster/restore.ts";
import type { Change, Snapshot, Store } from "./cluster/store.ts";
import { Trust } from "./cluster/trust.ts";
import type { Config } from "./config.ts";
import { restartKeys } from "./config/reload.ts";
import { ownershipSettings, routingSettings } from "./config/routing_settings.ts";
import { ComponentLink } from "./link/component.ts";
import type { LinkSink } from "./link/link.ts";
import { OwnPings } from "./link/own_ping.ts";
import { tcpConnector } from "./link/tcp.ts";
import type { RoutingSettings } from "./routing/exchange.ts";
import { ServedDomain } from "./routing/served_domain.ts";
import { Switchboard } from "./routing/switchboard.ts";
import type { RunningApp } from "./run.ts";
import { MemoryStore } from "./store/memory.ts";
import { Mirror } from "./store/mirror.ts";
import { SqliteStore } from "./store/sqlite/store.ts";

/** Starts the gateway; rejects with one sentence when it cannot. */
export async function startApp(
  options: { config: Config; configFile: string; log: Log; version: string },
): Promise<RunningApp> {
  const { log, version } = options;
  let { config } = options;
  const clock = systemClock;

  // What was known before, and where changes go.
  const store = openStore(config);
  const mirror = new Mirror(store, clock, log);
  const snapshot = await mirror.open();
  const keeps = config.store.adapter !== "memory";
  const directory = new Directory(directorySettings(config), trustOf(config), keeps ? mirror : noJournal);
  restore(directory, snapshot, log);

  // Links, and the domains they carry.
  const links = new Map<ServedDomain, ComponentLink>();
  const served = new Map<unknown, ServedDomain>();
  const pings = new OwnPings();
  // Called when links have started only: the switchboard is there by then.
  const sink: LinkSink = {
    stanza: (stanza, link) => switchboard.stanza(stanza, served.get(link)!),
    skipped: (stanza, why) => switchboard.skipped(stanza, why),
    up: (link) => switchboard.linkUp(served.get(link)!),
    down: (link) => switchboard.linkDown(served.get(link)!),
  };
  for (const side of ["external", "internal"] as const) {
    const domains = side === "external" ? config.gateway.externalDomain : config.gateway.internalDomain;
    for (const [number, domain] of domains.entries()) {
      const { host, port, secret } = config.xmpp[side];
      const link = new ComponentLink({
        side,
        domain,
        host,
        port,
        secret,
        limits: framerLimits(config),
        pings,
        connector: tcpConnector,
        clock,
        random: systemRandom,
        log,
        sink,
      });
      const place = new ServedDomain(side === "external", number, domain, link.outlet);
      links.set(place, link);
      served.set(link, place);
    }
  }

  // Routing.
  const settings = routingSettings(config);
  takeOver(snapshot.settings, settings, log);
  const switchboard = new Switchboard(
    directory,
    settings,
    config.nodes.greetIntervalMs,
    perTurn(clock),
    systemRandom,
    log,
    [...links.keys()],
  );
  await orClose(() => declare(config));

  // People.
  const gateway = new LiveGateway(switchboard.exchange, {
    name: config.gateway.name,
    version,
    links: () => [...links.values()].map(linkView),
    store: () => ({
      adapter: store.adapter,
      ok: mirror.ok,
      reason: mirror.reason,
      pending_changes: mirror.pendingChanges,
    }),
    outletDrops: () => [...links.values()].reduce((sum, link) => sum + total(link.outlet.dropped), 0),
    commit,
  }, log);
  const admin = await orClose(() =>
    startAdmin({
      gateway,
      listen: config.admin.listen,
      tokens: config.admin.tokens,
      corsOrigins: config.admin.corsOrigins,
      log,
      clock,
      version,
      buildId: version,
    })
  );

  for (const link of links.values()) link.start();
  log.info("started", {
    version,
    external: config.gateway.externalDomain.join(","),
    internal: config.gateway.internalDomain.join(","),
    store: store.adapter,
    admin: `http://${admin.address}:${admin.port}`,
  });

  return {
    adminAddress: `http://${admin.address}:${admin.port}`,
    done: new Promise(() => {}),
    async stop() {
      await admin.stop();
      await Promise.all([...links.values()].map((link) => link.stop()));
      switchboard.stop();
      await mirror.close();
    },
    reload(next) {
      const refused = restartKeys(config, next).map((key) => `${key}: a change needs a restart`);
      const { trusted, static: statics } = next.nodes;
      // What was refused keeps its old value here, so that the next reload says so again.
      config = {
        ...config,
        nodes: { ...config.nodes, trusted, static: statics },
        applications: next.applications,
        log: next.log,
      };
      settings.ownership = ownershipSettings(config);
      switchboard.setTrust(trustOf(config), new Set(statics.map((node) => node.jid)));
      try {
        admin.setTokens(next.admin.tokens);
        config = { ...config, admin: { ...config.admin, tokens: next.admin.tokens } };
      } catch (error) {
        refused.push(`admin.tokens: ${error instanceof Error ? error.message : String(error)}`);
      }
      declare(config).catch((error) =>
        log.error(`the store refused what the configuration declares: ${error.message}`)
      );
      return refused;
    },
  };

  /** Static nodes and applications of the configuration (9.3). */
  async function declare(wanted: Config): Promise<void> {
    for (const declared of wanted.nodes.static) {
      const node = directory.nodeFor(declared.jid);
      if (node.isStatic && node.enrolled && sameNode(node, declared)) continue;
      const { blacklisted, consecutiveErrors, state } = node;
      const known = node.enrolled;
      node.isStatic = true;
      directory.enrolNode(node, declared.platforms, declared.weight, declared.priority);
      if (known) {
        // Being configured is no word of the node: what it said, and what an operator said of it, stands.
        node.blacklisted = blacklisted;
        node.consecutiveErrors = consecutiveErrors;
        if (state === "quiesced") node.state = state;
        directory.noteNode(node);
      }
      switchboard.exchange.greet(node);
    }
    const rows = wanted.applications.map((a) => ({
      jid: a.jid,
      appId: a.name,
      name: a.name,
      platform: a.platform,
      accountId: "",
      permissions: a.permissions,
      addresses: a.addresses,
    }));
    const changes = undeclared(directory, rows, log);
    if (changes.length === 0) return;
    await commit(changes);
    applyChanges(directory, changes);
  }

  async function commit(changes: Change[]): Promise<void> {
    if (keeps) await mirror.commit(changes);
  }

  /** A gateway that cannot start leaves its store in order. */
  async function orClose<T>(step: () => T | Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      await mirror.close();
      throw error;
    }
  }
}

/** What operators set in an earlier life stands over the configuration, and says so: nobody should have to guess. */
function takeOver(stored: Snapshot["settings"], settings: RoutingSettings, log: Log): void {
  const attempts = Number(stored["dial_attempts_max"]);
  if (attempts >= 1 && attempts !== settings.dialAttemptsMax) {
    log.warn("dial.attempts_max was set by an operator, which stands over the configuration", {
      configured: settings.dialAttemptsMax,
      set: attempts,
    });
    settings.dialAttemptsMax = attempts;
  }
  if (stored["quiesced"] === "true") {
    log.warn("quiesced by an operator before the restart: new calls are refused");
  }
}

function openStore(config: Config): Store {
  return config.store.adapter === "memory" ? new MemoryStore() : new SqliteStore(config.store.path);
}

function trustOf(config: Config): Trust {
  return new Trust(config.nodes.trusted, config.nodes.static.map((node) => node.jid));
}

function directorySettings({ nodes }: Config) {
  const { defaultPlatform, defaultWeight, defaultPriority } = nodes;
  return { defaultPlatform, defaultWeight, defaultPriority };
}

function framerLimits(config: Config) {
  return {
    stanzaBytesMax: config.limits.stanzaBytesMax,
    stanzaBytesHardMax: STANZA_BYTES_HARD_MAX,
    depthMax: STANZA_DEPTH_MAX,
    attributesMax: ATTRIBUTES_MAX,
    nameBytesMax: NAME_BYTES_MAX,
  };
}

function linkView(link: ComponentLink): LinkView {
  const { side, domain, up, reason, since, waitingBytes } = link;
  return { side, domain, up, reason, since: new Date(since).toISOString(), outboxBytes: waitingBytes };
}

function sameNode(
  node: { platforms: string[]; weight: number; priority: number },
  other: typeof node,
): boolean {
  return node.weight === other.weight && node.priority === other.priority &&
    node.platforms.join("\n") === other.platforms.join("\n");
}

function total(counts: Iterable<number>): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}
