/**
 * Component events that overtake the `ref` they belong to, and what else of their call waits with them (PX8, AH25, G13).
 */
import { describe, expect, test } from "bun:test";
import { ComponentTable } from "../../src/cluster/component_table.ts";
import { attr, elements } from "../support/xml.ts";
import { EXTERNAL, JULIET, NODE1, Rig, SELF } from "./rig.ts";

/** Juliet controls c1 and c2 at node1. */
function ready(rig = new Rig()): Rig {
  rig.ready();
  for (const call of ["c1", "c2"]) {
    rig.offer(`${call}@${NODE1}`);
    rig.command("take", call, "answer");
    rig.result(attr(rig.toNodes()[0]!, "id"), `${call}@${NODE1}`);
  }
  rig.raw("external");
  return rig;
}

/** Starts a component; the id that the node sees. */
function start(rig: Rig, call = "c1", ns = "urn:xmpp:rayo:output:1", id = "s"): string {
  rig.client(
    `<iq type='set' id='${id}' from='${JULIET}' to='${call}@${EXTERNAL}'><output xmlns='${ns}'/></iq>`,
  );
  return attr(rig.toNodes()[0]!, "id");
}

function complete(rig: Rig, component: string, call = "c1"): void {
  rig.node(
    `<presence type='unavailable' from='${call}@${NODE1}/${component}' to='${SELF}'>` +
      `<complete xmlns='urn:xmpp:rayo:ext:1'><finish xmlns='urn:xmpp:rayo:output:complete:1'/></complete></presence>`,
  );
}

function ref(rig: Rig, id: string, component: string, call = "c1"): void {
  rig.result(
    id,
    `${call}@${NODE1}`,
    `<ref xmlns='urn:xmpp:rayo:1' uri='xmpp:${call}@${NODE1}/${component}'/>`,
  );
}

/** What the client hears: `result`, or `name from-resource`. */
const heard = (rig: Rig) =>
  rig.toClients().map((s) =>
    s.name === "iq"
      ? attr(s, "type")
      : `${elements(s)[0]?.name ?? ""} ${attr(s, "from").slice(`c1@${EXTERNAL}`.length)}`.trim()
  );

describe("PX8: a complete before its ref", () => {
  test("AH25: goes out a little after the ref, in a write of its own", () => {
    const rig = ready();
    const id = start(rig);
    complete(rig, "output-1");
    rig.clock.advance(500);
    expect(heard(rig)).toEqual([]);
    ref(rig, id, "output-1");
    expect(heard(rig)).toEqual(["result"]);
    rig.clock.advance(19);
    expect(heard(rig)).toEqual([]);
    rig.clock.advance(1);
    expect(heard(rig)).toEqual(["complete /output-1"]);
    expect(rig.ex.meters.held).toBe(1);
    expect(rig.ex.early.size + rig.ex.early.dropped).toBe(0);
  });

  test("JN5: a ref with an id alone is as good", () => {
    const rig = ready();
    const id = start(rig);
    complete(rig, "output-1");
    rig.result(id, `c1@${NODE1}`, "<ref xmlns='urn:xmpp:rayo:1' id='output-1'/>");
    rig.clock.advance(20);
    expect(heard(rig)).toEqual(["result", "complete /output-1"]);
  });

  test("a ref whose letters are escaped is the same", () => {
    const rig = ready();
    const id = start(rig);
    complete(rig, "a&amp;b");
    ref(rig, id, "a&#38;b");
    rig.clock.advance(20);
    expect(heard(rig)).toEqual(["result", "complete /a&b"]);
  });

  test("after its ref it goes out at once", () => {
    const rig = ready();
    ref(rig, start(rig), "output-1");
    complete(rig, "output-1");
    expect(heard(rig)).toEqual(["result", "complete /output-1"]);
  });

  test("components that are known are not held for one that starts", () => {
    const rig = ready();
    for (const name of ["record-1", "output-1", "output-2"]) ref(rig, start(rig), name);
    heard(rig);
    start(rig);
    for (const name of ["output-2", "record-1", "output-1"]) complete(rig, name);
    expect(heard(rig)).toEqual(["complete /output-2", "complete /record-1", "complete /output-1"]);
    // Each completes once: the same name again would be another component.
    complete(rig, "output-1");
    expect(heard(rig)).toEqual([]);
  });

  test("G13: what follows in its call waits behind it, other calls do not", () => {
    const rig = ready();
    const id = start(rig);
    complete(rig, "output-1");
    rig.event(`c1@${NODE1}`, "answered");
    rig.node(`<message from='c1@${NODE1}' to='${SELF}'><body>x</body></message>`);
    rig.event(`c2@${NODE1}`, "ringing");
    expect(heard(rig)).toEqual(["ringing"]);
    rig.end(`c1@${NODE1}`);
    expect(heard(rig)).toEqual([]);
    ref(rig, id, "output-1");
    rig.clock.advance(20);
    expect(heard(rig)).toEqual(["result", "complete /output-1", "answered", "body", "end"]);
    expect(rig.directory.calls.size).toBe(1);
  });

  test("G13: two that overtake their refs keep their order", () => {
    const rig = ready();
    const one = start(rig), two = start(rig);
    complete(rig, "output-2");
    complete(rig, "output-1");
    ref(rig, one, "output-1");
    rig.clock.advance(100);
    expect(heard(rig)).toEqual(["result"]);
    ref(rig, two, "output-2");
    rig.clock.advance(20);
    expect(heard(rig)).toEqual(["result", "complete /output-2", "complete /output-1"]);
  });

  test("PMX3: without a ref in events.hold_ms it is dropped and counted, what waits behind it is not", () => {
    const rig = ready();
    start(rig);
    complete(rig, "output-1");
    rig.event(`c1@${NODE1}`, "ringing");
    rig.clock.advance(1_980);
    expect(heard(rig)).toEqual([]);
    rig.clock.advance(20);
    expect(heard(rig)).toEqual(["ringing"]);
    expect(rig.ex.early.dropped).toBe(1);
    expect(rig.ex.early.bytes).toBe(0);
  });

  test("so it is when the command is refused, or the node is gone", () => {
    const rig = ready();
    const id = start(rig);
    complete(rig, "output-1");
    rig.event(`c1@${NODE1}`, "ringing");
    rig.error(id, `c1@${NODE1}`, "resource-constraint");
    rig.clock.advance(20);
    expect(heard(rig)).toEqual(["error", "ringing"]);
    start(rig);
    complete(rig, "output-2");
    rig.node(`<presence type='unavailable' from='${NODE1}' to='int.test'/>`);
    rig.clock.advance(60_000);
    expect(heard(rig)).toEqual(["error", "end", "end"]);
    rig.client(`<presence type='unavailable' from='${JULIET}' to='${EXTERNAL}'/>`);
    expect(rig.leftovers()).toEqual([]);
  });

  test("of a call of an earlier life it is late at most, never dropped", () => {
    const before = ready();
    ref(before, start(before), "record-1");
    const rig = new Rig({ journal: before.journal.copy(), clock: before.clock });
    start(rig);
    complete(rig, "record-1");
    rig.clock.advance(2_000);
    expect(heard(rig)).toEqual(["complete /record-1"]);
  });

  test("no room: it goes out at once", () => {
    const rig = ready();
    start(rig);
    rig.node(
      `<presence from='c1@${NODE1}/output-1' to='${SELF}'><x xmlns='urn:xmpp:rayo:1'>${
        "y".repeat(500_000)
      }</x></presence>`,
    );
    for (let i = 0; i < 33; i++) {
      const id = start(rig, "c2", "urn:xmpp:rayo:output:1", `s${i}`);
      expect(id).not.toBe("");
      rig.node(
        `<presence from='c2@${NODE1}/output-${i}' to='${SELF}'><x xmlns='urn:xmpp:rayo:1'>${
          "y".repeat(500_000)
        }</x></presence>`,
      );
    }
    expect(rig.ex.early.bytes).toBeLessThanOrEqual(16 * 1024 * 1024);
    expect(heard(rig).length).toBe(33);
  });

  test("1,000 components on a call: each is started once, completes once, and nothing is left of them", () => {
    const rig = ready();
    const ids = Array.from({ length: 1000 }, () => start(rig));
    for (let i = 0; i < 1000; i += 2) complete(rig, `output-${i}`);
    ids.forEach((id, i) => ref(rig, id, `output-${i}`));
    rig.clock.advance(20);
    for (let i = 1; i < 1000; i += 2) complete(rig, `output-${i}`);
    const all = heard(rig);
    expect(all.filter((h) => h === "result").length).toBe(1000);
    expect(new Set(all.filter((h) => h !== "result")).size).toBe(1000);
    expect(all.length).toBe(2000);
    rig.end(`c1@${NODE1}`);
    expect(rig.ex.components.lists).toBe(0);
  });

  test("another call in the same place has nothing of the one before", () => {
    const rig = ready();
    const id = start(rig);
    rig.end(`c1@${NODE1}`);
    rig.offer(`c3@${NODE1}`);
    rig.command("take", "c3", "answer");
    rig.raw("internal");
    heard(rig);
    const own = start(rig, "c3");
    ref(rig, id, "output-1");
    complete(rig, "output-1", "c3");
    expect(heard(rig)).toEqual(["result"]);
    ref(rig, own, "output-1", "c3");
    rig.clock.advance(20);
    expect(heard(rig)).toEqual(["result", "complete /output-1"]);
  });
});

test("the table of components: six bytes a call", () => {
  const table = new ComponentTable();
  for (let slot = 0; slot < 100_000; slot++) expect(table.starts(slot)).toBe(true);
  expect(table.bytes).toBeLessThanOrEqual(6 * (100_000 + 16_384));
  for (let slot = 0; slot < 100_000; slot++) expect(table.answered(slot)).toBe(true);
  const name = Buffer.from("output-1");
  table.add(7, name, 0, 8);
  expect([table.has(7, name, 0, 8), table.has(8, name, 0, 8), table.has(7, name, 0, 7)]).toEqual([
    true,
    false,
    false,
  ]);
  for (let i = 0; i < 0xffff; i++) table.starts(7);
  expect(table.starts(7)).toBe(false);
  table.forget(7);
  expect(table.has(7, name, 0, 8)).toBe(false);
  expect(table.starts(7)).toBe(true);
});
