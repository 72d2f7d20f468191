/**
 * The demo as a test: the built executable with the shipped config.toml between a real server, simulated nodes of both
 * kinds and an application of ordinary users. Every call ends as it should, nobody sees what is not for him, and the
 * gateway counts no call at the end.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { whyNoLiveServers } from "../support/packages.ts";
import { BUN, ROOT } from "../support/toolchain.ts";

setDefaultTimeout(180_000);

async function demo(...words: string[]) {
  const run = Bun.spawn([BUN, join(ROOT, "test/demo/main.ts"), ...words], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, status] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
  return { out, err, status };
}

describe.skipIf(whyNoLiveServers() !== "")("make run --once", () => {
  for (const server of ["prosody", "ejabberd"]) {
    test(`sixty calls in both directions through ${server}`, async () => {
      const { out, err, status } = await demo("--once", "60", "--calls", "20", "--server", server);
      expect({ out, err, status }).toMatchObject({ err: "", status: 0 });
      expect(out).toContain("60 calls: 30 in, 30 out; 60 done, 0 failed");
      expect(out).toContain("0 errors, 0 violations");
    });
  }
});

test("wrong options end with status 2 and the usage", async () => {
  const { err, status } = await demo("--calls", "none");
  expect(status).toBe(2);
  expect(err).toStartWith("--calls needs a whole number from 1 to 500\n");
  expect(err).toContain("Usage: make run");
});
