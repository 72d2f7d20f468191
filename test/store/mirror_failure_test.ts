/** The write-behind before a store that fails, hangs and comes back; and seeded worlds where it does all of that (DC40). */
import { beforeEach, describe, expect, test } from "bun:test";
import { Log } from "../../src/base/log.ts";
import { seededRandom } from "../../src/base/random.ts";
import { type Change, type Snapshot, StoreFault } from "../../src/cluster/store.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { Mirror } from "../../src/store/mirror.ts";
import { ManualClock } from "../support/manual_clock.ts";
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
  node,
  nodeGone,
  platform,
  setting,
} from "./rows.ts";
import { ScriptedStore } from "./scripted_store.ts";

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
