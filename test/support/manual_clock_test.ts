/** The manual clock fires in order, shows the exact moment, and lets promises run where it says so. */
import { expect, test } from "bun:test";
import { ManualClock } from "./manual_clock.ts";

test("timers fire by time, then by birth, at their exact moment", () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  for (const [name, ms] of [["c", 30], ["a", 10], ["b", 10], ["late", 31]] as const) {
    clock.after(ms, () => seen.push(`${name}@${clock.now()}`));
  }
  clock.advance(30);
  expect(seen).toEqual(["a@10", "b@10", "c@30"]);
  expect(clock.next).toBe(1);
  expect(clock.waiting).toBe(1);
});

test("a timer set by a timer fires within the same advance, never within after()", () => {
  const clock = new ManualClock();
  const seen: number[] = [];
  clock.after(5, () => {
    clock.after(0, () => seen.push(clock.now()));
    clock.after(6, () => seen.push(clock.now()));
    expect(seen).toEqual([]);
  });
  clock.advance(10);
  expect(seen).toEqual([5]);
  clock.advance(1);
  expect(seen).toEqual([5, 11]);
});

test("a cancelled timer never fires, cancelling twice or late does nothing", () => {
  const clock = new ManualClock();
  let fired = 0;
  const gone = clock.after(1, () => fired++);
  const kept = clock.after(2, () => fired++);
  gone.cancel();
  gone.cancel();
  clock.advance(5);
  kept.cancel();
  expect(fired).toBe(1);
  expect(clock.waiting).toBe(0);
  expect(clock.next).toBeNull();
});

test("a thousand timers in random order come out sorted", () => {
  const clock = new ManualClock();
  const seen: number[] = [];
  for (let i = 0; i < 1000; i++) clock.after((i * 7919) % 1009, () => seen.push(clock.now()));
  clock.advance(1009);
  expect(seen).toHaveLength(1000);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
});

test("elapse lets promises run between timers; until stops where asked", async () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  clock.after(1, () => void Promise.resolve().then(() => seen.push("promise")));
  clock.after(2, () => seen.push("second"));
  await clock.elapse(2);
  expect(seen).toEqual(["promise", "second"]);

  let ticks = 0;
  const tick = () => {
    ticks++;
    clock.after(10, tick);
  };
  clock.after(10, tick);
  expect(await clock.until(() => ticks === 3)).toBe(true);
  expect(clock.now()).toBe(32);
  expect(await clock.until(() => false, 50)).toBe(false);
});

test("the wall clock can jump alone", () => {
  const clock = new ManualClock(0);
  clock.advance(5);
  clock.jumpWall(-1000);
  expect(clock.now()).toBe(5);
  expect(clock.wall()).toBe(-995);
});
