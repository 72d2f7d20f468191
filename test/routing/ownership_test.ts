/**
 * Who has a call: offers to all resources, the first command, siblings, heirs, components that belong to who started
 * them, bans that outlive a restart (spec 2.4, 2.5, 9.3).
 */
import { describe, expect, test } from "bun:test";
import { applicationBanned } from "../../src/routing/departure.ts";
import type { OwnershipSettings } from "../../src/routing/ownership.ts";
import { attr, type El, elements } from "../support/xml.ts";
import { errorOf, EXTERNAL, JULIET, NODE1, OWNERSHIP, Rig, SELF } from "./rig.ts";

const ORCHARD = "juliet@capulet.test/orchard", CHURCH = "juliet@capulet.test/church";
const ids = (stanzas: El[]) => stanzas.map((s) => attr(s, "id"));
const whoHeard = (stanzas: El[]) =>
  stanzas.map((s) => [attr(s, "to"), elements(s)[0]?.name ?? attr(s, "type")]);
const commands = (stanzas: El[]) => stanzas.filter((s) => s.name === "iq").map((s) => elements(s)[0]!.name);

function rigWith(ownership: Partial<OwnershipSettings>, journal?: Rig["journal"]): Rig {
  const settings = { ownership: { ...OWNERSHIP, ...ownership } };
  return new Rig(journal === undefined ? { settings } : { settings, journal });
}

/** Juliet's three resources are ready. */
function three(ownership: Partial<OwnershipSettings> = {}): Rig {
  const rig = rigWith(ownership).ready();
  rig.chat(ORCHARD);
  rig.chat(CHURCH);
  rig.raw("external");
  return rig;
}

/** Juliet controls c1; nothing waits to be read. */
function talking(ownership: Partial<OwnershipSettings> = {}): Rig {
  const rig = rigWith(ownership).ready();
  rig.offer(`c1@${NODE1}`);
  rig.command("take", "c1", "answer");
  rig.result(ids(rig.toNodes())[0]!, `c1@${NODE1}`);
  rig.chat(ORCHARD);
  rig.raw("external");
  return rig;
}

function component(rig: Rig, id: string, from: string, name: string): void {
  rig.client(
    `<iq type='set' id='${id}' from='${from}' to='c1@${EXTERNAL}'><output xmlns='urn:xmpp:rayo:output:1'/></iq>`,
  );
  rig.result(
    ids(rig.toNodes()).at(-1)!,
    `c1@${NODE1}`,
    `<ref xmlns='urn:xmpp:rayo:1' uri='xmpp:c1@${NODE1}/${name}'/>`,
  );
}

function complete(rig: Rig, name: string): void {
  rig.node(
    `<presence type='unavailable' from='c1@${NODE1}/${name}' to='${SELF}'><complete xmlns='urn:xmpp:rayo:ext:1'/></presence>`,
  );
}

describe("OF1, OF4: offers.mode = all", () => {
  test("everybody is asked at once; the first command wins, the others get conflict, all get the end", () => {
    const rig = three({ offerToAll: true });
    rig.offer(`c1@${NODE1}`);
    expect(whoHeard(rig.toClients())).toEqual([[JULIET, "offer"], [ORCHARD, "offer"], [CHURCH, "offer"]]);
    rig.command("a", "c1", "accept", ORCHARD);
    expect(commands(rig.toNodes())).toEqual(["accept"]);
    rig.command("b", "c1", "answer", JULIET);
    expect(errorOf(rig.toClients()[0])).toBe("conflict/cancel");
    rig.event(`c1@${NODE1}`, "answered");
    expect(whoHeard(rig.toClients())).toEqual([[ORCHARD, "answered"]]);
    rig.result("", NODE1);
    rig.end(`c1@${NODE1}`);
    expect(whoHeard(rig.toClients()).map(([to]) => to).sort()).toEqual([JULIET, CHURCH, ORCHARD].sort());
    rig.clock.advance(60_000);
    expect(rig.leftovers()).toEqual([]);
  });

  test("before anybody has taken it all hear its events", () => {
    const rig = three({ offerToAll: true });
    rig.offer(`c1@${NODE1}`);
    rig.raw("external");
    rig.event(`c1@${NODE1}`, "ringing");
    expect(rig.toClients().length).toBe(3);
  });

  test("OF3: who leaves is not missed; when the last has left the call is rejected at once", () => {
    const rig = three({ offerToAll: true });
    rig.offer(`c1@${NODE1}`);
    for (const jid of [CHURCH, JULIET]) {
      rig.client(`<presence type='unavailable' from='${jid}' to='${EXTERNAL}'/>`);
      expect(rig.toNodes()).toEqual([]);
    }
    rig.raw("external");
    rig.event(`c1@${NODE1}`, "ringing");
    expect(whoHeard(rig.toClients())).toEqual([[ORCHARD, "ringing"]]);
    rig.client(`<presence type='unavailable' from='${ORCHARD}' to='${EXTERNAL}'/>`);
    expect(commands(rig.toNodes())).toEqual(["reject"]);
    rig.end(`c1@${NODE1}`);
    expect(rig.leftovers()).toEqual([]);
  });

  test("DC19: nobody answers in offers.timeout_ms", () => {
    const rig = three({ offerToAll: true });
    rig.offer(`c1@${NODE1}`);
    rig.clock.advance(3_900);
    expect(rig.toNodes()).toEqual([]);
    rig.clock.advance(200);
    expect(commands(rig.toNodes())).toEqual(["reject"]);
  });

  test("at most 32 are asked", () => {
    const rig = rigWith({ offerToAll: true }).ready();
    for (let i = 0; i < 40; i++) rig.chat(`juliet@capulet.test/r${i}`);
    rig.raw("external");
    rig.offer(`c1@${NODE1}`);
    expect(rig.toClients().length).toBe(32);
  });
});

describe("DC19: the time is for the whole offer", () => {
  test("whoever is asked late has what is left of it", () => {
    const rig = new Rig().ready();
    rig.offer(`c1@${NODE1}`);
    rig.clock.advance(3_000);
    rig.chat(ORCHARD);
    rig.client(`<presence type='unavailable' from='${JULIET}' to='${EXTERNAL}'/>`);
    rig.raw("internal");
    rig.clock.advance(1_100);
    expect(commands(rig.toNodes())).toEqual(["reject"]);
  });
});

describe("calls.siblings_may_command", () => {
  test("off, a sibling's command is a conflict (IC3)", () => {
    const rig = talking();
    rig.command("s", "c1", "hold", ORCHARD);
    expect(errorOf(rig.toClients()[0])).toBe("conflict/cancel");
    expect(rig.toNodes()).toEqual([]);
  });

  test("on, the sibling takes the call over and hears its events; both hear the end", () => {
    const rig = talking({ siblingsMayCommand: true });
    rig.command("s", "c1", "hold", ORCHARD);
    expect(commands(rig.toNodes())).toEqual(["hold"]);
    rig.event(`c1@${NODE1}`, "ringing");
    expect(whoHeard(rig.toClients())).toEqual([[ORCHARD, "ringing"]]);
    rig.end(`c1@${NODE1}`);
    expect(whoHeard(rig.toClients()).map(([to]) => to).sort()).toEqual([JULIET, ORCHARD].sort());
    rig.clock.advance(60_000);
    expect(rig.leftovers()).toEqual([]);
  });

  test("on, another application's call does not exist all the same (DC23)", () => {
    const rig = talking({ siblingsMayCommand: true });
    rig.application("romeo@montague.test");
    rig.chat("romeo@montague.test/garden");
    rig.command("s", "c1", "hold", "romeo@montague.test/garden");
    expect(errorOf(rig.toClients()[0])).toBe("item-not-found/cancel: Could not find rayo node for id [c1]");
  });

  test("on, a resource that never said chat takes nothing over", () => {
    const rig = talking({ siblingsMayCommand: true });
    rig.command("s", "c1", "hold", CHURCH);
    expect(errorOf(rig.toClients()[0])).toBe("conflict/cancel");
  });

  test("IC9, PX8: components belong to who started them", () => {
    const rig = talking({ siblingsMayCommand: true });
    component(rig, "o1", JULIET, "output-1");
    rig.command("s", "c1", "hold", ORCHARD);
    rig.raw("internal");
    component(rig, "o2", ORCHARD, "output-2");
    rig.raw("external");
    const stop = (from: string, name: string) =>
      rig.client(
        `<iq type='set' id='x' from='${from}' to='c1@${EXTERNAL}/${name}'><stop xmlns='urn:xmpp:rayo:ext:1'/></iq>`,
      );
    stop(ORCHARD, "output-1");
    stop(JULIET, "output-2");
    expect(rig.toClients().map(errorOf)).toEqual(["conflict/cancel", "conflict/cancel"]);
    expect(rig.toNodes()).toEqual([]);
    stop(JULIET, "output-1");
    stop(ORCHARD, "output-2");
    expect(rig.toNodes().map((s) => attr(s, "to"))).toEqual([`c1@${NODE1}/output-1`, `c1@${NODE1}/output-2`]);
    complete(rig, "output-1");
    complete(rig, "output-2");
    expect(whoHeard(rig.toClients())).toEqual([[JULIET, "complete"], [ORCHARD, "complete"]]);
    // Stopping one's own component has not taken the call back.
    rig.event(`c1@${NODE1}`, "ringing");
    expect(whoHeard(rig.toClients())).toEqual([[ORCHARD, "ringing"]]);
    rig.end(`c1@${NODE1}`);
    expect(rig.directory.componentOwners.size).toBe(0);
  });

  test("PX8: components of a starter that has left are the controlling party's", () => {
    const rig = talking({ siblingsMayCommand: true });
    component(rig, "o1", JULIET, "output-1");
    rig.command("s", "c1", "hold", ORCHARD);
    rig.client(`<presence type='unavailable' from='${JULIET}' to='${EXTERNAL}'/>`);
    rig.raw("external");
    complete(rig, "output-1");
    expect(whoHeard(rig.toClients())).toEqual([[ORCHARD, "complete"]]);
  });
});

describe("calls.on_controller_loss", () => {
  const leave = (rig: Rig, jid = JULIET) =>
    rig.client(`<presence type='unavailable' from='${jid}' to='${EXTERNAL}'/>`);

  test("hangup: the call is hung up at once (PC7)", () => {
    const rig = talking();
    leave(rig);
    expect(commands(rig.toNodes())).toEqual(["hangup"]);
  });

  test("handover: a sibling gets the events and may command", () => {
    const rig = talking({ controllerLoss: "handover" });
    leave(rig);
    expect(rig.toNodes()).toEqual([]);
    rig.event(`c1@${NODE1}`, "ringing");
    expect(whoHeard(rig.toClients())).toEqual([[ORCHARD, "ringing"]]);
    rig.command("h", "c1", "hangup", ORCHARD);
    expect(commands(rig.toNodes())).toEqual(["hangup"]);
    rig.result("", NODE1);
    rig.end(`c1@${NODE1}`);
    expect(whoHeard(rig.toClients())).toEqual([[ORCHARD, "end"]]);
    rig.clock.advance(60_000);
    expect(rig.leftovers()).toEqual([]);
  });

  test("handover: without a sibling the call is hung up", () => {
    const rig = talking({ controllerLoss: "handover" });
    leave(rig, ORCHARD);
    leave(rig);
    expect(commands(rig.toNodes())).toEqual(["hangup"]);
    expect(rig.leftovers()).toEqual([]);
  });

  test("handover: the heir is known after a restart", () => {
    const rig = talking({ controllerLoss: "handover" });
    leave(rig);
    const next = rigWith({ controllerLoss: "handover" }, rig.journal.copy());
    next.event(`c1@${NODE1}`, "ringing");
    expect(whoHeard(next.toClients())).toEqual([[ORCHARD, "ringing"]]);
  });

  test("hold: the same full JID is back in time and keeps its calls", () => {
    const rig = talking({ controllerLoss: "hold" });
    leave(rig);
    rig.clock.advance(4_000);
    expect(rig.toNodes()).toEqual([]);
    rig.chat(JULIET);
    rig.clock.advance(60_000);
    expect(rig.toNodes()).toEqual([]);
    rig.event(`c1@${NODE1}`, "ringing");
    expect(whoHeard(rig.toClients())).toEqual([[JULIET, "ringing"]]);
  });

  test("hold: a command proves it as well", () => {
    const rig = talking({ controllerLoss: "hold" });
    leave(rig);
    rig.command("q", "c1", "hold");
    rig.raw("internal");
    rig.clock.advance(60_000);
    expect(rig.toNodes()).toEqual([]);
    rig.dial("d");
    expect(commands(rig.toNodes())).toEqual(["dial"]);
  });

  test("hold: after clients.grace_ms the call is hung up", () => {
    const rig = talking({ controllerLoss: "hold" });
    leave(rig);
    rig.clock.advance(5_100);
    expect(commands(rig.toNodes())).toEqual(["hangup"]);
    leave(rig, ORCHARD);
    expect(rig.leftovers()).toEqual([]);
  });

  test("one application may differ from the others", () => {
    const rig = talking({
      controllerLoss: "hangup",
      controllerLossOf: new Map([["juliet@capulet.test", "handover"]]),
    });
    leave(rig);
    expect(rig.toNodes()).toEqual([]);
  });
});

describe("IC6, GAP 3: bans", () => {
  test("a ban outlives a restart, even one in the middle of it", () => {
    const rig = talking();
    rig.journal.note({ kind: "ban", jid: "juliet@capulet.test" });
    // The process died before the resources left: their rows are still there.
    const next = new Rig({ journal: rig.journal.copy() });
    expect(next.directory.applications.get("juliet@capulet.test")!.resources).toEqual([]);
    next.offer(`c2@${NODE1}`);
    expect(errorOf(next.toNodes()[0])).toContain("recipient-unavailable");
    next.command("q", "c1", "hold");
    next.dial("d");
    next.chat(JULIET);
    expect(next.toClients().map(errorOf)).toEqual(
      Array(3).fill("recipient-unavailable/cancel: The application does not exist"),
    );
  });

  test("a banned application's calls end, those offered and those held for a resource, too", () => {
    const rig = talking({ controllerLoss: "hold", offerToAll: true });
    rig.offer(`c2@${NODE1}`);
    rig.client(`<presence type='unavailable' from='${JULIET}' to='${EXTERNAL}'/>`);
    rig.raw("internal");
    rig.directory.bans.add("juliet@capulet.test");
    expect(applicationBanned(rig.ex, "juliet@capulet.test")).toBe(2);
    expect(commands(rig.toNodes()).sort()).toEqual(["hangup", "reject"]);
    rig.clock.advance(700_000);
    expect(rig.leftovers()).toEqual([]);
    expect(rig.ex.watches.all()).toEqual([]);
  });
});
