/**
 * One measuring run in a process of its own: a plan (plan.ts) as the only argument, one report as JSON on
 * standard output. Holds the load generator; starts and stops what is measured.
 */
import { earlyConfiguration, earlyEvents } from "./early.ts";
import { median } from "./figures.ts";
import { setUpLiveCalls } from "./live_calls.ts";
import { mixers } from "./mixers.ts";
import { paced } from "./paced.ts";
import { start, type UnderTest } from "./peers.ts";
import { Absent, type Numbers, type Plan, type Report, type StartPlan, type XmlPlan } from "./plan.ts";
import { cpuSeconds, residentBytes } from "./process_cost.ts";
import { steady } from "./steady.ts";
import { wholeCalls } from "./whole_calls.ts";

/** A garbage collector gives memory back late; the process is left in peace for so long before it is looked at. */
const SETTLE_MS = 3000;
const STARTS = 5;
const MB = 1e6;

const say = (report: Report) => console.log(JSON.stringify(report));

async function measure(plan: Plan): Promise<Numbers> {
  // Loaded here alone: it is the only measurement that runs the product's code in this process.
  if (plan.kind === "xml") return (await import("./xml.ts")).xml(plan);
  if (plan.kind === "start") return await starts(plan);
  const extra = plan.kind === "early" ? earlyConfiguration(plan) : "";
  const under = await start(plan.peer, "store" in plan ? plan.store : "memory", extra);
  try {
    return await measureLive(plan, under);
  } finally {
    await under.stop();
  }
}

async function starts(plan: StartPlan): Promise<Numbers> {
  const times: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const under = await start(plan.peer, plan.store);
    times.push(under.startMs);
    await under.stop();
  }
  return { startMs: median(times), fastestMs: Math.min(...times), slowestMs: Math.max(...times) };
}

async function measureLive(plan: Exclude<Plan, XmlPlan | StartPlan>, under: UnderTest): Promise<Numbers> {
  const { parties, pid } = under;
  const cost = () => cpuSeconds(pid);
  await parties.announce();
  if (plan.kind === "calls") return await wholeCalls(parties, plan, cost);
  const resident = () => residentBytes(pid);
  if (plan.kind === "mixers") return await mixers(parties, plan, cost, resident);
  if (plan.kind === "early") return await earlyEvents(parties, plan, cost, resident, under.metrics);

  const empty = residentBytes(pid), setUpCpu = cost(), setUpStart = performance.now();
  await setUpLiveCalls(parties, plan.calls);
  const setUp = { setUpSeconds: (performance.now() - setUpStart) / 1000, setUpCpuSeconds: cost() - setUpCpu };
  if (plan.peer === "gateway") await Bun.sleep(plan.calls >= 100_000 ? SETTLE_MS : 0);
  const settled = residentBytes(pid);
  const numbers = plan.kind === "steady"
    ? await steady(parties, plan, cost)
    : await paced(parties, plan, cost);
  return {
    ...numbers,
    ...setUp,
    emptyResidentMB: empty / MB,
    residentMB: settled / MB,
    residentAfterMB: residentBytes(pid) / MB,
    bytesPerCall: (settled - empty) / plan.calls,
  };
}

try {
  say({ numbers: await measure(JSON.parse(process.argv[2] ?? "{}") as Plan) });
  process.exit(0);
} catch (error) {
  if (error instanceof Absent) say({ absent: error.message });
  else say({ fault: error instanceof Error ? error.message : String(error) });
  process.exit(1);
}
