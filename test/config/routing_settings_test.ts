/**
 * From config.toml to what routing is told: who may have a call, and what becomes of it (spec 9.3).
 */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config.ts";
import { ownershipSettings } from "../../src/config/routing_settings.ts";

const REQUIRED = "[gateway]\nexternal_domain = 'a.test'\ninternal_domain = 'b.test'\n" +
  "[xmpp.external]\nsecret = 'sesame-external'\n[xmpp.internal]\nsecret = 'sesame-internal'\n";

function ownership(more: string) {
  const folder = mkdtempSync(join(tmpdir(), "rayo-settings-"));
  try {
    writeFileSync(join(folder, "config.toml"), REQUIRED + more);
    const { config, findings } = loadConfig({ file: "config.toml", cwd: folder, env: {} });
    expect(findings).toEqual([]);
    return ownershipSettings(config!);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("defaults: one resource, hang up, nobody needs a letter", () => {
  expect(ownership("")).toEqual({
    offerToAll: false,
    siblingsMayCommand: false,
    controllerLoss: "hangup",
    controllerLossOf: new Map(),
    clientGraceMs: 5_000,
    clientReturnMs: 600_000,
    permissions: { dial: "", offer: "", join: "", mixer: "", component: "", message: "" },
    commandsNeedLetters: false,
  });
});

test("what is said, an application's own word on losing its controller included", () => {
  const told = ownership(
    "[offers]\nmode = 'all'\n[calls]\non_controller_loss = 'hold'\nsiblings_may_command = true\n" +
      "[clients]\ngrace_ms = 1\nreturn_window_ms = 0\n[permissions]\nmixer = 'm'\n" +
      "[[applications]]\njid = 'a@c.test'\non_controller_loss = 'handover'\n[[applications]]\njid = 'b@c.test'\n",
  );
  expect(told).toEqual({
    offerToAll: true,
    siblingsMayCommand: true,
    controllerLoss: "hold",
    controllerLossOf: new Map([["a@c.test", "handover"], ["b@c.test", "hold"]]),
    clientGraceMs: 1,
    clientReturnMs: 0,
    permissions: { dial: "", offer: "", join: "", mixer: "m", component: "", message: "" },
    commandsNeedLetters: true,
  });
});

test("letters for dials, offers and messages cost commands nothing", () => {
  expect(ownership("[permissions]\ndial = 'd'\noffer = 'o'\nmessage = 't'\n").commandsNeedLetters).toBe(
    false,
  );
});
