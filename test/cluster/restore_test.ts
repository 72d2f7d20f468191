/**
 * DC39–DC41: what comes back after a restart, what does not, and what the configuration adds.
 */
import { describe, expect, test } from "bun:test";
import { Log } from "../../src/base/log.ts";
import { Directory, noJournal } from "../../src/cluster/directory.ts";
import { applyChanges, restore, undeclared } from "../../src/cluster/restore.ts";
import type { CallRow, NodeRow, Snapshot } from "../../src/cluster/store.ts";
import { Trust } from "../../src/cluster/trust.ts";

const APPLICATION = {
  jid: "juliet@capulet.test",
  appId: "7",
  name: "Juliet",
  platform: "default",
  accountId: "",
  permissions: "su",
};

function snapshot(more: Partial<Snapshot> = {}): Snapshot {
  return {
    applications: [APPLICATION],
    addresses: [{ address: "sip:juliet@example.com", jid: APPLICATION.jid }],
    nodes: [],
    clients: [],
    calls: [],
    mixers: [],
    bans: [],
    platforms: [],
    settings: {},
    ...more,
  };
}
const call = (more: Partial<CallRow> = {}): CallRow => ({
  slot: 3,
  domain: "n1.test",
  id: "C1",
  publicId: "",
  application: APPLICATION.jid,
  parties: ["juliet@capulet.test/a"],
  controlled: true,
  accepted: true,
  outbound: false,
  startedAt: 1_704_067_200_000,
  ...more,
});
const nodeRow = (more: Partial<NodeRow> = {}): NodeRow => ({
  jid: "n1.test",
  platforms: ["gold"],
  weight: 3,
  priority: 2,
  javaNode: true,
  state: "quiesced",
  blacklisted: true,
  consecutiveErrors: 4,
  ...more,
});

function restored(from: Snapshot): { directory: Directory; lines: string[]; log: Log } {
  const lines: string[] = [];
  const log = new Log((line) => lines.push(line), () => 0);
  const defaults = { defaultPlatform: "default", defaultWeight: 10, defaultPriority: 1 };
  const directory = new Directory(defaults, new Trust(["n1.test", "n2.test"], []), noJournal);
  restore(directory, from, log);
  return { directory, lines, log };
}

describe("what the store remembers", () => {
  test("comes back as it was", () => {
    const { directory } = restored(snapshot({
      nodes: [nodeRow()],
      clients: [{ jid: "juliet@capulet.test/B", order: 1 }, { jid: "juliet@capulet.test/a", order: 2 }],
      calls: [call()],
      bans: ["romeo@montague.test"],
      platforms: ["silver"],
      settings: { quiesced: "true" },
    }));
    expect(directory.nodeRow(directory.nodeByJid("n1.test")!)).toEqual(nodeRow());
    expect(directory.callRow(3)).toEqual(call());
    const application = directory.addresses.match("sip:juliet@example.com")!;
    expect(application.resources.map((r) => r.jid)).toEqual([
      "juliet@capulet.test/B",
      "juliet@capulet.test/a",
    ]);
    expect(directory.partyOf(3)).toBe(application.resources[1]!);
    expect([[...directory.bans], directory.platforms.has("silver"), directory.quiesced]).toEqual([
      ["romeo@montague.test"],
      true,
      true,
    ]);
  });

  test("an alias stays one, and several parties stay several", () => {
    const parties = ["juliet@capulet.test/a", "juliet@capulet.test/b"];
    const { directory } = restored(snapshot({
      calls: [call(), call({ slot: 5, domain: "n2.test", publicId: "c1.2", parties, controlled: false })],
    }));
    const find = (id: string) => directory.calls.findPublic(Buffer.from(id), 0, id.length);
    expect([find("c1"), find("c1.2")]).toEqual([3, 5]);
    expect(directory.parties(5).map((r) => r.jid)).toEqual(parties);
  });

  test("what makes no sense any more is left out, with a word", () => {
    const { directory, lines } = restored(snapshot({
      addresses: [{ address: "sip:x@y", jid: "nobody@capulet.test" }],
      nodes: [nodeRow({ jid: "stranger.test" }), nodeRow({ jid: "call.n1.test" })],
      clients: [{ jid: "nobody@capulet.test/a", order: 1 }, { jid: "no jid@@", order: 2 }],
      calls: [call({ domain: "stranger.test" }), call({ slot: 4, parties: ["capulet.test"] })],
    }));
    expect([directory.enrolledNodes().length, directory.calls.size, directory.addresses.size]).toEqual([
      0,
      0,
      0,
    ]);
    expect(lines.filter((line) => line.includes("not trusted any more")).length).toBe(2);
    expect(lines.filter((line) => line.includes("cannot be restored")).length).toBe(2);
  });

  test("new calls do not take the place of old ones", () => {
    const { directory } = restored(snapshot({ calls: [call()] }));
    const party = directory.partyOf(3)!;
    const domain = directory.trustedDomain("n1.test")!;
    const slots = Array.from(
      { length: 4 },
      (_, i) => directory.addCall(Buffer.from(`n${i}`), 0, 2, domain, party, 0, 0),
    );
    expect(new Set([...slots, 3]).size).toBe(5);
  });
});

describe("DC41: what the configuration declares", () => {
  const declared = { ...APPLICATION, addresses: ["sip:juliet@example.com"] };

  test("is added where it is missing, once", () => {
    const { directory, log } = restored(snapshot({ applications: [], addresses: [] }));
    applyChanges(directory, undeclared(directory, [declared], log));
    expect(directory.addresses.match("sip:juliet@example.com")?.jid).toBe(APPLICATION.jid);
    expect(undeclared(directory, [declared], log)).toEqual([]);
  });

  test("loses against the store, with a warning", () => {
    const { directory, lines, log } = restored(snapshot());
    expect(undeclared(directory, [{ ...declared, platform: "gold" }], log)).toEqual([]);
    expect(lines.join("")).toContain("other values");
    expect(directory.applications.get(APPLICATION.jid)!.platform).toBe("default");
  });

  test("does not take another application's address", () => {
    const { directory, lines, log } = restored(snapshot());
    const other = { ...declared, jid: "romeo@montague.test" };
    expect(undeclared(directory, [other], log).map((change) => change.kind)).toEqual(["application"]);
    expect(lines.join("")).toContain("belongs to another application");
  });
});
