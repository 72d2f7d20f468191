/**
 * Mixers after a restart: those that were there, with all that belongs to them, and no others (PMX8, DC39).
 */
import { describe, expect, test } from "bun:test";
import { attr, elements, parseXml, toXml } from "../support/xml.ts";
import { ask, complete, heard, join, say, speaking, started } from "./mixer_rig.ts";
import { EXTERNAL, INTERNAL, JULIET, NODE1, Rig } from "./rig.ts";

describe("after a restart", () => {
  const again = (rig: Rig) => new Rig({ journal: rig.journal.copy(), clock: rig.clock });

  test("mixers, who is in them, their components, filters and letters are there", () => {
    const rig = started();
    const m = join(rig, "c1", "Ball");
    say(rig, m, speaking("c1"));
    rig.client(
      `<iq type='set' id='o' from='${JULIET}' to='ball@${EXTERNAL}'><output xmlns='urn:xmpp:rayo:output:1'/></iq>`,
    );
    rig.result(attr(rig.toNodes()[0]!, "id"), `${m}@${NODE1}`, "<ref xmlns='urn:xmpp:rayo:1' id='v1'/>");
    const next = again(rig);
    next.raw("external");
    say(next, m, speaking("c1"));
    expect(heard(next)).toEqual([`${JULIET} Ball@${EXTERNAL}`]);
    complete(next, m, "v1");
    expect(attr(next.toClients()[0]!, "from")).toBe(`Ball@${EXTERNAL}/v1`);
    next.node(`<presence type='unavailable' from='${NODE1}' to='${INTERNAL}'/>`);
    expect(next.toClients().map((s) => attr(s, "from"))).toContain(`Ball@${EXTERNAL}`);
  });

  test("one that is only spoken for is not stored, one that has ended is not there", () => {
    const rig = started();
    ask(rig, "c1", "spoken");
    expect(rig.journal.snapshot().mixers).toEqual([]);
    const m = join(rig, "c1", "m");
    expect(rig.journal.snapshot().mixers.map((row) => row.name)).toEqual([m]);
    say(rig, m, "", "unavailable");
    expect(rig.journal.snapshot().mixers).toEqual([]);
  });

  test("one whose calls are gone ends", () => {
    const rig = started();
    const m = join(rig, "c1", "m");
    say(rig, m, speaking("c1"));
    const journal = rig.journal.copy();
    for (const key of [...journal.rows.keys()]) if (key.startsWith("call ")) journal.rows.delete(key);
    const next = new Rig({ journal, clock: rig.clock });
    next.raw("external");
    next.clock.advance(2_000);
    const said = parseXml(`<s>${next.raw("external")}</s>`);
    expect(elements(said).map((s) => [attr(s, "from"), attr(s, "type")])).toEqual([
      [`m@${EXTERNAL}`, "unavailable"],
    ]);
    expect(toXml(said)).toContain("urn:xmpp:delay");
  });
});
