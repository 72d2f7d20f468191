/**
 * Mixers where scenes cannot go: letters, hostile names, early events, what is left behind (rows PMX, PM, IC2, IC10, DC27).
 */
import { describe, expect, test } from "bun:test";
import { attr, elements } from "../support/xml.ts";
import {
  ask,
  complete,
  heard,
  join,
  nameOf,
  ORCHARD,
  output,
  own,
  ROMEO,
  say,
  speaking,
  started,
  unjoined,
} from "./mixer_rig.ts";
import { errorOf, EXTERNAL, INTERNAL, JULIET, NODE1, OWNERSHIP, type Rig, SELF } from "./rig.ts";

describe("letters (AH11, DC16)", () => {
  test("each client hears of the mixer by the name it wrote, also of one conference", () => {
    const rig = started();
    const m = join(rig, "c1", "Conf");
    rig.chat(ORCHARD);
    own(rig, "c2"); // whose turn it is
    const who = rig.directory.partyOf(1)!.jid;
    expect(join(rig, "c2", "CONF", who)).toBe(m);
    say(rig, m, speaking("c1"));
    const letters = new Map(rig.toClients().map((s) => [attr(s, "to"), attr(s, "from")]));
    expect(letters.get(who)).toBe(`CONF@${EXTERNAL}`);
    if (who !== JULIET) expect(letters.get(JULIET)).toBe(`Conf@${EXTERNAL}`);
    say(rig, "c2", `<joined xmlns='urn:xmpp:rayo:1' mixer-name='${m}'/>`);
    expect(attr(elements(rig.toClients()[0]!)[0]!, "mixer-name")).toBe("CONF");
  });

  test("towards the node the name is lower case, and nobody else's (FS55)", () => {
    const rig = started();
    expect(nameOf(ask(rig, "c1", "MyCase1"))).toMatch(/^mycase1\.[a-z0-9]{8}$/);
  });
});

describe("IC2: when there is one", () => {
  test("a name is only spoken for until the join has an answer, or its node says so", () => {
    const rig = started();
    const asked = ask(rig, "c1", "m");
    expect([rig.directory.mixers.size, rig.directory.mixers.total]).toEqual([1, 0]);
    rig.error(attr(asked!, "id"), `c1@${NODE1}`, "conflict");
    expect([rig.directory.mixers.size, rig.directory.mixers.total]).toEqual([0, 0]);
    join(rig, "c1", "m");
    expect([rig.directory.mixers.size, rig.directory.mixers.total]).toEqual([1, 1]);
  });

  test("IR5: a join that is never answered leaves nothing", () => {
    const rig = started();
    ask(rig, "c1", "m");
    rig.clock.advance(60_000);
    expect(rig.directory.mixers.size).toBe(0);
    expect(errorOf(rig.toClients()[0])).toBe("remote-server-timeout/wait");
  });

  test("FS51: joined and unjoined before the result: nobody is in it afterwards", () => {
    const rig = started();
    const asked = ask(rig, "c1", "m"), m = nameOf(asked);
    say(rig, "c1", `<joined xmlns='urn:xmpp:rayo:1' mixer-name='${m}'/>`);
    say(rig, "c1", unjoined(m));
    rig.result(attr(asked!, "id"), `c1@${NODE1}`);
    expect(rig.directory.mixers.named(m)?.members).toBe(0);
    rig.clock.advance(3_000);
    expect(rig.directory.mixers.size).toBe(0);
  });

  test("PX5: a joined that nobody asked for makes it known", () => {
    const rig = started();
    say(rig, "c1", `<joined xmlns='urn:xmpp:rayo:1' mixer-name='lobby'/>`);
    expect(attr(elements(rig.toClients()[0]!)[0]!, "mixer-name")).toBe("lobby");
    say(rig, "lobby", speaking("c1"));
    expect(heard(rig)).toEqual([`${JULIET} lobby@${EXTERNAL}`]);
  });

  test("PMX4: a joined of the mixer that is faster than the call's reaches the newcomer, by id, too (GAP 8)", () => {
    const rig = started();
    const m = nameOf(ask(rig, "c1", "m"));
    say(rig, m, "<joined xmlns='urn:xmpp:rayo:1' call-id='c1'/>");
    expect(heard(rig)).toEqual([`${JULIET} m@${EXTERNAL}`]);
  });

  test("the same name at another node is not that mixer (PX12)", () => {
    const rig = started();
    const m = join(rig, "c1", "m");
    rig.nodeChat("node2.test");
    rig.raw("internal");
    rig.node(`<presence from='${m}@node2.test' to='${SELF}'>${speaking("c1")}</presence>`);
    expect(rig.raw("external")).toBe("");
  });

  test("names that can have no JID, and those of one's own calls, are refused", () => {
    const rig = started();
    for (const name of ["a b", "a@b", "&lt;", "a/b", "&#10;", "'", "x".repeat(1024)]) {
      expect(ask(rig, "c1", name)).toBeUndefined();
      expect(errorOf(rig.toClients()[0])).toBe("bad-request/modify: Bad mixer name");
    }
    expect(ask(rig, "c1", "C1")).toBeUndefined();
    expect(errorOf(rig.toClients()[0])).toBe("conflict/modify: The name is taken");
    expect(rig.directory.mixers.size).toBe(0);
  });

  test("a tenant that writes another's scoped name gets one of its own", () => {
    const rig = started();
    const m = join(rig, "c1", "m");
    rig.application("romeo@montague.test", "sip:romeo@example.com");
    rig.chat(ROMEO);
    own(rig, "r1", "sip:romeo@example.com");
    expect(join(rig, "r1", m, ROMEO)).not.toBe(m);
    say(rig, m, speaking("c1"));
    expect(heard(rig)).toEqual([`${JULIET} m@${EXTERNAL}`]);
    rig.client(
      `<iq type='set' id='o' from='${ROMEO}' to='m@${EXTERNAL}'><output xmlns='urn:xmpp:rayo:output:1'/></iq>`,
    );
    expect(errorOf(rig.toClients()[0])).toMatch(/^item-not-found/);
    expect(rig.raw("internal")).toBe("");
  });
});

describe("a dial with a nested join (RW6)", () => {
  const dial = (rig: Rig) => {
    rig.dial("d", JULIET, "", "<join mixer-name='m'/>");
    return rig.toNodes()[0]!;
  };

  test("the name is spoken for until the dial has failed", () => {
    const rig = started();
    const asked = dial(rig);
    expect(rig.directory.mixers.size).toBe(1);
    rig.error(attr(asked, "id"), NODE1, "bad-request");
    expect([rig.directory.mixers.size, rig.ex.dials.size]).toEqual([0, 0]);
  });

  test("its call is in it when it says so, or never", () => {
    const rig = started();
    const asked = dial(rig);
    const m = attr(elements(elements(asked)[0]!)[0]!, "mixer-name");
    rig.ref(attr(asked, "id"), NODE1, "d1");
    expect(rig.directory.mixers.named(m)?.members).toBe(0);
    rig.end(`d1@${NODE1}`);
    expect(rig.directory.mixers.size).toBe(0);
  });
});

describe("filters (PM1–PM3, DC27)", () => {
  const quiet = (rig: Rig, from: string, type: string) =>
    rig.client(`<presence from='${from}' to='M@${EXTERNAL}'${type === "" ? "" : ` type='${type}'`}/>`);

  test("act for the whole application while their resource is online", () => {
    const rig = started();
    const m = join(rig, "c1", "m");
    rig.chat(ORCHARD);
    rig.raw("external");
    quiet(rig, ORCHARD, "unavailable");
    say(rig, m, speaking("c1"));
    expect(rig.raw("external")).toBe("");
    rig.client(`<presence type='unavailable' from='${ORCHARD}' to='${EXTERNAL}'/>`);
    say(rig, m, speaking("c1"));
    expect(heard(rig)).toEqual([`${JULIET} m@${EXTERNAL}`]);
  });

  test.each(["", "subscribe", "available-again"])("presence of type '%s' lifts them", (type) => {
    const rig = started();
    const m = join(rig, "c1", "m");
    quiet(rig, JULIET, "unsubscribe");
    quiet(rig, JULIET, type);
    expect(rig.raw("external")).toBe(
      type === "subscribe" ? `<presence type='subscribed' from='M@${EXTERNAL}' to='${JULIET}'/>` : "",
    );
    say(rig, m, speaking("c1"));
    expect(heard(rig).length).toBe(1);
  });

  test("from a resource that is not registered they do nothing", () => {
    const rig = started();
    const m = join(rig, "c1", "m");
    quiet(rig, ORCHARD, "unavailable");
    quiet(rig, JULIET, "error");
    say(rig, m, speaking("c1"));
    expect(heard(rig)).toEqual([`${JULIET} m@${EXTERNAL}`]);
  });

  test("PMX2: a component's end is noted, though not told", () => {
    const rig = started();
    const m = join(rig, "c1", "m");
    const asked = output(rig);
    rig.result(asked, `${m}@${NODE1}`, "<ref xmlns='urn:xmpp:rayo:1' id='v1'/>");
    expect(attr(elements(rig.toClients()[0]!)[0]!, "uri")).toBe(`xmpp:m@${EXTERNAL}/v1`);
    expect(rig.directory.mixers.named(m)?.verbs?.size).toBe(1);
    quiet(rig, JULIET, "unavailable");
    complete(rig, m, "v1");
    expect(rig.raw("external")).toBe("");
    expect(rig.directory.mixers.named(m)?.verbs?.size).toBe(0);
  });
});

describe("PMX3: early events of components", () => {
  test("wait for the ref, keep their order, and leave nothing; a Java node's complete is unavailable (JN7)", () => {
    const rig = started();
    const m = join(rig, "c1", "m");
    const asked = output(rig);
    rig.node(`<presence from='${m}@${NODE1}/v1' to='${SELF}'><x xmlns='urn:xmpp:rayo:output:1'/></presence>`);
    rig.result(asked, `${m}@${NODE1}`, "<ref xmlns='urn:xmpp:rayo:1' id='v1'/>");
    complete(rig, m, "v1"); // behind what is held
    expect(rig.toClients().map((s) => s.name)).toEqual(["iq"]);
    rig.clock.advance(20);
    expect(rig.toClients().map((s) => [elements(s)[0]!.name, s.attrs.type ?? ""])).toEqual([
      ["x", ""],
      ["complete", "unavailable"],
    ]);
    expect([rig.ex.verbEvents.size, rig.ex.verbEvents.bytes]).toEqual([0, 0]);
  });

  test("without a ref they are dropped and counted after events.hold_ms", () => {
    const rig = started();
    const m = join(rig, "c1", "m");
    const asked = output(rig);
    for (let i = 0; i < 50; i++) complete(rig, m, `v${i}`);
    expect(rig.ex.verbEvents.size).toBe(50);
    rig.clock.advance(2_000);
    expect([rig.ex.verbEvents.size, rig.ex.verbEvents.dropped]).toEqual([0, 50]);
    rig.error(asked, `${m}@${NODE1}`, "feature-not-implemented");
    complete(rig, m, "v1");
    expect(rig.ex.verbEvents.size).toBe(0);
  });
});

describe("PMX4: many listeners", () => {
  test.each([
    `from='M@${NODE1}' to='${SELF}'`,
    `to='${SELF}' xml:lang='en' from='M@${NODE1}'`,
  ])("each gets the same words under its own address (%s)", (addresses) => {
    const rig = started();
    for (let i = 0; i < 9; i++) rig.chat(`juliet@capulet.test/r${i}${"x".repeat(i)}`);
    const m = join(rig, "c1", "m");
    for (let i = 2; i <= 30; i++) {
      own(rig, `c${i}`);
      join(rig, `c${i}`, "m", rig.directory.partyOf(i - 1)!.jid);
    }
    const event = `<presence ${addresses.replace("M", m)}><delay xmlns='urn:xmpp:delay' stamp='s'/>` +
      `${speaking("c1")}</presence>`;
    for (const _ of [1, 2]) {
      rig.node(event);
      const { resources } = rig.directory.applications.get("juliet@capulet.test")!;
      const wanted = resources.map(({ jid }) =>
        event.replace(SELF, jid).replace(`${m}@${NODE1}`, `m@${EXTERNAL}`).replace(
          `c1@${NODE1}`,
          `c1@${EXTERNAL}`,
        )
      );
      const said = rig.raw("external").split(/(?<=<\/presence>)/);
      expect(said.sort()).toEqual(wanted.sort());
      expect(said.length).toBe(10);
    }
  });
});

describe("IC9: who started a component has gone", () => {
  test("whoever has its calls now hears of it; without anybody it is forgotten", () => {
    const rig = started({ settings: { ownership: { ...OWNERSHIP, controllerLoss: "handover" } } });
    const m = join(rig, "c1", "m");
    rig.result(output(rig), `${m}@${NODE1}`, "<ref xmlns='urn:xmpp:rayo:1' id='v1'/>");
    rig.chat(ORCHARD);
    rig.client(`<presence type='unavailable' from='${JULIET}' to='${EXTERNAL}'/>`);
    rig.raw("external");
    expect(rig.directory.partyOf(0)?.jid).toBe(ORCHARD);
    complete(rig, m, "v1");
    expect(heard(rig)).toEqual([`${ORCHARD} m@${EXTERNAL}/v1`]);

    const alone = started();
    const n = join(alone, "c1", "m");
    alone.result(output(alone), `${n}@${NODE1}`, "<ref xmlns='urn:xmpp:rayo:1' id='v1'/>");
    alone.client(`<presence type='unavailable' from='${JULIET}' to='${EXTERNAL}'/>`);
    expect(alone.directory.mixers.named(n)?.verbs?.size).toBe(0);
  });
});

describe("PMX8: the end", () => {
  test("whoever was told of it hears of it once, who has gone does not", () => {
    const rig = started();
    const m = join(rig, "c1", "m");
    rig.chat(ORCHARD);
    own(rig, "c2");
    const other = rig.directory.partyOf(1)!.jid;
    join(rig, "c2", "m", other);
    say(rig, m, speaking("c1"));
    const told = new Set(heard(rig).map((line) => line.split(" ")[0]));
    for (const call of ["c1", "c2"]) say(rig, call, unjoined(m));
    rig.raw("external");
    say(rig, m, "", "unavailable");
    const gone = rig.toClients();
    expect(new Set(gone.map((s) => attr(s, "to")))).toEqual(told as Set<string>);
    expect(gone.length).toBe(told.size);
    rig.clock.advance(5_000);
    say(rig, m, "", "unavailable");
    expect(rig.raw("external") + rig.raw("internal")).toBe("");
    expect(rig.directory.mixers.size).toBe(0);
  });

  test("a join on the heels of the end makes a new one", () => {
    const rig = started();
    const m = join(rig, "c1", "m");
    say(rig, m, speaking("c1"));
    say(rig, "c1", unjoined(m));
    rig.raw("external");
    const asked = ask(rig, "c1", "m");
    say(rig, m, "", "unavailable");
    expect(rig.toClients().map((s) => attr(s, "type"))).toEqual(["unavailable"]);
    rig.result(attr(asked!, "id"), `c1@${NODE1}`);
    rig.raw("external");
    expect([rig.directory.mixers.total, rig.directory.mixers.named(m)?.members]).toEqual([2, 1]);
    rig.clock.advance(5_000);
    expect(rig.raw("external")).toBe("");
    say(rig, m, speaking("c1"));
    expect(heard(rig).length).toBe(1);
  });

  test("everything that a mixer held is given back", () => {
    const rig = started();
    const m = join(rig, "c1", "m");
    rig.result(output(rig), `${m}@${NODE1}`, "<ref xmlns='urn:xmpp:rayo:1' id='v1'/>");
    rig.client(`<presence from='${JULIET}' to='m@${EXTERNAL}' type='unavailable'/>`);
    rig.client(`<presence from='${JULIET}' to='${EXTERNAL}' type='unavailable'/>`);
    rig.node(`<presence type='unavailable' from='${NODE1}' to='${INTERNAL}'/>`);
    rig.clock.advance(700_000);
    expect(rig.directory.mixers.size).toBe(0);
    expect(rig.leftovers()).toEqual([]);
  });
});
