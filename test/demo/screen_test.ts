/** The demo's screen: figures in, lines out. */
import { expect, test } from "bun:test";
import { commands, draw, oneLine, type View } from "./screen.ts";

const VIEW: View = {
  seconds: 3725,
  server: "prosody",
  url: "http://127.0.0.1:8080",
  callsUp: 3,
  tally: { started: 9, inbound: 5, outbound: 4, done: 6, failed: 0 },
  nodes: [{ name: "freeswitch1.nodes.test", kind: "FreeSWITCH", up: 2, done: 4 }],
  resources: [{ name: "demo@apps.test/one", kind: "user", up: 3, done: 6 }],
  last: [{
    name: "ringing",
    at: 0,
    ms: 1.25,
    entered: { from: "c1@node1.test", to: "gw.test/gateway" },
    left: { from: "c1@rayo.test", to: "demo@apps.test/one" },
  }],
  crossed: 20,
  stanzas: 44,
  medianMs: 1.25,
  p99Ms: 12.5,
  counters: { ActiveCallsCount: 3 },
  errors: [],
  errorTotal: 0,
};

test("everything a person looks for is on the screen", () => {
  const text = draw(VIEW, 120).join("\n");
  expect(text).toContain("calls up 3   started 9 (in 5, out 4)   done 6   failed 0");
  expect(text).toContain("01:02:05");
  expect(text).toContain("the gateway counts: ActiveCalls 3");
  expect(text).toMatch(/freeswitch1\.nodes\.test +FreeSWITCH +2 +4/);
  expect(text).toMatch(/demo@apps\.test\/one +user +3 +6/);
  expect(text).toContain("c1@node1.test -> gw.test/gateway");
  expect(text).toContain("c1@rayo.test -> demo@apps.test/one");
  expect(text).toContain("errors: none");
  for (const line of commands(VIEW.url)) expect(text).toContain(line);
});

test("errors are counted and shown, without control characters, and no line is wider than the screen", () => {
  const lines = draw({ ...VIEW, errors: ["bad \x1b[31mred\n" + "x".repeat(200)], errorTotal: 7 }, 80);
  expect(lines).toContain("errors: 7");
  expect(lines.join("")).toContain("bad ?[31mred?xxx");
  expect(Math.max(...lines.map((line) => line.length))).toBe(80);
});

test("a stdout that is no terminal gets a line", () => {
  expect(oneLine(VIEW)).toBe(
    "01:02:05 up 3 done 6 failed 0 stanzas 44 median 1.3 ms errors 0 | up/done freeswitch1 2/4",
  );
});
