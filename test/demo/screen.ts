/**
 * One screen of text that shows what happens: calls, nodes, resources, the latest stanzas with the addresses of both
 * sides, errors, and what to try. Pure: figures in, lines out.
 */
import type { Crossing } from "./crossing.ts";
import type { Tally } from "./traffic.ts";

export interface Row {
  name: string;
  kind: string;
  up: number;
  done: number;
}

export interface View {
  seconds: number;
  server: string;
  url: string;
  callsUp: number;
  tally: Tally;
  nodes: Row[];
  resources: Row[];
  last: readonly Crossing[];
  crossed: number;
  stanzas: number;
  medianMs: number;
  p99Ms: number;
  /** The gateway's own figures, by name. */
  counters: Record<string, number>;
  errors: readonly string[];
  errorTotal: number;
}

/** What a person may want to try, each a line to paste. */
export function commands(url: string): string[] {
  const jmx = `${url}/rayo/jmx`;
  return [
    `curl -s ${url}/api/v1/status`,
    `curl -s ${url}/api/v1/nodes`,
    `curl -s '${url}/api/v1/calls?limit=5'`,
    `curl -s ${url}/metrics`,
    `curl -s '${jmx}/read/com.rayo.gateway:Type=GatewayStatistics/ActiveCallsCount'`,
    `curl -s '${jmx}/exec/com.rayo.gateway:Type=Admin,name=Admin/enableQuiesce'`,
    `curl -s '${jmx}/exec/com.rayo.gateway:Type=Admin,name=Admin/disableQuiesce'`,
  ];
}

export function draw(view: View, width: number): string[] {
  const { tally } = view;
  const lines = [
    `Rayo Gateway demo on ${view.server}   ${duration(view.seconds)}   ${view.url}   Ctrl-C ends everything`,
    "",
    `calls up ${view.callsUp}   started ${tally.started} (in ${tally.inbound}, out ${tally.outbound})   ` +
    `done ${tally.done}   failed ${tally.failed}`,
    `stanzas ${view.stanzas}   crossed ${view.crossed}   party to party ${ms(view.medianMs)} (median), ` +
    `${ms(view.p99Ms)} (p99)`,
    `the gateway counts: ${
      Object.entries(view.counters).map(([name, value]) => `${name.replace(/Count$/, "")} ${value}`).join(
        "   ",
      ) || "nothing yet"
    }`,
    "",
    ...table("node", view.nodes),
    "",
    ...table("resource", view.resources),
    "",
    "latest stanzas: as they entered the gateway, and as they left it",
    ...view.last.flatMap(({ name, entered, left, ms: took }) => [
      `  ${name.padEnd(10)} ${entered.from} -> ${entered.to}`,
      `  ${ms(took).padStart(10)} ${left.from} -> ${left.to}`,
    ]),
    "",
    `errors: ${view.errorTotal === 0 ? "none" : view.errorTotal}`,
    ...view.errors.map((text) => `  ${text}`),
    "",
    "try",
    ...commands(view.url).map((line) => `  ${line}`),
  ];
  return lines.map((line) => clip(line, width));
}

/** For a stdout that is no terminal. */
export function oneLine(view: View): string {
  const { tally } = view;
  const nodes = view.nodes.map(({ name, up, done }) => `${name.split(".")[0]} ${up}/${done}`).join(" ");
  return `${
    duration(view.seconds)
  } up ${view.callsUp} done ${tally.done} failed ${tally.failed} stanzas ${view.stanzas} ` +
    `median ${ms(view.medianMs)} errors ${view.errorTotal} | up/done ${nodes}`;
}

function table(title: string, rows: readonly Row[]): string[] {
  const wide = Math.max(title.length, ...rows.map(({ name }) => name.length));
  return [
    `${title.padEnd(wide)}  ${"kind".padEnd(10)}  calls up    done`,
    ...rows.map(({ name, kind, up, done }) =>
      `${name.padEnd(wide)}  ${kind.padEnd(10)}  ${String(up).padStart(8)}  ${String(done).padStart(6)}`
    ),
  ];
}

function duration(seconds: number): string {
  const whole = Math.floor(seconds);
  return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map((n) =>
    String(n).padStart(2, "0")
  ).join(":");
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

/** Foreign text is shown: no control character may reach the terminal. */
function clip(line: string, width: number): string {
  // deno-lint-ignore no-control-regex -- control characters are what this is about
  const plain = line.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
  return plain.length <= width ? plain : plain.slice(0, width - 1) + "…";
}
