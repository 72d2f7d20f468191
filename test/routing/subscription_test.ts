/**
 * Subscriptions to the gateway and probes for it (PC9, PC10): answered to those who may use it, without keeping a list.
 */
import { expect, test } from "bun:test";
import { attr, elements } from "../support/xml.ts";
import { EXTERNAL, JULIET, NODE1, Rig } from "./rig.ts";

const presence = (rig: Rig, type: string, from: string, to = EXTERNAL) => {
  rig.client(`<presence type='${type}' from='${from}' to='${to}'/>`);
  return rig.toClients().map((s) => [
    s.name,
    attr(s, "type"),
    attr(s, "from"),
    attr(s, "to"),
    elements(s).map((e) => e.name).join(),
  ]);
};

test("PC9: a subscription of an application is granted, and it is told that the gateway is there", () => {
  const rig = new Rig().ready();
  for (const from of ["juliet@capulet.test", JULIET]) {
    expect(presence(rig, "subscribe", from)).toEqual([
      ["presence", "subscribed", EXTERNAL, "juliet@capulet.test", ""],
      ["presence", "", EXTERNAL, "juliet@capulet.test", "c"],
    ]);
  }
});

test("PC10: a probe is answered with the same presence, to who probed", () => {
  const rig = new Rig().ready();
  for (const from of ["juliet@capulet.test", JULIET]) {
    expect(presence(rig, "probe", from)).toEqual([["presence", "", EXTERNAL, from, "c"]]);
  }
  rig.client(`<presence type='probe' from='${JULIET}' to='rayo2.test'/>`, "second");
  expect(rig.raw("second")).toContain("from='rayo2.test'");
});

test("PC9, PC10: nobody else hears of it, a banned application neither", () => {
  const rig = new Rig().ready();
  rig.directory.bans.add("juliet@capulet.test");
  for (const bare of ["juliet@capulet.test", "nurse@capulet.test"]) {
    for (const type of ["subscribe", "probe"]) {
      expect(presence(rig, type, bare)).toEqual([["presence", "unsubscribed", EXTERNAL, bare, ""]]);
    }
  }
});

test("PC9, PC10: what needs no answer gets none, calls answer no probes, and nobody is registered by asking", () => {
  const rig = new Rig().ready();
  for (const type of ["subscribed", "unsubscribe", "unsubscribed"]) {
    expect(presence(rig, type, "juliet@capulet.test")).toEqual([]);
  }
  rig.offer(`c1@${NODE1}`);
  rig.raw("external");
  for (const type of ["subscribe", "probe"]) {
    expect(presence(rig, type, JULIET, `c1@${EXTERNAL}`)).toEqual([]);
  }
  presence(rig, "subscribe", "juliet@capulet.test/another");
  presence(rig, "probe", "juliet@capulet.test/another");
  expect(rig.directory.resourceByJid("juliet@capulet.test/another")).toBeNull();
});
