/**
 * The embedded store: one SQLite file, written by a thread of its own.
 *
 * Batches are applied one after the other in call order; each is durable when its promise resolves (DC39). A write
 * that fails (disk full, file gone) leaves the file as it was, and the next one is tried afresh.
 */
import { type Change, emptySnapshot, type Snapshot, type Store, StoreFault } from "../../cluster/store.ts";
import { Thread } from "./thread.ts";

export class SqliteStore implements Store {
  readonly adapter = "sqlite";
  readonly #path: string;
  #thread: Thread | undefined;
  #closing: Promise<void> | undefined;

  /** `path` is relative to the working directory (DC42). */
  constructor(path: string) {
    this.#path = path;
  }

  async open(): Promise<Snapshot> {
    await this.#closing;
    if (this.#thread !== undefined) throw new StoreFault(`"${this.#path}" is open already`, false);
    const thread = this.#thread = new Thread();
    const snapshot = emptySnapshot();
    try {
      await thread.ask({ open: this.#path }, (piece) => append(snapshot, JSON.parse(piece)));
    } catch (error) {
      thread.terminate();
      if (this.#thread === thread) this.#thread = undefined;
      throw error;
    }
    return snapshot;
  }

  write(batch: readonly Change[]): Promise<void> {
    if (this.#thread === undefined) {
      return Promise.reject(new StoreFault(`"${this.#path}" is not open`, false));
    }
    if (batch.length === 0) return Promise.resolve();
    return this.#thread.ask(JSON.stringify(batch));
  }

  close(): Promise<void> {
    const thread = this.#thread;
    if (thread === undefined) return this.#closing ?? Promise.resolve();
    this.#thread = undefined; // nothing more is taken; what was asked before is done first
    return this.#closing = finish(thread);
  }
}

async function finish(thread: Thread): Promise<void> {
  try {
    await thread.ask({ close: true });
  } finally {
    thread.terminate();
  }
}

/** Row by row: a spread call of a large table would overflow the stack. */
function append(snapshot: Snapshot, piece: Partial<Snapshot>): void {
  for (const row of piece.applications ?? []) snapshot.applications.push(row);
  for (const row of piece.addresses ?? []) snapshot.addresses.push(row);
  for (const row of piece.nodes ?? []) snapshot.nodes.push(row);
  for (const row of piece.clients ?? []) snapshot.clients.push(row);
  for (const row of piece.calls ?? []) snapshot.calls.push(row);
  for (const row of piece.mixers ?? []) snapshot.mixers.push(row);
  for (const jid of piece.bans ?? []) snapshot.bans.push(jid);
  for (const name of piece.platforms ?? []) snapshot.platforms.push(name);
  Object.assign(snapshot.settings, piece.settings);
}
