/** What waits for a link: few writes, nothing lost at an orderly break, bounded while the server does not read (DC9, DC10). */
import { expect, test } from "bun:test";
import { CLASS_ANSWER, CLASS_COMMAND, CLASS_END, CLASS_EVENT, CLASS_NEW } from "../../src/xmpp/outlet.ts";
import { seededRandom } from "../../src/base/random.ts";
import { settle } from "../support/manual_clock.ts";
import type { MemoryWire } from "../support/memory_wire.ts";
import { DOMAIN, event, logTo, makeLink, RecordingSink, rig } from "./rig.ts";

test("10,000 stanzas in one chunk leave in one write", async () => {
  const { clock, network, server, sink, link } = rig({}, { bufferBytes: 16 * 1024 * 1024 });
  const lines: string[] = [];
  const internal = makeLink({
    clock,
    connector: network,
    log: logTo(lines, clock),
    sink: new RecordingSink(),
    side: "internal",
    domain: "gateway.rayo.test",
  });
  link.start();
  await clock.elapse(5);
  internal.start();
  await clock.elapse(5);
  const wires = [...network.open] as [MemoryWire, MemoryWire];
  sink.onStanza = (stanza) => {
    const bytes = stanza.end - stanza.start;
    expect(internal.outlet.reserve(bytes, CLASS_EVENT)).toBe(true);
    stanza.buf.copy(internal.outlet.buf, internal.outlet.end, stanza.start, stanza.end);
    internal.outlet.commit(internal.outlet.end + bytes, CLASS_EVENT);
  };
  const before = wires[1].writes;
  const all = Array.from({ length: 10_000 }, (_, n) => event(n)).join("");
  server.connections[0]!.say(all);
  await clock.elapse(1);
  expect(server.connections[1]!.stanzas).toBe(all);
  expect(wires[1].writes - before).toBe(1);
  expect(wires[0].writes).toBe(2);
});

test("what is appended in one go is written in one go, also without a link's help", async () => {
  const { clock, link, wire } = rig();
  link.start();
  await clock.elapse(1);
  const before = wire().writes;
  for (let n = 0; n < 100; n++) link.outlet.appendText(event(n), CLASS_EVENT);
  expect(wire().writes).toBe(before);
  await settle();
  expect(wire().writes).toBe(before + 1);
});

test("a blocked connection is written to again only when it takes bytes", async () => {
  const { clock, server, link, wire } = rig({}, { bufferBytes: 1_000 });
  link.start();
  await clock.elapse(1);
  (server.last.wire as MemoryWire).pause();
  const all = Array.from({ length: 20 }, (_, n) => event(n));
  for (const text of all) {
    link.outlet.appendText(text, CLASS_EVENT);
    await settle();
  }
  const writes = wire().writes;
  expect(writes).toBeLessThanOrEqual(2 + Math.ceil(1_000 / all[0]!.length));
  (server.last.wire as MemoryWire).resume();
  await clock.elapse(1);
  expect(server.last.stanzas).toBe(all.join(""));
  expect(link.waitingBytes).toBe(0);
});

test("a server that dies in the middle of a stanza gets that one again, whole, and all that follow (DC9)", async () => {
  const { clock, server, link } = rig({}, { bufferBytes: 1_000 });
  link.start();
  await clock.elapse(1);
  const first = server.last;
  (first.wire as MemoryWire).pause();
  const all = Array.from({ length: 10 }, (_, n) => event(n));
  for (const text of all) link.outlet.appendText(text, CLASS_EVENT);
  await settle();
  expect(link.outlet.midStanza).toBe(true);
  first.wire.destroy();
  expect(await clock.until(() => link.up && server.connections.length === 2)).toBe(true);
  await clock.elapse(1);
  // What TCP had taken whole is gone with it; from the first stanza it had only begun everything comes.
  const whole = Math.floor(1_000 / all[0]!.length);
  expect(whole).toBeGreaterThan(1);
  expect(server.last.stanzas).toBe(all.slice(whole).join(""));
});

test("no stream error is put into the middle of a stanza: the connection is just dropped", async () => {
  const { clock, server, link, wire } = rig({}, { bufferBytes: 1_000, latencyMs: 50 });
  link.start();
  await clock.elapse(500);
  const first = server.last, far = first.wire as MemoryWire, near = wire();
  far.pause();
  for (let n = 0; n < 10; n++) link.outlet.appendText(event(n), CLASS_EVENT);
  await clock.elapse(100);
  const written = near.written;
  // The nonsense arrives when there is room again, but before the link has been told so.
  first.say("<<<");
  await clock.elapse(25);
  far.resume();
  await clock.elapse(30);
  expect(link.reason).toContain("no XMPP");
  expect(near.written).toBe(written);
  expect(near.closed).toBe(true);
});

test("DC9: while down events wait, an `end` outlives them all, and everything goes out in order afterwards", async () => {
  const { clock, server, network, link, lines } = rig({ outletBytesMax: 20_000 });
  link.start();
  await clock.elapse(10_000);
  network.refuse("xmpp.test", 5347);
  server.last.wire.destroy();
  await clock.elapse(100);
  expect(link.up).toBe(false);
  const end = (n: number) => `<presence from='end-${n}@${DOMAIN}' type='unavailable'/>`;
  let kept = 0;
  for (let n = 0; n < 200; n++) {
    if (link.outlet.appendText(event(n), CLASS_EVENT)) kept++;
    if (n % 10 === 0) expect(link.outlet.appendText(end(n), CLASS_END)).toBe(true);
  }
  expect(kept).toBeLessThan(200);
  expect(link.waitingBytes).toBeLessThanOrEqual(20_000);
  expect(link.outlet.congested()).toBe(true);
  network.listen("xmpp.test", 5347, server.accept);
  expect(await clock.until(() => link.up, 20_000)).toBe(true);
  await clock.elapse(1);
  const got = server.last.stanzas;
  for (let n = 0; n < 200; n += 10) expect(got).toContain(end(n));
  const order = [...got.matchAll(/value='(\d+)'/g)].map((match) => Number(match[1]));
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(link.outlet.congested()).toBe(false);
  expect(lines.find((line) => line.includes("stanzas were dropped"))).toContain(
    `stanzas=${link.outlet.dropped.reduce((sum, n) => sum + n, 0)}`,
  );
});

test("DC10: the server does not read: new calls, commands, events go first; answers close the link; memory is bounded", async () => {
  const { clock, server, sink, link, wire } = rig({ outletBytesMax: 50_000 }, { bufferBytes: 4_000 });
  link.start();
  await clock.elapse(10);
  (server.last.wire as MemoryWire).pause();
  const old = wire();
  const fill = async (cls: number, count: number) => {
    let taken = 0;
    for (let n = 0; n < count; n++) {
      if (link.outlet.appendText(event(n), cls)) taken++;
      await settle();
    }
    return taken;
  };
  await fill(CLASS_EVENT, 300);
  expect(link.outlet.congested()).toBe(true);
  expect(await fill(CLASS_NEW, 10)).toBe(0);
  expect(await fill(CLASS_COMMAND, 10)).toBe(0);
  expect(await fill(CLASS_END, 10)).toBe(10);
  expect(link.up).toBe(true);
  expect(link.outlet.dropped[CLASS_EVENT]).toBeGreaterThan(0);
  // Answers push the events out, then there is no room even for them.
  for (let n = 0; n < 300; n++) link.outlet.appendText(event(n), CLASS_ANSWER);
  await settle();
  expect(old.closed).toBe(true);
  expect(sink.downs).toHaveLength(1);
  expect(sink.downs[0]).toContain("the server does not read");
  expect(link.outlet.buf.length).toBeLessThanOrEqual(65_536);
  // The new connection gets the answers and the ends that were kept.
  expect(await clock.until(() => link.up)).toBe(true);
  await clock.elapse(100);
  expect(link.waitingBytes).toBe(0);
  expect(server.last.stanzas.length).toBeGreaterThan(40_000);
  expect(server.last.stanzas).toStartWith("<presence ");
});

test("the other link goes on while one is full", async () => {
  const { clock, network, server, link } = rig({ outletBytesMax: 10_000 }, { bufferBytes: 2_000 });
  const sink = new RecordingSink();
  const lines: string[] = [];
  const other = makeLink({ clock, connector: network, log: logTo(lines, clock), sink, side: "internal" });
  link.start();
  await clock.elapse(5);
  other.start();
  await clock.elapse(5);
  (server.connections[0]!.wire as MemoryWire).pause();
  for (let n = 0; n < 300; n++) link.outlet.appendText(event(n), CLASS_EVENT);
  for (let n = 0; n < 50; n++) {
    server.connections[1]!.say(event(n));
    await clock.elapse(1);
  }
  expect(sink.stanzas).toHaveLength(50);
  expect(other.outlet.appendText(event(1), CLASS_EVENT)).toBe(true);
  await clock.elapse(1);
  expect(server.connections[1]!.stanzas).toBe(event(1));
});

const SEEDS = 40;

test("seeded: whatever breaks when, every connection gets whole stanzas in order, none twice, one cut at most at its end", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seededRandom(seed);
    const pick = (n: number) => random.u32() % n;
    const { clock, network, server, link } = rig({ random }, {
      random,
      latencyMs: 3,
      bufferBytes: 700 + pick(5_000),
    });
    link.start();
    let sent = 0;
    for (let step = 0; step < 150; step++) {
      for (let n = pick(8); n > 0; n--) link.outlet.appendText(event(sent++), CLASS_EVENT);
      const what = pick(40), wire = [...network.open][0];
      const far = server.connections.at(-1)?.wire as MemoryWire | undefined;
      if (what === 0) far?.destroy();
      else if (what === 1) wire?.destroy();
      else if (what === 2) wire?.vanish();
      else if (what < 6) far?.pause();
      else if (what < 20) far?.resume();
      await clock.elapse(pick(400));
    }
    (server.connections.at(-1)!.wire as MemoryWire).resume();
    // A connection that has vanished is found out; the last stanza goes out on one that works.
    await clock.elapse(10_000);
    expect(await clock.until(() => link.up, 600_000)).toBe(true);
    link.outlet.appendText(event(sent++), CLASS_EVENT);
    expect(await clock.until(() => link.up && link.waitingBytes === 0, 600_000)).toBe(true);
    await clock.elapse(100);
    expect(server.connections.length).toBeGreaterThan(2);
    let before = -1;
    for (const { stanzas } of server.connections) {
      const whole = stanzas.replaceAll(/<iq [^>]*id='gw-link-.*?<\/iq>/g, "").split("</presence>");
      const rest = whole.pop()!;
      // At most the beginning of one, or of a ping.
      expect(rest === "" || rest.startsWith("<") && !rest.slice(1).includes("<presence")).toBe(true);
      for (const one of whole) {
        const number = Number(/value='(\d+)'/.exec(one)![1]);
        expect(one + "</presence>").toBe(event(number));
        expect(number).toBeGreaterThan(before);
        before = number;
      }
    }
    expect(before).toBe(sent - 1);
    void link.stop();
    await clock.elapse(5_000);
    expect(clock.waiting).toBe(0);
  }
});
