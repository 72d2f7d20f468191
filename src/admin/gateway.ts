/**
 * What people can see of the gateway and do to it: the port between the HTTP faces (Jolokia, REST, metrics) and
 * the gateway itself. Reads are synchronous and pure; acts that must be durable are awaited (DC39).
 *
 * Spec pages 4 and 9.4.
 */

export interface LinkView {
  side: "external" | "internal";
  domain: string;
  up: boolean;
  /** Why it is down, "" when up. */
  reason: string;
  /** RFC 3339, since when it is up or down. */
  since: string;
  /** Bytes waiting to be written. */
  outboxBytes: number;
}

export interface StatusView {
  name: string;
  version: string;
  /** RFC 3339. */
  started_at: string;
  uptime_seconds: number;
  links: LinkView[];
  store: { adapter: string; ok: boolean; reason: string; pending_changes: number };
  quiesced: boolean;
  counters: Counters;
}

/** §4.3; names as in GatewayStatistics. */
export interface Counters {
  ActiveCallsCount: number;
  TotalCallsCount: number;
  ActiveMixersCount: number;
  TotalMixersCount: number;
  ActiveClientsCount: number;
  TotalClientsCount: number;
  TotalClientResourcesCount: number;
  ActiveRayoNodesCount: number;
  MessagesCount: number;
  ErrorsCount: number;
}

export type NodeState = "available" | "draining" | "quiesced" | "disabled" | "ejected" | "unreachable";

export interface NodeView {
  jid: string;
  platforms: string[];
  weight: number;
  priority: number;
  state: NodeState;
  reasons: string[];
  consecutive_failures: number;
  /** Live calls. */
  calls: number;
  /** RFC 3339 or null. */
  ejected_until: string | null;
  /** The blacklist bit of §3.3 (failures or an operator). */
  blacklisted: boolean;
}

export interface ApplicationView {
  jid: string;
  app_id: string;
  name: string;
  platform: string;
  account_id: string;
  permissions: string;
  banned: boolean;
  addresses: string[];
  /** Registered full JIDs in arrival order. */
  resources: string[];
}

export interface ClientView {
  /** Full JID. */
  jid: string;
  application: string;
  platform: string;
  calls: number;
}

export interface CallView {
  /** The id clients know. */
  id: string;
  node: string;
  /** Controlling resource (full JID); of an offered call the resource asked last. */
  client: string;
  application: string;
  direction: "inbound" | "outbound";
  state: "offered" | "dialing" | "active";
  /** RFC 3339. */
  started_at: string;
}

export interface MixerView {
  name: string;
  node: string;
  participants: string[];
  active_verbs: number;
}

export interface VerbView {
  mixer: string;
  id: string;
  /** Full JID of who started it. */
  client: string;
}

/** A page of a list; `cursor` continues it, null at its end (DC47). */
export interface Page<T> {
  items: T[];
  cursor: string | null;
}

export interface Meter {
  /** Without the `rayo_gateway_` in front; with labels where needed: `stanzas_total{side="external"}`. */
  name: string;
  kind: "counter" | "gauge";
  help: string;
  value: number;
}

export interface Gateway {
  status(): StatusView;
  /** Reasons why the gateway is not ready (a link down, the store failing); empty: ready. */
  unready(): string[];
  counters(): Counters;
  meters(): Meter[];

  platforms(): string[];
  /** Each node once (BUG 33), sorted by JID. */
  nodes(): NodeView[];
  node(jid: string): NodeView | null;
  /** Sorted by JID. */
  applications(): ApplicationView[];
  application(jid: string): ApplicationView | null;
  clients(limit: number, cursor: string | null): Page<ClientView>;
  /** Distinct bare JIDs with a registered resource, sorted. */
  activeClients(): string[];
  calls(limit: number, cursor: string | null): Page<CallView>;
  call(id: string): CallView | null;
  /** Calls on one node, at most `limit`. */
  callsOfNode(jid: string, limit: number): CallView[];
  mixers(): MixerView[];
  mixer(name: string): MixerView | null;
  verbs(mixer: string): VerbView[];
  quiesced(): boolean;
  dialAttemptsMax(): number;

  /** Durable when the promise resolves. Rejects with an ActFault. */
  registerApplication(
    row: { jid: string; name: string; platform: string; permissions: string },
  ): Promise<void>;
  unregisterApplication(jid: string): Promise<void>;
  registerAddress(jid: string, address: string): Promise<void>;
  /** Resolves to false when nobody had that address. */
  unregisterAddress(address: string): Promise<boolean>;
  ban(jid: string): Promise<void>;
  unban(jid: string): Promise<void>;
  quiesce(on: boolean): Promise<void>;
  /** §3.3: sets or lifts the flag and resets the failure count. */
  blacklist(platform: string, node: string, on: boolean): Promise<void>;
  /** Forgets a node; its calls stay routable until they end. */
  removeNode(jid: string): Promise<void>;
  setDialAttemptsMax(attempts: number): Promise<void>;
  setLogLevel(level: "debug" | "info" | "warn" | "error"): void;
}

/** Why an act was refused; mapped to an HTTP status by REST and to a Java exception by Jolokia. */
export class ActFault extends Error {
  override readonly name = "ActFault";
  readonly kind:
    | "application-exists"
    | "application-not-found"
    | "node-not-found"
    | "platform-not-found"
    | "invalid"
    | "store";
  constructor(kind: ActFault["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}
