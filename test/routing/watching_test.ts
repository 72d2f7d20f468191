/**
 * Bounces and silence of clients: who is asked, who is believed, what ends and what comes back (PC10, PX10, PX11,
 * DC29-DC32, AH20).
 */
import { describe, expect, test } from "bun:test";
import type { OwnershipSettings } from "../../src/routing/ownership.ts";
import { attr, type El, elements, parseXml } from "../support/xml.ts";
import { EXTERNAL, JULIET, NODE1, OWNERSHIP, Rig } from "./rig.ts";

const ORCHARD = "juliet@capulet.test/orchard";
const commands = (stanzas: El[]) => stanzas.filter((s) => s.name === "iq").map((s) => elements(s)[0]!.name);

interface Ping {
  id: string;
  to: string;
}

/** Pings since the last look, and the rest of what clients got as text. */
function heard(rig: Rig): { pings: Ping[]; rest: El[] } {
  const all = elements(parseXml(`<s xmlns='jabber:component:accept'>${rig.rawAll("external")}</s>`));
  const isPing = (s: El) => s.name === "iq" && attr(s, "type") === "get";
  return {
    pings: all.filter(isPing).map((s) => ({ id: attr(s, "id")!, to: attr(s, "to")! })),
    rest: all.filter((s) => !isPing(s)),
  };
}

function pong(rig: Rig, ping: Ping, from = ping.to): void {
  rig.client(`<iq type='result' id='${ping.id}' from='${from}' to='${EXTERNAL}'/>`);
}

function pingError(rig: Rig, ping: Ping, condition: string, from = ping.to): void {
  rig.client(
    `<iq type='error' id='${ping.id}' from='${from}' to='${EXTERNAL}'><error type='cancel'>` +
      `<${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
  );
}

function bounce(rig: Rig, to: string, condition = "recipient-unavailable", from = JULIET): void {
  rig.client(
    `<presence type='error' from='${from}' to='${to}'><error type='cancel'>` +
      `<${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`,
  );
}

const gone = (rig: Rig, jid = JULIET) =>
  rig.client(`<presence type='unavailable' from='${jid}' to='${EXTERNAL}'/>`);

/** In rotation, as far as the directory knows. */
const ready = (rig: Rig) =>
  rig.directory.applications.get("juliet@capulet.test")!.resources.map((resource) => resource.jid);

/** Juliet controls c1; her first ping is answered if `proven`. */
function talking(proven: boolean, ownership: Partial<OwnershipSettings> = {}): Rig {
  const rig = new Rig({ settings: { ownership: { ...OWNERSHIP, ...ownership } } });
  rig.application("juliet@capulet.test", "sip:juliet@example.com");
  rig.chat(JULIET);
  const { pings } = heard(rig);
  expect(pings.map((ping) => ping.to)).toEqual([JULIET]);
  if (proven) pong(rig, pings[0]!);
  rig.nodeChat(NODE1);
  rig.offer(`c1@${NODE1}`);
  rig.raw("internal");
  rig.command("take", "c1", "answer");
  rig.result(attr(rig.toNodes()[0]!, "id")!, `c1@${NODE1}`);
  heard(rig);
  return rig;
}

describe("DC31: a client is judged by ping only if it answered one before", () => {
  test("asked right after its chat; never answered: never judged, never asked again", () => {
    const rig = talking(false);
    rig.clock.advance(3_600_000);
    expect(heard(rig).pings).toEqual([]);
    expect(ready(rig)).toEqual([JULIET]);
    expect(rig.toNodes()).toEqual([]);
    expect(rig.ex.watches.all()).toEqual([]);
  });

  test("service-unavailable is what a living one without ping says, too", () => {
    const rig = new Rig();
    rig.application("juliet@capulet.test");
    rig.chat(JULIET);
    pingError(rig, heard(rig).pings[0]!, "service-unavailable");
    rig.clock.advance(3_600_000);
    expect(ready(rig)).toEqual([JULIET]);
    expect(heard(rig).pings).toEqual([]);
  });

  test("one that answers is asked every 30 s and keeps its calls", () => {
    const rig = talking(true);
    let asked = 0;
    for (let s = 0; s < 300; s++) {
      rig.clock.advance(1_000);
      for (const ping of heard(rig).pings) {
        asked++;
        pong(rig, ping);
      }
    }
    expect(asked).toBe(10);
    expect(ready(rig)).toEqual([JULIET]);
    expect(rig.toNodes()).toEqual([]);
  });

  test("DC29: silent, it is out of rotation at once, its calls end after the grace time", () => {
    const rig = talking(true);
    rig.clock.advance(34_900);
    expect(ready(rig)).toEqual([JULIET]);
    rig.clock.advance(200);
    expect(ready(rig)).toEqual([]);
    expect(rig.toNodes()).toEqual([]);
    rig.clock.advance(5_100);
    expect(commands(rig.toNodes())).toEqual(["hangup"]);
  });

  test("service-unavailable of one that answered before takes it out as well", () => {
    const rig = talking(true);
    rig.clock.advance(30_000);
    pingError(rig, heard(rig).pings[0]!, "service-unavailable");
    expect(ready(rig)).toEqual([]);
    rig.clock.advance(5_100);
    expect(commands(rig.toNodes())).toEqual(["hangup"]);
  });

  test("an answer within the grace time, late or to a later ping, gives everything back", () => {
    const rig = talking(true);
    rig.clock.advance(36_000);
    const { pings } = heard(rig);
    expect(pings.length).toBeGreaterThan(1);
    expect(ready(rig)).toEqual([]);
    pong(rig, pings[0]!);
    expect(ready(rig)).toEqual([JULIET]);
    rig.clock.advance(20_000);
    expect(rig.toNodes()).toEqual([]);
  });

  test("nobody answers for another, nor with an invented id (IC8: nothing is said)", () => {
    const rig = talking(true);
    rig.clock.advance(36_000);
    const { pings } = heard(rig);
    pong(rig, pings[0]!, "romeo@montague.test/garden");
    pong(rig, { id: "gw-nonsense-w0.0", to: JULIET });
    pong(rig, { id: `${pings[0]!.id.split("-w")[0]}-wzz.0`, to: JULIET });
    expect(ready(rig)).toEqual([]);
    expect(heard(rig).rest).toEqual([]);
    expect(rig.ex.meters.unmatched).toBe(3);
  });

  test("DC9: silence while the link to the clients is down is nobody's; all are asked when it is up", () => {
    const rig = talking(true);
    rig.down("external");
    rig.clock.advance(600_000);
    expect(rig.toNodes()).toEqual([]);
    expect(ready(rig)).toEqual([JULIET]);
    rig.up("external");
    expect(heard(rig).pings.map((ping) => ping.to)).toContain(JULIET);
    rig.clock.advance(10_200);
    expect(commands(rig.toNodes())).toEqual(["hangup"]);
  });

  test("DC9: a grace time that was running waits for the link as well", () => {
    const rig = talking(true);
    bounce(rig, `c1@${EXTERNAL}`);
    rig.clock.advance(2_000);
    rig.down("external");
    rig.clock.advance(60_000);
    expect(rig.toNodes()).toEqual([]);
    rig.up("external");
    rig.clock.advance(6_000);
    expect(commands(rig.toNodes())).toEqual(["hangup"]);
  });
});

describe("PC10, PX11: what was sent to a client comes back", () => {
  for (const condition of ["remote-server-not-found", "remote-server-timeout", "recipient-unavailable"]) {
    test(`${condition}: out of rotation at once, asked, gone after the grace time`, () => {
      const rig = talking(false);
      bounce(rig, `c1@${EXTERNAL}`, condition);
      expect(ready(rig)).toEqual([]);
      expect(heard(rig).pings.map((ping) => ping.to)).toEqual([JULIET]);
      rig.clock.advance(4_900);
      expect(rig.toNodes()).toEqual([]);
      rig.clock.advance(300);
      expect(commands(rig.toNodes())).toEqual(["hangup"]);
    });
  }

  test("a command within the grace time proves that it is there", () => {
    const rig = talking(false);
    bounce(rig, `c1@${EXTERNAL}`);
    rig.command("q", "c1", "hold");
    expect(commands(rig.toNodes())).toEqual(["hold"]);
    expect(ready(rig)).toEqual([JULIET]);
    rig.clock.advance(20_000);
    expect(rig.toNodes()).toEqual([]);
  });

  test("OF3: an offer that bounces goes to the next resource at once", () => {
    const rig = talking(false);
    rig.chat(ORCHARD);
    rig.offer(`c2@${NODE1}`);
    const first = attr(rig.toClients().find((s) => s.name === "presence")!, "to")!;
    bounce(rig, `c2@${EXTERNAL}`, "recipient-unavailable", first);
    const { rest } = heard(rig);
    expect(rest.map((s) => [attr(s, "to"), elements(s)[0]!.name])).toEqual([
      [first === JULIET ? ORCHARD : JULIET, "offer"],
    ]);
  });

  test("OF2: with nobody else the call is rejected at once", () => {
    const rig = new Rig().ready();
    rig.offer(`c2@${NODE1}`);
    bounce(rig, `c2@${EXTERNAL}`);
    expect(commands(rig.toNodes())).toEqual(["reject"]);
  });

  test("other errors count; six in a row are as good (§3.4)", () => {
    const rig = new Rig().ready();
    for (let i = 0; i < 6; i++) {
      expect(ready(rig)).toEqual([JULIET]);
      bounce(rig, `c1@${EXTERNAL}`, "not-acceptable");
    }
    rig.offer(`c2@${NODE1}`);
    expect(commands(rig.toNodes())).toEqual(["reject"]);
  });

  test("PX10: a bounce is not forwarded, of whichever side", () => {
    const rig = talking(false);
    bounce(rig, `c1@${EXTERNAL}`);
    expect(rig.toNodes()).toEqual([]);
    rig.node(
      `<presence type='error' from='c1@${NODE1}' to='int.test/gateway'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`,
    );
    expect(heard(rig).rest).toEqual([]);
  });

  test("of somebody unknown it does nothing", () => {
    const rig = talking(false);
    bounce(rig, EXTERNAL, "recipient-unavailable", "nurse@capulet.test/kitchen");
    expect(rig.ex.watches.all().filter((watch) => watch.jid !== JULIET)).toEqual([]);
  });
});

describe("never a loop", () => {
  test("a peer that bounces everything: a bounded number of stanzas, and everything is over", () => {
    const rig = talking(false);
    let said = 0;
    const bounceAll = () => {
      const { pings, rest } = heard(rig);
      for (const ping of pings) {
        said++;
        pingError(rig, ping, "remote-server-not-found");
      }
      for (const stanza of rest) {
        said++;
        expect(stanza.name).toBe("presence");
        bounce(rig, attr(stanza, "from")!, "remote-server-not-found");
      }
    };
    rig.event(`c1@${NODE1}`, "ringing");
    for (let tenths = 0; tenths < 8_000; tenths++) {
      bounceAll();
      rig.clock.advance(100);
    }
    // One event, one ping a second in the grace time, then the return window's.
    expect(said).toBeLessThan(30);
    expect(commands(rig.toNodes())).toEqual(["hangup"]);
    expect(rig.leftovers()).toEqual([]);
    expect(rig.ex.watches.all()).toEqual([]);
  });

  test("a peer that swallows everything: the same", () => {
    const rig = talking(true);
    let said = 0;
    for (let second = 0; second < 800; second++) {
      if (second < 20) rig.event(`c1@${NODE1}`, "ringing");
      const { pings, rest } = heard(rig);
      said += pings.length;
      expect(rest.every((s) => s.name === "presence")).toBe(true);
      rig.clock.advance(1_000);
    }
    expect(said).toBeLessThan(30);
    expect(commands(rig.toNodes())).toEqual(["hangup"]);
    expect(rig.leftovers()).toEqual([]);
    expect(rig.ex.watches.all()).toEqual([]);
  });
});

describe("AH20: a resource that vanished without dnd is asked back", () => {
  test("with growing pauses, for clients.return_window_ms", () => {
    const rig = talking(false, { clientReturnMs: 600_000 });
    gone(rig);
    const at: number[] = [];
    for (let s = 1; s <= 700; s++) {
      rig.clock.advance(1_000);
      if (heard(rig).pings.length > 0) at.push(s);
    }
    expect(at).toEqual([1, 2, 4, 8, 16, 32, 64, 124, 184, 244, 304, 364, 424, 484, 544]);
    expect(rig.ex.watches.all()).toEqual([]);
  });

  test("it answers and is in rotation again, without a chat", () => {
    const rig = talking(false);
    gone(rig);
    rig.raw("internal");
    expect(ready(rig)).toEqual([]);
    rig.clock.advance(8_500);
    const { pings } = heard(rig);
    pingError(rig, pings[0]!, "service-unavailable");
    expect(ready(rig)).toEqual([]);
    pong(rig, pings.at(-1)!);
    expect(ready(rig)).toEqual([JULIET]);
    rig.offer(`c2@${NODE1}`);
    expect(heard(rig).rest.map((s) => elements(s)[0]!.name)).toEqual(["offer"]);
    // Its first life's call is over.
    rig.command("q", "c1", "hold");
    expect(attr(heard(rig).rest[0]!, "type")).toBe("error");
  });

  test("one that said dnd is not asked, nor is one whose application is banned or unregistered", () => {
    for (const how of ["dnd", "ban", "unregister", "off"]) {
      const rig = talking(false, how === "off" ? { clientReturnMs: 0 } : {});
      const application = rig.directory.applications.get("juliet@capulet.test")!;
      if (how === "dnd") {
        rig.client(`<presence from='${JULIET}' to='${EXTERNAL}'><show>dnd</show></presence>`);
      }
      if (how === "ban") rig.directory.bans.add("juliet@capulet.test");
      if (how === "unregister") rig.directory.removeApplication(application);
      gone(rig);
      rig.clock.advance(700_000);
      expect(heard(rig).pings).toEqual([]);
      expect(rig.leftovers()).toEqual([]);
    }
  });

  test("a ban while it is asked ends the asking, and an answer brings nobody back", () => {
    const rig = talking(false);
    gone(rig);
    rig.clock.advance(1_000);
    const { pings } = heard(rig);
    rig.directory.bans.add("juliet@capulet.test");
    pong(rig, pings[0]!);
    expect(ready(rig)).toEqual([]);
    rig.clock.advance(100_000);
    expect(rig.ex.watches.all()).toEqual([]);
  });

  test("chat while it is asked ends the asking", () => {
    const rig = talking(false);
    gone(rig);
    rig.chat(JULIET);
    heard(rig);
    rig.clock.advance(700_000);
    expect(heard(rig).pings).toEqual([]);
    expect(ready(rig)).toEqual([JULIET]);
  });
});
