/** The write-behind: when it writes, what it spares, in which order, and how it lives through a store that fails. */
import { beforeEach, describe, expect, test } from "bun:test";
import { Log } from "../../src/base/log.ts";
import { seededRandom } from "../../src/base/random.ts";
import { type Change, type Snapshot, type Store, StoreFault } from "../../src/cluster/store.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { Mirror } from "../../src/store/mirror.ts";
import { ManualClock, settle } from "../support/manual_clock.ts";
import { faultOf } from "./fault_of.ts";
import {
  address,
  addressGone,
  application,
  applicationGone,
  ban,
  banGone,
  call,
  callGone,
  client,
  clientGone,
  EMPTY,
  node,
  nodeGone,
  platform,
  setting,
} from "./rows.ts";

/** A store that answers when the test says so, or at once. */
class ScriptedStore implements Store {
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

const FULL = new StoreFault("the disk is full", true);
let store: ScriptedStore;
let clock: ManualClock;
let mirror: Mirror;
let log: string[];

beforeEach(async () => {
  store = new ScriptedStore();
  clock = new ManualClock();
  log = [];
  mirror = new Mirror(store, clock, new Log((line) => log.push(line), () => 0));
  await mirror.open();
});

describe("when it writes", () => {
  test("nothing noted, nothing written, no timer", async () => {
    await clock.elapse(1000);
    expect(store.batches).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  test("a change is in the store's hands within 20 ms, with its neighbours (DC39)", async () => {
    mirror.note(call(1));
    await clock.elapse(5);
    mirror.note(node("n.lit"));
    expect(store.batches).toEqual([]);
    expect(mirror.pendingChanges).toBe(2);
    await clock.elapse(15);
    expect(store.batches).toEqual([[call(1), node("n.lit")]]);
    expect(mirror.pendingChanges).toBe(0);
    expect(clock.waiting).toBe(0);
  });

  test("under constant load too: no change waits longer, however the store dawdles", async () => {
    const noted = new Map<number, number>();
    let worst = 0, seen = 0;
    store.held = true;
    for (let ms = 0; ms < 400; ms++) {
      noted.set(ms, clock.now());
      mirror.note(call(ms));
      await clock.elapse(1);
      while (seen < store.batches.length) {
        for (const change of store.batches[seen]!) {
          if (change.kind === "call") worst = Math.max(worst, clock.now() - noted.get(change.row.slot)!);
        }
        seen++;
      }
      // Each write takes from 1 to 4 ms.
      if (store.unanswered > 0 && ms % 4 === 0) await store.answer();
    }
    expect(seen).toBeGreaterThan(400 / 20 - 2);
    expect(seen).toBeLessThan(400 / 10);
    expect(worst).toBeLessThanOrEqual(20);
  });

  test("one batch at a time; what comes meanwhile goes in the next, at once if it is overdue", async () => {
    store.held = true;
    mirror.note(call(1));
    await clock.elapse(20);
    mirror.note(call(2));
    await clock.elapse(100);
    mirror.note(call(3));
    expect(store.batches).toEqual([[call(1)]]);
    await store.answer();
    expect(store.batches).toEqual([[call(1)], [call(2), call(3)]]);
    await store.answer();
    expect(mirror.pendingChanges).toBe(0);
  });

  test("many changes go in batches of bounded size, one right after the other, in order", async () => {
    for (let slot = 0; slot < 4_500; slot++) mirror.note(call(slot));
    await clock.elapse(20);
    expect(store.batches.map((batch) => batch.length)).toEqual([2000, 2000, 500]);
    expect(store.batches.flat()).toEqual(Array.from({ length: 4_500 }, (_, slot) => call(slot)));
  });
});

describe("what it spares", () => {
  async function written(...changes: Change[]): Promise<Change[]> {
    const before = store.batches.length;
    for (const change of changes) mirror.note(change);
    await clock.elapse(20);
    return store.batches.slice(before).flat();
  }

  test("the last of several changes of one key stands", async () => {
    expect(
      await written(
        call(1),
        node("n.lit"),
        call(1, { accepted: true }),
        node("n.lit", { consecutiveErrors: 2 }),
        setting("quiesced", "true"),
        setting("quiesced", "false"),
      ),
    ).toEqual([
      call(1, { accepted: true }),
      node("n.lit", { consecutiveErrors: 2 }),
      setting("quiesced", "false"),
    ]);
  });

  test("what came and went within a batch never reaches the store", async () => {
    expect(
      await written(
        call(1),
        callGone(1),
        client("a@b.lit/x", 1),
        clientGone("a@b.lit/x"),
        node("n.lit"),
        nodeGone("n.lit"),
        address("tel:1", "a@b.lit"),
        addressGone("tel:1"),
        ban("a@b.lit"),
        banGone("a@b.lit"),
      ),
    ).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  test("what the store has is removed, whatever the slot held since", async () => {
    expect(await written(call(1), client("a@b.lit/x", 1))).toHaveLength(2);
    expect(
      await written(callGone(1), call(1, { id: "brief" }), callGone(1, "brief"), clientGone("a@b.lit/x")),
    )
      .toEqual([callGone(1, "brief"), clientGone("a@b.lit/x")]);
    expect(await written(call(1), callGone(1), client("a@b.lit/x", 2), clientGone("a@b.lit/x"))).toEqual([]);
  });

  test("what an earlier life stored is removed too", async () => {
    const earlier = new MemoryStore();
    await earlier.open();
    await earlier.write([
      call(70_000),
      client("a@b.lit/x", 1),
      node("n.lit"),
      address("1", "a@b.lit"),
      ban("c@b.lit"),
    ]);
    store.snapshot = await earlier.open();
    mirror = new Mirror(store, clock);
    await mirror.open();
    const removals = [
      callGone(70_000),
      clientGone("a@b.lit/x"),
      nodeGone("n.lit"),
      addressGone("1"),
      banGone("c@b.lit"),
    ];
    expect(await written(...removals)).toEqual(removals);
  });

  test("a freed slot that is taken again is one replacement", async () => {
    await written(call(1));
    expect(await written(callGone(1), call(1, { id: "next" }))).toEqual([call(1, { id: "next" })]);
  });

  test("a row under way counts as stored", async () => {
    store.held = true;
    mirror.note(call(1));
    await clock.elapse(20);
    mirror.note(callGone(1));
    await store.answer();
    await clock.elapse(20);
    expect(store.batches).toEqual([[call(1)], [callGone(1)]]);
  });

  test("an application that ends and begins anew loses its old addresses (D18)", async () => {
    await written(application("a@b.lit"), address("1", "a@b.lit"), address("2", "a@b.lit"));
    await written(applicationGone("a@b.lit"), application("a@b.lit"), address("3", "a@b.lit"));
    expect((await store.kept.open()).addresses).toEqual([{ address: "3", jid: "a@b.lit" }]);
    await written(address("4", "a@b.lit"), applicationGone("a@b.lit"));
    expect((await store.kept.open()).addresses).toEqual([]);
  });
});

describe("commit", () => {
  test("goes at once, after what was noted before, and resolves when durable", async () => {
    store.held = true;
    mirror.note(call(1));
    let done = false;
    const committed = mirror.commit([application("a@b.lit"), address("1", "a@b.lit")]).then(() =>
      done = true
    );
    await settle();
    expect(store.batches).toEqual([[call(1), application("a@b.lit"), address("1", "a@b.lit")]]);
    expect(done).toBe(false);
    await store.answer();
    await committed;
    expect(done).toBe(true);
  });

  test("waits for the batch under way, and not for its delay", async () => {
    store.held = true;
    mirror.note(call(1));
    await clock.elapse(20);
    const committed = mirror.commit([ban("a@b.lit")]);
    mirror.note(call(2));
    expect(store.batches).toHaveLength(1);
    await store.answer();
    expect(store.batches[1]).toEqual([ban("a@b.lit"), call(2)]);
    await store.answer();
    await committed;
  });

  test("refused: it rejects, is taken back, and what was noted is kept", async () => {
    mirror.note(ban("noted@b.lit"));
    store.fault = FULL;
    expect(await faultOf(mirror.commit([ban("refused@b.lit"), banGone("noted@b.lit")]))).toBe(FULL);
    store.fault = null;
    await clock.elapse(1000);
    expect(store.batches.at(-1)).toEqual([ban("noted@b.lit")]);
    expect((await store.kept.open()).bans).toEqual(["noted@b.lit"]);
    expect(mirror.pendingChanges).toBe(0);
  });

  test("tried at once while the store is failing; success brings everything else along", async () => {
    store.fault = FULL;
    mirror.note(call(1));
    await clock.elapse(60_000);
    mirror.note(call(2));
    const before = store.batches.length;
    expect(await faultOf(mirror.commit([ban("a@b.lit")]))).toBe(FULL);
    expect(store.batches.length).toBe(before + 1);
    store.fault = null;
    await mirror.commit([ban("b@b.lit")]);
    expect(mirror.pendingChanges).toBe(0);
    const found = await store.kept.open();
    expect(found.calls.map((row) => row.slot)).toEqual([1, 2]);
    expect(found.bans).toEqual(["b@b.lit"]);
  });

  test("those that wait behind a failing batch are refused with it", async () => {
    store.held = true;
    mirror.note(call(1));
    await clock.elapse(20);
    const outcomes = [faultOf(mirror.commit([ban("a@b.lit")])), faultOf(mirror.commit([ban("c@b.lit")]))];
    await store.answer(FULL);
    expect(await Promise.all(outcomes)).toEqual([FULL, FULL]);
    expect(mirror.pendingChanges).toBe(1);
  });

  test("is never split: it goes whole, behind more than one batch of notes", async () => {
    for (let slot = 0; slot < 2_500; slot++) mirror.note(call(slot));
    const many = Array.from({ length: 3_000 }, (_, n) => address(`tel:${n}`, "a@b.lit"));
    await mirror.commit(many);
    expect(store.batches).toHaveLength(2);
    expect(store.batches[1]!.slice(500)).toEqual(many);
  });

  test("what is noted while it is under way comes after it, removals included", async () => {
    store.held = true;
    const committed = mirror.commit([ban("a@b.lit")]);
    mirror.note(banGone("a@b.lit"));
    await store.answer();
    await committed;
    await clock.elapse(20);
    await store.answer();
    expect(store.batches).toEqual([[ban("a@b.lit")], [banGone("a@b.lit")]]);
  });
});

describe("a store that fails", () => {
  test("is tried again after growing pauses, and says so once", async () => {
    store.fault = FULL;
    mirror.note(call(1));
    const tries: number[] = [];
    for (let ms = 0; ms < 30_000; ms += 5) {
      const before = store.batches.length;
      await clock.elapse(5);
      if (store.batches.length > before) tries.push(clock.now());
    }
    const pauses = tries.slice(1).map((at, n) => at - tries[n]!);
    expect(pauses.slice(0, 8)).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    expect(mirror.ok).toBe(false);
    expect(mirror.reason).toBe("the disk is full");
    expect(log).toHaveLength(1);
    expect(log[0]).toContain("the scripted store takes no writes: the disk is full");

    store.fault = null;
    await clock.elapse(5_000);
    expect(mirror.ok).toBe(true);
    expect(mirror.reason).toBe("");
    expect(mirror.pendingChanges).toBe(0);
    expect(log).toHaveLength(2);
    expect(log[1]).toContain("takes writes again");
    expect((await store.kept.open()).calls.map((row) => row.slot)).toEqual([1]);
  });

  test("the pauses begin small again after a good write", async () => {
    store.fault = FULL;
    mirror.note(call(1));
    await clock.elapse(10_000);
    store.fault = null;
    await clock.elapse(5_000);
    store.fault = FULL;
    mirror.note(call(2));
    await clock.elapse(20);
    const before = store.batches.length;
    await clock.elapse(100);
    expect(store.batches.length).toBe(before + 1);
  });

  test("costs memory for what is alive, not for what has passed", async () => {
    store.fault = FULL;
    for (let n = 0; n < 50_000; n++) {
      const slot = n % 10;
      mirror.note(call(slot, { id: `${n}` }));
      mirror.note(client(`a@b.lit/${n}`, n));
      mirror.note(callGone(slot, `${n}`));
      mirror.note(clientGone(`a@b.lit/${n}`));
      if (n % 1000 === 0) await clock.elapse(20);
    }
    mirror.note(call(3, { id: "last" }));
    // The batch that was under way when a row ended may have stored it: at most one removal for each.
    expect(mirror.pendingChanges).toBeLessThan(150);
    store.fault = null;
    await clock.elapse(10_000);
    expect(mirror.pendingChanges).toBe(0);
    const found = await store.kept.open();
    expect(found.calls.map((row) => row.id)).toEqual(["last"]);
    expect(found.clients).toEqual([]);
  });

  test("later changes overtake those of a failed batch, key by key", async () => {
    store.held = true;
    mirror.note(call(1));
    mirror.note(call(2));
    await clock.elapse(20);
    mirror.note(call(1, { accepted: true }));
    await store.answer(FULL);
    await clock.elapse(100);
    expect(store.batches[1]).toEqual([call(2)]);
    await store.answer();
    expect(store.batches[2]).toEqual([call(1, { accepted: true })]);
    await store.answer();
    expect(mirror.pendingChanges).toBe(0);
  });

  test("a commit that failed alone leaves nothing behind, and the store is probed until it is well", async () => {
    store.fault = FULL;
    await faultOf(mirror.commit([ban("a@b.lit")]));
    expect(mirror.ok).toBe(false);
    await clock.elapse(1_000);
    expect(mirror.ok).toBe(false);
    store.fault = null;
    await clock.elapse(5_000);
    expect(mirror.ok).toBe(true);
    const stored = await store.kept.open();
    expect(stored.bans).toEqual([]);
    // The probe's own mark is nobody else's business.
    expect(Object.keys(stored.settings)).toHaveLength(1);
    store.snapshot = stored;
    expect((await new Mirror(store, clock).open()).settings).toEqual({});
  });

  test("an error that is no StoreFault is one all the same", async () => {
    store.write = () => Promise.reject(new Error("out of the blue"));
    const fault = await faultOf(mirror.commit([ban("a@b.lit")]));
    expect(fault.message).toContain("out of the blue");
    expect(fault.retry).toBe(true);
  });

  test("a store that hangs is not ok, and is again when it answers", async () => {
    store.held = true;
    mirror.note(call(1));
    await clock.elapse(4_000);
    expect(mirror.ok).toBe(true);
    await clock.elapse(3_000);
    expect(mirror.ok).toBe(false);
    expect(mirror.reason).toBe("the scripted store has not answered for 6 s");
    await store.answer();
    expect(mirror.ok).toBe(true);
  });
});

describe("flush and close", () => {
  test("flush resolves when everything noted so far is durable", async () => {
    await mirror.flush();
    expect(store.batches).toEqual([]);
    store.held = true;
    mirror.note(call(1));
    await clock.elapse(20);
    mirror.note(call(2));
    let done = false;
    const flushed = mirror.flush().then(() => done = true);
    await store.answer();
    expect(done).toBe(false);
    await store.answer();
    await flushed;
    expect(store.batches).toEqual([[call(1)], [call(2)]]);
    expect(clock.waiting).toBe(0);
  });

  test("flush waits for a batch under way when nothing else is pending", async () => {
    store.held = true;
    mirror.note(call(1));
    await clock.elapse(20);
    let done = false;
    const flushed = mirror.flush().then(() => done = true);
    await settle();
    expect(done).toBe(false);
    await store.answer();
    await flushed;
  });

  test("flush tells a failure instead of trying for ever", async () => {
    store.fault = FULL;
    mirror.note(call(1));
    expect(await faultOf(mirror.flush())).toBe(FULL);
    expect(mirror.pendingChanges).toBe(1);
  });

  test("close writes what waits, closes the store, and takes nothing more", async () => {
    mirror.note(call(1));
    await mirror.close();
    expect(store.batches).toEqual([[call(1)]]);
    expect(store.closed).toBe(1);
    mirror.note(call(2));
    expect(await faultOf(mirror.commit([ban("a@b.lit")]))).toHaveProperty("retry", false);
    await clock.elapse(1_000);
    expect(store.batches).toHaveLength(1);
    expect(clock.waiting).toBe(0);
  });

  test("close tells what could not be written, and closes all the same", async () => {
    store.fault = FULL;
    mirror.note(call(1));
    expect(await faultOf(mirror.close())).toBe(FULL);
    expect(store.closed).toBe(1);
    expect(clock.waiting).toBe(0);
  });
});

test("whatever happens, the store ends with what was noted: seeded worlds with failing writes", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed);
    const pick = (n: number) => random.u32() % n;
    const world = new ScriptedStore(), time = new ManualClock(), truth = new MemoryStore();
    const under = new Mirror(world, time);
    await under.open();
    await truth.open();
    world.held = true;
    for (let step = 0; step < 400; step++) {
      const change = anyChange(pick, step);
      under.note(change);
      await truth.write([change]);
      if (pick(4) === 0) await time.elapse(pick(30));
      if (world.unanswered > 0 && pick(3) === 0) await world.answer(pick(3) === 0 ? FULL : null);
      if (world.unanswered > 1) throw new Error(`seed ${seed}: ${world.unanswered} batches under way`);
    }
    while (under.pendingChanges > 0) {
      await time.elapse(6_000);
      if (world.unanswered > 0) await world.answer();
    }
    const { settings, ...found } = sorted(await world.kept.open());
    delete settings["store.probed_at"];
    expect({ seed, ...found, settings }).toEqual({ seed, ...sorted(await truth.open()) });
  }
});

function anyChange(pick: (n: number) => number, step: number): Change {
  const jid = `${"abc"[pick(3)]}@x.lit`;
  const changes: (() => Change)[] = [
    () => call(pick(5), { id: `${step}` }),
    () => callGone(pick(5)),
    () => client(`${jid}/r`, step),
    () => clientGone(`${jid}/r`),
    () => node(jid, { weight: step }),
    () => nodeGone(jid),
    () => application(jid, { name: `${step}` }),
    () => applicationGone(jid),
    () => address(`tel:${pick(4)}`, jid),
    () => addressGone(`tel:${pick(4)}`),
    () => ban(jid),
    () => banGone(jid),
    () => platform(`p${pick(3)}`),
    () => setting("quiesced", `${step}`),
  ];
  return changes[pick(changes.length)]!();
}

/** Coalescing may change who came first among rows of one batch; everything else must be the same. */
function sorted(snapshot: Snapshot): Snapshot {
  const by = <T>(key: (row: T) => string) => (a: T, b: T) => key(a) < key(b) ? -1 : 1;
  snapshot.applications.sort(by((row) => row.jid));
  snapshot.addresses.sort(by((row) => row.address));
  snapshot.nodes.sort(by((row) => row.jid));
  snapshot.clients.sort(by((row) => row.jid));
  snapshot.bans.sort();
  snapshot.platforms.sort();
  return snapshot;
}
