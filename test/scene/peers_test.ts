/**
 * The gateway in memory between simulated nodes and applications with the ways of real ones: calls flow both ways and
 * nobody has anything to complain of (`violations`).
 */
import { describe, expect, test } from "bun:test";
import { Application } from "../support/application.ts";
import { JavaNode } from "../support/java_node.ts";
import { type MemoryGateway, startMemoryGateway } from "../support/memory_gateway.ts";
import { MemoryWorld, SCENE_FACTS } from "../support/memory_world.ts";
import { ModRayoNode, type ModRayoOptions } from "../support/mod_rayo_node.ts";
import type { Manners } from "../support/fake_server.ts";
import type { Given } from "../support/scene_text.ts";

const NODES = ["node1.test", "node2.test"];
const ADDRESS = "sip:juliet@example.com";

async function start(manners: Manners, options: Partial<ModRayoOptions> = {}, given: Partial<Given> = {}) {
  let gateway: MemoryGateway | null = null;
  const world = new MemoryWorld(
    async (config, place) => gateway = await startMemoryGateway(config, place),
    manners,
  );
  await world.start({
    applications: [{
      jid: "juliet@capulet.test",
      name: "j",
      platform: "default",
      permissions: "",
      addresses: [ADDRESS],
    }],
    nodes: NODES.map((jid) => ({ jid, platforms: ["default"], weight: 10, priority: 1 })),
    trusted: [],
    options: {},
    ...given,
  });
  const { clock, random, server } = world.place;
  const nodes = NODES.map((domain) =>
    new ModRayoNode({
      domain,
      clock,
      random,
      gatewayJid: SCENE_FACTS.gw,
      foreignDomains: ["rayo.test", "capulet.test"],
      ...options,
    })
  );
  const ways = nodes.map((node) => server.attachNode(node, node.domain));
  const app = new Application({
    jid: "juliet@capulet.test/balcony",
    root: SCENE_FACTS.external,
    clock,
    random,
    playThenHangup: true,
    nodeDomains: NODES,
  });
  const way = server.attachClient(app, app.jid);
  app.ready();
  await clock.elapse(40_000); // static nodes are greeted within 30 s
  const violations = () => [...app.violations, ...nodes.flatMap((node) => node.violations)];
  return { world, clock, server, nodes, ways, app, way, violations, gateway: gateway! as MemoryGateway };
}

const KINDS: Manners[] = ["plain", "prosody", "ejabberd"];

describe.each(KINDS)("%s", (manners) => {
  test("incoming calls are answered, played to and hung up", async () => {
    const { world, clock, nodes, app, violations, gateway } = await start(manners);
    for (let i = 0; i < 20; i++) {
      nodes[i % 2]!.incomingCall({
        to: ADDRESS,
        from: `sip:caller${i}@example.net`,
        headers: { "X-N": String(i) },
      });
      await clock.elapse(137);
    }
    await clock.elapse(10_000);
    expect(violations()).toEqual([]);
    expect([...app.calls.values()].map((call) => call.events.join(" "))).toEqual(
      Array(20).fill("offer answered end"),
    );
    expect(nodes.map((node) => node.calls.size)).toEqual([0, 0]);
    expect(gateway.admin.counters().ActiveCallsCount).toBe(0);
    await world.stop();
  });

  test("dials, even where events overtake results (FS50); every call ends on all sides", async () => {
    const { world, clock, nodes, app, violations, gateway } = await start(manners, { overtake: 0.5 });
    for (let i = 0; i < 20; i++) {
      app.dial(
        ["loopback/answer", "loopback/ring1", "loopback/busy", "user/nobody", "loopback/early"][i % 5]!,
      );
      await clock.elapse(61);
    }
    await clock.elapse(20_000);
    expect(violations()).toEqual([]);
    expect(app.errors).toEqual([]);
    expect([...app.calls.values()].filter((call) => !call.ended).map((call) => call.events)).toEqual([]);
    expect(app.calls.size).toBe(20);
    expect(nodes.every((node) => node.counters.dials > 0)).toBe(true);
    expect(gateway.admin.counters().ActiveCallsCount).toBe(0);
    await world.stop();
  });

  test("a client that vanishes leaves no call behind at any node", async () => {
    const { world, clock, nodes, app, way, violations } = await start(manners);
    app.options.playThenHangup = false;
    for (let i = 0; i < 5; i++) app.dial("loopback/answer");
    nodes[0]!.incomingCall({ to: ADDRESS, from: "sip:x@example.net" });
    await clock.elapse(1000);
    expect(nodes[0]!.calls.size + nodes[1]!.calls.size).toBe(6);
    way.drop();
    await clock.elapse(10_000);
    expect(nodes.map((node) => node.calls.size)).toEqual([0, 0]);
    expect(violations()).toEqual([]);
    await world.stop();
  });
});

test("a full node is passed over, a mistake is not repeated (DL8, DL9)", async () => {
  const { world, clock, nodes, app, violations } = await start("plain");
  nodes[0]!.paused = true;
  app.options.playThenHangup = false;
  for (let i = 0; i < 4; i++) app.dial("loopback/answer");
  app.dial("nosuch/thing");
  await clock.elapse(3000);
  expect(app.errors).toEqual(["dial bad-request"]);
  expect(nodes.map((node) => node.calls.size)).toEqual([0, 4]);
  expect(violations()).toEqual([]);
  await world.stop();
});

test("a Java node's calls look to a client like anybody's (JN5, JN7, AH6)", async () => {
  const { world, clock, server, app, violations } = await start("prosody", {}, {
    nodes: [],
    trusted: ["j1.test"],
  });
  const node = new JavaNode({
    domain: "j1.test",
    gatewayDomain: SCENE_FACTS.internal,
    clock,
    random: world.place.random,
  });
  server.attachNode(node, "j1.test");
  app.options.ownUris = false; // AH7: a Java node names its calls itself
  app.options.nodeDomains = ["j1.test"];
  await clock.elapse(100);
  app.dial("sip:a@example.net");
  node.incomingCall({ to: ADDRESS, from: "sip:x@example.net" });
  await clock.elapse(1000);
  for (const call of [...node.calls.values()]) node.hangupFromFarEnd(call);
  await clock.elapse(1000);
  expect(violations()).toEqual([]);
  expect(node.violations).toEqual([]);
  expect([...app.calls.values()].map((call) => call.ended)).toEqual([true, true]);
  await world.stop();
});
