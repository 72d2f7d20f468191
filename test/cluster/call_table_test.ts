/**
 * The packed call table against a Map that does the same the plain way, and its limits.
 */
import { describe, expect, test } from "bun:test";
import { fraction, seededRandom } from "../../src/base/random.ts";
import { CALL_ACCEPTED, CALL_CONTROLLED, CALL_OUTBOUND, CallTable } from "../../src/cluster/call_table.ts";
import { foldId } from "../../src/cluster/fold_id.ts";

/** Domain number -> node number: two domains of node 0, one each of nodes 1 and 2. */
const OWNERS = Int32Array.of(0, 0, 1, 2);

function add(table: CallTable, id: string, domain = 0, slot = -1): number {
  const bytes = Buffer.from(`<${id}>`);
  return table.add(bytes, 1, bytes.length - 1, domain, 1_700_000_000, slot);
}
function find(table: CallTable, id: string, node = 0): number {
  const bytes = Buffer.from(`''${id}`);
  return table.find(bytes, 2, bytes.length, OWNERS, node);
}
function findPublic(table: CallTable, id: string): number {
  const bytes = Buffer.from(`${id}@x`);
  return table.findPublic(bytes, 0, bytes.length - 2);
}

describe("one call", () => {
  test("DC15, DC16: is found by node and id, without regard to case", () => {
    const table = new CallTable();
    const slot = add(table, "AbC-1", 1);
    expect([find(table, "abc-1"), find(table, "ABC-1"), find(table, "abc-1", 1), find(table, "abc-2")])
      .toEqual([
        slot,
        slot,
        -1,
        -1,
      ]);
    expect(findPublic(table, "aBc-1")).toBe(slot);
    expect([table.id(slot), table.publicText(slot), table.domain(slot)]).toEqual(["AbC-1", "AbC-1", 1]);
    expect(table.startedSeconds(slot)).toBe(1_700_000_000);
    const bytes = Buffer.from("AbC-1abc-1");
    expect([table.hasExactId(slot, bytes, 0, 5), table.hasExactId(slot, bytes, 5, 10)]).toEqual([
      true,
      false,
    ]);
  });

  test("the same id lives at several nodes", () => {
    const table = new CallTable();
    const slots = [add(table, "x", 0), add(table, "x", 2), add(table, "x", 3)];
    expect([find(table, "x", 0), find(table, "x", 1), find(table, "x", 2)]).toEqual(slots);
    table.remove(slots[1]!);
    expect([find(table, "x", 0), find(table, "x", 1), find(table, "x", 2)]).toEqual([
      slots[0]!,
      -1,
      slots[2]!,
    ]);
  });

  for (const length of [1, 43, 44, 45, 1023]) {
    test(`ids of ${length} bytes are kept whole, also in a slot that had another`, () => {
      const table = new CallTable();
      table.remove(add(table, "long".repeat(100)));
      const id = "x".repeat(length - 1) + "y";
      const slot = add(table, id);
      expect([slot, table.id(slot), table.idLength(slot), find(table, id)]).toEqual([0, id, length, 0]);
      const out = Buffer.alloc(2000);
      expect(out.toString("utf8", 3, table.writeId(slot, out, 3))).toBe(id);
      table.remove(slot);
      expect([find(table, id), table.isLive(slot), table.size]).toEqual([-1, false, 0]);
    });
  }

  test("flags do not disturb each other or the id's length", () => {
    const table = new CallTable();
    const slot = add(table, "x".repeat(1000));
    table.setFlag(slot, CALL_ACCEPTED | CALL_OUTBOUND, true);
    table.setFlag(slot, CALL_OUTBOUND, false);
    expect([CALL_ACCEPTED, CALL_OUTBOUND, CALL_CONTROLLED].map((f) => table.has(slot, f))).toEqual([
      true,
      false,
      false,
    ]);
    expect([table.idLength(slot), table.isLive(slot)]).toEqual([1000, true]);
  });

  test("isLive() of what never was", () => {
    const table = new CallTable();
    expect([table.isLive(-1), table.isLive(0), table.isLive(1_000_000)]).toEqual([false, false, false]);
  });
});

describe("DC15: names that clients know", () => {
  test("an alias hides the node's id, which is another call's name", () => {
    const table = new CallTable();
    const first = add(table, "x", 0), second = add(table, "x", 2);
    table.setPublicId(second, "x.2");
    expect([findPublic(table, "X"), findPublic(table, "X.2"), find(table, "x", 1)]).toEqual([
      first,
      second,
      second,
    ]);
    table.remove(first);
    expect(findPublic(table, "x")).toBe(-1);
    table.remove(second);
    expect(findPublic(table, "x.2")).toBe(-1);
  });

  test("AH7: the client's own letters are no alias", () => {
    const table = new CallTable();
    const slot = add(table, "mycase1");
    table.setPublicId(slot, "MyCase1");
    expect([findPublic(table, "mycase1"), findPublic(table, "MYCASE1"), table.publicText(slot)]).toEqual([
      slot,
      slot,
      "MyCase1",
    ]);
  });

  test("letters beyond ASCII fold, too", () => {
    const table = new CallTable();
    const slot = add(table, foldId("ÄX"));
    table.setPublicId(slot, "ÄX");
    expect([table.id(slot), findPublic(table, "äx"), findPublic(table, "ÄX")]).toEqual(["äx", slot, slot]);
    table.remove(slot);
    expect([findPublic(table, "äx"), findPublic(table, "ÄX")]).toEqual([-1, -1]);
  });
});

describe("lists", () => {
  test("a call is in one party's and one node's list, and leaves from any place", () => {
    const table = new CallTable();
    let party = -1, node = -1;
    const slots = [0, 1, 2, 3, 4].map((i) => add(table, `c${i}`));
    for (const slot of slots) {
      party = table.joinParty(slot, 7, party);
      node = table.joinNode(slot, node);
    }
    const walk = (head: number, next: (slot: number) => number) => {
      const seen: number[] = [];
      for (let slot = head; slot >= 0; slot = next(slot)) seen.push(slot);
      return seen;
    };
    for (const slot of [2, 4, 0]) party = table.leaveParty(slot, party);
    for (const slot of [1, 3]) node = table.leaveNode(slot, node);
    expect(walk(party, (slot) => table.nextOfParty(slot))).toEqual([3, 1]);
    expect(walk(node, (slot) => table.nextOfNode(slot))).toEqual([4, 2, 0]);
    expect([table.party(2), table.party(3)]).toEqual([-1, 7]);
  });
});

describe("restore", () => {
  test("calls return to their slots; the gaps are used again", () => {
    const table = new CallTable();
    for (const slot of [3, 5, 20_000]) expect(add(table, `c${slot}`, 0, slot)).toBe(slot);
    expect([table.size, table.slotsEnd]).toEqual([3, 20_001]);
    const used = new Set<number>([3, 5, 20_000]);
    for (let i = 0; i < 19_998; i++) used.add(add(table, `n${i}`));
    expect([used.size, Math.max(...used), add(table, "last")]).toEqual([20_001, 20_000, 20_001]);
  });

  test("rows in any order", () => {
    const table = new CallTable();
    for (const slot of [9, 2, 5, 0, 7]) add(table, `c${slot}`, 0, slot);
    expect([9, 2, 5, 0, 7].map((slot) => find(table, `c${slot}`))).toEqual([9, 2, 5, 0, 7]);
    expect(() => add(table, "c5 again", 0, 5)).toThrow();
  });
});

describe("against a Map", () => {
  for (let seed = 1; seed <= 20; seed++) {
    test(`seed ${seed}`, () => {
      const random = seededRandom(seed);
      const table = new CallTable();
      const model = new Map<string, number>();
      const pool = 40 + Math.floor(fraction(random) * 400);
      for (let step = 0; step < 4_000; step++) {
        const n = Math.floor(fraction(random) * pool), domain = random.u32() % 4;
        const id = n % 7 === 0 ? `${"L".repeat(60)}${n}` : `Id-${n}`;
        const key = `${OWNERS[domain]} ${id.toLowerCase()}`;
        const slot = model.get(key);
        expect(find(table, step % 2 === 0 ? id : id.toUpperCase(), OWNERS[domain]!)).toBe(slot ?? -1);
        if (slot === undefined) model.set(key, add(table, id, domain));
        else if (fraction(random) < 0.6) {
          table.remove(slot);
          model.delete(key);
        }
        expect(table.size).toBe(model.size);
      }
      expect(new Set(model.values()).size).toBe(model.size);
      for (const slot of model.values()) table.remove(slot);
      expect([table.size, findPublic(table, "id-1")]).toEqual([0, -1]);
    });
  }

  test("200,000 calls and back, in about 90 bytes each", () => {
    const table = new CallTable();
    Bun.gc(true);
    const before = process.memoryUsage().arrayBuffers;
    const id = (i: number) => `3f2b8c9e-0000-4000-8000-${i.toString(16).padStart(12, "0")}`;
    const COUNT = 200_000;
    for (let i = 0; i < COUNT; i++) if (add(table, id(i)) !== i) throw new Error(`slot of ${i}`);
    // What was allocated and not yet given back counts, too: hence the room above 90.
    expect((process.memoryUsage().arrayBuffers - before) / COUNT).toBeLessThan(160);
    for (let i = 0; i < COUNT; i += 7) if (find(table, id(i)) !== i) throw new Error(`find ${i}`);
    for (let i = 0; i < COUNT; i += 2) table.remove(i);
    for (let i = 0; i < COUNT; i++) {
      if (find(table, id(i)) !== (i % 2 === 0 ? -1 : i)) throw new Error(`find ${i} after removals`);
    }
    for (let i = 0; i < COUNT; i += 2) add(table, id(i));
    expect([table.size, table.slotsEnd]).toEqual([COUNT, COUNT]);
  });
});
