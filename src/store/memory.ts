/**
 * A store for tests, trials and gateways that may forget: nothing outlives the process.
 *
 * The same object opened again returns what was written (unless told not to keep), so that a restart can be
 * played through without a file. It is also the plainest statement of what a Change means: the contract suite
 * holds every other adapter to the same behaviour (spec §1.2).
 *
 * Never fails and never waits for anything.
 */
import {
  type AddressRow,
  type ApplicationRow,
  type CallRow,
  type Change,
  type ClientRow,
  type MixerRow,
  type NodeRow,
  type Snapshot,
  type Store,
  StoreFault,
} from "../cluster/store.ts";

export class MemoryStore implements Store {
  readonly adapter = "memory";
  readonly #keep: boolean;
  #open = false;
  /** A Map keeps a replaced row in its place, which is the order every adapter promises. */
  readonly #applications = new Map<string, ApplicationRow>();
  readonly #addresses = new Map<string, AddressRow>();
  readonly #nodes = new Map<string, NodeRow>();
  readonly #clients = new Map<string, ClientRow>();
  readonly #calls = new Map<number, CallRow>();
  readonly #mixers = new Map<string, MixerRow>();
  readonly #bans = new Set<string>();
  readonly #platforms = new Set<string>();
  readonly #settings = new Map<string, string>();

  /** `keep: false` writes nowhere: a million calls need not be held twice where nobody will read them again. */
  constructor({ keep = true }: { keep?: boolean } = {}) {
    this.#keep = keep;
  }

  open(): Promise<Snapshot> {
    this.#open = true;
    // Copies: what the caller does to its snapshot must not change what is stored.
    return Promise.resolve(structuredClone({
      applications: [...this.#applications.values()],
      addresses: [...this.#addresses.values()],
      nodes: [...this.#nodes.values()],
      clients: [...this.#clients.values()],
      calls: [...this.#calls.values()].sort((a, b) => a.slot - b.slot),
      mixers: [...this.#mixers.values()],
      bans: [...this.#bans],
      platforms: [...this.#platforms],
      settings: Object.fromEntries(this.#settings),
    }));
  }

  write(batch: readonly Change[]): Promise<void> {
    if (!this.#open) return Promise.reject(new StoreFault("the memory store is not open", false));
    if (this.#keep) { for (const change of batch) this.#apply(structuredClone(change)); }
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#open = false;
    return Promise.resolve();
  }

  #apply(change: Change): void {
    switch (change.kind) {
      case "application":
        this.#applications.set(change.row.jid, change.row);
        return;
      case "application-gone": // D18: its addresses go with it, its clients and calls stay
        this.#applications.delete(change.jid);
        for (const { address, jid } of this.#addresses.values()) {
          if (jid === change.jid) this.#addresses.delete(address);
        }
        return;
      case "address": // D19, BUG 21: one owner at a time
        this.#addresses.set(change.row.address, change.row);
        return;
      case "address-gone":
        this.#addresses.delete(change.address);
        return;
      case "node":
        this.#nodes.set(change.row.jid, change.row);
        return;
      case "node-gone": // D3: its calls and its platforms' names stay
        this.#nodes.delete(change.jid);
        return;
      case "client":
        this.#clients.set(change.row.jid, change.row);
        return;
      case "client-gone":
        this.#clients.delete(change.jid);
        return;
      case "call":
        this.#calls.set(change.row.slot, change.row);
        return;
      case "call-gone": // the slot alone decides
        this.#calls.delete(change.slot);
        return;
      case "mixer":
        this.#mixers.set(change.row.name, change.row);
        return;
      case "mixer-gone":
        this.#mixers.delete(change.name);
        return;
      case "ban":
        this.#bans.add(change.jid);
        return;
      case "ban-gone":
        this.#bans.delete(change.jid);
        return;
      case "platform": // D8: never removed
        this.#platforms.add(change.name);
        return;
      case "setting":
        this.#settings.set(change.name, change.value);
        return;
    }
  }
}
