/**
 * DC6: several external domains, one stream each; and mixers, of which nothing is told yet (DC20).
 */
import { describe, expect, test } from "bun:test";
import { attr, elements, parseXml } from "../support/xml.ts";
import { EXTERNAL, JULIET, NODE1, Rig, SECOND, SELF } from "./rig.ts";

describe("DC6: the second external domain", () => {
  test("answers come from the domain that was asked, on its stream; events and refs from the first", () => {
    const rig = new Rig().ready();
    rig.client(
      `<iq type='set' id='q' from='${JULIET}' to='${SECOND}'>` +
        `<dial xmlns='urn:xmpp:rayo:1' to='tel:1' uri='xmpp:d1@${SECOND}'/></iq>`,
      "second",
    );
    const asked = rig.toNodes()[0]!;
    expect(attr(elements(asked)[0]!, "uri")).toBe(`xmpp:d1@${NODE1}`);
    rig.ref(attr(asked, "id"), NODE1, "d1");
    const answer = parseXml(rig.raw("second"));
    expect([attr(answer, "from"), attr(elements(answer)[0]!, "uri")]).toEqual([
      SECOND,
      `xmpp:d1@${EXTERNAL}`,
    ]);
    rig.event(`d1@${NODE1}`, "answered");
    expect(rig.toClients().map((s) => attr(s, "from"))).toEqual([`d1@${EXTERNAL}`]);
    rig.client(
      `<iq type='set' id='c' from='${JULIET}' to='d1@${SECOND}'><hangup xmlns='urn:xmpp:rayo:1'/></iq>`,
      "second",
    );
    rig.result(attr(rig.toNodes()[0]!, "id"), `d1@${NODE1}`);
    expect(attr(parseXml(rig.raw("second")), "from")).toBe(`d1@${SECOND}`);
    expect(rig.raw("external")).toBe("");
  });

  test("a time-out is said by the domain that was asked", () => {
    const rig = new Rig().ready();
    rig.client(
      `<iq type='set' id='q' from='${JULIET}' to='${SECOND}'><dial xmlns='urn:xmpp:rayo:1' to='x'/></iq>`,
      "second",
    );
    rig.clock.advance(60_000);
    expect(attr(parseXml(rig.raw("second")), "from")).toBe(SECOND);
  });

  test("a stanza on the other link is routed by its `to`, with one warning", () => {
    const rig = new Rig().ready();
    for (let i = 0; i < 3; i++) {
      rig.node(
        `<iq type='get' id='${i}' from='${JULIET}' to='${EXTERNAL}'><ping xmlns='urn:xmpp:ping'/></iq>`,
      );
    }
    expect(rig.toClients().map((s) => attr(s, "type"))).toEqual(["result", "result", "result"]);
    expect(rig.logLines.filter((line) => line.includes("global_routes")).length).toBe(1);
  });
});

describe("DC20: mixers", () => {
  test("nothing is said of them, to nobody, and no hang-up either", () => {
    const rig = new Rig().ready();
    rig.node(
      `<presence from='room@${NODE1}' to='${SELF}'>` +
        `<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:xmpp:rayo:mixer:1' ver='x'/></presence>`,
    );
    rig.event(`room@${NODE1}`, "started-speaking");
    rig.node(`<presence type='unavailable' from='room@${NODE1}' to='${SELF}'/>`);
    expect(rig.raw("external") + rig.raw("internal")).toBe("");
  });

  test("a name learnt from a member's joined is one", () => {
    const rig = new Rig().ready();
    rig.offer(`c1@${NODE1}`);
    rig.command("a", "c1", "answer");
    rig.raw("internal");
    rig.node(
      `<presence from='c1@${NODE1}' to='${SELF}'><joined xmlns='urn:xmpp:rayo:1' mixer-name='Room'/></presence>`,
    );
    rig.event(`room@${NODE1}`, "joined");
    expect(rig.raw("internal")).toBe("");
  });
});
