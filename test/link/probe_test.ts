/** DC7: a dead peer is noticed in bounded time, a living one never taken for dead. */
import { expect, test } from "bun:test";
import { LINK_TIMES } from "../../src/link/component.ts";
import { OwnPings } from "../../src/link/own_ping.ts";
import { Probe } from "../../src/link/probe.ts";
import { CLASS_EVENT } from "../../src/xmpp/outlet.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { DOMAIN, event, logTo, makeLink, PORT, RecordingSink, rig } from "./rig.ts";

const { idleMs, answerMs } = LINK_TIMES.probe;

test("asks after silence, gives up after more of it, exactly then and once", () => {
  const clock = new ManualClock();
  const seen: string[] = [];
  const times = { idleMs: 100, answerMs: 50 };
  const probe = new Probe(
    clock,
    times,
    () => seen.push(`ask@${clock.now()}`),
    () => seen.push(`dead@${clock.now()}`),
  );
  probe.start();
  clock.advance(60);
  probe.heard();
  clock.advance(99);
  expect(seen).toEqual([]);
  clock.advance(51);
  expect(seen).toEqual(["ask@160", "dead@210"]);
  clock.advance(10_000);
  expect(seen).toHaveLength(2);
  expect(clock.waiting).toBe(0);
});

test("any sign after the question is an answer; stop() ends the watch", () => {
  const clock = new ManualClock();
  const seen: number[] = [];
  const probe = new Probe(
    clock,
    { idleMs: 100, answerMs: 50 },
    () => seen.push(clock.now()),
    () => seen.push(-1),
  );
  probe.start();
  clock.advance(140);
  probe.heard();
  clock.advance(100);
  expect(seen).toEqual([100, 240]);
  // The bound holds from the last sign on, whenever that was.
  probe.heard();
  clock.advance(149);
  expect(seen).toEqual([100, 240, 340]);
  probe.stop();
  clock.advance(1000);
  expect(seen).toEqual([100, 240, 340]);
  expect(clock.waiting).toBe(0);
});

test("a process that stood still itself asks once more before it judges", () => {
  const clock = new ManualClock();
  const late = { now: () => clock.now() + shift, wall: () => 0, after: clock.after.bind(clock) };
  let shift = 0;
  const seen: string[] = [];
  const probe = new Probe(
    late,
    { idleMs: 100, answerMs: 50 },
    () => seen.push("ask"),
    () => seen.push("dead"),
  );
  probe.start();
  clock.advance(120);
  // Stopped for a minute: the timer fires late, what the peer said lies unread.
  shift = 60_000;
  clock.advance(30);
  expect(seen).toEqual(["ask", "ask"]);
  clock.advance(50);
  expect(seen).toEqual(["ask", "ask", "dead"]);
});

test("the link pings its own domain through the server; the ping comes home and never reaches routing", async () => {
  const { clock, server, sink, link } = rig();
  link.start();
  await clock.elapse(60_000);
  const pings = server.last.stanzas.match(/<iq .*?<\/iq>/g)!;
  expect(pings.length).toBeGreaterThan(30);
  expect(pings.length).toBeLessThanOrEqual(60_000 / idleMs);
  expect(pings.join("")).toBe(server.last.stanzas);
  expect(pings[0]).toMatch(
    new RegExp(
      `^<iq type='get' id='gw-link-1' from='${DOMAIN}' to='${DOMAIN}'><ping xmlns='urn:xmpp:ping'/></iq>$`,
    ),
  );
  expect(sink.stanzas).toEqual([]);
  expect(sink.downs).toEqual([]);
  expect(link.up).toBe(true);
  expect(server.connections).toHaveLength(1);
});

test("no ping while something comes anyway", async () => {
  const { clock, server, link } = rig();
  link.start();
  await clock.elapse(10);
  for (let n = 0; n < 50; n++) {
    server.last.say(n % 2 === 0 ? event(n) : " ");
    await clock.elapse(idleMs - 10);
  }
  expect(server.last.stanzas).toBe("");
  expect(link.up).toBe(true);
});

test("a bounce and a result are signs of life, and kept from routing; others' stanzas with such ids are not", async () => {
  const { clock, server, sink, link } = rig();
  server.reflects = false;
  server.onStanzas = (text, connection) => {
    const id = /id='(gw-link-\d+)'/.exec(text)?.[1];
    const type = id?.endsWith("2") ? "error" : "result";
    connection.say(`<iq type='${type}' id='${id}' from='${DOMAIN.toUpperCase()}' to='${DOMAIN}'/>`);
  };
  link.start();
  await clock.elapse(20_000);
  expect(link.up).toBe(true);
  expect(sink.downs).toEqual([]);
  expect(sink.stanzas).toEqual([]);
  const foreign =
    `<iq type='get' id='gw-link-1' from='juliet@capulet.lit/b' to='${DOMAIN}'><ping xmlns='urn:xmpp:ping'/></iq>`;
  const own = `<iq type='result' id='gw-node-1' from='${DOMAIN}' to='${DOMAIN}'/>`;
  server.last.say(foreign + own);
  await clock.elapse(1);
  expect(sink.stanzas).toEqual([foreign, own]);
});

test("the cable is cut: noticed in bounded time, before anybody's silence costs calls (DC29), then connected again", async () => {
  const { clock, sink, link, wire, server } = rig();
  link.start();
  await clock.elapse(10_000);
  wire().vanish();
  link.outlet.appendText(event(1), CLASS_EVENT);
  await clock.elapse(idleMs + answerMs);
  expect(idleMs + answerMs).toBeLessThan(5_000);
  expect(sink.downs).toEqual([
    `nothing came from the server for ${idleMs + answerMs} ms, not even our own ping`,
  ]);
  expect(await clock.until(() => link.up)).toBe(true);
  expect(server.connections).toHaveLength(2);
});

test("a server that stops reading for ever is noticed as well; one that reads slowly is not", async () => {
  const { clock, sink, link, server } = rig({}, { bufferBytes: 4000, latencyMs: 50 });
  link.start();
  await clock.elapse(500);
  const far = server.last.wire as unknown as { pause(): void; resume(): void };
  for (let n = 0; n < 400; n++) link.outlet.appendText(event(n), CLASS_EVENT);
  // Slowly: it says nothing at all, but takes something every 2 s.
  server.reflects = false;
  for (let n = 0; n < 10; n++) {
    far.pause();
    await clock.elapse(2_000);
    far.resume();
    await clock.elapse(0);
  }
  expect(sink.downs).toEqual([]);
  expect(link.waitingBytes).toBeGreaterThan(50_000);
  // A ping behind all that would tell nothing.
  expect(link.outlet.buf.includes("gw-link")).toBe(false);
  far.pause();
  await clock.elapse(idleMs + answerMs + 200);
  expect(sink.downs).toHaveLength(1);
});

test("DC6: with ejabberd's global_routes a ping may come home on the other link, and its sender is told", async () => {
  const pings = new OwnPings();
  const one = rig({ pings });
  const lines: string[] = [];
  const sink = new RecordingSink();
  const two = makeLink({
    clock: one.clock,
    connector: one.network,
    log: logTo(lines, one.clock),
    sink,
    side: "internal",
    domain: "gateway.rayo.test",
    port: PORT,
    pings,
  });
  one.server.reflects = false;
  one.server.onStanzas = (text, connection) => {
    one.server.connections.find((other) => other !== connection)!.say(text);
  };
  one.link.start();
  two.start();
  await one.clock.elapse(60_000);
  expect([...one.sink.downs, ...sink.downs, ...one.sink.stanzas, ...sink.stanzas]).toEqual([]);
  expect([one.link.up, two.up]).toEqual([true, true]);
});
