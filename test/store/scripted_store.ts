/**
 * A store whose answers a test decides: well, with a fault, at once or when told. Remembers every batch it was given.
 */
import type { Change, Snapshot, Store, StoreFault } from "../../src/cluster/store.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { settle } from "../support/manual_clock.ts";
import { EMPTY } from "./rows.ts";

export class ScriptedStore implements Store {
  readonly adapter = "scripted";
  snapshot: Snapshot = structuredClone(EMPTY);
  /** Batches as they were asked for, refused ones included. */
  readonly batches: Change[][] = [];
  /** What was accepted. */
  readonly kept = new MemoryStore();
  /** Answers `write` by itself: with this fault, or well. */
  fault: StoreFault | null = null;
  /** When true a write waits for answer(). */
  held = false;
  closed = 0;
  readonly #unanswered: (() => void)[] = [];

  async open(): Promise<Snapshot> {
    await this.kept.open();
    return this.snapshot;
  }

  write(batch: readonly Change[]): Promise<void> {
    this.batches.push([...batch]);
    if (!this.held) return this.#settle(batch);
    return new Promise((resolve, reject) => {
      this.#unanswered.push(() => this.#settle(batch).then(resolve, reject));
    });
  }

  #settle(batch: readonly Change[]): Promise<void> {
    return this.fault === null ? this.kept.write(batch) : Promise.reject(this.fault);
  }

  /** Answers the oldest open write. */
  async answer(fault: StoreFault | null = null): Promise<void> {
    this.fault = fault;
    this.#unanswered.shift()!();
    await settle();
  }

  get unanswered(): number {
    return this.#unanswered.length;
  }

  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }
}
