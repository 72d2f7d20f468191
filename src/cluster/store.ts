/**
 * The Store port: what outlives the process. Adapters live in store/; routing never sees one.
 *
 * The directory in memory is the truth while the process runs; the store is written behind it in batches, in
 * order. Administrative changes are awaited (DC39), call state is not. Adapters may be far away and slow.
 */

export interface ApplicationRow {
  /** Bare JID, folded. */
  jid: string;
  appId: string;
  name: string;
  platform: string;
  accountId: string;
  /** One-letter features, e.g. "suc". */
  permissions: string;
}

export interface AddressRow {
  /** Exact text, e.g. `sip:usera@example.net`. */
  address: string;
  /** Bare JID of its application. */
  jid: string;
}

export interface NodeRow {
  /** Domain, folded. */
  jid: string;
  platforms: string[];
  weight: number;
  priority: number;
  /** Came with `node-info`: a Java node. */
  javaNode: boolean;
  /** Its last word: available, quiesced (dnd, away, xa) or unreachable. */
  state: "available" | "quiesced" | "unreachable";
  blacklisted: boolean;
  consecutiveErrors: number;
}

export interface ClientRow {
  /** Full JID, canonical. */
  jid: string;
  /** Arrival order within its application. */
  order: number;
}

export interface CallRow {
  /** The call's slot: a small number, unique among live calls, reused afterwards. */
  slot: number;
  /** Domain that the call's JID has at its node (the node's own or a sub-domain of it). */
  domain: string;
  /** The call's id at its node, the node's letters. */
  id: string;
  /** The local part clients know, where it differs from `id`; else "". */
  publicId: string;
  /** Application, bare JID. */
  application: string;
  /** Full JIDs: the controlling party first if there is one (`controlled`), then those offered. */
  parties: string[];
  controlled: boolean;
  accepted: boolean;
  outbound: boolean;
  /** Milliseconds since 1970. */
  startedAt: number;
}

export interface MixerRow {
  /** Local part at its node, lower case; unique among live mixers. */
  name: string;
  /** As the client wrote it who came first. */
  publicName: string;
  /** Whose it is, bare JID; "" if anybody's. */
  application: string;
  /** Domain that the mixer's JID has at its node. */
  domain: string;
  /** Slots of the calls in it. */
  participants: number[];
  /** Full JIDs of those who were told of it. */
  told: string[];
  /** Components on it: id and full JID of who started it. */
  verbs: [id: string, jid: string][];
  /** Full JIDs of those who want no more events of it. */
  filters: string[];
  /** Full JID and the name in its letters, where they are not those of `publicName`. */
  letters: [jid: string, name: string][];
}

export type Change =
  | { kind: "application"; row: ApplicationRow }
  | { kind: "application-gone"; jid: string }
  | { kind: "address"; row: AddressRow }
  | { kind: "address-gone"; address: string }
  | { kind: "node"; row: NodeRow }
  | { kind: "node-gone"; jid: string }
  | { kind: "client"; row: ClientRow }
  | { kind: "client-gone"; jid: string }
  /** Insert or replace the row of that slot. */
  | { kind: "call"; row: CallRow }
  | { kind: "call-gone"; slot: number; domain: string; id: string }
  /** Insert or replace the mixer of that name. */
  | { kind: "mixer"; row: MixerRow }
  | { kind: "mixer-gone"; name: string }
  | { kind: "ban"; jid: string }
  | { kind: "ban-gone"; jid: string }
  /** A platform that was ever named (D8). */
  | { kind: "platform"; name: string }
  /** Small values that outlive a restart, e.g. `quiesced`. */
  | { kind: "setting"; name: string; value: string };

/** Everything that was stored, in stored order. */
export interface Snapshot {
  applications: ApplicationRow[];
  addresses: AddressRow[];
  nodes: NodeRow[];
  clients: ClientRow[];
  calls: CallRow[];
  mixers: MixerRow[];
  bans: string[];
  platforms: string[];
  settings: Record<string, string>;
}

/** What a store knows that has never been written to. */
export function emptySnapshot(): Snapshot {
  return {
    applications: [],
    addresses: [],
    nodes: [],
    clients: [],
    calls: [],
    mixers: [],
    bans: [],
    platforms: [],
    settings: {},
  };
}

export interface Store {
  /** For logs and status: `memory`, `sqlite`, … */
  readonly adapter: string;
  /** Opens, migrates, reads everything. Rejects with a StoreFault whose message is a sentence for the operator. */
  open(): Promise<Snapshot>;
  /**
   * Makes the changes durable, in order, all or none. Calls may overlap; they are applied in call order. Rejects
   * with a StoreFault when it could not; the caller keeps the batch and tries again.
   */
  write(batch: readonly Change[]): Promise<void>;
  /** Finishes what was begun and lets go of files and locks. Idempotent. */
  close(): Promise<void>;
}

/** A store that cannot be opened or written; `message` is one sentence an operator can act on. */
export class StoreFault extends Error {
  override readonly name = "StoreFault";
  /** False where trying again cannot help (newer file format, locked by another gateway). */
  readonly retry: boolean;
  constructor(message: string, retry: boolean) {
    super(message);
    this.retry = retry;
  }
}
