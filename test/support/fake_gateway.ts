/**
 * A gateway without a cluster, behind the admin port: small lists that can be set, acts that are remembered and
 * refused as the port says.
 */

import {
  ActFault,
  type ApplicationView,
  type CallView,
  type ClientView,
  type Counters,
  type Gateway,
  type Meter,
  type MixerView,
  type NodeView,
  type Page,
  type StatusView,
  type VerbView,
} from "../../src/admin/gateway.ts";

export function fakeNode(jid: string, more: Partial<NodeView> = {}): NodeView {
  return {
    jid,
    platforms: ["staging"],
    weight: 10,
    priority: 1,
    state: "available",
    reasons: [],
    consecutive_failures: 0,
    calls: 0,
    ejected_until: null,
    blacklisted: false,
    ...more,
  };
}

export function fakeApplication(jid: string, more: Partial<ApplicationView> = {}): ApplicationView {
  return {
    jid,
    app_id: jid.split("@")[0]!,
    name: jid.split("@")[0]!,
    platform: "staging",
    account_id: "",
    permissions: "",
    banned: false,
    addresses: [],
    resources: [],
    ...more,
  };
}

export function fakeCall(id: string, more: Partial<CallView> = {}): CallView {
  return {
    id,
    node: "node1.shakespeare.lit",
    client: "juliet@capulet.lit/balcony",
    application: "juliet@capulet.lit",
    direction: "inbound",
    state: "active",
    started_at: "2026-01-02T03:04:05Z",
    ...more,
  };
}

export class FakeGateway implements Gateway {
  /** What was done, in order: the method's name and its arguments. */
  readonly acts: unknown[][] = [];
  /** Thrown by whatever is called next, once. */
  failNext: Error | null = null;

  reasonsUnready: string[] = [];
  platformNames = ["staging", "production"];
  nodeViews = [
    fakeNode("node1.shakespeare.lit", { platforms: ["production", "staging"], weight: 20, calls: 1 }),
    fakeNode("node2.shakespeare.lit", {
      consecutive_failures: 5,
      blacklisted: true,
      state: "ejected",
      reasons: ["5 failures"],
    }),
  ];
  applicationViews = [
    fakeApplication("juliet@capulet.lit", {
      app_id: "z-juliet",
      permissions: "suc",
      addresses: ["sip:juliet@capulet.lit", "tel:+15550100"],
      resources: ["juliet@capulet.lit/balcony", "juliet@capulet.lit/chamber"],
    }),
    fakeApplication("romeo@montague.lit", { app_id: "a-romeo", platform: "production" }),
  ];
  callViews = [
    fakeCall("c1"),
    fakeCall("c2", { node: "node2.shakespeare.lit", state: "offered" }),
    fakeCall("c3", { direction: "outbound" }),
  ];
  mixerViews: MixerView[] = [{
    name: "ball",
    node: "node1.shakespeare.lit",
    participants: ["c1", "c3"],
    active_verbs: 1,
  }];
  verbViews: VerbView[] = [{ mixer: "ball", id: "v1", client: "juliet@capulet.lit/balcony" }];
  meterList: Meter[] = [{ name: "stanzas_total", kind: "counter", help: "Stanzas relayed", value: 42 }];
  uptimeSeconds = 93_784;
  quiesce_ = false;
  attempts = 3;
  logLevel = "info";

  status(): StatusView {
    this.#maybeFail();
    return {
      name: "gw1",
      version: "0.1.0",
      started_at: "2026-01-01T00:00:00Z",
      uptime_seconds: this.uptimeSeconds,
      links: [{
        side: "external",
        domain: "shakespeare.lit",
        up: true,
        reason: "",
        since: "2026-01-01T00:00:01Z",
        outboxBytes: 7,
      }],
      store: { adapter: "memory", ok: true, reason: "", pending_changes: 0 },
      quiesced: this.quiesce_,
      counters: this.counters(),
    };
  }
  unready(): string[] {
    return this.reasonsUnready;
  }
  counters(): Counters {
    return {
      ActiveCallsCount: 3,
      TotalCallsCount: 30,
      ActiveMixersCount: 1,
      TotalMixersCount: 10,
      ActiveClientsCount: 2,
      TotalClientsCount: 20,
      TotalClientResourcesCount: 25,
      ActiveRayoNodesCount: 2,
      MessagesCount: 5_000_000_000,
      ErrorsCount: 4,
    };
  }
  meters(): Meter[] {
    return this.meterList;
  }

  platforms(): string[] {
    return this.platformNames;
  }
  nodes(): NodeView[] {
    return this.nodeViews;
  }
  node(jid: string): NodeView | null {
    return this.nodeViews.find((node) => node.jid === jid) ?? null;
  }
  applications(): ApplicationView[] {
    return this.applicationViews;
  }
  application(jid: string): ApplicationView | null {
    return this.applicationViews.find((application) => application.jid === jid) ?? null;
  }
  clients(limit: number, cursor: string | null): Page<ClientView> {
    const all = this.applicationViews.flatMap(({ jid: application, platform, resources }) =>
      resources.map((jid) => ({ jid, application, platform, calls: 1 }))
    );
    return page(all, (client) => client.jid, limit, cursor);
  }
  activeClients(): string[] {
    return this.applicationViews.filter(({ resources }) => resources.length > 0).map(({ jid }) => jid);
  }
  calls(limit: number, cursor: string | null): Page<CallView> {
    return page(this.callViews, (call) => call.id, limit, cursor);
  }
  call(id: string): CallView | null {
    return this.callViews.find((call) => call.id === id) ?? null;
  }
  callsOfNode(jid: string, limit: number): CallView[] {
    return this.callViews.filter((call) => call.node === jid).slice(0, limit);
  }
  mixers(): MixerView[] {
    return this.mixerViews;
  }
  mixer(name: string): MixerView | null {
    return this.mixerViews.find((mixer) => mixer.name === name) ?? null;
  }
  verbs(mixer: string): VerbView[] {
    return this.verbViews.filter((verb) => verb.mixer === mixer);
  }
  quiesced(): boolean {
    return this.quiesce_;
  }
  dialAttemptsMax(): number {
    return this.attempts;
  }

  async registerApplication(
    row: { jid: string; name: string; platform: string; permissions: string },
  ): Promise<void> {
    this.#act("registerApplication", row);
    if (this.application(row.jid) !== null) {
      throw new ActFault("application-exists", `the application "${row.jid}" exists`);
    }
    const { name, platform, permissions } = row;
    this.applicationViews = [
      ...this.applicationViews,
      fakeApplication(row.jid, { app_id: name, name, platform, permissions }),
    ];
  }
  async unregisterApplication(jid: string): Promise<void> {
    this.#act("unregisterApplication", jid);
    this.#known(jid);
    this.applicationViews = this.applicationViews.filter((application) => application.jid !== jid);
  }
  async registerAddress(jid: string, address: string): Promise<void> {
    this.#act("registerAddress", jid, address);
    const application = this.#known(jid);
    if (address.includes(" ")) throw new ActFault("invalid", `"${address}" is not an address`);
    if (!application.addresses.includes(address)) application.addresses.push(address);
  }
  async unregisterAddress(address: string): Promise<boolean> {
    this.#act("unregisterAddress", address);
    const owner = this.applicationViews.find(({ addresses }) => addresses.includes(address));
    if (owner === undefined) return false;
    owner.addresses = owner.addresses.filter((own) => own !== address);
    return true;
  }
  async ban(jid: string): Promise<void> {
    this.#act("ban", jid);
    for (const application of this.applicationViews) if (application.jid === jid) application.banned = true;
  }
  async unban(jid: string): Promise<void> {
    this.#act("unban", jid);
    for (const application of this.applicationViews) if (application.jid === jid) application.banned = false;
  }
  async quiesce(on: boolean): Promise<void> {
    this.#act("quiesce", on);
    this.quiesce_ = on;
  }
  async blacklist(platform: string, jid: string, on: boolean): Promise<void> {
    this.#act("blacklist", platform, jid, on);
    if (!this.platformNames.includes(platform)) {
      throw new ActFault("platform-not-found", `there is no platform "${platform}"`);
    }
    const node = this.node(jid);
    if (node === null || !node.platforms.includes(platform)) {
      throw new ActFault("node-not-found", `there is no node "${jid}"`);
    }
    node.blacklisted = on;
    node.consecutive_failures = 0;
  }
  async removeNode(jid: string): Promise<void> {
    this.#act("removeNode", jid);
    if (this.node(jid) === null) throw new ActFault("node-not-found", `there is no node "${jid}"`);
    this.nodeViews = this.nodeViews.filter((node) => node.jid !== jid);
  }
  async setDialAttemptsMax(attempts: number): Promise<void> {
    this.#act("setDialAttemptsMax", attempts);
    if (attempts < 1) throw new ActFault("invalid", `dial attempts must be at least 1, not ${attempts}`);
    this.attempts = attempts;
  }
  setLogLevel(level: "debug" | "info" | "warn" | "error"): void {
    this.#act("setLogLevel", level);
    this.logLevel = level;
  }

  #act(...act: unknown[]): void {
    this.acts.push(act);
    this.#maybeFail();
  }

  #maybeFail(): void {
    const fault = this.failNext;
    this.failNext = null;
    if (fault !== null) throw fault;
  }

  #known(jid: string): ApplicationView {
    const application = this.application(jid);
    if (application === null) throw new ActFault("application-not-found", `there is no application "${jid}"`);
    return application;
  }
}

function page<T>(all: T[], key: (item: T) => string, limit: number, cursor: string | null): Page<T> {
  const rest = cursor === null ? all : all.filter((item) => key(item) > cursor);
  const items = rest.slice(0, limit);
  return { items, cursor: items.length < rest.length ? key(items.at(-1)!) : null };
}
