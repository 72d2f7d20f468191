/**
 * The directory: who is in it, from when to when, and what it costs nobody afterwards.
 */
import { describe, expect, test } from "bun:test";
import { fraction, seededRandom } from "../../src/base/random.ts";
import { Resource } from "../../src/cluster/application.ts";
import { CALL_CONTROLLED, CALL_OUTBOUND } from "../../src/cluster/call_table.ts";
import { Directory, noJournal } from "../../src/cluster/directory.ts";
import { nodeFailed, nodeSucceeded } from "../../src/cluster/failures.ts";
import type { Node } from "../../src/cluster/node.ts";
import type { Change } from "../../src/cluster/store.ts";
import { Trust } from "../../src/cluster/trust.ts";

function directory(note: (change: Change) => void = noJournal.note): Directory {
  const defaults = { defaultPlatform: "default", defaultWeight: 10, defaultPriority: 1 };
  return new Directory(defaults, new Trust(["*"], []), { note });
}
const row = (jid: string, platform = "default") => ({
  jid,
  appId: "",
  name: "",
  platform,
  accountId: "",
  permissions: "",
});
function node(d: Directory, jid: string, ...platforms: string[]): Node {
  const found = d.nodeFor(jid);
  d.enrolNode(found, platforms, null, null);
  return found;
}
function resource(d: Directory, jid: string): Resource {
  return d.resourceFor(jid, jid.split("/")[0]!, Buffer.from(jid));
}
function addCall(d: Directory, id: string, n: Node, party: Resource, flags = CALL_CONTROLLED): number {
  const bytes = Buffer.from(id);
  return d.addCall(bytes, 0, bytes.length, d.domainOf(n.jid, n), party, flags, 0);
}

describe("nodes", () => {
  test("PN1, PN2, GAP 5: defaults for what the node does not say", () => {
    const d = directory();
    const n = node(d, "n.test");
    expect([n.platforms, n.weight, n.priority, n.usable]).toEqual([["default"], 10, 1, true]);
  });

  test("PN10, BUG 20: platforms no longer named are left; a platform stays (D8)", () => {
    const d = directory();
    const n = node(d, "n.test", "a", "b");
    d.enrolNode(n, ["b", "c", "c"], 3, 2);
    expect(["a", "b", "c"].map((p) => d.platform(p).nodes.length)).toEqual([0, 1, 1]);
    expect([n.weight, n.priority, [...d.platforms.keys()].sort()]).toEqual([3, 2, ["a", "b", "c"]]);
  });

  test("PN1: chat lifts a blacklist and forgets failures; a static node keeps what is configured", () => {
    const d = directory();
    const n = node(d, "n.test", "a");
    n.isStatic = true;
    n.weight = 7;
    n.blacklisted = true;
    n.consecutiveErrors = 9;
    expect(d.enrolNode(n, [], null, null)).toBe(true);
    expect([n.blacklisted, n.consecutiveErrors, n.weight, n.platforms]).toEqual([false, 0, 7, ["a"]]);
    expect(d.enrolNode(n, [], null, null)).toBe(false);
  });

  test("D3: one that was removed is listed nowhere, stored nowhere, and its calls stay routable", () => {
    const changes: string[] = [];
    const d = directory((change) => changes.push(change.kind));
    const n = node(d, "n.test");
    const slot = addCall(d, "x", n, resource(d, "a@b/c"));
    d.removeNode(n);
    changes.length = 0;
    nodeFailed(d, n, 5);
    d.setNodeState(n, "quiesced");
    expect([changes, d.enrolledNodes(), d.platform("default").nodes]).toEqual([[], [], []]);
    expect(d.nodeOf(slot)).toBe(n);
  });

  test("G1: sub-domains are one node; the same id under two of them is one call", () => {
    const d = directory();
    const n = node(d, "n.test");
    const sub = d.trustedDomain("call.n.test")!;
    expect(sub.node).toBe(n);
    const bytes = Buffer.from("x");
    const slot = d.addCall(bytes, 0, 1, sub, resource(d, "a@b/c"), 0, 0);
    expect([d.findCall(bytes, 0, 1, n), d.callRow(slot).domain]).toEqual([slot, "call.n.test"]);
  });

  test("hundreds of domains", () => {
    const d = directory();
    for (let i = 0; i < 300; i++) node(d, `n${i}.test`);
    const bytes = Buffer.from("N299.TEST");
    expect(d.findDomain(bytes, 0, bytes.length)!.node.jid).toBe("n299.test");
    expect(d.domainOwners[d.findDomain(bytes, 0, bytes.length)!.number]).toBe(299);
  });
});

describe("resources", () => {
  test("PC11, BUG 18: totals count distinct JIDs, ever", () => {
    const d = directory();
    const a = d.addApplication(row("a@b"));
    for (const jid of ["a@b/1", "a@b/1", "a@b/2"]) d.registerResource(resource(d, jid), a);
    d.unregisterResource(d.resourceByJid("a@b/1")!);
    d.registerResource(resource(d, "a@b/1"), a);
    expect(d.totals).toEqual({ calls: 0, clients: 1, resources: 2 });
    expect(a.resources.map((r) => r.jid)).toEqual(["a@b/2", "a@b/1"]);
  });

  test("are forgotten when nothing names them, and a name used again is a new one", () => {
    const d = directory();
    const a = d.addApplication(row("a@b"));
    const n = node(d, "n.test");
    const first = resource(d, "a@b/1");
    d.registerResource(first, a);
    const slot = addCall(d, "x", n, first);
    d.unregisterResource(first);
    expect(d.resourceByJid("a@b/1")).toBe(first);
    d.removeCall(slot);
    expect(d.resourceByJid("a@b/1")).toBeNull();
    const second = resource(d, "a@b/1");
    expect([second === first, second.number, second.calls, second.registered]).toEqual([false, 0, 0, false]);
    // What the old one still does cannot harm the new one.
    d.release(first);
    d.unregisterResource(first);
    expect(d.resourceByJid("a@b/1")).toBe(second);
  });

  test("PC5: leaving twice, or without having been there, changes nothing", () => {
    const d = directory();
    const a = d.addApplication(row("a@b"));
    for (const jid of ["a@b/1", "a@b/2"]) d.registerResource(resource(d, jid), a);
    const one = d.resourceByJid("a@b/1")!;
    d.unregisterResource(one);
    d.unregisterResource(one);
    expect(a.resources.map((r) => r.jid)).toEqual(["a@b/2"]);
  });

  test("D18, D19, BUG 21: addresses go with their owner, and with nobody else", () => {
    const d = directory();
    const [a, b] = [d.addApplication(row("a@b")), d.addApplication(row("c@d"))];
    d.setAddress("sip:1@h", a);
    d.setAddress("sip:1@h", b);
    expect([[...a.addresses], [...b.addresses]]).toEqual([[], ["sip:1@h"]]);
    d.removeApplication(a);
    expect(d.addresses.match("sip:1@h")).toBe(b);
    d.removeApplication(b);
    d.removeAddress("sip:1@h");
    expect([d.addresses.match("sip:1@h"), d.applications.size]).toEqual([undefined, 0]);
  });
});

describe("calls", () => {
  test("DC15: the second of a name gets an alias, the third another; a reserved name is not given away", () => {
    const d = directory();
    const party = resource(d, "a@b/c");
    const slots = ["n1.test", "n2.test", "n3.test"].map((jid) =>
      addCall(d, "Call 1'".replace(/[ ']/g, "!"), node(d, jid), party)
    );
    expect(slots.map((s) => d.calls.publicText(s))).toEqual(["Call!1!", "call_1_.2", "call_1_.3"]);
    const bytes = Buffer.from("new");
    const n = d.nodeFor("n1.test");
    const slot = d.addCall(bytes, 0, 3, d.domainOf(n.jid, n), party, 0, 0, "", true);
    expect([d.calls.publicText(slot), d.calls.findPublic(bytes, 0, 3)]).toEqual(["new.2", -1]);
  });

  test("OF3: a call that more resources were offered names them all, and lets them go", () => {
    const d = directory();
    const n = node(d, "n.test");
    const [a, b, c] = ["1", "2", "3"].map((r) => resource(d, `a@b/${r}`)) as [Resource, Resource, Resource];
    const slot = addCall(d, "x", n, a, 0);
    d.offerAlsoTo(slot, b);
    d.offerAlsoTo(slot, c);
    expect([d.parties(slot), d.partyOf(slot), d.isParty(slot, a)]).toEqual([[a, b, c], c, true]);
    d.takeControl(slot, a);
    expect([d.partyOf(slot), d.callRow(slot).parties]).toEqual([a, ["a@b/1", "a@b/2", "a@b/3"]]);
    d.removeCall(slot);
    expect(["1", "2", "3"].map((r) => d.resourceByJid(`a@b/${r}`))).toEqual([null, null, null]);
    expect([n.calls, n.callsHead]).toEqual([0, -1]);
  });

  test("rows come back as they went", () => {
    const d = directory();
    const n = node(d, "n.test");
    const [a, b] = [resource(d, "a@b/1"), resource(d, "a@b/2")];
    addCall(d, "gone", n, a);
    const slot = addCall(d, "x", n, a, CALL_OUTBOUND);
    d.offerAlsoTo(slot, b);
    const stored = d.callRow(slot);
    const e = directory();
    const m = node(e, "n.test");
    const parties = stored.parties.map((jid) => resource(e, jid));
    e.restoreCall(stored, e.domainOf("n.test", m), parties[0]!, parties.slice(1));
    expect(e.callRow(stored.slot)).toEqual(stored);
    e.removeCall(stored.slot);
    expect(e.resourcesEnd - [0, 1].filter((i) => e.resource(i) === null).length).toBe(0);
  });

  for (let seed = 1; seed <= 10; seed++) {
    test(`nothing is left of ten thousand acts, seed ${seed}`, () => {
      const random = seededRandom(seed);
      const d = directory();
      const application = d.addApplication(row("a@b"));
      const nodes = ["n1.test", "n2.test"].map((jid) => node(d, jid));
      const live: number[] = [];
      const jid = () => `a@b/${random.u32() % 12}`;
      for (let step = 0; step < 10_000; step++) {
        const act = fraction(random);
        const at = random.u32() % Math.max(live.length, 1), slot = live[at];
        if (act < 0.3) {
          const id = `c${step}`;
          live.push(addCall(d, id, nodes[step % 2]!, resource(d, jid()), 0));
        } else if (act < 0.6 && slot !== undefined) {
          d.removeCall(slot);
          live.splice(at, 1);
        } else if (act < 0.7 && slot !== undefined) {
          const more = resource(d, jid());
          if (!d.parties(slot).includes(more)) d.offerAlsoTo(slot, more);
          else d.release(more);
        } else if (act < 0.8 && slot !== undefined) {
          const all = d.parties(slot);
          d.takeControl(slot, all[random.u32() % all.length]!);
        } else if (act < 0.9) d.registerResource(resource(d, jid()), application);
        else {
          const known = d.resourceByJid(jid());
          if (known !== null) d.unregisterResource(known);
        }
      }
      const calls = [...application.resources].map((r) => r.calls).reduce((a, b) => a + b, 0);
      expect(calls).toBeLessThanOrEqual(live.length);
      expect(nodes.map((n) => n.calls).reduce((a, b) => a + b)).toBe(live.length);
      for (const slot of live) d.removeCall(slot);
      for (const known of [...application.resources]) d.unregisterResource(known);
      const left = Array.from({ length: d.resourcesEnd }, (_, i) => d.resource(i)).filter((r) => r !== null);
      expect([left.map((r) => [r!.jid, r!.holds, r!.calls]), d.calls.size, nodes.map((n) => n.callsHead)])
        .toEqual([
          [],
          0,
          [-1, -1],
        ]);
      expect(d.resourcesEnd).toBeLessThanOrEqual(12);
    });
  }
});

describe("§3.3: failures", () => {
  function two() {
    const d = directory();
    const [a, b] = [node(d, "n1.test"), node(d, "n2.test")];
    const platform = d.platform("default");
    const totals = new Map<Node, number>([[a, 0], [b, 0]]);
    const pick = (n: number) => {
      for (let i = 0; i < n; i++) {
        const picked = platform.pick([]);
        if (picked !== null) totals.set(picked, totals.get(picked)! + 1);
      }
    };
    return { d, a, b, pick, platform, totals: () => [...totals.values()] };
  }

  test("[JT] five times 120 picks and a failure, then 120 more", () => {
    const { d, a, pick, totals } = two();
    for (let i = 0; i < 4; i++) {
      pick(120);
      nodeFailed(d, a, 5);
    }
    pick(120);
    expect(totals()).toEqual([300, 300]);
    nodeFailed(d, a, 5);
    expect(a.blacklisted).toBe(true);
    pick(120);
    expect(totals()).toEqual([300, 420]);
  });

  test("[JT] four failures and a success are forgotten", () => {
    const { d, a } = two();
    for (let i = 0; i < 4; i++) nodeFailed(d, a, 5);
    nodeSucceeded(d, a);
    expect([a.consecutiveErrors, a.blacklisted]).toEqual([0, false]);
  });

  test("a success takes a node back that failures took out, but not one an operator took out", () => {
    const { d, a, b } = two();
    for (let i = 0; i < 5; i++) nodeFailed(d, a, 5);
    nodeSucceeded(d, a);
    expect(a.usable).toBe(true);
    b.blacklisted = true;
    nodeFailed(d, b, 5);
    nodeSucceeded(d, b);
    expect([b.blacklisted, b.consecutiveErrors]).toEqual([true, 0]);
  });

  test("DC38: by failures alone the last usable one stays", () => {
    const { d, a, b, platform } = two();
    for (let i = 0; i < 10; i++) nodeFailed(d, a, 5);
    for (let i = 0; i < 10; i++) nodeFailed(d, b, 5);
    expect([a.usable, b.usable, platform.pick([])]).toEqual([false, true, b]);
    // It is taken out by its next failure once there is another.
    d.enrolNode(a, [], null, null);
    nodeFailed(d, b, 5);
    expect([a.usable, b.usable]).toEqual([true, false]);
  });

  test("DC38: operators, dnd and death leave none; so does having tried all", () => {
    const { d, a, b, platform } = two();
    expect(platform.pick([a, b])).toBeNull();
    a.blacklisted = true;
    d.setNodeState(b, "quiesced");
    expect(platform.pick([])).toBeNull();
    d.setNodeState(b, "unreachable");
    expect(platform.pick([])).toBeNull();
    a.blacklisted = false;
    expect([platform.pick([]), platform.pick([a])]).toEqual([a, null]);
  });

  test("DC38: the last of any of its platforms stays", () => {
    const d = directory();
    const a = node(d, "n1.test", "x", "y");
    node(d, "n2.test", "x");
    for (let i = 0; i < 9; i++) nodeFailed(d, a, 5);
    expect(a.usable).toBe(true);
  });
});
