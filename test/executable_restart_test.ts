/**
 * What a death of the process costs: the built executable is killed with calls up and started again on the same
 * file. Calls, applications, bans, nodes, clients and settings are there again, and old calls go on (DC39, DC21).
 */
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import type { AppCall, Application } from "./support/application.ts";
import type { SimCall } from "./support/mod_rayo_call.ts";
import type { ModRayoNode } from "./support/mod_rayo_node.ts";
import { ADDRESS, APPLICATION, EXTERNAL, INTERNAL, Site } from "./support/site.ts";

setDefaultTimeout(60_000);

const OTHER = "voxeolabs@apps.example.test";
const BANNED = "banned@apps.example.test";
const JMX = "/rayo/jmx/exec/com.rayo.gateway:Type=Admin,name=Admin";

let site: Site;
let node: ModRayoNode;
let client: Application;

beforeEach(() => {
  site = new Site();
  node = site.freeswitch("fs1");
  client = site.client("one");
});
afterEach(async () => await site.stop());

interface Listed {
  items: { state?: string; jid?: string; banned?: boolean }[];
}

/** Everything that has to outlive the process, as an operator sees it. */
async function everything(): Promise<Record<string, unknown>> {
  const told: Record<string, unknown> = {};
  for (const path of ["applications", "nodes", "platforms", "clients", "calls", "settings"]) {
    told[path] = await site.get(`/api/v1/${path}`);
  }
  return told;
}

/** An incoming call that the client has answered. */
async function incoming(): Promise<[AppCall, SimCall]> {
  const far = node.incomingCall({ to: ADDRESS, from: "sip:caller@example.test" });
  await site.until(
    "the call is answered",
    () => client.calls.get(far.id)?.events.includes("answered") === true,
  );
  return [client.calls.get(far.id)!, far];
}

/** A dialled call that is answered. */
async function outgoing(): Promise<[AppCall, SimCall]> {
  const id = client.dial("loopback/ring1");
  await site.until("the dial is answered", () => client.calls.get(id)?.events.includes("answered") === true);
  return [client.calls.get(id)!, node.calls.get(id)!];
}

test("killed with calls up: after the restart everything is back and the calls go on", async () => {
  await site.start([node]);
  const java = site.java("java1");
  java.announce();
  await site.acquainted(node, client);
  await site.until(
    "both nodes are listed",
    async () => (await site.get<Listed>("/api/v1/nodes")).items.length === 2,
  );
  await site.get(`${JMX}/registerApplication/staging/voxeolabs/${OTHER}`);
  await site.get(`${JMX}/registerAddress/${OTHER}/sip:usera@example.test`);
  await site.get(`${JMX}/registerApplication/staging/banned/${BANNED}`);
  await site.get(`${JMX}/ban/${BANNED}`);
  await site.get(`${JMX}/blacklist/default/java1.nodes.example.test/true`);
  await site.get(`${JMX}/maxDialRetries/7`);
  const [answered, answeredFar] = await incoming();
  const [ended, endedFar] = await incoming();
  const [dialled, dialledFar] = await outgoing();
  expect(await site.ask("PATCH", "/api/v1/settings", { quiesce: true })).toBe(200);
  await site.stored();
  const before = await everything();
  expect((before["calls"] as Listed).items.map(({ state }) => state)).toEqual(["active", "active", "active"]);
  expect(before["settings"]).toMatchObject({ quiesce: true, dial_attempts_max: 7 });

  await site.gateway.kill();
  await site.disconnected();
  const errors = client.errors.length;
  client.play(answered);
  await site.until("a command while nobody is there bounces", () => client.errors.length > errors);
  site.gateway.start();
  await site.gateway.ready();
  expect(await everything()).toEqual(before);
  expect((before["applications"] as Listed).items.find(({ jid }) => jid === BANNED)?.banned).toBe(true);

  // A command to an old call reaches its node, and the node's word comes back.
  await site.until(
    "the node is greeted again",
    () => node.clients.get(`${INTERNAL}/gateway`) === true,
  );
  client.play(answered);
  await site.until("the component runs", () => answered.components.size === 1);
  await site.until("and completes", () => [...answered.components.values()][0]!.complete !== null);
  client.hangup(answered);
  await site.until("the end arrives", () => answered.ended);
  // The far end hangs up.
  node.hangupFromFarEnd(dialledFar);
  await site.until("the end of the dialled call arrives", () => dialled.ended);
  node.hangupFromFarEnd(endedFar);
  await site.until("the end of the other one arrives", () => ended.ended);
  expect(answered.events.at(-1)).toBe("end");
  expect(answeredFar.state).toBe("ended");
  expect((await site.get<Listed>("/api/v1/calls")).items).toEqual([]);

  // Quiesced as before: a dial is refused; then it is lifted, and one goes through.
  client.dial("loopback/ring1");
  await site.until("a dial is refused", () => client.errors.at(-1) === "dial service-unavailable");
  expect(await site.ask("PATCH", "/api/v1/settings", { quiesce: false })).toBe(200);
  await outgoing();
  expect(site.violations()).toEqual([]);
});

test("killed between a dial and its result: the call nobody knows of is hung up (DC21)", async () => {
  await site.start([node]);
  await site.acquainted(node, client);
  const way = site.ways.get(node.domain)!;
  way.pause();
  const sent = site.server.log.length;
  const id = client.dial("loopback/ring1");
  await site.until(
    "the dial is on its way to the node",
    () =>
      site.server.log.slice(sent).some(({ xml, target }) => target === node.domain && xml.includes("<dial")),
  );
  await site.gateway.kill();
  site.gateway.start();
  await site.gateway.ready();
  way.resume();
  await site.until(
    "the node has made the call and was told to end it",
    () => node.counters.dials === 1 && node.counters.ends === 1,
  );
  expect(node.calls.size).toBe(0);
  expect(site.gateway.log()).toContain(
    `result of a dial nobody waits for: hung up node=${node.domain} call=${id}`,
  );
  expect((await site.get<Listed>("/api/v1/calls")).items).toEqual([]);
  expect(site.violations()).toEqual([]);
});

test("killed with an offer out: the answer that comes afterwards is taken", async () => {
  client.onOffer = () => {};
  await site.start([node]);
  await site.acquainted(node, client);
  const far = node.incomingCall({ to: ADDRESS, from: "sip:caller@example.test" });
  await site.until("the offer is there", () => client.calls.has(far.id));
  await site.stored();
  await site.gateway.kill();
  site.gateway.start();
  await site.gateway.ready();
  const call = client.calls.get(far.id)!;
  client.answer(call);
  await site.until("the call is answered", () => call.events.includes("answered"));
  expect((await site.get<Listed>("/api/v1/calls")).items).toMatchObject([
    { id: far.id, application: APPLICATION, client: client.jid, direction: "inbound", state: "active" },
  ]);
  node.hangupFromFarEnd(far);
  await site.until("its end arrives", () => call.ended);
  expect(site.violations()).toEqual([]);
});

test("killed under load: what is missing are the newest calls, never one from the middle (DC39)", async () => {
  await site.start([node]);
  await site.acquainted(node, client);
  const answered: string[] = [];
  for (let n = 0; n < 300; n++) {
    client.dial("loopback/silent", (call) => {
      if (call !== null) answered.push(call.id);
    });
    if (n % 10 === 9) await Bun.sleep(2);
  }
  await site.until("half of the dials are answered", () => answered.length >= 150);
  await site.gateway.kill();
  await site.disconnected();
  site.gateway.start();
  await site.gateway.ready();
  const { items } = await site.get<{ items: { id: string }[] }>("/api/v1/calls?limit=1000");
  const kept = new Set(items.map(({ id }) => id));
  const firstMissing = answered.findIndex((id) => !kept.has(id));
  const lost = firstMissing < 0 ? [] : answered.slice(firstMissing);
  expect(lost.filter((id) => kept.has(id))).toEqual([]);
  // Batches are written while calls come in: half of what was answered is far behind the last one.
  expect(answered.filter((id) => kept.has(id)).length).toBeGreaterThan(0);
  expect(site.violations()).toEqual([]);
});

test("SIGTERM under load: status 0, streams closed in order, no presence sent, every call kept (DC44)", async () => {
  await site.start([node]);
  await site.acquainted(node, client);
  for (let n = 0; n < 40; n++) client.dial(n % 2 === 0 ? "loopback/ring1" : "loopback/silent");
  await site.until("some are up", async () => (await site.get<Listed>("/api/v1/calls")).items.length >= 10);
  const closed: string[] = [];
  const sessions = [EXTERNAL, INTERNAL].flatMap((name) => site.port.sessions(name));
  for (const session of sessions) {
    const close = session.close.bind(session);
    session.close = () => {
      closed.push(session.name);
      close();
    };
  }
  const sent = site.server.log.length;
  expect(await site.gateway.stop()).toBe(0);
  expect(closed.sort()).toEqual([INTERNAL, EXTERNAL]);
  expect(site.gateway.log()).toContain("stopped\n");
  // FS59: a node that is told `dnd` or `unavailable` forgets whom its calls' events are for.
  const farewell = site.server.log.slice(sent).filter(({ origin, note, xml }) =>
    origin === INTERNAL && note === "" && /type='unavailable'|<show>(?!chat)/.test(xml)
  );
  expect(farewell).toEqual([]);

  const atNode = [...node.calls.keys()];
  site.gateway.start();
  await site.gateway.ready();
  // Dials whose result came while nobody was there are calls that the store never knew.
  const { items } = await site.get<{ items: { id: string; state: string }[] }>("/api/v1/calls?limit=1000");
  expect(items.length).toBeGreaterThanOrEqual(10);
  for (const { id } of items) expect(atNode).toContain(id);
  for (const { id } of items) node.hangupFromFarEnd(node.calls.get(id)!);
  await site.until("all have ended", () => items.every(({ id }) => client.calls.get(id)!.ended));
  expect((await site.get<Listed>("/api/v1/calls")).items).toEqual([]);
  expect(site.violations()).toEqual([]);
});
