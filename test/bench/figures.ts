/**
 * What is measured, and how far it should be: every figure of the bench with its floor (missed: something is wrong)
 * and its aim. Ratios are between runs of the same round, because only those met the same machine.
 */
import type { Numbers, PeerKind, Plan } from "./plan.ts";

/** How a figure is judged: a floor above which (or below which) it has to be. */
export interface Mark {
  floor: number | null;
  aim: number;
  better: "more" | "less";
}

export interface Figure {
  /** For `--only`. */
  group: string;
  name: string;
  unit: string;
  /** What `ratio` compares with; null: the value itself is judged. */
  peer: string | null;
  mark: Mark;
  /** The runs it needs, by name; runs of equal plans are made once a round. */
  runs: Record<string, Plan>;
  /** Of one round. */
  value(numbers: Record<string, Numbers>): number;
  ratio?(numbers: Record<string, Numbers>): number;
}

/** Enough calls that state does not sit in the cache of one page, few enough to set up at once. */
const CALLS = 10_000;

function steady(peer: PeerKind, calls = CALLS): Plan {
  // The relay is done with so many stanzas before its time is up.
  return { kind: "steady", peer, calls, stanzas: 20_000_000, secondsMax: 4 };
}

function against(peer: PeerKind, name: string, floor: number, aim: number): Figure {
  return {
    group: peer,
    name: `full gateway: CPU a stanza, against ${name}`,
    unit: "µs",
    peer: name,
    mark: { floor, aim, better: "more" },
    runs: { gateway: steady("gateway"), peer: steady(peer) },
    value: (of) => of["gateway"]!["microseconds"]!,
    ratio: (of) => of["peer"]!["microseconds"]! / of["gateway"]!["microseconds"]!,
  };
}

const million: Plan = steady("gateway", 1_000_000);
const paced: Plan = { kind: "paced", peer: "gateway", calls: 100_000, stanzasPerSecond: 100_000, seconds: 8 };

function mixers(peer: PeerKind): Plan {
  return { kind: "mixers", peer, mixers: 10_000, seconds: 4 };
}
const early: Plan = { kind: "early", peer: "gateway", events: 100_000, rounds: 1, holdMs: 6000 };
const fewEarly: Plan = { kind: "early", peer: "gateway", events: 10_000, rounds: 6, holdMs: 6000 };

function one(group: string, name: string, unit: string, mark: Mark, plan: Plan, key: string): Figure {
  return { group, name, unit, peer: null, mark, runs: { it: plan }, value: (of) => of["it"]![key]! };
}

const less = (floor: number | null, aim: number): Mark => ({ floor, aim, better: "less" });
const more = (floor: number | null, aim: number): Mark => ({ floor, aim, better: "more" });

export const FIGURES: readonly Figure[] = [
  against("forwarder", "a forwarder on @xmpp/component", 12, 20),
  against("prosody", "Prosody between two components", 30, 60),
  against("ejabberd", "ejabberd between two components", 13, 25),
  against("relay", "a raw byte relay in Bun", 0.15, 0.25),
  {
    group: "xml",
    name: "scan, well-formedness, rewrite, against @xmpp/xml",
    unit: "ns",
    peer: "@xmpp/xml",
    mark: more(15, 25),
    runs: { it: { kind: "xml", seconds: 3 } },
    value: (of) => of["it"]!["nanoseconds"]!,
    ratio: (of) => of["it"]!["peerNanoseconds"]! / of["it"]!["nanoseconds"]!,
  },
  {
    group: "million",
    name: "CPU a stanza at 1,000,000 live calls, against 1,000",
    unit: "µs",
    peer: "the gateway at 1,000 live calls",
    mark: less(2, 1.3),
    runs: { million, thousand: steady("gateway", 1000) },
    value: (of) => of["million"]!["microseconds"]!,
    ratio: (of) => of["million"]!["microseconds"]! / of["thousand"]!["microseconds"]!,
  },
  one("million", "memory a call at 1,000,000 live calls", "B", less(200, 120), million, "bytesPerCall"),
  one("million", "resident memory at 1,000,000 live calls", "MB", less(400, 250), million, "residentMB"),
  one("latency", "added delay, p99, at 100,000 stanzas/s", "ms", less(null, 0.5), paced, "addedP99Ms"),
  one("latency", "longest stall beyond an idle loop's", "ms", less(null, 10), paced, "stallBeyondControlMs"),
  one(
    "calls",
    "whole calls a CPU second, memory store",
    "calls/s",
    more(30_000, 50_000),
    { kind: "calls", peer: "gateway", store: "memory", concurrent: 1000, holdMs: 0, seconds: 4 },
    "callsPerCpuSecond",
  ),
  one(
    "sqlite",
    "whole calls a CPU second, SQLite, each over 20 ms",
    "calls/s",
    more(8_000, 15_000),
    { kind: "calls", peer: "gateway", store: "sqlite", concurrent: 4000, holdMs: 50, seconds: 5 },
    "callsPerCpuSecond",
  ),
  {
    group: "mixers",
    name: "events out a CPU second, 10,000 mixers of 10",
    unit: "events/s",
    peer: "a copier on @xmpp/component",
    mark: more(10, 20),
    runs: { gateway: mixers("gateway"), peer: mixers("copier") },
    value: (of) => of["gateway"]!["eventsOutPerCpuSecond"]!,
    ratio: (of) => of["gateway"]!["eventsOutPerCpuSecond"]! / of["peer"]!["eventsOutPerCpuSecond"]!,
  },
  one(
    "mixers",
    "memory a mixer of 10 participants",
    "B",
    less(null, 2000),
    mixers("gateway"),
    "bytesPerMixer",
  ),
  {
    group: "early",
    name: "CPU an early event, 100,000 held, against 10,000",
    unit: "µs",
    peer: "the gateway with 10,000 held",
    mark: less(2, 1.3),
    runs: { many: early, few: fewEarly },
    value: (of) => of["many"]!["microseconds"]!,
    ratio: (of) => of["many"]!["microseconds"]! / of["few"]!["microseconds"]!,
  },
  one("early", "memory growth with 100,000 early events held", "MB", less(null, 64), early, "growthMB"),
  one("start", "start to both links open, empty store", "ms", less(null, 100), {
    kind: "start",
    peer: "gateway",
    store: "sqlite",
  }, "startMs"),
];

export const GROUPS: readonly string[] = [...new Set(FIGURES.map((figure) => figure.group))];

/** How a value stands: better than the aim, between, or worse than the floor. */
export function verdict(mark: Mark, value: number): "aim" | "floor" | "missed" | "short of aim" {
  const reaches = (limit: number) => mark.better === "more" ? value >= limit : value <= limit;
  if (reaches(mark.aim)) return "aim";
  if (mark.floor === null) return "short of aim";
  return reaches(mark.floor) ? "floor" : "missed";
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
