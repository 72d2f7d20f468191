/**
 * The gateway's component links on real servers: what Prosody and ejabberd answer to a right and a wrong handshake, that
 * they bring our own pings home, and that a server which stands still, dies or restarts is noticed and found again.
 */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { ComponentLink, LINK_TIMES } from "../../src/link/component.ts";
import type { Side } from "../../src/link/link.ts";
import { OwnPings } from "../../src/link/own_ping.ts";
import { tcpConnector } from "../../src/link/tcp.ts";
import type { Stanza } from "../../src/xmpp/stanza.ts";
import { CLASS_COMMAND } from "../../src/xmpp/outlet.ts";
import { LIMITS, logTo, RecordingSink } from "../link/rig.ts";
import { startEjabberd } from "../support/ejabberd.ts";
import type { LiveServer, LiveServerOptions } from "../support/live_server.ts";
import { whyNoLiveServers } from "../support/packages.ts";
import { startProsody } from "../support/prosody.ts";
import { stockComponent } from "../support/stock_component.ts";

const OPTIONS: LiveServerOptions = {
  components: {
    "rayo.test": "external secret",
    "gateway.rayo.test": "internal secret",
    "node1.test": "node secret",
  },
};

setDefaultTimeout(60_000);
const skip = whyNoLiveServers();

class CountedPings extends OwnPings {
  sent = 0;
  home = 0;
  override xml(domain: string): string {
    this.sent++;
    return super.xml(domain);
  }
  override takes(iq: Stanza): boolean {
    const taken = super.takes(iq);
    if (taken) this.home++;
    return taken;
  }
}

const links: ComponentLink[] = [];

function build(
  server: LiveServer,
  domain: string,
  secret: string,
  pings = new CountedPings(),
  side: Side = "external",
) {
  const sink = new RecordingSink();
  const lines: string[] = [];
  const link = new ComponentLink({
    side,
    domain,
    host: server.host,
    port: server.componentPort,
    secret,
    limits: LIMITS,
    // Patient enough for a busy machine, quick enough for a test.
    times: { ...LINK_TIMES, probe: { idleMs: 300, answerMs: 3_000 }, backoff: { firstMs: 100, maxMs: 500 } },
    pings,
    connector: tcpConnector,
    clock: systemClock,
    random: systemRandom,
    log: logTo(lines, systemClock),
    sink,
  });
  links.push(link);
  link.start();
  return { link, sink, pings, lines };
}

async function reached(what: string, done: () => boolean): Promise<void> {
  for (let n = 0; n < 3_000; n++) {
    if (done()) return;
    await Bun.sleep(10);
  }
  throw new Error(`never: ${what}`);
}

for (const start of [startProsody, startEjabberd]) {
  describe.skipIf(skip !== "")(start === startProsody ? "links on Prosody" : "links on ejabberd", () => {
    let server: LiveServer;
    beforeAll(async () => {
      server = await start(OPTIONS);
    });
    afterAll(async () => {
      await server?.stop();
    });
    afterEach(async () => {
      await Promise.all(links.splice(0).map((link) => link.stop()));
    });

    test("XEP-0114: handshake, a stanza out and its answer back, orderly stop", async () => {
      const { link, sink, lines } = build(server, "rayo.test", "external secret");
      const node = await stockComponent(server, "node1.test", "node secret");
      try {
        await reached("up", () => link.up);
        link.outlet.appendText(
          `<iq type='get' id='q1' from='rayo.test/x' to='nobody.rayo.invalid'><ping xmlns='urn:xmpp:ping'/></iq>`,
          CLASS_COMMAND,
        );
        await reached("a bounce", () => sink.stanzas.length > 0);
        expect(sink.stanzas[0]).toContain("q1");
      } finally {
        await node.stop();
      }
      await link.stop();
      expect(lines.filter((line) => line.startsWith("warn"))).toEqual([]);
    });

    test("DC7: pings of our own domain come home and keep an idle link up", async () => {
      const { link, sink, pings } = build(server, "rayo.test", "external secret");
      await reached("five pings home", () => pings.home >= 5);
      expect(link.up).toBe(true);
      expect(sink.downs).toEqual([]);
      expect(sink.stanzas).toEqual([]);
      expect(pings.sent - pings.home).toBeLessThanOrEqual(1);
    });

    test("a wrong secret and an unknown domain are told with the key to look at", async () => {
      const wrong = build(server, "rayo.test", "not that one");
      await reached("refused", () => wrong.sink.downs.length > 1);
      expect(wrong.sink.downs[0]).toContain("xmpp.external.secret");
      const unknown = build(server, "unknown.test", "external secret");
      await reached("unknown", () => unknown.sink.downs.length > 1);
      expect(unknown.sink.downs[0]).toContain("gateway.external_domain");
      expect(wrong.sink.ups + unknown.sink.ups).toBe(0);
    });

    test("a c2s port is no component port", async () => {
      const { sink } = build(
        { ...server, componentPort: server.c2sPort } as LiveServer,
        "rayo.test",
        "external secret",
      );
      await reached("refused", () => sink.downs.length > 0);
      expect(sink.downs[0]).toContain("xmpp.external.port");
    });

    test("DC7: a server that stands still is noticed, and found again when it goes on", async () => {
      const { link, sink } = build(server, "rayo.test", "external secret");
      await reached("up", () => link.up);
      server.pause();
      try {
        await reached("down", () => sink.downs.length > 0);
      } finally {
        server.resume();
      }
      expect(sink.downs[0]).toContain("not even our own ping");
      await reached("up again", () => link.up);
    });

    test("a server that is killed and started again is found", async () => {
      const { link, sink } = build(server, "rayo.test", "external secret");
      const other = build(server, "gateway.rayo.test", "internal secret", new CountedPings(), "internal");
      await reached("up", () => link.up && other.link.up);
      await server.kill();
      await reached("down", () => !link.up && !other.link.up);
      await server.restart();
      await reached("up again", () => link.up && other.link.up);
      expect(sink.ups).toBe(2);
    });

    test("a server that is stopped in order says so, or at least closes", async () => {
      const { link, sink } = build(server, "rayo.test", "external secret");
      await reached("up", () => link.up);
      await server.stop();
      await reached("down", () => sink.downs.length > 0);
      expect(sink.downs[0]).toMatch(/stopping|closed|reset/);
      await server.restart();
      await reached("up again", () => link.up);
    });
  });
}

describe.skipIf(skip !== "")("links on Prosody with a connection for the domain already", () => {
  test("conflict names component_conflict_resolve, and the link comes up once the other has gone", async () => {
    const server = await startProsody(OPTIONS);
    const first = await stockComponent(server, "rayo.test", "external secret");
    const { link, sink } = build(server, "rayo.test", "external secret");
    try {
      await reached("conflict", () => sink.downs.length > 0);
      expect(sink.downs[0]).toContain("component_conflict_resolve");
      await first.stop();
      await reached("up", () => link.up);
    } finally {
      await first.stop().catch(() => first.cut());
      await Promise.all(links.splice(0).map((one) => one.stop()));
      await server.stop();
    }
  });
});

describe.skipIf(skip !== "")("links on ejabberd with global_routes (DC6)", () => {
  test("pings that come home on the other link count for the one that sent them", async () => {
    const server = await startEjabberd({ ...OPTIONS, globalRoutes: true });
    const pings = new CountedPings();
    const external = build(server, "rayo.test", "external secret", pings);
    const internal = build(server, "gateway.rayo.test", "internal secret", pings, "internal");
    try {
      await reached("twenty pings home", () => pings.home >= 20);
      expect([...external.sink.downs, ...internal.sink.downs]).toEqual([]);
      expect([...external.sink.stanzas, ...internal.sink.stanzas]).toEqual([]);
    } finally {
      await Promise.all(links.splice(0).map((one) => one.stop()));
      await server.stop();
    }
  });
});
