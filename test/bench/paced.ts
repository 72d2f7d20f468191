/**
 * Delay under a steady rate: exchanges begin at fixed times; how long each stanza took through the gateway is
 * compared with how long eight bytes took through an idle loop at the same moments (control_loop.ts).
 */
import { Exchange, STANZAS_PER_EXCHANGE } from "./exchange.ts";
import { type Parties, untilDone } from "./parties.ts";
import type { Numbers, PacedPlan } from "./plan.ts";
import { eventually, startChild, temporaryFolder } from "../support/process.ts";
import { BUN } from "../support/toolchain.ts";
import { join } from "node:path";

const STRIDE = 7919;
const TICK_MS = 1;
const WARM_SECONDS = 3;
/** After a stall of the generator itself the missed exchanges are not all begun at once. */
const CATCH_UP_MS = 5;

/** Delays in milliseconds; sorted when asked. */
class Delays {
  readonly #values: Float32Array;
  #count = 0;

  constructor(countMax: number) {
    this.#values = new Float32Array(countMax);
  }
  add(ms: number): void {
    if (this.#count < this.#values.length) this.#values[this.#count++] = ms;
  }
  clear(): void {
    this.#count = 0;
  }
  get count(): number {
    return this.#count;
  }
  /** The value that `share` of all do not exceed; 1: the longest. */
  at(share: number): number {
    const sorted = this.#values.subarray(0, this.#count).sort();
    return sorted[Math.min(this.#count - 1, Math.floor(share * this.#count))] ?? NaN;
  }
}

export async function paced(parties: Parties, plan: PacedPlan, cost: () => number): Promise<Numbers> {
  const exchange = new Exchange(parties, plan.calls);
  const begunAt = new Float64Array(plan.calls), answeredAt = new Float64Array(plan.calls);
  const delays = new Delays(plan.stanzasPerSecond * (plan.seconds + 5));
  const control = await startControl((plan.seconds + 5) * 1000 / TICK_MS);
  let now = 0;
  exchange.arrived = (call, byCommand) => delays.add(now - (byCommand ? answeredAt[call]! : begunAt[call]!));
  exchange.answered = (call) => answeredAt[call] = now;
  const stamped = (line: { receive: (chunk: Buffer) => void }) => {
    const receive = line.receive;
    line.receive = (chunk) => {
      now = performance.now();
      receive(chunk);
    };
  };
  stamped(parties.nodeLine);
  stamped(parties.clientLine);

  const perMs = plan.stanzasPerSecond / STANZAS_PER_EXCHANGE / 1000;
  const stride = STRIDE % plan.calls;
  let call = 0, begun = 0, owed = 0, last = performance.now(), waitingMax = 0;
  const timer = setInterval(() => {
    now = performance.now();
    owed = Math.min(owed + (now - last) * perMs, CATCH_UP_MS * perMs);
    last = now;
    for (; owed >= 1; owed--, begun++) {
      begunAt[call] = now;
      exchange.begin(call);
      call += stride;
      if (call >= plan.calls) call -= plan.calls;
    }
    parties.flush();
    control.ask(now);
    waitingMax = Math.max(waitingMax, begun - exchange.finished);
  }, TICK_MS);

  try {
    const run = async (seconds: number) => {
      const deadline = performance.now() + seconds * 1000;
      await untilDone(parties, () => exchange.received, () => performance.now() > deadline);
    };
    await run(WARM_SECONDS);
    delays.clear();
    control.delays.clear();
    const cpuStart = cost(), first = exchange.received, wallStart = performance.now();
    await run(plan.seconds);
    const cpu = cost() - cpuStart,
      stanzas = exchange.received - first,
      wall = (performance.now() - wallStart) / 1000;
    clearInterval(timer);
    await untilDone(parties, () => exchange.received, () => exchange.finished === begun);
    const through = { p50: delays.at(0.5), p99: delays.at(0.99), max: delays.at(1) };
    const idle = { p50: control.delays.at(0.5), p99: control.delays.at(0.99), max: control.delays.at(1) };
    return {
      addedP99Ms: Math.max(0, through.p99 - idle.p99),
      stallBeyondControlMs: Math.max(0, through.max - idle.max),
      p50Ms: through.p50,
      p99Ms: through.p99,
      maxMs: through.max,
      controlP50Ms: idle.p50,
      controlP99Ms: idle.p99,
      controlMaxMs: idle.max,
      stanzasPerSecond: stanzas / wall,
      cpuShare: cpu / wall,
      exchangesInFlightMax: waitingMax,
    };
  } finally {
    clearInterval(timer);
    await control.stop();
  }
}

interface Control {
  delays: Delays;
  ask(now: number): void;
  stop(): Promise<void>;
}

async function startControl(asksMax: number): Promise<Control> {
  const child = startChild({
    command: [BUN, join(import.meta.dir, "control_loop.ts")],
    folder: temporaryFolder("bench-control"),
  });
  const delays = new Delays(asksMax * 2);
  try {
    if (!await eventually(() => child.log().endsWith("\n"), 10_000)) {
      throw new Error("the control loop did not start");
    }
    const port = Number(child.log());
    let carry = Buffer.alloc(0);
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        open: (it) => void it.setNoDelay(true),
        data(_it, chunk) {
          const now = performance.now();
          carry = carry.length === 0 ? Buffer.from(chunk) : Buffer.concat([carry, chunk]);
          let at = 0;
          for (; at + 8 <= carry.length; at += 8) delays.add(now - carry.readDoubleLE(at));
          carry = Buffer.from(carry.subarray(at));
        },
      },
    });
    const question = Buffer.alloc(8);
    return {
      delays,
      ask(now) {
        question.writeDoubleLE(now);
        socket.write(question);
      },
      async stop() {
        socket.end();
        await child.kill();
      },
    };
  } catch (error) {
    await child.kill();
    throw error;
  }
}
