/**
 * What was under way when something is lost: a link, a node, a client, an application, trust, the process.
 */
import { describe, expect, test } from "bun:test";
import { applicationBanned } from "../../src/routing/departure.ts";
import { Trust } from "../../src/cluster/trust.ts";
import { attr, type El, elements } from "../support/xml.ts";
import { errorOf, EXTERNAL, JULIET, NODE1, Rig } from "./rig.ts";

const ids = (stanzas: El[]) => stanzas.map((s) => attr(s, "id"));
const names = (stanzas: El[]) => stanzas.map((s) => elements(s)[0]?.name ?? "");

/** Juliet controls c1 at node1. */
function talking(): Rig {
  const rig = new Rig().ready();
  rig.offer(`c1@${NODE1}`);
  rig.command("take", "c1", "answer");
  rig.result(ids(rig.toNodes())[0]!, `c1@${NODE1}`);
  rig.raw("external");
  return rig;
}

describe("DC9: the link to the nodes is down", () => {
  test("commands and dials under way are answered at once, and again by nobody", () => {
    const rig = talking();
    rig.command("q1", "c1", "hold");
    rig.dial("q2");
    const [command, dial] = ids(rig.toNodes());
    rig.down("internal");
    const answers = rig.toClients();
    expect(answers.map((a) => [attr(a, "id"), errorOf(a)])).toEqual([
      ["q1", "remote-server-timeout/wait"],
      ["q2", "service-unavailable/cancel: Could not find an available Rayo Node in platform default"],
    ]);
    rig.up("internal");
    rig.result(command!, `c1@${NODE1}`);
    rig.ref(dial!, NODE1, "d1");
    rig.clock.advance(100_000);
    expect(rig.toClients()).toEqual([]);
    // DC21: the call that the dial made after all is hung up.
    expect(rig.toNodes().filter((s) => s.name === "iq").map((s) => [attr(s, "to"), elements(s)[0]!.name]))
      .toEqual([
        [`d1@${NODE1}`, "hangup"],
      ]);
    rig.end(`c1@${NODE1}`);
    expect(rig.leftovers()).toEqual([]);
  });

  test("what had not left yet is not sent later, but for what ends calls", () => {
    const rig = talking();
    rig.command("q1", "c1", "hold");
    rig.command("q2", "c1", "hangup");
    rig.dial("q3");
    rig.down("internal");
    rig.up("internal");
    expect(names(rig.toNodes())).toEqual(["hangup", "show"]);
  });

  test("commands and dials meanwhile are refused", () => {
    const rig = talking();
    rig.down("internal");
    rig.command("q1", "c1", "hold");
    rig.dial("q2");
    expect(rig.toClients().map(errorOf)).toEqual([
      "remote-server-timeout/wait",
      "service-unavailable/cancel: Could not find an available Rayo Node in platform default",
    ]);
    expect(rig.directory.nodeByJid(NODE1)!.consecutiveErrors).toBe(0);
  });

  test("nobody's silence is counted", () => {
    const rig = new Rig().ready();
    for (let i = 0; i < 6; i++) rig.dial(`q${i}`);
    rig.down("internal");
    rig.clock.advance(60_000);
    rig.up("internal");
    expect(rig.directory.nodeByJid(NODE1)!.consecutiveErrors).toBe(0);
  });

  test("a link that fails to come up again says nothing new", () => {
    const rig = talking();
    rig.command("q1", "c1", "hold");
    rig.down("internal");
    rig.raw("external");
    rig.down("internal");
    expect(rig.raw("external")).toBe("");
  });

  test("greetings are not piled up for it", () => {
    const rig = new Rig({ statics: ["fs.test"] }).ready();
    rig.down("internal");
    for (let i = 0; i < 5; i++) rig.nodeChat(NODE1);
    rig.clock.advance(300_000);
    rig.up("internal");
    expect(rig.toNodes().map((s) => attr(s, "to")).sort()).toEqual(["fs.test", NODE1]);
  });
});

describe("DC9: the link to the clients is down", () => {
  test("events and ends wait, in order; new calls are refused", () => {
    const rig = talking();
    rig.down("external");
    rig.event(`c1@${NODE1}`, "ringing");
    rig.end(`c1@${NODE1}`);
    rig.offer(`c2@${NODE1}`);
    expect(errorOf(rig.toNodes()[0])).toBe(
      "recipient-unavailable/cancel: Could not find an available resource for JID [juliet@capulet.test]",
    );
    rig.up("external");
    expect(names(rig.toClients())).toEqual(["ringing", "end"]);
  });

  test("nobody else is asked while nobody can hear it", () => {
    const rig = new Rig().ready();
    rig.chat("juliet@capulet.test/orchard");
    rig.offer(`c1@${NODE1}`);
    rig.down("external");
    rig.clock.advance(2_000);
    expect(names(rig.toNodes())).toEqual(["error", "reject"]);
  });
});

describe("PN7: a node is gone", () => {
  test("its calls end once, however often it says so", () => {
    const rig = talking();
    rig.command("q1", "c1", "hold");
    rig.raw("internal");
    const gone = `<presence type='unavailable' from='${NODE1}' to='int.test'/>`;
    rig.node(gone);
    const heard = rig.toClients();
    expect(heard.map((s) => [s.name, attr(s, "type")])).toEqual([["iq", "error"], [
      "presence",
      "unavailable",
    ]]);
    expect(elements(heard[1]!).map((c) => c.name)).toEqual(["end", "delay"]);
    rig.node(gone);
    rig.node(gone);
    expect(rig.raw("external")).toBe("");
    expect(rig.logLines.filter((line) => line.includes("node is gone")).length).toBe(1);
    rig.command("q2", "c1", "hangup");
    expect(errorOf(rig.toClients()[0])).toBe("item-not-found/cancel: Could not find rayo node for id [c1]");
    expect(rig.leftovers()).toEqual([]);
  });

  test("its dials go to others, its own next dial only after a chat", () => {
    const rig = new Rig().ready();
    rig.dial("q1");
    rig.raw("internal");
    rig.nodeChat("node2.test");
    rig.raw("internal");
    rig.node(`<presence type='unavailable' from='${NODE1}/x' to='int.test'/>`);
    expect(rig.toNodes().map((s) => attr(s, "to"))).toEqual(["node2.test"]);
    rig.node(`<presence type='unavailable' from='node2.test' to='int.test'/>`);
    expect(rig.toClients().map(errorOf)).toEqual(["remote-server-timeout/wait"]);
    rig.dial("q2");
    expect(errorOf(rig.toClients()[0])).toContain(
      "Could not find an available Rayo Node in platform default",
    );
    rig.nodeChat(NODE1);
    rig.raw("internal");
    rig.dial("q3");
    expect(rig.toNodes().map((s) => attr(s, "to"))).toEqual([NODE1]);
  });

  test("DC34: dnd after that is a sign of life, but no invitation", () => {
    const rig = new Rig().ready();
    rig.node(`<presence type='unavailable' from='${NODE1}' to='int.test'/>`);
    rig.node(`<presence from='${NODE1}' to='int.test'><show>dnd</show></presence>`);
    expect(rig.directory.nodeByJid(NODE1)!.state).toBe("quiesced");
  });

  test("a call it still has when it comes back is hung up (DC20)", () => {
    const rig = talking();
    rig.node(`<presence type='unavailable' from='${NODE1}' to='int.test'/>`);
    rig.nodeChat(NODE1);
    rig.raw("external");
    rig.raw("internal");
    rig.event(`c1@${NODE1}`, "started-speaking");
    expect(names(rig.toNodes())).toEqual(["error", "hangup"]);
    expect(rig.raw("external")).toBe("");
  });
});

describe("DC18, GAP 10: a refused call", () => {
  test("ends for those who were offered it even if the node never says so", () => {
    const rig = new Rig().ready();
    rig.offer(`c1@${NODE1}`);
    rig.raw("external");
    rig.clock.advance(4_000);
    expect(names(rig.toNodes())).toEqual(["error", "reject"]);
    rig.command("q", "c1", "answer");
    expect(errorOf(rig.toClients()[0])).toContain("item-not-found/cancel");
    rig.clock.advance(60_000);
    expect(names(rig.toClients())).toEqual(["end"]);
    expect(rig.leftovers()).toEqual([]);
  });

  test("ends with the node's own end, once", () => {
    const rig = new Rig().ready();
    rig.offer(`c1@${NODE1}`);
    rig.clock.advance(4_000);
    rig.end(`c1@${NODE1}`);
    rig.clock.advance(100_000);
    expect(names(rig.toClients())).toEqual(["offer", "end"]);
  });

  test("OF3: who was asked before may answer when the last one asked leaves", () => {
    const rig = new Rig().ready();
    rig.chat("juliet@capulet.test/orchard");
    rig.offer(`c1@${NODE1}`);
    rig.clock.advance(2_000);
    const asked = rig.toClients().map((s) => attr(s, "to"));
    expect(asked.length).toBe(2);
    rig.client(`<presence type='unavailable' from='${asked[1]}' to='${EXTERNAL}'/>`);
    expect(rig.raw("internal")).toBe("");
    rig.command("q", "c1", "answer", asked[0]);
    expect(names(rig.toNodes())).toEqual(["answer"]);
  });

  test("PC7, GAP 10: when its controller leaves, those who were asked before hear of it", () => {
    const rig = new Rig().ready();
    rig.chat("juliet@capulet.test/orchard");
    rig.offer(`c1@${NODE1}`);
    rig.clock.advance(2_000);
    const [first, second] = rig.toClients().map((s) => attr(s, "to"));
    rig.command("q", "c1", "answer", second);
    rig.raw("internal");
    rig.client(`<presence type='unavailable' from='${second}' to='${EXTERNAL}'/>`);
    expect(rig.toClients().map((s) => [attr(s, "to"), elements(s)[0]!.name])).toEqual([[first!, "end"]]);
    expect(names(rig.toNodes())).toEqual(["hangup"]);
  });
});

describe("IC6: an application is banned", () => {
  test("its calls end on both sides, its dials are answered, and what comes of them is hung up", () => {
    const rig = talking();
    rig.offer(`c2@${NODE1}`);
    rig.dial("q1");
    const asked = ids(rig.toNodes())[0]!;
    rig.raw("external");
    rig.directory.bans.add("juliet@capulet.test");
    expect(applicationBanned(rig.ex, "juliet@capulet.test")).toBe(2);
    const heard = rig.toClients();
    expect(heard.filter((s) => s.name === "iq").map(errorOf)).toEqual([
      "recipient-unavailable/cancel: The application does not exist",
    ]);
    expect(heard.filter((s) => s.name === "presence").map((s) => attr(s, "from")).sort()).toEqual([
      `c1@${EXTERNAL}`,
      `c2@${EXTERNAL}`,
    ]);
    expect(names(rig.toNodes()).sort()).toEqual(["hangup", "reject"]);
    rig.ref(asked, NODE1, "d1");
    expect(names(rig.toNodes())).toEqual(["hangup"]);
    rig.chat(JULIET);
    rig.command("q2", "c1", "hangup");
    expect(rig.toClients().map(errorOf)).toEqual([
      "recipient-unavailable/cancel: The application does not exist",
      "recipient-unavailable/cancel: The application does not exist",
    ]);
    rig.offer(`c3@${NODE1}`);
    expect(errorOf(rig.toNodes()[0])).toContain("Could not find an available resource");
    expect(rig.leftovers()).toEqual([]);
  });
});

describe("IC6: a call that was refused already", () => {
  test("is not refused again, but its parties hear its end", () => {
    const rig = new Rig().ready();
    rig.offer(`c1@${NODE1}`);
    rig.clock.advance(4_000);
    rig.raw("external");
    rig.raw("internal");
    applicationBanned(rig.ex, "juliet@capulet.test");
    expect(rig.raw("internal")).toBe("");
    expect(names(rig.toClients())).toEqual(["end"]);
    expect(rig.leftovers()).toEqual([]);
  });
});

describe("D18, BUG 40: an application is removed", () => {
  test("its running calls go on, its resources can neither dial nor be offered anything", () => {
    const rig = talking();
    rig.directory.removeApplication(rig.directory.applications.get("juliet@capulet.test")!);
    rig.dial("q1");
    expect(errorOf(rig.toClients()[0])).toBe("registration-required/auth");
    rig.offer(`c2@${NODE1}`);
    expect(errorOf(rig.toNodes()[0])).toContain("Could not find application for URI");
    rig.raw("internal");
    rig.command("q2", "c1", "hangup");
    expect(names(rig.toNodes())).toEqual(["hangup"]);
    rig.end(`c1@${NODE1}`);
    expect(names(rig.toClients())).toEqual(["end"]);
    rig.down("internal");
    expect(rig.leftovers()).toEqual([]);
  });

  test("an offer under way finds nobody else", () => {
    const rig = new Rig().ready();
    rig.chat("juliet@capulet.test/orchard");
    rig.offer(`c1@${NODE1}`);
    rig.directory.removeApplication(rig.directory.applications.get("juliet@capulet.test")!);
    rig.clock.advance(2_000);
    expect(names(rig.toNodes())).toEqual(["error", "reject"]);
  });
});

describe("DC44: trust changes", () => {
  const trust = (rig: Rig, patterns: string[], statics: string[] = []) =>
    rig.switchboard.setTrust(new Trust(patterns, statics), new Set(statics));

  test("a node that is not trusted any more has no calls, gets no dials, and is not listened to", () => {
    const rig = talking();
    rig.dial("q1");
    rig.raw("internal");
    trust(rig, ["node2.test"]);
    expect(rig.toClients().map((s) => s.name)).toEqual(["iq", "presence"]);
    expect(names(rig.toNodes())).toEqual(["hangup"]);
    rig.dial("q2");
    expect(errorOf(rig.toClients()[0])).toContain("Could not find an available Rayo Node");
    rig.nodeChat(NODE1);
    rig.offer(`c2@${NODE1}`);
    expect(rig.raw("external") + rig.raw("internal")).toBe("");
    expect(rig.directory.enrolledNodes()).toEqual([]);
    expect(rig.journal.snapshot().nodes).toEqual([]);
    trust(rig, [NODE1]);
    rig.nodeChat(NODE1);
    expect(rig.directory.enrolledNodes().map((n) => n.jid)).toEqual([NODE1]);
    expect(rig.leftovers()).toEqual([]);
  });

  test("a static node that is only trusted from now on stays, but is not greeted again and again", () => {
    const rig = new Rig({ statics: ["fs.test"] });
    trust(rig, ["fs.test"]);
    rig.clock.advance(100_000);
    expect(rig.raw("internal")).toBe("");
    expect(rig.directory.enrolledNodes().map((n) => n.jid)).toEqual(["fs.test"]);
  });
});

describe("DC39: a restart", () => {
  const again = (rig: Rig) => new Rig({ clock: rig.clock, journal: rig.journal.copy(), seed: 99 });

  test("calls are commandable, resources in rotation, nodes known", () => {
    const rig = again(talking());
    rig.command("q1", "c1", "hold");
    expect(rig.toNodes().map((s) => attr(s, "to"))).toEqual([`c1@${NODE1}`]);
    rig.command("q2", "c1", "hold", "juliet@capulet.test/orchard");
    expect(errorOf(rig.toClients()[0])).toBe("conflict/cancel");
    rig.offer(`c2@${NODE1}`);
    rig.dial("q3");
    expect(names(rig.toClients())).toEqual(["offer"]);
    expect(names(rig.toNodes())).toEqual(["dial"]);
    rig.end(`c1@${NODE1}`);
    expect(names(rig.toClients())).toEqual(["end"]);
  });

  test("DC2, DC21: a result for the life before is hung up, an answer to its command dropped", () => {
    const before = talking();
    before.dial("q1");
    before.command("q2", "c1", "hold");
    const [dial, command] = ids(before.toNodes());
    const rig = again(before);
    rig.dial("q3");
    rig.raw("internal");
    rig.ref(dial!, NODE1, "d1");
    rig.result(command!, `c1@${NODE1}`);
    expect(rig.raw("external")).toBe("");
    expect(rig.toNodes().map((s) => [attr(s, "to"), elements(s)[0]!.name])).toEqual([[
      `d1@${NODE1}`,
      "hangup",
    ]]);
  });

  test("an offer of before may still be taken, and is refused when its time is over", () => {
    const before = new Rig().ready();
    before.offer(`c1@${NODE1}`);
    before.offer(`c2@${NODE1}`);
    const rig = again(before);
    rig.command("q1", "c1", "answer");
    expect(names(rig.toNodes())).toEqual(["answer"]);
    rig.clock.advance(4_000);
    expect(names(rig.toNodes())).toEqual(["error", "reject"]);
    rig.clock.advance(60_000);
    expect(rig.toClients().map((s) => [attr(s, "from"), elements(s)[0]!.name])).toContainEqual([
      `c2@${EXTERNAL}`,
      "end",
    ]);
  });

  test("an offer of before whose application is gone is refused", () => {
    const before = new Rig().ready();
    before.offer(`c1@${NODE1}`);
    before.journal.note({ kind: "application-gone", jid: "juliet@capulet.test" });
    const rig = new Rig({ clock: before.clock, journal: before.journal.copy() });
    expect(rig.directory.calls.size).toBe(0);
    expect(rig.leftovers()).toEqual([]);
  });

  test("an operator's blacklist outlives two of them", () => {
    const rig = new Rig().ready();
    const node = rig.directory.nodeByJid(NODE1)!;
    node.blacklisted = true;
    rig.directory.noteNode(node);
    expect(again(again(rig)).directory.nodeByJid(NODE1)!.blacklisted).toBe(true);
  });
});
