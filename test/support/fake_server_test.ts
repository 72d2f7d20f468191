/** The fake XMPP server has the manners of real ones: DC5, DC6, DC7, DC12, DC13, DC30, DC31, FS55, FS61. */
import { afterEach, expect, test } from "bun:test";
import { systemClock } from "../../src/base/clock.ts";
import { seededRandom } from "../../src/base/random.ts";
import { attachComponent, isBounce } from "./component.ts";
import { FakeServer, type FakeServerOptions } from "./fake_server.ts";
import { ComponentPort } from "./fake_server_tcp.ts";
import { ManualClock } from "./manual_clock.ts";
import { MemoryConnector } from "./memory_connector.ts";
import { conditionOf, Puppet } from "./peer.ts";
import { attr, toXml } from "./xml.ts";

const ports: ComponentPort[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.stop();
});

function world(options: Partial<FakeServerOptions> = {}) {
  const clock = new ManualClock();
  const server = new FakeServer({
    clock,
    random: seededRandom(7),
    components: { "rayo.test": "s", "gateway.rayo.test": "s" },
    hosts: ["capulet.lit"],
    ...options,
  });
  return { clock, server };
}

function tcp(options: Partial<FakeServerOptions> = {}) {
  const { server } = world({ clock: systemClock, ...options });
  const port = new ComponentPort(server);
  ports.push(port);
  const join = (domain: string, secret = "s") => {
    const peer = new Puppet();
    return { peer, link: attachComponent(peer, { host: "127.0.0.1", port: port.port, domain, secret }) };
  };
  return { server, port, join };
}

function next(peer: Puppet): Promise<string> {
  return new Promise((resolve) => {
    peer.onStanza = (stanza) => resolve(toXml(stanza));
  });
}

test("two components over TCP talk through it", async () => {
  const { join } = tcp({ manners: "plain" });
  const a = join("rayo.test"), b = join("gateway.rayo.test");
  await Promise.all([a.link.ready, b.link.ready]);
  const got = next(b.peer);
  a.peer.send("<message from='x@rayo.test' to='gateway.rayo.test'><body>hi</body></message>");
  expect(await got).toBe("<message from='x@rayo.test' to='gateway.rayo.test'><body>hi</body></message>");
  a.link.close();
  expect(await a.link.closed).toBe("closed");
});

test.each([
  ["rayo.test", "wrong", "not-authorized"],
  ["nosuch.test", "s", "host-unknown"],
])("refuses %s with secret %s: %s", async (domain, secret, condition) => {
  const { join } = tcp();
  const { link } = join(domain, secret);
  await expect(link.ready).rejects.toThrow(condition);
  expect(await link.closed).toBe(condition);
});

test("a second stream of a domain is a conflict (DC7), a stranger's from is fatal (DC5)", async () => {
  const { join } = tcp();
  const first = join("rayo.test");
  await first.link.ready;
  expect(await join("rayo.test").link.closed).toBe("conflict");
  first.peer.send("<presence from='x@other.test' to='gateway.rayo.test'/>");
  expect(await first.link.closed).toBe("invalid-from");
});

test("ill-formed XML ends the stream; a killed connection frees the domain", async () => {
  const { join, port } = tcp();
  const first = join("rayo.test");
  await first.link.ready;
  first.link.write("<iq><a></iq>");
  expect(await first.link.closed).toBe("not-well-formed");
  const second = join("rayo.test");
  await second.link.ready;
  port.kill("rayo.test");
  expect(await second.link.closed).toBe("connection lost");
  const third = join("rayo.test");
  await third.link.ready;
  expect(port.sessions("rayo.test")).toHaveLength(1);
});

test("what cannot be delivered: bounces of dead domains, silence of dead resources (DC30, FS61)", () => {
  const { clock, server } = world();
  const node = new Puppet();
  const way = server.attachNode(node, "node1.rayo.test");
  for (const to of ["x@nowhere.test", "rayo.test", "romeo@capulet.lit/gone"]) {
    node.send(`<presence from='c@node1.rayo.test' to='${to}'/>`);
    node.send(`<iq type='get' id='1' from='node1.rayo.test' to='${to}'><ping xmlns='urn:xmpp:ping'/></iq>`);
    node.send(`<iq type='result' id='2' from='node1.rayo.test' to='${to}'/>`);
  }
  clock.advance(1);
  expect(node.received.map((s) => `${s.name} ${attr(s, "from")} ${conditionOf(s)}`)).toEqual([
    "presence x@nowhere.test remote-server-not-found",
    "iq x@nowhere.test remote-server-not-found",
    "presence rayo.test remote-server-timeout",
    "iq rayo.test remote-server-timeout",
    "iq romeo@capulet.lit/gone service-unavailable",
  ]);
  expect(node.received.filter(isBounce)).toHaveLength(4);
  way.drop();
  node.send("<presence from='node1.rayo.test' to='rayo.test'/>");
  clock.advance(1);
  expect(node.received).toHaveLength(5);
});

test("a client that drops is announced to whom it sent directed presence, and to nobody else", () => {
  const { clock, server } = world();
  const a = new Puppet(), b = new Puppet(), juliet = new Puppet();
  server.attachNode(a, "a.test");
  server.attachNode(b, "b.test");
  const way = server.attachClient(juliet, "Juliet@capulet.lit/Balcony");
  juliet.send("<presence/>");
  juliet.send("<presence to='a.test'><show>chat</show></presence>");
  juliet.send("<presence from='romeo@capulet.lit/x' to='b.test'/>");
  juliet.send("<presence to='b.test' type='unavailable'/>");
  way.drop();
  clock.advance(1);
  expect(a.received.map((s) => [attr(s, "from"), attr(s, "type")])).toEqual([
    ["juliet@capulet.lit/Balcony", ""],
    ["juliet@capulet.lit/Balcony", "unavailable"],
  ]);
  expect(b.received.map((s) => attr(s, "from"))).toEqual(Array(2).fill("juliet@capulet.lit/Balcony"));
});

test("ejabberd forgets directed presence after a presence error (DC13) and asks for caps (DC12)", () => {
  const { clock, server } = world({ manners: "ejabberd" });
  const gateway = new Puppet(), juliet = new Puppet();
  server.attachNode(gateway, "rayo.test");
  const way = server.attachClient(juliet, "juliet@capulet.lit/b");
  juliet.send("<presence to='rayo.test'><show>chat</show></presence>");
  gateway.send(
    "<presence from='c1@rayo.test' to='juliet@capulet.lit/b'>" +
      "<c xmlns='http://jabber.org/protocol/caps' node='urn:xmpp:rayo:call:1' ver='v' hash='sha-1'/></presence>",
  );
  gateway.send(
    "<presence type='error' from='rayo.test' to='juliet@capulet.lit/b'><error type='cancel'/></presence>",
  );
  clock.advance(1);
  way.drop();
  clock.advance(1);
  const asked = gateway.received.filter((s) => s.name === "iq");
  expect(asked.map((s) => [attr(s, "from"), attr(s, "to")])).toEqual([[
    "juliet@capulet.lit/b",
    "c1@rayo.test",
  ]]);
  expect(gateway.received.some((s) => attr(s, "type") === "unavailable")).toBe(false);
});

test("global routes: stanzas of one domain come on the other domain's stream too (DC6)", () => {
  const { clock, server } = world({ manners: "ejabberd", globalRoutes: true });
  const seen: Record<string, number> = {};
  const connector = new MemoryConnector(server, clock);
  for (const domain of ["rayo.test", "gateway.rayo.test"]) {
    server.seat({ name: domain, kind: "component", deliver: () => seen[domain] = (seen[domain] ?? 0) + 1 });
  }
  const node = new Puppet();
  server.attachNode(node, "n.test");
  for (let i = 0; i < 50; i++) node.send("<presence from='n.test' to='rayo.test'/>");
  clock.advance(1);
  expect(seen["rayo.test"]! + seen["gateway.rayo.test"]!).toBe(50);
  expect(seen["gateway.rayo.test"]).toBeGreaterThan(5);
  expect(connector.attempts).toBe(0);
});

test("Prosody lower-cases addresses and reorders attributes (FS54, FS55); plain changes nothing", () => {
  for (const manners of ["prosody", "plain"] as const) {
    const { clock, server } = world({ manners });
    const node = new Puppet(), other = new Puppet();
    server.attachNode(node, "n.test");
    server.attachNode(other, "m.test");
    node.send("<presence from='MyCase@n.test/R' to='X@m.test/R'/>");
    clock.advance(1);
    const from = attr(other.received[0]!, "from");
    expect(from).toBe(manners === "plain" ? "MyCase@n.test/R" : "mycase@n.test/R");
    expect("xml:lang" in other.received[0]!.attrs).toBe(manners === "prosody");
  }
});

test("a wire in memory: handshake, stall with back pressure, darkness, cut", () => {
  const { clock, server } = world({ manners: "plain" });
  const connector = new MemoryConnector(server, clock, { latencyMs: 5, windowBytes: 10 });
  const events: string[] = [];
  connector.connect("127.0.0.1", 5347, {
    opened: (wire) => {
      const hello = Buffer.from(
        "<stream:stream xmlns='jabber:component:accept' " +
          "xmlns:stream='http://etherx.jabber.org/streams' to='nosuch.test'>",
      );
      expect(wire.write(hello, 0, hello.length)).toBe(hello.length);
    },
    data: (chunk) => events.push(chunk.toString()),
    drained: () => events.push("drained"),
    closed: (why) => events.push(why),
  });
  expect(events).toEqual([]);
  clock.advance(30);
  expect(events.join("")).toContain("<host-unknown");
  expect(events.at(-1)).toBe("closed by the server");

  let wire: { write(b: Buffer, s: number, e: number): number } | null = null;
  connector.connect("127.0.0.1", 5347, {
    opened: (w) => wire = w,
    data() {},
    drained: () => events.push("drained"),
    closed: (why) => events.push(why),
  });
  clock.advance(10);
  const [mine] = connector.wires("");
  mine!.stall();
  expect(wire!.write(Buffer.from("0123456789abc"), 0, 13)).toBe(10);
  expect(wire!.write(Buffer.from("abc"), 0, 3)).toBe(0);
  mine!.unstall();
  clock.advance(1);
  expect(events.at(-1)).toBe("drained");
  connector.kill();
  clock.advance(1);
  expect(events.at(-1)).toBe("connection reset");
  expect(wire!.write(Buffer.from("abc"), 0, 3)).toBe(-1);
});
