/** The demo's command line. */
import { expect, test } from "bun:test";
import { type DemoOptions, parseOptions } from "./options.ts";

const DEFAULTS: DemoOptions = {
  nodes: 2,
  javaNodes: 1,
  resources: 2,
  calls: 12,
  once: 0,
  server: "prosody",
  port: 0,
  help: false,
};

test("options are taken with a blank or an equals sign", () => {
  expect(parseOptions([])).toEqual(DEFAULTS);
  expect(parseOptions(["--nodes", "4", "--calls=20", "--server", "ejabberd"])).toEqual({
    ...DEFAULTS,
    nodes: 4,
    calls: 20,
    server: "ejabberd",
  });
});

test("--once takes a number or not", () => {
  expect(parseOptions(["--once"])).toEqual({ ...DEFAULTS, once: 40 });
  expect(parseOptions(["--once", "--nodes", "1"])).toEqual({ ...DEFAULTS, once: 40, nodes: 1 });
  expect(parseOptions(["--once=7"])).toEqual({ ...DEFAULTS, once: 7 });
});

test("what is wrong is told in a sentence", () => {
  expect(parseOptions(["--node", "4"])).toBe('unknown option "--node"');
  expect(parseOptions(["--nodes"])).toBe("--nodes needs a whole number from 0 to 50");
  expect(parseOptions(["--calls", "0"])).toBe("--calls needs a whole number from 1 to 500");
  expect(parseOptions(["--once", "x"])).toBe("--once needs a whole number from 1 to 100000, or nothing");
  expect(parseOptions(["--server", "openfire"])).toBe('--server needs "prosody" or "ejabberd"');
  expect(parseOptions(["--nodes", "0", "--java-nodes", "0"])).toBe("at least one node is needed");
});
