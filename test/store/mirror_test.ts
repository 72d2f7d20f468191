/** The write-behind before a store that is well: when it writes, what it spares, in which order, what it promises. */
import { beforeEach, describe, expect, test } from "bun:test";
import { type Change, StoreFault } from "../../src/cluster/store.ts";
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
  node,
  nodeGone,
  setting,
} from "./rows.ts";
import { ScriptedStore } from "./scripted_store.ts";

const FULL = new StoreFault("the disk is full", true);
let store: ScriptedStore;
let clock: ManualClock;
let mirror: Mirror;

beforeEach(async () => {
  store = new ScriptedStore();
  clock = new ManualClock();
  mirror = new Mirror(store, clock);
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

describe("commit and note on one row", () => {
  test("a removal noted while the commit waits in line comes after it", async () => {
    store.held = true;
    mirror.note(call(1));
    await clock.elapse(20);
    const committed = mirror.commit([ban("a@b.lit")]);
    mirror.note(banGone("a@b.lit"));
    await store.answer();
    expect(store.batches[1]).toEqual([ban("a@b.lit"), banGone("a@b.lit")]);
    await store.answer();
    await committed;
  });

  test("what a commit removed is known to be gone", async () => {
    await mirror.commit([ban("a@b.lit")]);
    await mirror.commit([banGone("a@b.lit")]);
    mirror.note(ban("a@b.lit"));
    mirror.note(banGone("a@b.lit"));
    await clock.elapse(20);
    expect(store.batches).toHaveLength(2);
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
