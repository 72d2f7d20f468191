/**
 * The real servers themselves, with parties on both sides that are not ours: what the gateway will be told by them,
 * and what not. Every scene runs on Prosody and on ejabberd.
 */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { startEjabberd } from "../support/ejabberd.ts";
import type { LiveServer, LiveServerOptions } from "../support/live_server.ts";
import { whyNoLiveServers } from "../support/packages.ts";
import { isListening } from "../support/ports.ts";
import { eventually } from "../support/process.ts";
import { startProsody } from "../support/prosody.ts";
import { stockClient } from "../support/stock_client.ts";
import { stockComponent } from "../support/stock_component.ts";
import type { StockPeer } from "../support/stock_peer.ts";

const OPTIONS: LiveServerOptions = {
  components: {
    "rayo.test": "external secret",
    "gateway.rayo.test": "internal secret",
    "node1.test": "node secret",
  },
  hosts: ["capulet.test", "montague.test"],
  users: [
    { jid: "juliet@capulet.test", password: "wherefore & <art> 'thou'" },
    { jid: "romeo@montague.test", password: "swear" },
  ],
};
const JULIET = { jid: "juliet@capulet.test", password: "wherefore & <art> 'thou'", resource: "Balcony" };

// A test that runs into its limit takes the server down with it: Bun ends the processes that it started.
setDefaultTimeout(60_000);

const skip = whyNoLiveServers();
if (skip !== "") console.error(`live tests skipped: ${skip}`);

for (const start of [startProsody, startEjabberd]) {
  describe.skipIf(skip !== "")(start === startProsody ? "Prosody" : "ejabberd", () => {
    let server: LiveServer;
    const parties: StockPeer[] = [];
    const join = async (party: Promise<StockPeer>) => {
      parties.push(await party);
      return parties.at(-1)!;
    };
    const component = (domain: string) => join(stockComponent(server, domain, OPTIONS.components[domain]!));
    const juliet = () => join(stockClient(server, JULIET));

    beforeAll(async () => {
      server = await start(OPTIONS);
    });
    afterAll(async () => {
      await server?.stop();
    });
    afterEach(async () => {
      for (const party of parties.splice(0)) await party.stop().catch(() => party.cut());
    });

    test("a client and a component exchange stanzas of all three kinds", async () => {
      const rayo = await component("rayo.test");
      const client = await juliet();
      expect(rayo.jid).toBe("rayo.test");
      expect(client.jid).toBe("juliet@capulet.test/Balcony");

      await client.send("<iq type='get' to='rayo.test' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>");
      const ping = await rayo.expect("ping", (el) => el.name === "iq");
      expect(ping.attrs["from"]).toBe(client.jid);
      await rayo.send(`<iq type='result' from='rayo.test' to='${client.jid}' id='p1'/>`);
      await client.expect(
        "pong",
        (el) => el.name === "iq" && el.attrs["type"] === "result" && el.attrs["id"] === "p1",
      );

      await client.send("<message to='call1@rayo.test' type='normal'><body>x &amp; y</body></message>");
      const message = await rayo.expect("message", (el) => el.name === "message");
      expect(message.attrs["to"]).toBe("call1@rayo.test");
      expect(message.getChildText("body")).toBe("x & y");

      await rayo.send(
        `<presence from='call1@rayo.test' to='${client.jid}'><ringing xmlns='urn:xmpp:rayo:1'/></presence>`,
      );
      const event = await client.expect(
        "event",
        (el) => el.getChild("ringing", "urn:xmpp:rayo:1") !== undefined,
      );
      expect(event.attrs["from"]).toBe("call1@rayo.test");
    });

    test("a cut client that sent directed presence is reported as unavailable to the component (PC7, DC30)", async () => {
      const rayo = await component("rayo.test");
      const client = await juliet();
      await client.send("<presence/><presence to='rayo.test'><show>chat</show></presence>");
      await rayo.expect("chat", (el) => el.name === "presence" && el.getChildText("show") === "chat");
      await client.cut();
      const gone = await rayo.expect("unavailable", (el) => el.attrs["type"] === "unavailable");
      expect(gone.attrs["from"]).toBe("juliet@capulet.test/Balcony");
      expect(gone.attrs["to"]).toBe("rayo.test");
    });

    test("an event to a resource that has gone is dropped without a word (DC30)", async () => {
      const rayo = await component("rayo.test");
      await rayo.send(
        "<presence from='call1@rayo.test' to='juliet@capulet.test/Gone'><ringing xmlns='urn:xmpp:rayo:1'/></presence>",
      );
      // An IQ to the same resource is answered, and later than any bounce of the presence would have been.
      await rayo.send(
        "<iq type='get' from='rayo.test' to='juliet@capulet.test/Gone' id='after'><ping xmlns='urn:xmpp:ping'/></iq>",
      );
      const answer = await rayo.expect("answer", (el) => el.attrs["id"] === "after");
      expect(answer.attrs["type"]).toBe("error");
      expect(answer.getChild("error")?.getChild("service-unavailable")).toBeDefined();
      expect(rayo.received.filter((el) => el.name === "presence")).toEqual([]);
    });

    test("the wrong secret and an unknown domain are refused", async () => {
      await expect(stockComponent(server, "rayo.test", "guess")).rejects.toThrow("not-authorized");
      await expect(stockComponent(server, "nobody.test", "guess")).rejects.toThrow(
        server.kind === "prosody" ? "host-unknown" : "not-authorized",
      );
      await expect(stockClient(server, { ...JULIET, password: "guess" })).rejects.toThrow("not-authorized");
    });

    test("a stream's stanza from another domain closes that stream (DC5)", async () => {
      const rayo = await component("rayo.test");
      await rayo.send("<presence from='elsewhere.test' to='node1.test'/>");
      expect(await rayo.closed()).toBe("invalid-from");
    });

    test("a component that is away, and one the server never heard of, bounce an IQ", async () => {
      const rayo = await component("rayo.test");
      for (const [domain, condition] of Object.entries(AWAY[server.kind]!)) {
        await rayo.send(
          `<iq type='get' from='rayo.test' to='${domain}' id='${domain}'><ping xmlns='urn:xmpp:ping'/></iq>`,
        );
        const answer = await rayo.expect("bounce", (el) => el.attrs["id"] === domain);
        expect(answer.attrs["type"]).toBe("error");
        expect(String(answer)).toContain(`<${condition} `);
      }
    });

    test("a domain's ping of itself comes back to it: what a link's dead-peer probe stands on (DC7)", async () => {
      const rayo = await component("rayo.test");
      await rayo.send(
        "<iq type='get' from='rayo.test' to='rayo.test' id='gw-1'><ping xmlns='urn:xmpp:ping'/></iq>",
      );
      const back = await rayo.expect("own ping", (el) => el.attrs["id"] === "gw-1");
      expect(back.attrs).toMatchObject({ type: "get", from: "rayo.test", to: "rayo.test" });
    });
  });
}

describe.skipIf(skip !== "")("what only one of them does", () => {
  const components = { "rayo.test": "external secret", "gateway.rayo.test": "internal secret" };
  const servers: LiveServer[] = [];
  const started = async (server: Promise<LiveServer>) => {
    servers.push(await server);
    return servers.at(-1)!;
  };
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });

  test("Prosody refuses a second stream of a domain, or replaces the first, as it is told (DC7)", async () => {
    const strict = await started(startProsody({ components }));
    const first = await stockComponent(strict, "rayo.test", "external secret");
    await expect(stockComponent(strict, "rayo.test", "external secret")).rejects.toThrow("conflict");
    expect(first.online).toBe(true);
    await first.stop();

    const lenient = await started(startProsody({ components, componentConflictResolve: "kick_old" }));
    const old = await stockComponent(lenient, "rayo.test", "external secret");
    const young = await stockComponent(lenient, "rayo.test", "external secret");
    expect(await old.closed()).toBe("conflict");
    expect(young.online).toBe(true);
    await young.stop();
  });

  test("ejabberd with global_routes gives a stream what is addressed to the other one's domain (DC6)", async () => {
    const server = await started(startEjabberd({ components, globalRoutes: true }));
    const external = await stockComponent(server, "rayo.test", "external secret");
    const internal = await stockComponent(server, "gateway.rayo.test", "internal secret");
    const at = (peer: StockPeer) =>
      peer.received.filter((el) => el.attrs["to"] === "gateway.rayo.test").length;
    // The stream is chosen by a hash of both addresses: one of so many senders meets the other stream.
    for (let i = 0; i < 32; i++) {
      await external.send(
        `<message from='call${i}@rayo.test' to='gateway.rayo.test' type='normal' id='${i}'/>`,
      );
    }
    await eventually(() => at(external) + at(internal) === 32, 10_000);
    expect(at(external)).toBeGreaterThan(0);
    expect(at(internal)).toBeGreaterThan(0);
    expect(at(external) + at(internal)).toBe(32);
    await external.stop();
    await internal.stop();
  });

  for (const start of [startProsody, startEjabberd]) {
    test(`${start === startProsody ? "Prosody" : "ejabberd"} dies, and comes back on the same port`, async () => {
      const server = await started(start({ components }));
      const before = await stockComponent(server, "rayo.test", "external secret");
      await server.kill();
      expect(await before.closed()).toBe("");
      expect(await isListening(server.componentPort)).toBe(false);
      expect(await isListening(server.c2sPort)).toBe(false);
      await server.restart();
      const after = await stockComponent(server, "rayo.test", "external secret");
      expect(after.online).toBe(true);
      await after.stop();
    });
  }

  test("a paused server is silent, and catches up when it goes on", async () => {
    const server = await started(startProsody({ components }));
    const external = await stockComponent(server, "rayo.test", "external secret");
    server.pause();
    expect(await eventually(() => isPaused(server.childPid()), 10_000)).toBe(true);
    await external.send(
      "<iq type='get' from='rayo.test' to='rayo.test' id='1'><ping xmlns='urn:xmpp:ping'/></iq>",
    );
    expect(external.received).toEqual([]);
    server.resume();
    await external.expect("ping", (el) => el.attrs["id"] === "1");
    await external.stop();
  });
});

/** `T` in the third column of /proc/<pid>/stat. */
function isPaused(pid: number): boolean {
  return /\) T /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

/** What an IQ meets at a domain whose component is away and at one that is nobody's (DC31). */
const AWAY: Record<string, Record<string, string>> = {
  // Without a server-to-server module it may not ask anybody about an unknown domain, and says so.
  prosody: { "node1.test": "remote-server-timeout", "nobody.test": "not-allowed" },
  ejabberd: { "node1.test": "remote-server-not-found", "nobody.test": "remote-server-not-found" },
};
