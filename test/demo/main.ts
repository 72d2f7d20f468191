/**
 * The demo behind `make run`: everything on loopback, calls in both directions, one screen. With `--once` it is a
 * test: so many calls, a summary, an exit status.
 */
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { eventually } from "../support/process.ts";
import { type DemoOptions, parseOptions, USAGE } from "./options.ts";
import { commands, draw, oneLine, type View } from "./screen.ts";
import { type Pace, Traffic } from "./traffic.ts";
import { World } from "./world.ts";

const SHOW = "\x1b[?25h",
  HIDE = "\x1b[?25l",
  HOME = "\x1b[H",
  REST = "\x1b[K",
  BELOW = "\x1b[J",
  CLEAR = "\x1b[2J";

async function main(words: readonly string[]): Promise<number> {
  const options = parseOptions(words);
  if (typeof options === "string") {
    console.error(`${options}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const world = new World(options);
  const stopped = Promise.withResolvers<"signal">();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => stopped.resolve("signal"));
  }
  try {
    const started = world.start((sentence) => console.log(`${sentence}…`)).then(() => "started" as const);
    // A failure after Ctrl-C is what Ctrl-C brings about.
    if (await Promise.race([started, stopped.promise]) === "signal") return 130;
    const gone = eventually(() => world.gateway.ended, Infinity).then(() => "gone" as const);
    return options.once > 0
      ? await once(world, options, stopped.promise)
      : await forever(world, options, stopped.promise, gone);
  } catch (fault) {
    console.error(fault instanceof Error ? fault.message : fault);
    return 1;
  } finally {
    await world.stop();
  }
}

async function forever(
  world: World,
  options: DemoOptions,
  stopped: Promise<"signal">,
  gone: Promise<"gone">,
): Promise<number> {
  const traffic = new Traffic(world, pace(options, [2000, 6000]));
  traffic.start();
  const screen = process.stdout.isTTY === true;
  if (screen) process.stdout.write(HIDE + CLEAR);
  else console.log(["try", ...commands(world.gateway.url)].join("\n  "));
  const since = performance.now();
  const followed = { log: 0 };
  let counters: Record<string, number> = {};
  let end: "signal" | "gone" | null = null;
  for (let beat = 0; end === null; beat++) {
    if (beat % 4 === 0) {
      counters = await world.counters().catch(() => counters);
      followLog(world, followed);
    }
    const view = viewOf(world, traffic, options, counters, (performance.now() - since) / 1000);
    if (screen) {
      const { columns = 100, rows = 40 } = process.stdout;
      process.stdout.write(
        HOME + draw(view, columns).slice(0, rows - 1).map((line) => line + REST + "\n").join("") + BELOW,
      );
    } else if (beat % 20 === 0) console.log(oneLine(view));
    end = await Promise.race([stopped, gone, Bun.sleep(250).then(() => null)]);
  }
  if (screen) process.stdout.write(SHOW);
  traffic.stop();
  if (end === "gone") {
    console.error(`the gateway ended; its last words:\n${world.gateway.log().slice(-3000)}`);
    return 1;
  }
  console.log("stopping…");
  return 0;
}

async function once(world: World, options: DemoOptions, stopped: Promise<"signal">): Promise<number> {
  const traffic = new Traffic(world, pace(options, [200, 300]));
  traffic.start();
  // Every call has its own limit, so this ends.
  const finished = eventually(() => traffic.finished || world.gateway.ended, Infinity).then(() =>
    "finished" as const
  );
  const end = await Promise.race([finished, stopped]);
  traffic.stop();
  if (end === "signal") return 130;
  const settled = await eventually(
    async () => world.gateway.ended || (await world.counters())["ActiveCallsCount"] === 0,
    10_000,
  );
  followLog(world, { log: 0 });

  const { tally, crossings } = { tally: traffic.tally, crossings: world.crossings };
  const violations = world.violations();
  const complaints = [
    ...crossings.errors,
    ...violations,
    ...(world.gateway.ended
      ? [`the gateway ended; its last words:\n${world.gateway.log().slice(-3000)}`]
      : []),
    ...(settled ? [] : ["the gateway still counts active calls"]),
  ];
  console.log(
    `${tally.started} calls: ${tally.inbound} in, ${tally.outbound} out; ${tally.done} done, ${tally.failed} failed`,
  );
  for (const { domain, done } of world.nodes) console.log(`  ${domain}: ${done}`);
  for (const { app, done } of world.resources) console.log(`  ${app.jid}: ${done}`);
  console.log(
    `${crossings.stanzas} stanzas, ${crossings.total} crossed, median ${
      crossings.quantile(0.5).toFixed(1)
    } ms; ` +
      `${crossings.errorTotal} errors, ${violations.length} violations`,
  );
  for (const line of complaints) console.log(`  ${line}`);
  return tally.done === options.once && complaints.length === 0 ? 0 : 1;
}

function pace(options: DemoOptions, playMs: [number, number]): Pace {
  return { calls: options.calls, once: options.once, playMs, clock: systemClock, random: systemRandom };
}

/** Warnings and errors of the gateway's log are errors of the demo. */
function followLog(world: World, followed: { log: number }): void {
  const text = world.gateway.logFrom(followed.log);
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  followed.log += Buffer.byteLength(whole);
  for (const line of whole.split("\n")) {
    if (/^\S+ (warn|error) /.test(line)) world.crossings.fault(`gateway: ${line.replace(/^\S+ /, "")}`);
  }
}

function viewOf(
  world: World,
  traffic: Traffic,
  options: DemoOptions,
  counters: Record<string, number>,
  seconds: number,
): View {
  const { crossings } = world;
  return {
    seconds,
    server: options.server,
    url: world.gateway.url,
    callsUp: traffic.underway,
    tally: traffic.tally,
    nodes: world.nodes.map(({ domain, kind, peer, done }) => ({
      name: domain,
      kind,
      up: peer.calls.size,
      done,
    })),
    resources: world.resources.map(({ app, done }) => ({
      name: app.jid,
      kind: "user",
      up: app.calls.size,
      done,
    })),
    last: crossings.last,
    crossed: crossings.total,
    stanzas: crossings.stanzas,
    medianMs: crossings.quantile(0.5),
    p99Ms: crossings.quantile(0.99),
    counters: Object.fromEntries(SHOWN.map((name) => [name, counters[name] ?? 0])),
    errors: [...crossings.errors, ...world.violations().slice(-3)],
    errorTotal: crossings.errorTotal + world.violations().length,
  };
}

const SHOWN = [
  "ActiveCallsCount",
  "TotalCallsCount",
  "ActiveRayoNodesCount",
  "TotalClientResourcesCount",
  "MessagesCount",
  "ErrorsCount",
];

process.exit(await main(process.argv.slice(2)));
