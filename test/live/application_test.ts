/**
 * An application whose resources are ordinary users of a real server (`@xmpp/client`), a FreeSWITCH and a Java node as
 * components of it, the built gateway between: calls in both directions, a join, a client that is cut off while others
 * talk on, and its return.
 */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { type AppCall, Application } from "../support/application.ts";
import { attachComponent, type ComponentAttachment } from "../support/component.ts";
import { startEjabberd } from "../support/ejabberd.ts";
import { JavaNode } from "../support/java_node.ts";
import { type LiveGateway, startGateway } from "../support/live_gateway.ts";
import type { LiveServer } from "../support/live_server.ts";
import { SCENE_FACTS } from "../support/memory_world.ts";
import { ModRayoNode } from "../support/mod_rayo_node.ts";
import { whyNoLiveServers } from "../support/packages.ts";
import { type Peer, RAYO } from "../support/peer.ts";
import { eventually, removeFolder, temporaryFolder } from "../support/process.ts";
import { startProsody } from "../support/prosody.ts";
import { SCENE_SECRET, sceneConfiguration } from "../support/scene_config.ts";
import { attachClient, stockClient } from "../support/stock_client.ts";
import type { StockPeer } from "../support/stock_peer.ts";

setDefaultTimeout(60_000);

const { external, internal, gw } = SCENE_FACTS;
const FREESWITCH = "fs.test";
const JAVA = "java.test";
const JULIET = "juliet@capulet.test";
const PASSWORD = "wherefore";
const ADDRESS = "sip:juliet@example.com";
/** Bounds what fails. */
const LIMIT_MS = 15_000;
/** Longer than any test: who plays this is talking. */
const TALKING_MS = 600_000;

const skip = whyNoLiveServers();
if (skip !== "") console.error(`live tests skipped: ${skip}`);

interface Resource {
  app: Application;
  client: StockPeer;
}

/** Answers, plays, and hangs up when it has played; on a Java node, too, which is silent when it has answered. */
function conduct(app: Application): void {
  const playing = new Set<AppCall>();
  const play = (call: AppCall) => {
    if (playing.has(call) || call.ended) return;
    playing.add(call);
    app.play(call);
  };
  app.onOffer = (call) =>
    app.command(call, `<answer xmlns='${RAYO}'/>`, (answer) => {
      if (answer?.attrs["type"] === "result") play(call);
    });
  app.onEvent = (call, event) => {
    if (event.name === "answered") play(call);
    else if (event.name === "complete") app.hangup(call);
  };
}

for (const startServer of [startProsody, startEjabberd]) {
  describe.skipIf(skip !== "")(startServer === startProsody ? "through Prosody" : "through ejabberd", () => {
    let server: LiveServer;
    let gateway: LiveGateway;
    let folder = "";
    const ways: ComponentAttachment[] = [];
    const resources: Resource[] = [];
    const clock = systemClock;
    const random = systemRandom;
    const freeswitch = new ModRayoNode({
      domain: FREESWITCH,
      clock,
      random,
      gatewayJid: gw,
      foreignDomains: [external, "capulet.test"],
      // FS50: what a loaded node does now and then.
      overtake: 0.3,
      playMs: 100,
    });
    const java = new JavaNode({ domain: JAVA, gatewayDomain: internal, clock, random, playMs: 100 });

    beforeAll(async () => {
      server = await startServer({
        components: {
          [external]: SCENE_SECRET,
          [internal]: SCENE_SECRET,
          [FREESWITCH]: "secret of nodes",
          [JAVA]: "secret of nodes",
        },
        hosts: ["capulet.test"],
        users: [{ jid: JULIET, password: PASSWORD }],
      });
      // A FreeSWITCH is greeted when the gateway comes up, a Java node announces itself when it does.
      await connect(freeswitch, FREESWITCH);
      folder = temporaryFolder("application");
      const configuration = join(folder, "config.toml");
      const given = {
        applications: [
          { jid: JULIET, name: "j", platform: "default", permissions: "", addresses: [ADDRESS] },
        ],
        nodes: [{ jid: FREESWITCH, platforms: ["default"], weight: 10, priority: 1 }],
        trusted: [JAVA],
        options: {},
      };
      writeFileSync(configuration, sceneConfiguration(given, SCENE_FACTS));
      gateway = await startGateway({ external: server, configuration });
      await gateway.ready();
      await connect(java, JAVA);
      await until("the gateway knows the Java node", async () => await nodeState(JAVA) === "available");
      await until("the FreeSWITCH was greeted", () => freeswitch.clients.size > 0);
    });

    afterEach(async () => {
      freeswitch.options.playMs = 100;
      for (const { app } of resources) {
        for (const call of app.calls.values()) if (!call.ended) app.hangup(call);
      }
      await until(
        "no call is left",
        async () => freeswitch.calls.size + java.calls.size === 0 && await activeCalls() === 0,
      );
      for (const { app, client } of resources.splice(0)) {
        app.down();
        await client.stop();
        expect(app.violations).toEqual([]);
      }
      await until("nobody is logged in", async () => (await loggedIn()).length === 0);
      expect([...freeswitch.violations, ...java.violations]).toEqual([]);
    });

    afterAll(async () => {
      await gateway?.close();
      for (const way of ways) way.close();
      await Promise.all(ways.map((way) => way.closed));
      await server?.stop();
      if (folder !== "") removeFolder(folder);
    });

    async function connect(peer: Peer, domain: string): Promise<void> {
      const { host, componentPort: port } = server;
      ways.push(attachComponent(peer, { host, port, domain, secret: "secret of nodes" }));
      await ways.at(-1)!.ready;
    }

    async function logIn(resource: string): Promise<Resource> {
      const client = await stockClient(server, {
        jid: JULIET,
        password: PASSWORD,
        resource,
        ownAnswers: true,
      });
      const app = new Application({
        jid: client.jid,
        root: external,
        clock,
        random,
        // A Java node names its calls itself (JN5), so nobody may insist (AH7).
        ownUris: false,
        nodeDomains: [FREESWITCH, JAVA],
      });
      conduct(app);
      attachClient(app, client);
      resources.push({ app, client });
      app.ready();
      await until(
        `${resource} is ready`,
        async () => (await loggedIn()).includes(client.jid),
      );
      return resources.at(-1)!;
    }

    async function ask<T>(path: string): Promise<T> {
      return await (await fetch(`${gateway.url}/api/v1/${path}`)).json() as T;
    }

    async function activeCalls(): Promise<number> {
      return (await ask<{ counters: { ActiveCallsCount: number } }>("status")).counters.ActiveCallsCount;
    }

    async function nodeState(domain: string): Promise<string> {
      return (await ask<{ state: string }>(`nodes/${domain}`)).state;
    }

    async function loggedIn(): Promise<string[]> {
      return (await ask<{ items: { jid: string }[] }>("clients")).items.map(({ jid }) => jid).toSorted();
    }

    async function until(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
      if (await eventually(probe, LIMIT_MS, () => gateway?.ended ?? false)) return;
      throw new Error(`still not true: ${what}; the gateway said:\n${gateway?.log().slice(-4000)}`);
    }

    const story = (app: Application) =>
      [...app.calls.values()].map((call) => call.events.join(" ")).toSorted();
    const over = (app: Application, count: number) => () =>
      app.calls.size === count && [...app.calls.values()].every((call) => call.ended);

    test("calls come in at both nodes: offered, answered, played to, hung up", async () => {
      const { app } = await logIn("balcony");
      freeswitch.incomingCall({ to: ADDRESS, from: "sip:a@example.net", headers: { "X-Word": "é < 中" } });
      java.incomingCall({ to: ADDRESS, from: "sip:b@example.net" });
      await until("both calls are over", over(app, 2));
      // A Java node tells nobody that it was told to answer.
      expect(story(app)).toEqual(["offer answered end", "offer end"]);
      const offers = app.received.filter((stanza) => JSON.stringify(stanza).includes("X-Word"));
      expect(offers).toHaveLength(1);
      expect(JSON.stringify(offers[0])).toContain("é < 中");
    });

    test("dials reach both nodes, and every one is answered and ends", async () => {
      const { app } = await logIn("balcony");
      const before = freeswitch.counters.dials;
      for (let i = 0; i < 8; i++) app.dial(`sip:callee${i}@example.net`);
      await until("all calls are over", over(app, 8));
      expect(app.errors).toEqual([]);
      expect(story(app)).toEqual(Array(8).fill("ringing answered end"));
      // Equal weights: half of them each.
      expect(freeswitch.counters.dials - before).toBe(4);
    });

    test("a nested join lands where the other leg is; its joined names calls of the external domain (DC24)", async () => {
      const { app } = await logIn("balcony");
      freeswitch.options.playMs = TALKING_MS;
      java.quiesce();
      await until("the Java node is out", async () => await nodeState(JAVA) === "quiesced");
      const calls: AppCall[] = [];
      app.dial("sip:one@example.net", (call) => call !== null && calls.push(call));
      await until("the first leg is there", () => calls[0]?.events.includes("answered") ?? false);
      java.announce();
      app.dial(
        "sip:two@example.net",
        (call) => call !== null && calls.push(call),
        `<join call-uri='xmpp:${calls[0]!.jid}'/>`,
      );
      await until(
        "both legs say joined",
        () => calls.length === 2 && calls.every((call) => call.events.includes("joined")),
      );
      expect(freeswitch.calls.size).toBe(2);
      const joined = app.received.map((stanza) => JSON.stringify(stanza)).filter((text) =>
        text.includes('"joined"')
      );
      for (const [i, call] of calls.entries()) {
        expect(joined.some((text) => text.includes(`"xmpp:${call.jid}"`) && text.includes(calls[1 - i]!.jid)))
          .toBe(
            true,
          );
      }
      await until("the Java node is back", async () => await nodeState(JAVA) === "available");
    });

    test("a client that is cut off: its calls end at their nodes, its sibling's go on, and it may come back (PC7)", async () => {
      freeswitch.options.playMs = TALKING_MS;
      const balcony = await logIn("balcony");
      for (let i = 0; i < 2; i++) {
        freeswitch.incomingCall({ to: ADDRESS, from: `sip:caller${i}@example.net` });
      }
      await until("the balcony talks", () => story(balcony.app).join() === "offer answered,offer answered");
      const orchard = await logIn("orchard");
      // Talks, wherever it is.
      orchard.app.onEvent = () => {};
      const dialed: string[] = [];
      orchard.app.dial("sip:callee@example.net", (call) => call !== null && dialed.push(call.id));
      await until("the orchard talks", () => dialed.length === 1);

      await balcony.client.cut();
      resources.splice(resources.indexOf(balcony), 1);
      balcony.app.down();
      await until(
        "the balcony's calls are hung up",
        () => freeswitch.calls.size + java.calls.size === 1,
      );
      expect(await activeCalls()).toBe(1);
      expect(orchard.app.calls.get(dialed[0]!)!.ended).toBe(false);

      const returned = await logIn("balcony");
      const before = returned.app.calls.size + orchard.app.calls.size;
      for (let i = 0; i < 2; i++) {
        freeswitch.incomingCall({ to: ADDRESS, from: `sip:later${i}@example.net` });
      }
      // In turn: one each.
      await until(
        "both have a call more",
        () =>
          returned.app.calls.size === 1 && returned.app.calls.size + orchard.app.calls.size === before + 2,
      );
      expect([...balcony.app.violations, ...returned.app.violations, ...orchard.app.violations]).toEqual([]);
    });
  });
}
