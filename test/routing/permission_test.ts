/**
 * Letters of permission: what an application may do is asked for dials, offers, joins, mixers, components and messages,
 * and only where `permissions.*` names a letter (GAP 3, GAP 17, spec 9.3).
 */
import { describe, expect, test } from "bun:test";
import { attr, type El, elements } from "../support/xml.ts";
import { errorOf, EXTERNAL, JULIET, NODE1, OWNERSHIP, Rig } from "./rig.ts";

const commands = (stanzas: El[]) => stanzas.filter((s) => s.name === "iq").map((s) => elements(s)[0]!.name);

/** Juliet controls c1; nothing waits to be read. */
function talking(): Rig {
  const rig = new Rig().ready();
  rig.offer(`c1@${NODE1}`);
  rig.command("take", "c1", "answer");
  rig.result(attr(rig.toNodes()[0]!, "id")!, `c1@${NODE1}`);
  rig.raw("external");
  return rig;
}

describe("permissions.*: the letter an application needs", () => {
  /** Juliet has the letters `has` and controls c1; each act needs a letter of its own. */
  function lettered(has: string): Rig {
    const rig = talking();
    const application = rig.directory.applications.get("juliet@capulet.test")!;
    application.permissions = has;
    rig.ex.settings.ownership = {
      ...OWNERSHIP,
      permissions: { dial: "d", offer: "o", join: "j", mixer: "m", component: "c", message: "t" },
      commandsNeedLetters: true,
    };
    return rig;
  }
  const say = (rig: Rig, inside: string, to = `c1@${EXTERNAL}`) =>
    rig.client(`<iq type='set' id='q' from='${JULIET}' to='${to}'>${inside}</iq>`);
  const REFUSED = "not-authorized/auth";
  const acts: [string, string, string][] = [
    ["d", "dial", ""],
    ["j", "join", "<join xmlns='urn:xmpp:rayo:1' call-uri='xmpp:c1@rayo.test'/>"],
    ["j", "join of old", "<join xmlns='urn:xmpp:tropo:ozone:1' call-uri='xmpp:c1@rayo.test'/>"],
    ["m", "mixer", "<join xmlns='urn:xmpp:rayo:1' mixer-name='conf'/>"],
    ["c", "component", "<output xmlns='urn:xmpp:rayo:output:1'/>"],
    ["c", "component of old", "<say xmlns='urn:xmpp:tropo:say:1'/>"],
  ];
  for (const [letter, what, inside] of acts) {
    test(`${what}: only with the letter`, () => {
      for (const has of ["", "djmcot".replace(letter, ""), letter]) {
        const rig = lettered(has);
        if (inside === "") rig.dial("q");
        else say(rig, inside);
        if (has === letter) expect(commands(rig.toNodes()).length).toBe(1);
        else {
          expect(errorOf(rig.toClients()[0])).toBe(REFUSED);
          expect(rig.toNodes()).toEqual([]);
        }
      }
    });
  }

  test("a join inside a dial needs both letters", () => {
    const join = "<join xmlns='urn:xmpp:rayo:1' mixer-name='conf'/>";
    for (const [has, ok] of [["d", false], ["m", false], ["dm", true]] as const) {
      const rig = lettered(has);
      rig.dial("q", JULIET, "", join);
      expect(commands(rig.toNodes()).length).toBe(ok ? 1 : 0);
      if (!ok) expect(errorOf(rig.toClients()[0])).toBe(REFUSED);
    }
  });

  test("offers: it is as if no resource were there", () => {
    const rig = lettered("djmct");
    rig.offer(`c9@${NODE1}`);
    expect(errorOf(rig.toNodes()[0])).toBe(
      "recipient-unavailable/cancel: Could not find an available resource for JID [juliet@capulet.test]",
    );
    const may = lettered("o");
    may.offer(`c9@${NODE1}`);
    expect(may.toClients().length).toBe(1);
  });

  test("what needs no letter is free: answering, leaving, hanging up, stopping a component", () => {
    const rig = lettered("");
    say(rig, "<unjoin xmlns='urn:xmpp:rayo:1' mixer-name='conf'/>");
    say(rig, "<stop xmlns='urn:xmpp:rayo:ext:1'/>", `c1@${EXTERNAL}/output-1`);
    say(rig, "<hangup xmlns='urn:xmpp:rayo:1'/>");
    expect(commands(rig.toNodes())).toEqual(["unjoin", "stop", "hangup"]);
  });

  test("messages: only with the letter (G12)", () => {
    const words =
      `<message type='normal' id='m' from='${JULIET}' to='c1@${EXTERNAL}'><body>hi</body></message>`;
    const rig = lettered("djmco");
    rig.client(words);
    expect(errorOf(rig.toClients()[0])).toBe(REFUSED);
    expect(rig.toNodes()).toEqual([]);
    const may = lettered("t");
    may.client(words);
    expect(may.toNodes().map((s) => s.name)).toEqual(["message"]);
  });

  test("a mixer that was joined before the letters changed is not commanded any more, but left (IC10)", () => {
    for (const [has, ok] of [["c", false], ["m", false], ["mc", true]] as const) {
      const rig = lettered("m");
      say(rig, "<join xmlns='urn:xmpp:rayo:1' mixer-name='conf'/>");
      const join = rig.toNodes()[0]!;
      const name = attr(elements(join)[0]!, "mixer-name")!;
      rig.result(
        attr(join, "id")!,
        `c1@${NODE1}`,
        `<ref xmlns='urn:xmpp:rayo:1' uri='xmpp:${name}@${NODE1}'/>`,
      );
      rig.raw("external");
      rig.directory.applications.get("juliet@capulet.test")!.permissions = has;
      say(rig, "<output xmlns='urn:xmpp:rayo:output:1'/>", `conf@${EXTERNAL}`);
      if (!ok) expect(errorOf(rig.toClients()[0])).toBe(REFUSED);
      expect(commands(rig.toNodes())).toEqual(ok ? ["output"] : []);
      say(rig, "<unjoin xmlns='urn:xmpp:rayo:1' mixer-name='conf'/>");
      expect(commands(rig.toNodes())).toEqual(["unjoin"]);
    }
  });

  test("no letter is asked for where the configuration names none", () => {
    const rig = talking();
    say(rig, "<output xmlns='urn:xmpp:rayo:output:1'/>");
    say(rig, "<join xmlns='urn:xmpp:rayo:1' mixer-name='conf'/>");
    rig.dial("d");
    expect(commands(rig.toNodes())).toEqual(["output", "join", "dial"]);
  });
});
