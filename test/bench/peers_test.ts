/**
 * What the bench writes for the gateway to read has to stay what the gateway accepts.
 */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config.ts";
import { earlyConfiguration } from "./early.ts";
import { configure } from "./peers.ts";

const EARLY = earlyConfiguration({ kind: "early", peer: "gateway", events: 1, rounds: 1, holdMs: 6000 });

for (
  const [store, extra] of [["memory", ""], ["sqlite", ""], ["memory", EARLY]] as const
) {
  const name = `the configuration for the ${store} store${extra === "" ? "" : " with early events"}`;
  test(`${name} is accepted without a warning`, () => {
    const folder = mkdtempSync(join(tmpdir(), "rayo-bench-test-"));
    try {
      const file = join(folder, "config.toml");
      writeFileSync(file, configure(5347, store, folder, 8080, extra), { mode: 0o600 });
      const { findings, warnings } = loadConfig({ file, env: {}, cwd: folder });
      expect({ findings, warnings }).toEqual({ findings: [], warnings: [] });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
