/**
 * The steady load: as many exchanges as the peer takes, a bounded number of them at a time, spread evenly over all
 * live calls. Answers CPU a stanza of the whole process under test.
 */
import { Exchange, STANZAS_PER_EXCHANGE } from "./exchange.ts";
import { type Parties, untilDone } from "./parties.ts";
import type { Numbers, SteadyPlan } from "./plan.ts";

/** About 0.5 MB in flight at a time: enough for full reads on both sides, too little to pile up. */
const IN_FLIGHT = 1024;
/** New exchanges begin together, so that a write holds 64 KiB or so. */
const BATCH = 256;
/** Share of the load that goes before, for the JIT. */
const WARM_SHARE = 0.4;
/** A prime that no sensible number of calls is a multiple of: calls are touched far apart, as in life. */
const STRIDE = 7919;

export async function steady(parties: Parties, plan: SteadyPlan, cost: () => number): Promise<Numbers> {
  const exchange = new Exchange(parties, plan.calls);
  const inFlight = Math.min(IN_FLIGHT, plan.calls);
  const batch = Math.min(BATCH, inFlight);
  const stride = STRIDE % plan.calls;
  let next = 0, begun = 0, stopped = false;

  const begin = () => {
    const room = inFlight - (begun - exchange.finished);
    if (stopped || room < batch) return;
    for (let i = 0; i < room; i++) {
      exchange.begin(next);
      next += stride;
      if (next >= plan.calls) next -= plan.calls;
    }
    begun += room;
  };
  parties.afterChunk = begin;
  const run = async (stanzas: number, seconds: number) => {
    const first = exchange.received;
    const deadline = performance.now() + seconds * 1000;
    await untilDone(
      parties,
      () => exchange.received,
      () => exchange.received - first >= stanzas || performance.now() > deadline,
    );
  };

  begin();
  parties.flush();
  await run(plan.stanzas * WARM_SHARE, plan.secondsMax * WARM_SHARE);
  const cpuStart = cost(),
    ownStart = process.cpuUsage(),
    wallStart = performance.now(),
    first = exchange.received;
  await run(plan.stanzas, plan.secondsMax);
  const cpu = cost() - cpuStart,
    wall = (performance.now() - wallStart) / 1000,
    stanzas = exchange.received - first;
  const own = process.cpuUsage(ownStart);
  // Everything that was begun has to arrive, once.
  stopped = true;
  await untilDone(parties, () => exchange.received, () => exchange.finished === begun);
  await Bun.sleep(50);
  parties.assertCalm();
  if (exchange.received !== begun * STANZAS_PER_EXCHANGE) throw new Error("stanzas were lost or doubled");
  return {
    microseconds: cpu * 1e6 / stanzas,
    stanzas,
    cpuSeconds: cpu,
    wallSeconds: wall,
    stanzasPerSecond: stanzas / wall,
    generatorMicroseconds: (own.user + own.system) / stanzas,
    stanzaBytes: exchange.stanzaBytes,
  };
}
