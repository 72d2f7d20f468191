/**
 * Keeps a store in step with the directory in memory, behind it and off the hot path (DC39).
 *
 * Two doors. `note` is for what has already happened (calls, presence): it costs a Map entry and is written with its
 * neighbours a few milliseconds later. `commit` is for what is about to happen (administration): it is written first
 * and applied to memory by the caller only when it resolved.
 *
 * One batch is under way at a time, and batches keep the order of what they hold. Changes of one key meet in one: the
 * last stands, and a row that came and went before the store ever saw it costs nothing. So while the store is away
 * what waits is bounded by what is alive, however long that takes (DC40).
 *
 * Never reads from the store after open(), never blocks, never gives up: only flush() and commit() report a failure.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { type Change, type Snapshot, type Store, StoreFault } from "../cluster/store.ts";
import { SlotSet } from "./slot_set.ts";

/** From the first change noted to its batch: leaves 5 of DC39's 20 ms for the write itself. */
const DELAY_MS = 15;
/** Turning more than this into one message would be felt on the data path. */
const BATCH_CHANGES_MAX = 2_000;
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;
/** A write that takes longer than this is not going to end well: say so while it lasts. */
const STALL_MS = 5_000;

/** The setting that is written to see whether the store takes writes again. */
const PROBE = "store.probed_at";

/** Calls are keyed by their slot, everything else by kind and name. */
type Key = number | string;

/** Waits in line with the changes noted before it; without changes it is a mark that the line got this far. */
interface Commit {
  kind: "commit";
  changes: readonly Change[];
  resolve: () => void;
  reject: (fault: StoreFault) => void;
}

type Entry = Change | Commit;

export class Mirror {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log | undefined;
  /** Noted, not yet sent; the order of the Map is the order of writing. */
  #waiting = new Map<Key, Entry>();
  /** The batch under way, or the one that failed and goes first next time. */
  #batch = new Map<Key, Entry>();
  #sending = false;
  #sentAt = 0;
  /** The next batch need not wait for its delay. */
  #due = false;
  #timer: Timer | undefined;
  /** Rows that the store may hold: what is not here need not be removed there. Never too small, sometimes too large. */
  readonly #heldCalls = new SlotSet();
  readonly #held = new Set<string>();
  #commits = 0;
  #fault: StoreFault | undefined;
  #retryMs = RETRY_MS_MIN;
  #closed = false;

  constructor(store: Store, clock: Clock, log?: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /** Opens the store; rejects with its StoreFault. */
  async open(): Promise<Snapshot> {
    const snapshot = await this.#store.open();
    delete snapshot.settings[PROBE];
    for (const { slot } of snapshot.calls) this.#heldCalls.add(slot);
    for (const { address } of snapshot.addresses) this.#held.add("address " + address);
    for (const { jid } of snapshot.nodes) this.#held.add("node " + jid);
    for (const { jid } of snapshot.clients) this.#held.add("client " + jid);
    for (const { name } of snapshot.mixers) this.#held.add("mixer " + name);
    for (const jid of snapshot.bans) this.#held.add("ban " + jid);
    return snapshot;
  }

  /** What happened, to be stored soon. The row is read when it is sent: do not reuse it for another. */
  note(change: Change): void {
    if (this.#closed) return;
    const waiting = this.#waiting;
    const key = keyOf(change);
    if (typeof key === "number") {
      // The hot path. Calls depend on nothing else, so an entry that is there may stay in its place.
      if (change.kind === "call" || this.#heldCalls.has(key)) waiting.set(key, change);
      else waiting.delete(key);
    } else {
      // To the end of the line: an application's end takes its addresses along, so order among keys matters.
      waiting.delete(key);
      if (!isRemoval(change) || this.#held.has(key)) waiting.set(key, change);
    }
    if (this.#timer === undefined && !this.#due && waiting.size > 0) this.#wake(DELAY_MS);
  }

  /**
   * Resolves when the changes, and everything noted before, are durable; they go together or not at all. Rejects with
   * a StoreFault when this attempt failed, or another one before their turn came: they are then taken out of the line
   * and will not be tried again, while what was noted will. The caller applies them to memory after success only.
   */
  commit(changes: readonly Change[]): Promise<void> {
    if (this.#closed) return Promise.reject(new StoreFault("the store is closed", false));
    return this.#enqueue(changes);
  }

  /** Resolves when everything noted so far is durable; rejects, without trying again, if an attempt fails. */
  async flush(): Promise<void> {
    if (this.pendingChanges > 0) await this.#enqueue([]);
  }

  /** Writes what waits, then closes the store even if that failed. Rejects with what could not be written. */
  async close(): Promise<void> {
    this.#closed = true;
    try {
      await this.flush();
    } finally {
      this.#timer?.cancel();
      await this.#store.close();
    }
  }

  /** False from a failed write to the next good one, and while a write hangs. */
  get ok(): boolean {
    return this.reason === "";
  }

  /** Why not `ok`, in one sentence; else "". */
  get reason(): string {
    if (this.#fault !== undefined) return this.#fault.message;
    const ms = this.#sending ? this.#clock.now() - this.#sentAt : 0;
    return ms < STALL_MS
      ? ""
      : `the ${this.#store.adapter} store has not answered for ${Math.floor(ms / 1000)} s`;
  }

  /** Not yet durable. */
  get pendingChanges(): number {
    return this.#batch.size + this.#waiting.size;
  }

  #enqueue(changes: readonly Change[]): Promise<void> {
    return new Promise((resolve, reject) => {
      // Under a key of its own: taking it back must leave no trace in what was noted for the same row.
      this.#waiting.set(`commit ${this.#commits++}`, { kind: "commit", changes, resolve, reject });
      this.#hold(changes); // what is noted from now on comes after it
      // At once, even while the store is failing: whoever asks deserves today's answer.
      this.#due = true;
      this.#send();
    });
  }

  #wake(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(ms, () => {
      this.#timer = undefined;
      this.#send();
    });
  }

  #send(): void {
    if (this.#sending) {
      this.#due = true;
      return;
    }
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#fill();
    const changes: Change[] = [];
    for (const entry of this.#batch.values()) {
      if (entry.kind !== "commit") changes.push(entry);
      else for (const change of entry.changes) changes.push(change);
    }
    if (changes.length === 0) {
      if (this.#fault === undefined) return this.#finished();
      // Nothing to write, but only a write can tell that the store is well again; `ok` must not wait for a call.
      changes.push({ kind: "setting", name: PROBE, value: new Date(this.#clock.wall()).toISOString() });
    }
    this.#hold(changes);
    this.#sending = true;
    this.#sentAt = this.#clock.now();
    this.#store.write(changes).then(() => this.#succeeded(), (error) => this.#failed(error));
  }

  /** What failed goes first, but for what has been overtaken since; else the head of the line. */
  #fill(): void {
    if (this.#batch.size > 0) {
      for (const key of this.#batch.keys()) if (this.#waiting.has(key)) this.#batch.delete(key);
      if (this.#batch.size > 0) return;
    }
    if (this.#waiting.size <= BATCH_CHANGES_MAX) {
      [this.#batch, this.#waiting] = [this.#waiting, this.#batch];
      this.#due = false;
      return;
    }
    for (const [key, entry] of this.#waiting) {
      if (this.#batch.size === BATCH_CHANGES_MAX) break;
      this.#batch.set(key, entry);
      this.#waiting.delete(key);
    }
    this.#due = true;
  }

  #succeeded(): void {
    this.#sending = false;
    this.#retryMs = RETRY_MS_MIN;
    if (this.#fault !== undefined) {
      this.#fault = undefined;
      this.#log?.info(`the ${this.#store.adapter} store takes writes again`, { pending: this.#waiting.size });
    }
    this.#finished();
  }

  /** The batch needs no more writing. */
  #finished(): void {
    const batch = this.#batch;
    this.#batch = new Map();
    for (const entry of batch.values()) {
      if (entry.kind !== "commit") this.#release(entry);
      else {
        for (const change of entry.changes) this.#release(change);
        entry.resolve();
      }
    }
    if (this.#due && this.#waiting.size > 0) this.#send();
    else this.#due = false;
  }

  #failed(error: unknown): void {
    this.#sending = false;
    const fault = error instanceof StoreFault ? error : new StoreFault(String(error), true);
    if (this.#fault === undefined) {
      this.#log?.error(`the ${this.#store.adapter} store takes no writes: ${fault.message}`, {
        pending: this.pendingChanges,
      });
    }
    this.#fault = fault;
    for (const line of [this.#batch, this.#waiting]) {
      for (const [key, entry] of line) {
        if (entry.kind !== "commit") continue;
        line.delete(key);
        entry.reject(fault);
      }
    }
    this.#due = true; // once this batch is through, what waits behind it is overdue
    this.#wake(this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  #hold(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === "call") this.#heldCalls.add(change.row.slot);
      else if (change.kind in REMOVED_BY) this.#held.add(keyOf(change) as string);
    }
  }

  #release(change: Change): void {
    if (change.kind === "call-gone") this.#heldCalls.delete(change.slot);
    else if (isRemoval(change)) this.#held.delete(keyOf(change) as string);
  }
}

/** Rows (calls aside) whose removal is pointless where the store does not hold them. */
const REMOVED_BY = {
  address: "address-gone",
  node: "node-gone",
  client: "client-gone",
  ban: "ban-gone",
  mixer: "mixer-gone",
} as const;
const REMOVALS: ReadonlySet<string> = new Set(Object.values(REMOVED_BY));

function isRemoval(change: Change): boolean {
  return REMOVALS.has(change.kind);
}

/** A row and its removal share a key; an application's end has its own, as a new beginning must not undo it. */
function keyOf(change: Change): Key {
  switch (change.kind) {
    case "call":
      return change.row.slot;
    case "call-gone":
      return change.slot;
    case "client":
      return "client " + change.row.jid;
    case "client-gone":
      return "client " + change.jid;
    case "node":
      return "node " + change.row.jid;
    case "node-gone":
      return "node " + change.jid;
    case "application":
      return "application " + change.row.jid;
    case "application-gone":
      return "application-gone " + change.jid;
    case "address":
      return "address " + change.row.address;
    case "address-gone":
      return "address " + change.address;
    case "mixer":
      return "mixer " + change.row.name;
    case "mixer-gone":
      return "mixer " + change.name;
    case "ban":
    case "ban-gone":
      return "ban " + change.jid;
    case "platform":
      return "platform " + change.name;
    case "setting":
      return "setting " + change.name;
  }
}
