/** The set of slots against a plain Set. */
import { expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { SlotSet } from "../../src/store/slot_set.ts";

test("agrees with a Set, across growth", () => {
  const random = seededRandom(11);
  const slots = new SlotSet(), oracle = new Set<number>();
  for (let step = 0; step < 20_000; step++) {
    const slot = random.u32() % (step < 10_000 ? 100 : 200_000);
    if (random.u32() % 3 === 0) {
      slots.delete(slot);
      oracle.delete(slot);
    } else {
      slots.add(slot);
      oracle.add(slot);
    }
    const other = random.u32() % 200_000;
    if (slots.has(other) !== oracle.has(other) || slots.has(slot) !== oracle.has(slot)) {
      throw new Error(`step ${step}: slot ${slot} or ${other} differs`);
    }
  }
  for (let slot = 0; slot < 200_000; slot++) {
    if (slots.has(slot) !== oracle.has(slot)) throw new Error(`slot ${slot} differs at the end`);
  }
  expect(oracle.size).toBeGreaterThan(1000);
});

test("says yes to numbers it does not track, whatever was added or removed", () => {
  const slots = new SlotSet();
  for (const slot of [-1, 2 ** 24, 2 ** 40]) {
    slots.add(slot);
    slots.delete(slot);
    expect(slots.has(slot)).toBe(true);
  }
  expect(slots.has(2 ** 24 - 1)).toBe(false);
});
