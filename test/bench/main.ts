/**
 * `make bench`: makes every figure of figures.ts in several rounds, prints a table and writes dist/bench.json.
 *
 * Usage: bun test/bench/main.ts [--only GROUP[,GROUP]] [--rounds N]
 *
 * CPU is that of the whole process under test, all threads and children, user and system. A figure that misses its
 * floor is marked; the exit status is 0 all the same: the bench measures, it does not judge. A run that fails (a
 * stanza lost, a process gone) leaves its figures unmeasured and the exit status at 1.
 *
 * To see where the gateway spends its time, run it from its sources with Bun's profiler while the bench loads it:
 *
 *   BENCH_GATEWAY="node_modules/.bin/bun --cpu-prof --cpu-prof-dir=dist/profile src/main.ts" \
 *     node_modules/.bin/bun test/bench/main.ts --only relay --rounds 1
 *
 * then open the .cpuprofile in a browser's developer tools (it is written when the gateway ends in order), or use
 * `--cpu-prof-md` for a table in Markdown; `--heap-prof` shows what a million calls hold. BENCH_GATEWAY is split at
 * blanks. `perf record -p` sees Bun's own C++ and the kernel, where a relay spends most of its time.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUN, ROOT } from "../support/toolchain.ts";
import { type Figure, FIGURES, GROUPS, median, verdict } from "./figures.ts";
import type { Numbers, Plan, Report } from "./plan.ts";

const ROUNDS = 3;
/** A run that sets a million calls up takes half a minute on a slow machine. */
const RUN_LIMIT_MS = 180_000;

interface Row {
  name: string;
  value: number | null;
  unit: string;
  peer: string | null;
  ratio: number | null;
  floor: number | null;
  aim: number;
  /** `aim`, `floor`, `missed`, `short of aim`, or why there is no value. */
  verdict: string;
  /** Every round: what was compared, and all numbers of its runs. */
  rounds: { value: number; ratio: number | null; runs: Record<string, Numbers> }[];
}

interface Options {
  groups: readonly string[];
  rounds: number;
}

class Usage extends Error {}

function options(args: readonly string[]): Options {
  let groups = GROUPS, rounds = ROUNDS;
  for (let i = 0; i < args.length; i++) {
    const value = () => args[++i] ?? "";
    switch (args[i]) {
      case "--only":
        groups = value().split(",");
        break;
      case "--rounds":
        rounds = Number(value());
        break;
      default:
        throw new Usage(`unknown option "${args[i]}"`);
    }
  }
  const unknown = groups.find((group) => !GROUPS.includes(group));
  if (unknown !== undefined) throw new Usage(`no group "${unknown}"; there are ${GROUPS.join(", ")}`);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Usage("--rounds needs a whole number from 1 on");
  return { groups, rounds };
}

let current: Bun.Subprocess | null = null;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // What run.ts has started ends with it, however it ends (test/support/process.ts).
    current?.kill("SIGKILL");
    process.exit(130);
  });
}

/** Numbers, or a sentence why there are none. */
type Outcome = { numbers: Numbers } | { why: string; failed: boolean };

async function run(plan: Plan): Promise<Outcome> {
  const child = Bun.spawn([BUN, join(import.meta.dir, "run.ts"), JSON.stringify(plan)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
    timeout: RUN_LIMIT_MS,
    killSignal: "SIGKILL",
  });
  current = child;
  const output = await new Response(child.stdout).text();
  await child.exited;
  current = null;
  const line = output.trim().split("\n").at(-1) ?? "";
  if (!line.startsWith("{")) {
    return { why: `a run ended without a word (signal ${child.signalCode})`, failed: true };
  }
  const report = JSON.parse(line) as Report;
  if ("numbers" in report) return report;
  return "absent" in report ? { why: report.absent, failed: false } : { why: report.fault, failed: true };
}

/** Makes all runs of one round, each plan once; a plan that could not be run is not tried again. */
async function round(plans: ReadonlyMap<string, Plan>, outcomes: Map<string, Outcome[]>): Promise<void> {
  for (const [key, plan] of plans) {
    const before = outcomes.get(key) ?? [];
    if (before.some((outcome) => "why" in outcome)) continue;
    const label = [
      plan.kind,
      "peer" in plan ? plan.peer : "",
      "calls" in plan ? `${plan.calls} calls` : "",
      "store" in plan ? plan.store : "",
      "mixers" in plan ? `${plan.mixers} mixers` : "",
      "events" in plan ? `${plan.events} events` : "",
    ];
    const startedAt = performance.now();
    const outcome = await run(plan);
    outcomes.set(key, [...before, outcome]);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.error(
      `  ${label.filter((word) => word !== "").join(" ")}: ${seconds} s${
        "why" in outcome ? `, ${outcome.why}` : ""
      }`,
    );
  }
}

function row(figure: Figure, outcomes: ReadonlyMap<string, Outcome[]>, rounds: number): Row {
  const { name, unit, peer, mark: { floor, aim } } = figure;
  const of: Row["rounds"] = [];
  let why = "";
  for (let i = 0; i < rounds; i++) {
    const runs: Record<string, Numbers> = {};
    for (const [word, plan] of Object.entries(figure.runs)) {
      const outcome = outcomes.get(JSON.stringify(plan))?.[i];
      if (outcome !== undefined && "numbers" in outcome) runs[word] = outcome.numbers;
      else if (outcome !== undefined && why === "") why = outcome.why;
    }
    if (Object.keys(runs).length < Object.keys(figure.runs).length) continue;
    of.push({ value: figure.value(runs), ratio: figure.ratio?.(runs) ?? null, runs });
  }
  if (of.length === 0) {
    return {
      name,
      value: null,
      unit,
      peer,
      ratio: null,
      floor,
      aim,
      verdict: `not measured: ${why}`,
      rounds: of,
    };
  }
  const value = median(of.map((round) => round.value));
  const ratio = figure.ratio === undefined ? null : median(of.map((round) => round.ratio!));
  return {
    name,
    value,
    unit,
    peer,
    ratio,
    floor,
    aim,
    verdict: verdict(figure.mark, ratio ?? value),
    rounds: of,
  };
}

function shown(number: number | null): string {
  if (number === null) return "-";
  return number >= 1000 ? Math.round(number).toLocaleString("en-US") : String(Number(number.toPrecision(3)));
}

function print(rows: readonly Row[]): void {
  const lines = [["figure", "value", "ratio", "floor", "aim", "verdict"]];
  for (const row of rows) {
    lines.push([
      row.name,
      row.value === null ? "-" : `${shown(row.value)} ${row.unit}`,
      shown(row.ratio),
      shown(row.floor),
      shown(row.aim),
      row.verdict === "missed" ? "FLOOR MISSED" : row.verdict,
    ]);
  }
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  for (const line of lines) {
    console.log(
      line.map((cell, column) =>
        column === 0 || column === 5 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
      ).join("  ").trimEnd(),
    );
  }
}

async function main(): Promise<number> {
  const { groups, rounds } = options(process.argv.slice(2));
  const figures = FIGURES.filter((figure) => groups.includes(figure.group));
  const plans = new Map<string, Plan>();
  for (const figure of figures) {
    for (const plan of Object.values(figure.runs)) plans.set(JSON.stringify(plan), plan);
  }
  const outcomes = new Map<string, Outcome[]>();
  for (let i = 1; i <= rounds; i++) {
    console.error(`round ${i} of ${rounds}`);
    await round(plans, outcomes);
  }
  const rows = figures.map((figure) => row(figure, outcomes, rounds));
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  writeFileSync(join(ROOT, "dist/bench.json"), JSON.stringify(rows, null, 2) + "\n");
  print(rows);
  const missed = rows.filter((row) => row.verdict === "missed");
  if (missed.length > 0) console.log(`\n${missed.length} of ${rows.length} figures miss their floor`);
  const failed = [...outcomes.values()].flat().some((outcome) => "why" in outcome && outcome.failed);
  return failed ? 1 : 0;
}

try {
  process.exit(await main());
} catch (error) {
  if (!(error instanceof Usage)) throw error;
  console.error(error.message);
  process.exit(2);
}
