/**
 * Early events in numbers: a hundred thousand of them are held in bounded memory, and nothing is left of them.
 */
import { expect, test } from "bun:test";
import { EARLY_BYTES_MAX } from "../../src/base/limits.ts";
import { attr } from "../support/xml.ts";
import { EXTERNAL, NODE1, Rig, SELF } from "./rig.ts";

const COUNT = 100_000;
/** Bounds a test that hangs. */
const LIMIT_MS = 60_000;

test("PX7: 100,000 events of unknown calls", () => {
  const rig = new Rig().ready();
  rig.dial("q");
  const asked = rig.toNodes()[0]!;
  for (let i = 0; i < COUNT; i++) rig.event(`x${i}@${NODE1}`, "ringing");
  const { early } = rig.ex;
  expect(early.size + early.dropped).toBe(COUNT);
  expect(early.bytes).toBeLessThanOrEqual(EARLY_BYTES_MAX);
  expect(rig.raw("external") + rig.raw("internal")).toBe("");
  // The one that is dialled finds its own among them.
  rig.ref(attr(asked, "id"), NODE1, "x7");
  rig.clock.advance(20);
  expect(rig.toClients().map((s) => attr(s, "from"))).toEqual([EXTERNAL, `x7@${EXTERNAL}`]);
  rig.clock.advance(2_000);
  expect([early.size, early.bytes]).toEqual([0, 0]);
  expect(early.dropped).toBe(COUNT - 1);
}, LIMIT_MS);

test("PX7, G13: 100,000 of one call, in order", () => {
  const rig = new Rig().ready();
  rig.dial("q");
  const asked = rig.toNodes()[0]!;
  for (let i = 0; i < COUNT; i++) {
    rig.node(`<presence id='${i}' from='x@${NODE1}' to='${SELF}'><dtmf xmlns='urn:xmpp:rayo:1'/></presence>`);
  }
  const held = COUNT - rig.ex.early.dropped;
  expect(rig.ex.early.bytes).toBeLessThanOrEqual(EARLY_BYTES_MAX);
  rig.ref(attr(asked, "id"), NODE1, "x");
  rig.clock.advance(20);
  const ids = rig.toClients().slice(1).map((s) => Number(attr(s, "id")));
  expect(ids.length).toBe(held);
  expect(ids.every((id, i) => id === i)).toBe(true);
  expect([rig.ex.early.size, rig.ex.early.bytes]).toEqual([0, 0]);
}, LIMIT_MS);
