/**
 * Dials beyond the scenes: who is tried and how often, whose failure it is, what comes too early or too late, and what is
 * counted (§2.6, §3.5, §3.6, PX7, §4.3).
 */
import { describe, expect, test } from "bun:test";
import { attr, type El, elements } from "../support/xml.ts";
import { errorOf, EXTERNAL, JULIET, NODE1, Rig, type RigOptions, SELF } from "./rig.ts";

const names = (stanzas: El[]) => stanzas.map((s) => elements(s)[0]?.name ?? "");

function nodes(count: number, options: RigOptions = {}): Rig {
  const rig = new Rig({ trusted: ["*.test"], ...options }).ready();
  for (let i = 2; i <= count; i++) rig.nodeChat(`node${i}.test`);
  rig.raw("internal");
  return rig;
}

/** Every node asked answers with `condition`, until nobody is asked any more; returns who was asked. */
function allRefuse(rig: Rig, condition: string, text = ""): string[] {
  const asked: string[] = [];
  for (let heard = rig.toNodes(); heard.length > 0; heard = rig.toNodes()) {
    for (const s of heard) {
      asked.push(attr(s, "to"));
      rig.error(attr(s, "id"), attr(s, "to"), condition, text);
    }
  }
  return asked;
}

describe("§3.6: failover", () => {
  test("BUG 7: three attempts are three, and the last node's error is the answer", () => {
    const rig = nodes(5);
    rig.dial("q");
    const asked = allRefuse(rig, "gone", "moved out");
    expect([asked.length, new Set(asked).size]).toEqual([3, 3]);
    expect(rig.toClients().map((s) => [attr(s, "id"), attr(s, "from"), errorOf(s)])).toEqual([
      ["q", EXTERNAL, "gone/cancel: moved out"],
    ]);
    expect(rig.leftovers()).toEqual([]);
  });

  test("BUG 5, DL6: nodes run out before attempts do: one answer, nobody asked twice", () => {
    const rig = nodes(2);
    rig.dial("q");
    expect(allRefuse(rig, "service-unavailable").sort()).toEqual(["node1.test", "node2.test"]);
    expect(rig.toClients().map(errorOf)).toEqual([
      "service-unavailable/cancel: Could not find an available Rayo Node in platform default",
    ]);
  });

  for (
    const condition of [
      "service-unavailable",
      "gone",
      "internal-server-error",
      "remote-server-not-found",
      "remote-server-timeout",
      "resource-constraint",
    ]
  ) {
    test(`DL8: ${condition} is the node's failure, and tried elsewhere`, () => {
      const rig = nodes(2);
      rig.dial("q");
      const [first] = rig.toNodes();
      rig.error(attr(first!, "id"), attr(first!, "to"), condition);
      expect(rig.directory.nodeByJid(attr(first!, "to"))!.consecutiveErrors).toBe(1);
      const [second] = rig.toNodes();
      expect(attr(second!, "to")).not.toBe(attr(first!, "to"));
      rig.ref(attr(second!, "id"), attr(second!, "to"), "d1");
      expect(rig.toClients().map((s) => attr(s, "type"))).toEqual(["result"]);
    });
  }

  test("DL9, §3.5: other errors, and causes that lie in the call, are the answer and the node's success", () => {
    for (
      const [condition, text] of [["bad-request", ""], ["conflict", ""], [
        "internal-server-error",
        "USER_BUSY",
      ]]
    ) {
      const rig = nodes(2);
      for (const node of rig.directory.nodes) node.consecutiveErrors = 3;
      rig.dial("q");
      const asked = allRefuse(rig, condition!, text!);
      expect(asked.length).toBe(1);
      expect(errorOf(rig.toClients()[0])).toStartWith(`${condition}/cancel`);
      expect(rig.directory.nodeByJid(asked[0]!)!.consecutiveErrors).toBe(0);
    }
  });

  test("§3.3: five failures in a row take a node out; its chat takes it back", () => {
    const rig = nodes(2);
    for (let i = 0; i < 40 && !rig.directory.nodeByJid(NODE1)!.blacklisted; i++) {
      rig.dial(`q${i}`);
      for (let heard = rig.toNodes(); heard.length > 0; heard = rig.toNodes()) {
        for (const s of heard) {
          if (attr(s, "to") === NODE1) rig.error(attr(s, "id"), NODE1, "gone");
          else rig.ref(attr(s, "id"), attr(s, "to"), `d${i}`);
        }
      }
    }
    expect(rig.directory.nodeByJid(NODE1)!.consecutiveErrors).toBe(5);
    rig.dial("x");
    rig.dial("y");
    expect(rig.toNodes().map((s) => attr(s, "to"))).toEqual(["node2.test", "node2.test"]);
    rig.nodeChat(NODE1);
    expect(rig.directory.nodeByJid(NODE1)!.usable).toBe(true);
  });

  test("quiesced meanwhile: nobody else is asked", () => {
    const rig = nodes(2);
    rig.dial("q");
    rig.directory.quiesced = true;
    expect(allRefuse(rig, "gone").length).toBe(1);
    expect(rig.toClients().length).toBe(1);
  });
});

describe("time", () => {
  test("DL10: silence is a failure, the next is asked; what comes late is hung up (DC21)", () => {
    const rig = nodes(2);
    rig.dial("q");
    const [first] = rig.toNodes();
    rig.clock.advance(30_000);
    const [second] = rig.toNodes();
    expect(attr(second!, "to")).not.toBe(attr(first!, "to"));
    rig.ref(attr(first!, "id"), attr(first!, "to"), "late");
    expect(rig.raw("external")).toBe("");
    expect(rig.toNodes().map((s) => [attr(s, "to"), elements(s)[0]!.name])).toEqual([
      [`late@${attr(first!, "to")}`, "hangup"],
    ]);
    rig.ref(attr(second!, "id"), attr(second!, "to"), "d1");
    expect(rig.toClients().map((s) => attr(s, "type"))).toEqual(["result"]);
    expect(rig.directory.nodeByJid(attr(first!, "to"))!.consecutiveErrors).toBe(1);
  });

  test("DC21: all attempts share one deadline", () => {
    const rig = nodes(5);
    rig.dial("q");
    rig.clock.advance(49_000);
    expect(rig.toNodes().length).toBe(2);
    expect(rig.raw("external")).toBe("");
    rig.clock.advance(1_100);
    expect(rig.toClients().map(errorOf)).toEqual(["remote-server-timeout/wait"]);
    expect(rig.toNodes()).toEqual([]);
    expect(rig.leftovers()).toEqual([]);
  });

  test("IR5: a command's silence is answered, and what comes late is dropped", () => {
    const rig = nodes(1);
    rig.dial("q");
    rig.ref(attr(rig.toNodes()[0]!, "id"), NODE1, "d1");
    rig.raw("external");
    rig.command("c", "d1", "hold");
    const [asked] = rig.toNodes();
    rig.clock.advance(55_100);
    expect(rig.toClients().map((s) => [attr(s, "id"), attr(s, "from"), errorOf(s)])).toEqual([
      ["c", `d1@${EXTERNAL}`, "remote-server-timeout/wait"],
    ]);
    rig.result(attr(asked!, "id"), `d1@${NODE1}`);
    expect(rig.raw("external")).toBe("");
    expect(rig.directory.nodeByJid(NODE1)!.consecutiveErrors).toBe(0);
  });
});

describe("PX7: what comes before its result", () => {
  test("goes after it, in order, in a write of its own, and before what comes next", () => {
    const rig = nodes(1);
    rig.dial("q");
    const [asked] = rig.toNodes();
    for (const name of ["ringing", "answered"]) rig.event(`d1@${NODE1}`, name);
    rig.ref(attr(asked!, "id"), NODE1, "d1");
    rig.event(`d1@${NODE1}`, "started-speaking");
    expect(names(rig.toClients())).toEqual(["ref"]);
    rig.clock.advance(20);
    expect(names(rig.toClients())).toEqual(["ringing", "answered", "started-speaking"]);
    rig.event(`d1@${NODE1}`, "stopped-speaking");
    expect(names(rig.toClients())).toEqual(["stopped-speaking"]);
  });

  test("the dial failed: events under the id it asked for are dropped at once", () => {
    const rig = nodes(1);
    rig.dial("q", JULIET, ` uri='xmpp:d1@${EXTERNAL}'`);
    rig.event(`d1@${NODE1}`, "ringing");
    allRefuse(rig, "bad-request");
    expect([rig.ex.early.size, rig.ex.early.bytes]).toEqual([0, 0]);
  });

  test("DC20: no result claims them: the call is an orphan and hung up, once", () => {
    const rig = nodes(1);
    rig.dial("q");
    rig.event(`orphan@${NODE1}`, "ringing");
    allRefuse(rig, "bad-request");
    rig.clock.advance(2_000);
    expect(names(rig.toNodes())).toEqual(["error", "hangup"]);
    expect(rig.leftovers()).toEqual([]);
  });

  test("the end of a call that was hung up is not kept for a result that cannot come", () => {
    const rig = nodes(1);
    rig.offer(`c1@${NODE1}`);
    rig.command("a", "c1", "answer");
    rig.chat("juliet@capulet.test/other");
    rig.dial("q", "juliet@capulet.test/other");
    rig.client(`<presence type='unavailable' from='${JULIET}' to='${EXTERNAL}'/>`);
    rig.end(`c1@${NODE1}`);
    expect(rig.ex.early.size).toBe(0);
  });

  test("an unknown end is kept as long as a dial may last, and not for ever on a busy node", () => {
    const rig = nodes(1);
    rig.dial("q0");
    rig.end(`unknown@${NODE1}`);
    for (let i = 1; i < 8; i++) {
      rig.clock.advance(9_000);
      rig.dial(`q${i}`); // there is always a dial under way
    }
    expect(rig.directory.nodeByJid(NODE1)!.outstandingDials).toBeGreaterThan(0);
    expect(rig.ex.early.size).toBe(0);
  });

  test("a slot that is used again has nothing of the call before", () => {
    const rig = nodes(1);
    rig.dial("q");
    rig.event(`d1@${NODE1}`, "ringing");
    rig.ref(attr(rig.toNodes()[0]!, "id"), NODE1, "d1");
    rig.client(`<presence type='unavailable' from='${JULIET}' to='${EXTERNAL}'/>`);
    rig.chat(JULIET);
    rig.raw("external");
    rig.offer(`c2@${NODE1}`);
    rig.event(`c2@${NODE1}`, "answered");
    rig.clock.advance(1_000);
    expect(names(rig.toClients())).toEqual(["offer", "answered"]);
  });
});

describe("DL12: the dialer leaves", () => {
  test("and the call that comes is hung up; a failure is not tried elsewhere", () => {
    const rig = nodes(2);
    rig.dial("q1");
    rig.dial("q2");
    const [first, second] = rig.toNodes();
    rig.client(`<presence type='unavailable' from='${JULIET}' to='${EXTERNAL}'/>`);
    rig.ref(attr(first!, "id"), attr(first!, "to"), "d1");
    rig.error(attr(second!, "id"), attr(second!, "to"), "gone");
    expect(names(rig.toNodes())).toEqual(["hangup"]);
    expect(rig.raw("external")).toBe("");
    expect(rig.leftovers()).toEqual([]);
  });

  test("each call that comes is hung up, though one of its name was a moment ago", () => {
    const rig = nodes(1);
    for (let i = 0; i < 3; i++) {
      rig.dial(`q${i}`, JULIET, ` uri='xmpp:same@${EXTERNAL}'`);
      const [asked] = rig.toNodes();
      rig.client(`<presence type='unavailable' from='${JULIET}' to='${EXTERNAL}'/>`);
      rig.chat(JULIET);
      rig.ref(attr(asked!, "id"), NODE1, "same");
      expect(names(rig.toNodes())).toEqual(["hangup"]);
    }
  });

  test("PC4: dnd is not leaving", () => {
    const rig = nodes(1);
    rig.dial("q");
    rig.client(`<presence from='${JULIET}' to='${EXTERNAL}'><show>dnd</show></presence>`);
    rig.ref(attr(rig.toNodes()[0]!, "id"), NODE1, "d1");
    expect(names(rig.toClients())).toEqual(["ref"]);
    rig.end(`d1@${NODE1}`);
    expect(names(rig.toClients())).toEqual(["end"]);
    expect(rig.leftovers()).toEqual([]);
  });
});

describe("§4.3: counters", () => {
  test("MessagesCount: presences, Rayo requests, answers", () => {
    const rig = nodes(1);
    const before = rig.ex.meters.messages;
    rig.client(`<presence from='${JULIET}' to='${EXTERNAL}'/>`);
    rig.client(`<iq type='get' id='1' from='${JULIET}' to='${EXTERNAL}'><ping xmlns='urn:xmpp:ping'/></iq>`);
    rig.client(`<message from='${JULIET}' to='${EXTERNAL}'><body>x</body></message>`);
    expect(rig.ex.meters.messages - before).toBe(1);
    rig.dial("q");
    rig.ref(attr(rig.toNodes()[0]!, "id"), NODE1, "d1");
    rig.event(`d1@${NODE1}`, "answered");
    expect(rig.ex.meters.messages - before).toBe(4);
  });

  test("BUG 8: ErrorsCount: every error once, and every made-up end", () => {
    const rig = nodes(1);
    const count = (act: () => void) => {
      const before = rig.ex.meters.errors;
      act();
      return rig.ex.meters.errors - before;
    };
    expect(count(() => rig.command("1", "none", "hold"))).toBe(1);
    expect(count(() => rig.chat("nobody@capulet.test/x"))).toBe(1);
    expect(count(() => rig.offer(`x@${NODE1}`, "sip:unknown@x"))).toBe(1);
    expect(count(() => rig.event(`y@${NODE1}`, "answered"))).toBe(1);
    expect(count(() => rig.node(`<presence type='subscribe' from='${NODE1}' to='int.test'/>`))).toBe(1);
    rig.offer(`c1@${NODE1}`);
    rig.command("2", "c1", "answer");
    rig.raw("internal");
    expect(count(() => rig.node(`<presence type='unavailable' from='${NODE1}' to='int.test'/>`))).toBe(2);
    expect(count(() => rig.client(`<message from='x' to='elsewhere.test'><body>x</body></message>`))).toBe(0);
  });

  test("TotalCallsCount: every call once", () => {
    const rig = nodes(1);
    rig.offer(`c1@${NODE1}`);
    rig.offer(`c1@${NODE1}`);
    rig.offer(`c2@${NODE1}`, "sip:unknown@x");
    rig.dial("q");
    const dial = rig.toNodes().find((s) => elements(s)[0]!.name === "dial")!;
    rig.ref(attr(dial, "id"), NODE1, "d1");
    expect(rig.directory.totals.calls).toBe(2);
  });
});

describe("DC18: a Java node, which said node-info", () => {
  test("is told by presence alone", () => {
    const rig = nodes(1);
    rig.node(
      `<presence from='${NODE1}' to='int.test'><show>CHAT</show><node-info xmlns='urn:xmpp:rayo:cluster:1'>` +
        `<platform>default</platform><weight>x</weight><priority>2</priority></node-info></presence>`,
    );
    rig.raw("internal");
    expect([rig.directory.nodeByJid(NODE1)!.weight, rig.directory.nodeByJid(NODE1)!.priority]).toEqual([
      10,
      2,
    ]);
    rig.offer(`x@${NODE1}`, "sip:unknown@x");
    const refused = rig.toNodes();
    expect(refused.map((s) => [s.name, attr(s, "from"), errorOf(s)])).toEqual([
      ["presence", SELF, "recipient-unavailable/cancel: Could not find application for URI [sip:unknown@x]"],
    ]);
    expect(rig.directory.platforms.get("default")!.nodes.length).toBe(1);
  });
});
