/** Scenes are read, run and judged as scene_text.ts and scene.ts say; the gateway here is a stub that only echoes. */
import { expect, test } from "bun:test";
import { MemoryWorld, type StartedGateway } from "./memory_world.ts";
import { Puppet } from "./peer.ts";
import { runScene } from "./scene.ts";
import { parseScenes, SceneFault } from "./scene_text.ts";
import { attr, child, esc, parseXml, toXml } from "./xml.ts";

/** Answers pings, sends everything else of clients to node1.test with an id of its own, back with the old one. */
function world() {
  const operated: string[][] = [];
  const made = new MemoryWorld((_given, { server, facts, clock }): Promise<StartedGateway> => {
    const ids = new Map<string, { id: string; from: string }>();
    for (const domain of [facts.external, facts.internal]) {
      const stub = new Puppet();
      server.attachNode(stub, domain);
      stub.onStanza = (stanza) => {
        const from = attr(stanza, "from");
        if (child(stanza, "ping") !== undefined) {
          stub.send(
            `<iq type='result' id='${attr(stanza, "id")}' from='${attr(stanza, "to")}' to='${esc(from)}'/>`,
          );
        } else if (domain === facts.external) {
          const id = `n${ids.size}`;
          ids.set(id, { id: attr(stanza, "id"), from });
          const copy = { ...stanza, attrs: { ...stanza.attrs, id, from: facts.gw, to: "node1.test" } };
          server.accept({ name: facts.internal, kind: "component", deliver() {} }, copy, toXml(copy));
        } else {
          const asked = ids.get(attr(stanza, "id"));
          if (asked === undefined) return;
          const back = {
            ...stanza,
            attrs: { ...stanza.attrs, id: asked.id, from: facts.external, to: asked.from },
          };
          clock.after(
            10,
            () => server.accept({ name: facts.external, kind: "component", deliver() {} }, back, ""),
          );
        }
      };
    }
    return Promise.resolve({
      operate: async (words) => void operated.push(words),
      stop: async () => {},
    });
  });
  return { world: made, operated };
}

async function run(text: string): Promise<string> {
  const [scene] = parseScenes("t.scene", `== X1, X2: a title ==\n${text}`);
  try {
    await runScene(scene!, world().world);
    return "";
  } catch (error) {
    if (!(error instanceof SceneFault)) throw error;
    return error.message;
  }
}

const ROUND_TRIP = `
juliet> <iq type='set' id='a' to='{external}'><x xmlns='u'/></iq>
node1< <iq type='set' id='{n}' to='node1.test'><x xmlns='u'/></iq>
node1> <iq type='result' id='{n}'><y xmlns='u' v='1'/></iq>
`;

test("a scene that goes as it says", async () => {
  expect(await run(`${ROUND_TRIP}juliet< <iq type='result' id='a' from='{external}'><y xmlns='u' .../></iq>`))
    .toBe("");
});

test("what is wrong, missing or too much is said with its line", async () => {
  expect(await run(`${ROUND_TRIP}juliet< <iq type='result' id='b' from='{external}'>...</iq>`))
    .toStartWith("t.scene:6 X1, X2: juliet: <iq> has id='a' instead of 'b'");
  expect(await run(ROUND_TRIP)).toContain("t.scene:5 X1, X2: juliet also got <iq");
  expect(await run(`${ROUND_TRIP}juliet< nothing`)).toContain("t.scene:6 X1, X2: juliet also got");
  expect(await run("juliet< <presence/>")).toContain("t.scene:2 X1, X2: juliet: nothing came");
  expect(await run("who> <presence/>")).toContain("nobody is called 'who'");
  expect(await run("juliet> <presence>")).toContain("t.scene:2");
});

test("name<* looks further than the first", async () => {
  const two = "juliet> <iq type='get' id='1' to='{external}'><ping/></iq>\n" +
    "juliet> <iq type='get' id='2' to='{external}'><ping/></iq>\n";
  const [first, second] = [1, 2].map((id) => `<iq type='result' id='${id}' from='{external}'/>`);
  expect(await run(`${two}juliet<* ${second}\njuliet< ${first}`)).toBe("");
  expect(await run(`${two}juliet< ${second}\njuliet< ${first}`)).toContain("instead of '2'");
});

test("a party that leaves hears nothing and comes back", async () => {
  const ping = "juliet> <iq type='get' id='1' to='{external}'><ping/></iq>\n";
  const pong = "juliet< <iq type='result' id='1' from='{external}'/>\n";
  expect(await run(`juliet leaves\n${ping}juliet< nothing\njuliet returns\n${ping}${pong}`)).toBe("");
});

test("pieces, givens, operators and waits are read", async () => {
  const pieces = new Map();
  parseScenes("p.scene", "-- a piece --\njuliet< nothing\nwait 2s", pieces);
  const [one, two] = parseScenes(
    "t.scene",
    "given trusted a.test\n== A: one ==\ngiven option k.l=v=w\nso far: a piece\noperator> quiesce on\n" +
      "== B: two ==\ngiven application j@c.test address=sip:a address=sip:b permissions=suc\njuliet leaves",
    pieces,
  );
  expect(one!.given).toEqual({ applications: [], nodes: [], trusted: ["a.test"], options: { "k.l": "v=w" } });
  expect(one!.steps.map((s) => s.kind)).toEqual(["nothing", "wait", "operator"]);
  expect(two!.given.applications[0]).toMatchObject({
    jid: "j@c.test",
    addresses: ["sip:a", "sip:b"],
    permissions: "suc",
  });
  expect(two!.given.options).toEqual({});
  const { world: made, operated } = world();
  await runScene(one!, made);
  expect(operated).toEqual([["quiesce", "on"]]);
  expect(() => parseScenes("t", "== A: one ==\nso far: nowhere")).toThrow(SceneFault);
  expect(() => parseScenes("t", "== A: one ==\nsomething else")).toThrow("t:2 cannot be read");
});

test("the shorthand for errors allows any text or exactly one", () => {
  const xml = (words: string) => {
    const [scene] = parseScenes("t", `== A: one ==\njuliet< <iq>${words}</iq>`);
    return (scene!.steps[0] as { xml: string }).xml;
  };
  expect(parseXml(xml("{error cancel conflict}")).children).toHaveLength(1);
  expect(xml("{error cancel conflict}")).toContain("/>...</error>");
  expect(xml("{error cancel item-not-found: no [c1], {who}}")).toContain(">no [c1], {who}</text></error>");
});
