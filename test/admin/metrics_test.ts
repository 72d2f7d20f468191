/** Prometheus text 0.0.4: families, labels, escapes, values. */

import { expect, test } from "bun:test";
import type { Meter } from "../../src/admin/gateway.ts";
import { labelled, metricsText } from "../../src/admin/metrics.ts";
import { startRig } from "./admin_rig.ts";

const meter = (name: string, value: number, more: Partial<Meter> = {}): Meter => ({
  name,
  kind: "counter",
  help: "h",
  value,
  ...more,
});

test("a family has one HELP and TYPE, and its series together", () => {
  const text = metricsText([
    meter('stanzas_total{side="external"}', 1, { help: "Stanzas" }),
    meter("calls", 7, { kind: "gauge", help: "Live calls" }),
    meter('stanzas_total{side="internal"}', 2, { help: "Stanzas" }),
  ]);
  expect(text).toBe(
    "# HELP rayo_gateway_stanzas_total Stanzas\n# TYPE rayo_gateway_stanzas_total counter\n" +
      'rayo_gateway_stanzas_total{side="external"} 1\nrayo_gateway_stanzas_total{side="internal"} 2\n' +
      "# HELP rayo_gateway_calls Live calls\n# TYPE rayo_gateway_calls gauge\nrayo_gateway_calls 7\n",
  );
});

test("labels are escaped, by whoever gives them or here", () => {
  const nasty = 'a"b\\c\nd';
  expect(labelled("x", { node: nasty, side: "in" })).toBe('x{node="a\\"b\\\\c\\nd",side="in"}');
  expect(labelled("x", {})).toBe("x");
  const series = 'rayo_gateway_x{node="a\\"b\\\\c\\nd",side="in"} 1\n';
  expect(metricsText([meter(labelled("x", { node: nasty, side: "in" }), 1)])).toEndWith(series);
  expect(metricsText([meter(`x{node="${nasty}",side="in"}`, 1)])).toEndWith(series);
});

test("a help text keeps to its line, a name to its letters, a series to one reading", () => {
  const text = metricsText([meter("a-b.c", 1, { help: "one\ntwo\\" }), meter("a-b.c", 2)]);
  expect(text).toBe(
    "# HELP rayo_gateway_a_b_c one\\ntwo\\\\\n# TYPE rayo_gateway_a_b_c counter\nrayo_gateway_a_b_c 1\n",
  );
});

test("values that are no numbers have names", () => {
  const values = metricsText([
    meter("a", NaN),
    meter("b", Infinity),
    meter("c", -Infinity),
    meter("d", 0.5),
    meter("e", 5e9),
  ])
    .split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.split(" ")[1]);
  expect(values).toEqual(["NaN", "+Inf", "-Inf", "0.5", "5000000000"]);
});

test("/metrics says its format", async () => {
  await using rig = startRig();
  const response = await rig.get("/metrics");
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(await response.text()).toContain("\nrayo_gateway_stanzas_total 42\n");
});
