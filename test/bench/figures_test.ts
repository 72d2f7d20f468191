/**
 * Judging: medians, floors in both directions, and costs that are really read from the system.
 */
import { expect, test } from "bun:test";
import { FIGURES, median, verdict } from "./figures.ts";
import { cpuSeconds, residentBytes } from "./process_cost.ts";

test("median", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test("more is better", () => {
  const mark = { floor: 12, aim: 20, better: "more" } as const;
  expect([11.9, 12, 19, 20].map((value) => verdict(mark, value))).toEqual([
    "missed",
    "floor",
    "floor",
    "aim",
  ]);
});

test("less is better; without a floor nothing is missed", () => {
  const mark = { floor: 2, aim: 1.3, better: "less" } as const;
  expect([2.1, 2, 1.3].map((value) => verdict(mark, value))).toEqual(["missed", "floor", "aim"]);
  expect(verdict({ ...mark, floor: null }, 99)).toBe("short of aim");
});

test("a figure with a ratio names whom it compares with, and the other way round", () => {
  for (const figure of FIGURES) expect(figure.peer !== null).toBe(figure.ratio !== undefined);
});

test("what this process costs is seen from outside", () => {
  const before = cpuSeconds(process.pid);
  let work = 0;
  // By the process's own reckoning, not by the clock: 60 ms of work are 6 ticks.
  const start = process.cpuUsage();
  while (process.cpuUsage(start).user + process.cpuUsage(start).system < 60_000) work++;
  expect(work).toBeGreaterThan(0);
  expect(cpuSeconds(process.pid) - before).toBeGreaterThanOrEqual(0.04);
  expect(residentBytes(process.pid)).toBeGreaterThan(10e6);
});

test("a process that is gone has no cost", async () => {
  const child = Bun.spawn(["/bin/true"]);
  await child.exited;
  expect(() => cpuSeconds(child.pid)).toThrow("is gone");
});
