/**
 * Verification strings of entity capabilities (XEP-0115 §5), and that what is advertised is what is answered.
 */
import { expect, test } from "bun:test";
import {
  CALL_CAPABILITIES,
  EXTERNAL_CAPABILITIES,
  INTERNAL_CAPABILITIES,
  verificationString,
} from "../../src/routing/capabilities.ts";
import { attr, elements, parseXml } from "../support/xml.ts";
import { EXTERNAL, JULIET, Rig } from "./rig.ts";

test("XEP-0115 §5.2: the example of the specification", () => {
  const features = [
    "http://jabber.org/protocol/muc",
    "http://jabber.org/protocol/caps",
    "http://jabber.org/protocol/disco#items",
    "http://jabber.org/protocol/disco#info",
  ];
  const exodus = { category: "client", type: "pc", name: "Exodus 0.9.1" };
  expect(verificationString(exodus, features)).toBe("QgayPKawpkPSDYmwT/WM94uAlu0=");
});

test("DC12: each set is meant by its own hash alone, with any name before it", () => {
  const sets = [EXTERNAL_CAPABILITIES, INTERNAL_CAPABILITIES, CALL_CAPABILITIES];
  for (const set of sets) {
    for (const other of sets) expect(set.isMeantBy(`urn:x#${other.ver}`)).toBe(set === other);
    expect(set.isMeantBy(set.ver)).toBe(false);
    expect(set.isMeantBy(`${set.ver}#`)).toBe(false);
  }
});

test("XEP-0115 §5.4: whoever asks with the hash can compute it from the answer", () => {
  const rig = new Rig().ready();
  rig.client(`<presence type='probe' from='${JULIET}' to='${EXTERNAL}'/>`);
  const c = elements(rig.toClients()[0]!)[0]!;
  const node = `${attr(c, "node")}#${attr(c, "ver")}`;
  rig.client(
    `<iq type='get' id='1' from='${JULIET}' to='${EXTERNAL}'>` +
      `<query xmlns='http://jabber.org/protocol/disco#info' node='${node}'/></iq>`,
  );
  const query = elements(rig.toClients()[0]!)[0]!;
  expect(attr(query, "node")).toBe(node);
  const identity = elements(query).find((e) => e.name === "identity")!;
  const features = elements(query).filter((e) => e.name === "feature").map((e) => attr(e, "var"));
  const { category, type, name } = identity.attrs as Record<"category" | "type" | "name", string>;
  expect(verificationString({ category, type, name }, features)).toBe(attr(c, "ver"));
});

test("a node's name is echoed so that it breaks nothing", () => {
  const query = EXTERNAL_CAPABILITIES.query(`<'"&>#${EXTERNAL_CAPABILITIES.ver}`);
  expect(attr(parseXml(query), "node")).toBe(`<'"&>#${EXTERNAL_CAPABILITIES.ver}`);
});
