/** A component's stream from handshake to close, in memory: XEP-0114, spec 9.5, DC6, DC7, and words that help. */
import { expect, test } from "bun:test";
import { CLASS_EVENT } from "../../src/xmpp/outlet.ts";
import { settle } from "../support/manual_clock.ts";
import type { Mode } from "../support/scripted_server.ts";
import { DOMAIN, event, logTo, makeLink, PORT, RecordingSink, rig } from "./rig.ts";

test("up only after the server's <handshake/>; nothing of the outlet leaves before", async () => {
  const { clock, server, sink, link } = rig({}, { latencyMs: 10 });
  const born = clock.wall();
  link.outlet.appendText(event(1), CLASS_EVENT);
  link.start();
  // 20 ms for TCP, 20 for the headers: the handshake is on its way, its answer is not here.
  await clock.elapse(59);
  expect(server.last.opening).toContain("<handshake>");
  expect(server.last.opening).not.toContain("presence");
  expect(link.up).toBe(false);
  expect(link.outlet.up).toBe(false);
  expect(sink.ups).toBe(0);
  expect(link.waitingBytes).toBe(event(1).length);
  await clock.elapse(11);
  expect(link.up).toBe(true);
  expect(link.outlet.up).toBe(true);
  expect(link.reason).toBe("");
  expect(link.since).toBe(born + 60);
  expect(sink.ups).toBe(1);
  expect(server.last.stanzas).toBe(event(1));
  expect(server.last.opening).toMatch(
    new RegExp(`<stream:stream[^>]* to=['"]${DOMAIN}['"]`),
  );
});

test("stanzas go both ways, whole and in order", async () => {
  const { clock, server, sink, link } = rig();
  link.start();
  await clock.elapse(1);
  for (let n = 0; n < 3; n++) server.last.say(event(n));
  for (let n = 5; n < 8; n++) link.outlet.appendText(event(n), CLASS_EVENT);
  await clock.elapse(1);
  expect(sink.stanzas).toEqual([event(0), event(1), event(2)]);
  expect(server.last.stanzas).toBe(event(5) + event(6) + event(7));
});

test("what up() appends is sent after what waited", async () => {
  const { clock, server, sink, link } = rig();
  link.outlet.appendText("<presence id='waited'/>", CLASS_EVENT);
  sink.onUp = () => link.outlet.appendText("<presence id='greeting'/>", CLASS_EVENT);
  link.start();
  await clock.elapse(1);
  expect(server.last.stanzas).toBe("<presence id='waited'/><presence id='greeting'/>");
});

const COMPLAINTS: [Mode | "wrong-secret" | "refused" | "swallowed", string[]][] = [
  ["wrong-secret", ["not-authorized", "xmpp.external.secret", DOMAIN]],
  ["conflict", ["conflict", "component_conflict_resolve", "Component already connected"]],
  ["host-unknown", ["host-unknown", "gateway.external_domain", DOMAIN]],
  ["wrong-namespace", ["jabber:client", "xmpp.external.port"]],
  ["no-id", ["no id"]],
  ["http", ["xmpp.external.port"]],
  ["silent", ["no XMPP stream", "10000 ms", "xmpp.external.port"]],
  ["no-answer", ["no answer to the handshake", "10000 ms"]],
  ["close-at-once", ["xmpp.external.port"]],
  ["close-at-handshake", ["without an answer to the handshake", "xmpp.external.secret"]],
  ["refused", ["connection refused", "xmpp.external.host", "xmpp.external.port"]],
  ["swallowed", ["no connection within 5000 ms", "xmpp.external.host"]],
];

test.each(COMPLAINTS)(
  "%s: told in words that name what to look at, then tried again",
  async (mode, words) => {
    const { clock, server, sink, link, lines, network } = rig(
      mode === "wrong-secret" ? { secret: "not that one" } : {},
    );
    if (mode === "refused") network.refuse("xmpp.test", PORT);
    else if (mode === "swallowed") network.swallow("xmpp.test", PORT);
    else if (mode !== "wrong-secret") server.mode = mode;
    link.start();
    expect(await clock.until(() => sink.downs.length > 0, 20_000)).toBe(true);
    for (const word of words) {
      expect(sink.downs[0]).toContain(word);
      expect(link.reason).toContain(word);
      expect(lines[0]).toContain(word);
    }
    expect(lines[0]).toStartWith("warn  external link is down: ");
    expect(lines.join()).not.toContain("not that one");
    expect(link.up).toBe(false);
    expect(sink.ups).toBe(0);
    // It goes on trying by itself, and comes up once the cause is gone.
    network.listen("xmpp.test", PORT, server.accept);
    server.mode = "good";
    if (mode === "wrong-secret") {
      expect(await clock.until(() => sink.downs.length > 3, 30_000)).toBe(true);
    } else {
      expect(await clock.until(() => link.up, 30_000)).toBe(true);
      expect(lines.at(-1)).toStartWith("info  external link is up ");
    }
    // Every connection that was given up is closed.
    await clock.elapse(1);
    expect(network.open.size).toBe(link.up ? 1 : 0);
  },
);

test("a connection that opens after it was given up is dropped", async () => {
  const { clock, server, link, network } = rig({}, { latencyMs: 3000 });
  link.start();
  await clock.elapse(5_001);
  network.latencyMs = 1;
  expect(await clock.until(() => link.up, 20_000)).toBe(true);
  await clock.elapse(2_000);
  expect(network.open.size).toBe(1);
  expect(server.connections.map((one) => one.wireClosed)).toEqual([false, true]);
});

test("the same complaint is logged once a minute, a new one at once", async () => {
  const { clock, link, lines, sink, network, server } = rig();
  network.refuse("xmpp.test", PORT);
  link.start();
  await clock.elapse(59_000);
  expect(sink.downs.length).toBeGreaterThan(6);
  expect(lines).toHaveLength(1);
  await clock.elapse(60_000);
  expect(lines).toHaveLength(2);
  server.mode = "conflict";
  network.listen("xmpp.test", PORT, server.accept);
  await clock.elapse(10_500);
  expect(lines).toHaveLength(3);
  expect(lines[2]).toContain("conflict");
});

test("RFC 6120 §4.4: the server's close is answered, then it is connected again at once", async () => {
  const { clock, server, sink, link } = rig();
  link.start();
  await clock.elapse(10_000);
  const first = server.last;
  server.closesInTurn = false;
  first.say("</stream:stream>");
  await clock.elapse(10);
  expect(first.stanzas).toEndWith("</stream:stream>");
  expect(first.wireClosed).toBe(true);
  expect(sink.downs).toEqual(["the server closed the stream"]);
  expect(server.connections).toHaveLength(2);
  expect(link.up).toBe(true);
});

test("a server that stops says so (system-shutdown)", async () => {
  const { clock, server, sink, link } = rig();
  link.start();
  await clock.elapse(10);
  server.last.streamError("system-shutdown", "Received SIGTERM");
  await clock.elapse(1);
  expect(sink.downs[0]).toContain("the server is stopping");
  expect(sink.downs[0]).toContain("Received SIGTERM");
});

test("no XMPP in the middle of a stream: our stream error, our close, a redacted line, and a new connection", async () => {
  const { clock, server, sink, link, lines } = rig();
  link.start();
  await clock.elapse(10);
  const first = server.last;
  first.say(event(1) + "<presence <<");
  await clock.elapse(10);
  expect(sink.stanzas).toEqual([event(1)]);
  expect(first.stanzas).toMatch(
    /^<stream:error><[a-z-]+ xmlns='urn:ietf:params:xml:ns:xmpp-streams'\/>.*<\/stream:error><\/stream:stream>$/,
  );
  expect(sink.downs[0]).toContain("the server sent what is no XMPP");
  expect(lines.some((line) => line.startsWith("warn") && line.includes("no XMPP"))).toBe(true);
  expect(await clock.until(() => link.up)).toBe(true);
  expect(server.connections).toHaveLength(2);
});

test("half a stanza, then the end of TCP: nothing of it is delivered, the next stream is clean", async () => {
  const { clock, server, sink, link } = rig();
  link.start();
  await clock.elapse(10);
  server.last.say(event(1) + event(2).slice(0, 100));
  server.last.wire.end();
  expect(await clock.until(() => server.connections.length === 2 && link.up)).toBe(true);
  server.last.say(event(3));
  await clock.elapse(1);
  expect(sink.stanzas).toEqual([event(1), event(3)]);
  expect(sink.downs).toHaveLength(1);
});

test("a bug in routing costs one stanza, not the link", async () => {
  const { clock, server, sink, link, lines } = rig();
  link.start();
  await clock.elapse(1);
  sink.onStanza = () => {
    if (sink.stanzas.length === 2) throw new Error("planted");
  };
  server.last.say(event(0) + event(1) + event(2));
  await clock.elapse(1);
  expect(sink.stanzas).toEqual([event(0), event(1), event(2)]);
  expect(link.up).toBe(true);
  expect(lines.filter((line) => line.startsWith("error") && line.includes("planted"))).toHaveLength(1);
});

test("DC4: a stanza over a soft limit is skipped and told, the stream goes on", async () => {
  const { clock, server, sink, link } = rig();
  link.start();
  await clock.elapse(1);
  server.last.say(
    `<message to='a@rayo.test' from='b@c.test'><body>${"x".repeat(70_000)}</body></message>` + event(1),
  );
  await clock.elapse(1);
  expect(sink.skippedWhy).toHaveLength(1);
  expect(sink.stanzas).toEqual([event(1)]);
  expect(link.up).toBe(true);
});

test("two links are independent of each other", async () => {
  const first = rig({ side: "external" });
  const lines: string[] = [];
  const sink = new RecordingSink();
  first.network.listen("xmpp.test", PORT + 1, first.server.accept);
  const internal = makeLink({
    clock: first.clock,
    connector: first.network,
    sink,
    log: logTo(lines, first.clock),
    side: "internal",
    domain: "gateway.rayo.test",
    port: PORT + 1,
  });
  first.link.start();
  internal.start();
  await first.clock.elapse(10);
  expect([first.link.up, internal.up]).toEqual([true, true]);
  first.network.refuse("xmpp.test", PORT);
  first.server.connections[0]!.wire.destroy();
  await first.clock.elapse(60_000);
  expect([first.link.up, internal.up]).toEqual([false, true]);
  expect(sink.downs).toEqual([]);
  expect(internal.outlet.appendText("<presence/>", CLASS_EVENT)).toBe(true);
  await first.clock.elapse(1);
  expect(first.server.connections[1]!.stanzas).toEndWith("<presence/>");
});

test("stop(): what waits is written, the stream is closed in order, no word of a failure", async () => {
  const { clock, server, sink, link, lines, network } = rig({}, { latencyMs: 5 });
  link.start();
  await clock.elapse(100);
  link.outlet.appendText(event(1), CLASS_EVENT);
  const stopped = link.stop();
  link.outlet.appendText(event(2), CLASS_EVENT);
  expect(link.up).toBe(false);
  expect(link.stop()).toBe(stopped);
  await clock.elapse(100);
  await stopped;
  expect(server.last.stanzas).toBe(event(1) + event(2) + "</stream:stream>");
  expect(link.reason).toBe("stopped");
  expect(sink.downs).toEqual([]);
  expect(lines.filter((line) => !line.startsWith("info"))).toEqual([]);
  expect(network.open.size).toBe(0);
  await clock.elapse(120_000);
  expect(server.connections).toHaveLength(1);
  expect(clock.waiting).toBe(0);
});

test("stop() is bounded when the server does not close, does not read, or was never there", async () => {
  // Does not answer the close: lingerMs.
  const deaf = rig();
  deaf.link.start();
  await deaf.clock.elapse(10);
  deaf.server.closesInTurn = false;
  let done = false;
  void deaf.link.stop().then(() => done = true);
  await deaf.clock.elapse(999);
  expect(done).toBe(false);
  await deaf.clock.elapse(1);
  expect(done).toBe(true);

  // Does not read: stopMs.
  const blocked = rig({}, { bufferBytes: 1000 });
  blocked.link.start();
  await blocked.clock.elapse(10);
  (blocked.server.last.wire as unknown as { pause(): void }).pause();
  for (let n = 0; n < 10; n++) blocked.link.outlet.appendText(event(n), CLASS_EVENT);
  done = false;
  void blocked.link.stop().then(() => done = true);
  await blocked.clock.elapse(1_999);
  expect(done).toBe(false);
  await blocked.clock.elapse(1);
  expect(done).toBe(true);

  // Still connecting, waiting to connect, and not even started.
  const absent = rig();
  absent.network.swallow("xmpp.test", PORT);
  absent.link.start();
  await absent.clock.elapse(1);
  await absent.link.stop();
  expect(absent.clock.waiting).toBe(0);
  const waiting = rig();
  waiting.network.refuse("xmpp.test", PORT);
  waiting.link.start();
  await waiting.clock.elapse(1000);
  await waiting.link.stop();
  await rig().link.stop();
  await settle();
  expect(waiting.clock.waiting).toBe(0);
});
