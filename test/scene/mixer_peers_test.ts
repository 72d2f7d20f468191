/**
 * Conferences of an application on simulated nodes with the ways of real ones: a whole life of a mixer, in both kinds of
 * node, behind servers of three kinds of manners (FS35, FS36, FS51, FS52, JN1, JN9, PMX8).
 */
import { describe, expect, test } from "bun:test";
import { JavaNode } from "../support/java_node.ts";
import { type MemoryGateway, startMemoryGateway } from "../support/memory_gateway.ts";
import { MemoryWorld, SCENE_FACTS } from "../support/memory_world.ts";
import { ModRayoNode } from "../support/mod_rayo_node.ts";
import { Puppet } from "../support/peer.ts";
import { attr, type El, elements, toXml } from "../support/xml.ts";

const KINDS = ["plain", "prosody", "ejabberd"] as const;
const NODE = "node1.test", JID = "juliet@capulet.test/balcony", ADDRESS = "sip:juliet@example.com";
const ROOT = SCENE_FACTS.external;

async function start(manners: typeof KINDS[number], java: boolean, version: "1.8" | "1.10" = "1.8") {
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
    nodes: [{ jid: NODE, platforms: ["default"], weight: 10, priority: 1 }],
    trusted: [],
    options: {},
  });
  const { clock, random, server } = world.place;
  const node = java
    ? new JavaNode({ domain: NODE, gatewayDomain: SCENE_FACTS.internal, clock, random })
    : new ModRayoNode({
      domain: NODE,
      clock,
      random,
      gatewayJid: SCENE_FACTS.gw,
      foreignDomains: ["rayo.test", "capulet.test"],
      version,
      overtake: 0.5,
    });
  server.attachNode(node, NODE);
  const client = new Puppet();
  const got: El[] = [];
  client.onStanza = (stanza) => void got.push(stanza);
  server.attachClient(client, JID);
  client.send(`<presence from='${JID}' to='${ROOT}'><show>chat</show></presence>`);
  await clock.elapse(40_000);
  const iq = async (to: string, payload: string) => {
    client.send(`<iq type='set' id='q${got.length}' from='${JID}' to='${to}'>${payload}</iq>`);
    await clock.elapse(500);
  };
  const calls: string[] = [];
  for (let i = 0; i < 3; i++) {
    const call = node.incomingCall({ to: ADDRESS, from: `sip:${i}@example.net` });
    calls.push(call.id);
    await clock.elapse(200);
    await iq(`${call.id}@${ROOT}`, "<answer xmlns='urn:xmpp:rayo:1'/>");
  }
  got.length = 0;
  return { world, clock, node, got, iq, calls, gateway: gateway! as MemoryGateway };
}

const JOIN = "<join xmlns='urn:xmpp:rayo:1' mixer-name='conf'/>";
const OUTPUT = "<output xmlns='urn:xmpp:rayo:output:1'><document content-type='application/ssml+xml'>" +
  "&lt;speak&gt;&lt;audio src='tone_stream://%(5000,0,440)'/&gt;&lt;/speak&gt;</document></output>";
const words = (got: El[]) => got.filter((s) => attr(s, "from").startsWith("conf@")).map(word);
const word = (s: El) =>
  `${attr(s, "from").slice(`conf@${ROOT}`.length)} ${s.attrs.type ?? ""} ${
    elements(s).filter((c) => c.name !== "delay").map((c) => c.name).join(" ")
  }`.trim();

describe.each(KINDS)("%s", (manners) => {
  test.each([false, true])("a conference from its first call to its last (a Java node: %p)", async (java) => {
    const { world, clock, node, got, iq, calls, gateway } = await start(manners, java);
    for (const id of calls) await iq(`${id}@${ROOT}`, JOIN);
    expect(gateway.admin.mixers().map((m) => [m.name, m.node, m.participants.length])).toEqual([
      ["conf", NODE, 3],
    ]);
    expect(gateway.admin.mixer("conf")?.participants).toEqual(calls);
    expect([...node.mixers.keys()].every((name) => /^conf\.[a-z0-9]{8}$/.test(name))).toBe(true);

    await iq(`conf@${ROOT}`, OUTPUT);
    expect(gateway.admin.mixers()[0]!.active_verbs).toBe(1);
    expect(gateway.admin.verbs("conf").map((verb) => verb.client)).toEqual([JID]);
    await clock.elapse(20_000);
    expect(gateway.admin.mixers()[0]!.active_verbs).toBe(0);

    await iq(`${calls[0]}@${ROOT}`, "<unjoin xmlns='urn:xmpp:rayo:1' mixer-name='conf'/>");
    expect(gateway.admin.mixer("conf")?.participants).toEqual(calls.slice(1));
    for (const id of calls) await iq(`${id}@${ROOT}`, "<hangup xmlns='urn:xmpp:rayo:1'/>");
    await clock.elapse(10_000);

    const heard = words(got);
    expect(heard.filter((w) => w === "joined").length).toBe(3);
    expect(heard.filter((w) => w === "unjoined").length).toBe(3);
    expect(heard.filter((w) => w.endsWith("unavailable complete")).length).toBe(1);
    expect(heard.filter((w) => w === "unavailable").length).toBe(1);
    expect(heard.at(-1)).toBe("unavailable");
    expect(got.map((s) => toXml(s)).filter((xml) => xml.includes(NODE) || xml.includes("conf."))).toEqual([]);
    expect(node.violations).toEqual([]);
    const { ActiveMixersCount, TotalMixersCount, ActiveCallsCount } = gateway.admin.counters();
    expect([ActiveMixersCount, TotalMixersCount, ActiveCallsCount]).toEqual([0, 1, 0]);
    expect(gateway.directory.mixers.size).toBe(0);
    if (node instanceof JavaNode) expect(node.destroyed.length).toBe(1);
    await world.stop();
  });
});

test("FS52: on 1.10, where an unjoin is answered as it went, it is the same", async () => {
  const { world, clock, got, iq, calls, gateway } = await start("prosody", false, "1.10");
  await iq(`${calls[0]}@${ROOT}`, JOIN);
  await iq(`${calls[0]}@${ROOT}`, "<unjoin xmlns='urn:xmpp:rayo:1' mixer-name='conf'/>");
  await clock.elapse(10_000);
  expect(words(got).filter((w) => w === "unavailable").length).toBe(1);
  expect(gateway.admin.counters().ActiveMixersCount).toBe(0);
  await world.stop();
});
