/** The same links on real sockets of the loopback interface: partial writes, back-pressure, refusals, ends. */
import { afterEach, expect, test } from "bun:test";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import type { ComponentLink } from "../../src/link/component.ts";
import type { Wire, WireSink } from "../../src/link/link.ts";
import { tcpConnector } from "../../src/link/tcp.ts";
import { CLASS_EVENT } from "../../src/xmpp/outlet.ts";
import { listenTcp, ScriptedServer } from "../support/scripted_server.ts";
import { event, logTo, makeLink, RecordingSink, SECRET } from "./rig.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Real time passes here, so tests wait for what they need, with a bound that only a failure meets. */
async function reached(done: () => boolean): Promise<void> {
  for (let n = 0; n < 5_000; n++) {
    if (done()) return;
    await Bun.sleep(2);
  }
  throw new Error("it never came to that");
}

function listening(accept: (wire: Wire) => WireSink): number {
  const listener = listenTcp(accept);
  cleanups.push(() => listener.stop());
  return listener.port;
}

function tcpLink(
  port: number,
  secret = SECRET,
): { link: ComponentLink; sink: RecordingSink; lines: string[] } {
  const sink = new RecordingSink(), lines: string[] = [];
  const link = makeLink({
    clock: systemClock,
    connector: tcpConnector,
    random: systemRandom,
    sink,
    log: logTo(lines, systemClock),
    host: "127.0.0.1",
    port,
    secret,
  });
  cleanups.push(() => link.stop());
  return { link, sink, lines };
}

/** A port on which nobody listens any more. */
function deadPort(): number {
  const listener = listenTcp(() => ({ opened() {}, data() {}, drained() {}, closed() {} }));
  listener.stop();
  return listener.port;
}

test("handshake, stanzas both ways, orderly stop", async () => {
  const server = new ScriptedServer(SECRET);
  const { link, sink, lines } = tcpLink(listening(server.accept));
  link.start();
  await reached(() => link.up);
  server.last.say(event(1) + event(2));
  link.outlet.appendText(event(3), CLASS_EVENT);
  await reached(() => sink.stanzas.length === 2 && server.last.stanzas.length > 0);
  expect(sink.stanzas).toEqual([event(1), event(2)]);
  await link.stop();
  await reached(() => server.last.wireClosed);
  expect(server.last.stanzas).toBe(event(3) + "</stream:stream>");
  expect(lines.filter((line) => !line.startsWith("info"))).toEqual([]);
  expect(server.connections).toHaveLength(1);
});

test("a wrong secret and a closed port are told as such", async () => {
  const server = new ScriptedServer(SECRET);
  const wrong = tcpLink(listening(server.accept), "another");
  wrong.link.start();
  await reached(() => wrong.sink.downs.length > 0);
  expect(wrong.sink.downs[0]).toContain("xmpp.external.secret");

  const refused = tcpLink(deadPort());
  refused.link.start();
  await reached(() => refused.sink.downs.length > 1);
  expect(refused.sink.downs[0]).toContain("connection refused");
  expect(refused.sink.downs[0]).toContain("xmpp.external.port");
  expect(refused.link.reason).toBe(refused.sink.downs.at(-1)!);
});

test("a name that cannot be resolved is told as such", async () => {
  let why = "";
  tcpConnector.connect("no-such-host.invalid", 5347, {
    opened() {},
    data() {},
    drained() {},
    closed: (words) => why = words,
  });
  expect(why).toBe("");
  await reached(() => why !== "");
  expect(why).toContain("host name cannot be resolved");
});

test("closed() comes exactly once, whichever side ends, and writes are -1 afterwards", async () => {
  const closes: string[] = [];
  for (const how of ["server ends", "server resets", "we drop", "we end"]) {
    const port = listening((wire) => ({
      opened() {},
      data: () => how === "server resets" ? wire.destroy() : wire.end(),
      drained() {},
      closed() {},
    }));
    let mine: Wire | null = null;
    let count = 0;
    tcpConnector.connect("127.0.0.1", port, {
      opened(wire) {
        mine = wire;
        if (how === "we drop") wire.destroy();
        else wire.write(Buffer.from("xx"), 1, 2);
        if (how === "we end") wire.end();
      },
      data() {},
      drained() {},
      closed: (why) => {
        count++;
        closes.push(`${how}: ${why}`);
      },
    });
    await reached(() => count > 0);
    expect(mine!.write(Buffer.from("x"), 0, 1)).toBe(-1);
    mine!.destroy();
    mine!.end();
    await Bun.sleep(5);
    expect(count).toBe(1);
  }
  expect(closes[0]).toBe("server ends: the server closed the connection");
  expect(closes[1]).toBe("server resets: connection reset by the server");
});

test("bytes written before end() arrive whole, and the peer's last words are still read", async () => {
  let got = 0, words = "";
  const port = listening((wire) => ({
    opened() {},
    data: (chunk) => {
      got += chunk.length;
      if (got === 100_000) wire.write(Buffer.from("bye"), 0, 3);
      if (got === 100_000) wire.end();
    },
    drained() {},
    closed() {},
  }));
  let closed = false;
  tcpConnector.connect("127.0.0.1", port, {
    opened(wire) {
      expect(wire.write(Buffer.alloc(100_000), 0, 100_000)).toBe(100_000);
      wire.end();
    },
    data: (chunk) => words += chunk.toString(),
    drained() {},
    closed: () => closed = true,
  });
  await reached(() => closed);
  expect(got).toBe(100_000);
  expect(words).toBe("bye");
});

test("a slow reader gets 40 MB whole and in order, in large writes; the outlet empties and gives its memory back", async () => {
  const server = new ScriptedServer(SECRET);
  let received = 0, next = 0, broken = "", rest = "";
  server.onStanzas = (text, connection) => {
    received += text.length;
    connection.stanzas = "";
    const stanzas = (rest + text).split("</presence>");
    rest = stanzas.pop()!;
    for (const one of stanzas) {
      if (!one.includes(`value='${String(next++).padStart(8, "0")}'`)) broken ||= one;
    }
  };
  const { link } = tcpLink(listening(server.accept));
  link.start();
  await reached(() => link.up);
  const total = 150_000;
  for (let n = 0; n < total; n++) expect(link.outlet.appendText(event(n), CLASS_EVENT)).toBe(true);
  const waited = link.waitingBytes;
  expect(waited).toBeGreaterThan(35_000_000);
  await reached(() => received >= waited);
  expect(broken).toBe("");
  expect(next).toBe(total);
  expect(link.waitingBytes).toBe(0);
  expect(link.outlet.buf.length).toBeLessThan(1_000_000);
});

test("the server is killed while stanzas wait: the link comes back by itself and sends the rest", async () => {
  const server = new ScriptedServer(SECRET);
  const { link, sink } = tcpLink(listening(server.accept));
  link.start();
  await reached(() => link.up);
  server.last.wire.destroy();
  await reached(() => sink.downs.length > 0);
  for (let n = 0; n < 10; n++) link.outlet.appendText(event(n), CLASS_EVENT);
  await reached(() =>
    link.up && link.waitingBytes === 0 && server.last.stanzas.length === 10 * event(0).length
  );
  expect(server.connections).toHaveLength(2);
  expect(server.last.stanzas).toBe(Array.from({ length: 10 }, (_, n) => event(n)).join(""));
});
