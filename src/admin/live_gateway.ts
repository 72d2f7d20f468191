/**
 * The port of gateway.ts on the living gateway: reads straight from the directory, acts that are durable before they
 * are done (DC39). One act at a time, so that two of them cannot both find a name free.
 */
import type { Log, LogLevel } from "../base/log.ts";
import type { Application } from "../cluster/application.ts";
import type { Mixer } from "../cluster/mixer.ts";
import type { Node } from "../cluster/node.ts";
import { type Change, StoreFault } from "../cluster/store.ts";
import { canonicalJid } from "../xmpp/jid.ts";
import { applicationBanned } from "../routing/departure.ts";
import type { Exchange } from "../routing/exchange.ts";
import {
  ActFault,
  type ApplicationView,
  type CallView,
  type ClientView,
  type Counters,
  type Gateway,
  type LinkView,
  type Meter,
  type MixerView,
  type NodeView,
  type Page,
  type StatusView,
  type VerbView,
} from "./gateway.ts";
import { gatewayMeters } from "./live_meters.ts";
import { applicationView, callView, mixerView, nodeView, verbViews } from "./live_views.ts";

/** What the gateway knows of parts that live beside this folder. */
export interface Surroundings {
  name: string;
  version: string;
  links(): LinkView[];
  store(): StatusView["store"];
  /** Stanzas dropped by the outlets, by class. */
  outletDrops(): number;
  /** Makes changes durable; rejects with a StoreFault. */
  commit(changes: Change[]): Promise<void>;
}

export class LiveGateway implements Gateway {
  readonly #ex: Exchange;
  readonly #around: Surroundings;
  readonly #log: Log;
  readonly #startedAt: number;
  #acts: Promise<unknown> = Promise.resolve();

  constructor(exchange: Exchange, around: Surroundings, log: Log) {
    this.#ex = exchange;
    this.#around = around;
    this.#log = log;
    this.#startedAt = exchange.clock.wall();
  }

  // ── reads ──────────────────────────────────────────────────────────────────────────────────────────────────

  status(): StatusView {
    const now = this.#ex.clock.wall();
    return {
      name: this.#around.name,
      version: this.#around.version,
      started_at: new Date(this.#startedAt).toISOString(),
      uptime_seconds: Math.floor((now - this.#startedAt) / 1000),
      links: this.#around.links(),
      store: this.#around.store(),
      quiesced: this.quiesced(),
      counters: this.counters(),
    };
  }

  unready(): string[] {
    const reasons: string[] = [];
    for (const link of this.#around.links()) {
      if (!link.up) reasons.push(`the ${link.side} link for "${link.domain}" is down: ${link.reason}`);
    }
    const store = this.#around.store();
    if (!store.ok) reasons.push(`the store fails: ${store.reason}`);
    return reasons;
  }

  counters(): Counters {
    const { directory, meters } = this.#ex;
    return {
      ActiveCallsCount: directory.calls.size,
      TotalCallsCount: directory.totals.calls,
      ActiveMixersCount: this.#madeMixers().length,
      TotalMixersCount: directory.mixers.total,
      ActiveClientsCount: this.activeClients().length,
      TotalClientsCount: directory.totals.clients,
      TotalClientResourcesCount: directory.totals.resources,
      ActiveRayoNodesCount: directory.enrolledNodes().filter((node) => node.state !== "unreachable").length,
      MessagesCount: meters.messages,
      ErrorsCount: meters.errors,
    };
  }

  meters(): Meter[] {
    return gatewayMeters(this.#ex, this.counters(), this.#around);
  }

  platforms(): string[] {
    return [...this.#ex.directory.platforms.keys()].sort();
  }

  nodes(): NodeView[] {
    return this.#ex.directory.enrolledNodes().map(nodeView).sort((a, b) => a.jid < b.jid ? -1 : 1);
  }

  node(jid: string): NodeView | null {
    const node = this.#node(jid);
    return node === null ? null : nodeView(node);
  }

  applications(): ApplicationView[] {
    return [...this.#ex.directory.applications.values()].map((application) =>
      applicationView(this.#ex.directory, application)
    )
      .sort((a, b) => a.jid < b.jid ? -1 : 1);
  }

  application(jid: string): ApplicationView | null {
    const application = this.#ex.directory.applications.get(canonicalJid(jid)?.bare ?? "");
    return application === undefined ? null : applicationView(this.#ex.directory, application);
  }

  clients(limit: number, cursor: string | null): Page<ClientView> {
    const { directory } = this.#ex;
    const items: ClientView[] = [];
    const end = directory.resourcesEnd;
    let at = cursorOf(cursor);
    for (; at < end && items.length < limit; at++) {
      const resource = directory.resource(at);
      if (resource === null || !resource.registered) continue;
      const { platform } = resource.application!;
      items.push({ jid: resource.jid, application: resource.bare, platform, calls: resource.calls });
    }
    return { items, cursor: at < end ? String(at) : null };
  }

  activeClients(): string[] {
    const { applications } = this.#ex.directory;
    return [...applications.values()].filter((a) => a.resources.length > 0).map((a) => a.jid).sort();
  }

  calls(limit: number, cursor: string | null): Page<CallView> {
    const { calls } = this.#ex.directory;
    const items: CallView[] = [];
    const end = calls.slotsEnd;
    let slot = cursorOf(cursor);
    for (; slot < end && items.length < limit; slot++) {
      if (calls.isLive(slot)) items.push(callView(this.#ex.directory, slot));
    }
    return { items, cursor: slot < end ? String(slot) : null };
  }

  call(id: string): CallView | null {
    const bytes = Buffer.from(id);
    const slot = this.#ex.directory.calls.findPublic(bytes, 0, bytes.length);
    return slot < 0 ? null : callView(this.#ex.directory, slot);
  }

  callsOfNode(jid: string, limit: number): CallView[] {
    const views: CallView[] = [];
    const node = this.#ex.directory.nodeByJid(jid);
    if (node === null) return views;
    const { calls } = this.#ex.directory;
    for (let slot = node.callsHead; slot >= 0 && views.length < limit; slot = calls.nextOfNode(slot)) {
      views.push(callView(this.#ex.directory, slot));
    }
    return views;
  }

  mixers(): MixerView[] {
    const { directory } = this.#ex;
    return this.#madeMixers().map((mixer) => mixerView(directory, mixer));
  }
  mixer(name: string): MixerView | null {
    const mixer = this.#mixer(name);
    return mixer === null ? null : mixerView(this.#ex.directory, mixer);
  }
  verbs(name: string): VerbView[] {
    const mixer = this.#mixer(name);
    return mixer === null ? [] : verbViews(mixer);
  }

  quiesced(): boolean {
    return this.#ex.directory.quiesced;
  }

  dialAttemptsMax(): number {
    return this.#ex.settings.dialAttemptsMax;
  }

  // ── acts ───────────────────────────────────────────────────────────────────────────────────────────────────

  registerApplication(
    given: { jid: string; name: string; platform: string; permissions: string },
  ): Promise<void> {
    return this.#act(async () => {
      const jid = bareJid(given.jid);
      const { directory } = this.#ex;
      if (directory.applications.has(jid)) {
        throw new ActFault("application-exists", `the application "${jid}" is registered already`);
      }
      const { name, platform, permissions } = given;
      const row = { jid, appId: name, name, platform, accountId: "", permissions };
      await this.#around.commit([{ kind: "application", row }]);
      directory.addApplication(row);
      this.#log.info("application registered", { application: jid, platform });
    });
  }

  unregisterApplication(given: string): Promise<void> {
    return this.#act(async () => {
      const application = this.#application(given);
      await this.#around.commit([{ kind: "application-gone", jid: application.jid }]);
      this.#ex.directory.removeApplication(application);
      this.#log.info("application unregistered", { application: application.jid });
    });
  }

  registerAddress(jid: string, address: string): Promise<void> {
    return this.#act(async () => {
      const application = this.#application(jid);
      if (address === "") throw new ActFault("invalid", "an address cannot be empty");
      await this.#around.commit([{ kind: "address", row: { address, jid: application.jid } }]);
      this.#ex.directory.setAddress(address, application);
      this.#log.info("address registered", { address, application: application.jid });
    });
  }

  unregisterAddress(address: string): Promise<boolean> {
    return this.#act(async () => {
      const { directory } = this.#ex;
      if (directory.addresses.owner(address) === undefined) return false;
      await this.#around.commit([{ kind: "address-gone", address }]);
      directory.removeAddress(address);
      this.#log.info("address unregistered", { address });
      return true;
    });
  }

  /** Its resources leave, its running calls are hung up, and nothing of it is listened to (4.1). */
  ban(given: string): Promise<void> {
    return this.#act(async () => {
      const jid = bareJid(given);
      const { directory } = this.#ex;
      await this.#around.commit([{ kind: "ban", jid }]);
      directory.bans.add(jid);
      const ended = applicationBanned(this.#ex, jid);
      this.#log.warn("application banned", { application: jid, calls_ended: ended });
    });
  }

  unban(given: string): Promise<void> {
    return this.#act(async () => {
      const jid = bareJid(given);
      if (!this.#ex.directory.bans.has(jid)) return;
      await this.#around.commit([{ kind: "ban-gone", jid }]);
      this.#ex.directory.bans.delete(jid);
      this.#log.info("application unbanned", { application: jid });
    });
  }

  quiesce(on: boolean): Promise<void> {
    return this.#act(async () => {
      await this.#around.commit([{ kind: "setting", name: "quiesced", value: String(on) }]);
      this.#ex.directory.quiesced = on;
      this.#log.warn(on ? "quiesced: new calls are refused" : "quiesce is over: new calls are taken");
    });
  }

  blacklist(platform: string, jid: string, on: boolean): Promise<void> {
    return this.#act(async () => {
      const { directory } = this.#ex;
      if (!directory.platforms.has(platform)) {
        throw new ActFault("platform-not-found", `there is no platform "${platform}"`);
      }
      const node = this.#node(jid);
      if (node === null || !node.platforms.includes(platform)) {
        throw new ActFault("node-not-found", `there is no node "${jid}" on platform "${platform}"`);
      }
      const before = { blacklisted: node.blacklisted, consecutiveErrors: node.consecutiveErrors };
      await this.#around.commit([{
        kind: "node",
        row: { ...directory.nodeRow(node), blacklisted: on, consecutiveErrors: 0 },
      }]);
      node.blacklisted = on;
      node.consecutiveErrors = 0;
      directory.noteNode(node); // it may have said something while the store was writing
      if (before.blacklisted !== on) {
        this.#log.warn(on ? "node blacklisted" : "node taken back", { node: node.jid });
      }
    });
  }

  removeNode(jid: string): Promise<void> {
    return this.#act(async () => {
      const node = this.#node(jid);
      if (node === null) throw new ActFault("node-not-found", `there is no node "${jid}"`);
      await this.#around.commit([{ kind: "node-gone", jid: node.jid }]);
      this.#ex.directory.removeNode(node);
      this.#log.warn("node removed", { node: node.jid, calls: node.calls });
    });
  }

  setDialAttemptsMax(attempts: number): Promise<void> {
    return this.#act(async () => {
      await this.#around.commit([{ kind: "setting", name: "dial_attempts_max", value: String(attempts) }]);
      this.#ex.settings.dialAttemptsMax = attempts;
      this.#log.info("dial attempts", { max: attempts });
    });
  }

  setLogLevel(level: LogLevel): void {
    this.#log.level = level;
  }

  #act<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#acts.then(act).catch((error) => {
      if (error instanceof StoreFault) throw new ActFault("store", error.message);
      throw error;
    });
    this.#acts = done.catch(() => {});
    return done;
  }

  #madeMixers(): Mixer[] {
    return [...this.#ex.directory.mixers.all()].filter((mixer) => mixer.made);
  }

  /** By the name its node knows, which is unique; else by the clients' name, of several applications' the first. */
  #mixer(name: string): Mixer | null {
    const exact = this.#ex.directory.mixers.named(name);
    if (exact?.made === true) return exact;
    const folded = name.toLowerCase();
    return this.#madeMixers().find((mixer) => mixer.name.toLowerCase() === folded) ?? null;
  }

  #node(jid: string): Node | null {
    const node = this.#ex.directory.nodeByJid(canonicalJid(jid)?.domain ?? "");
    return node?.enrolled === true ? node : null;
  }

  #application(given: string): Application {
    const jid = bareJid(given);
    const application = this.#ex.directory.applications.get(jid);
    if (application === undefined) {
      throw new ActFault("application-not-found", `there is no application "${jid}"`);
    }
    return application;
  }
}

function bareJid(given: string): string {
  const jid = canonicalJid(given);
  if (jid === null || jid.local === "" || jid.resource !== "") {
    throw new ActFault("invalid", `"${given}" is not a bare JID (user@domain)`);
  }
  return jid.bare;
}

function cursorOf(cursor: string | null): number {
  return cursor !== null && /^\d{1,9}$/.test(cursor) ? Number(cursor) : 0;
}
