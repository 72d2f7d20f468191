/** The simulated Java node: JN1–JN7, JN9, FS10. */
import { expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { JavaNode, type JavaNodeOptions } from "./java_node.ts";
import { ManualClock } from "./manual_clock.ts";
import { conditionOf, feed, RAYO } from "./peer.ts";
import { attr, child, type El, elements, firstChild, parseXml, textOf } from "./xml.ts";

function start(options: Partial<JavaNodeOptions> = {}) {
  const clock = new ManualClock();
  const said: El[] = [];
  const node = new JavaNode({ domain: "j1", gatewayDomain: "g", clock, random: seededRandom(5), ...options });
  node.send = (xml) => said.push(parseXml(xml));
  const ask = (payload: string, to = "j1") => {
    const before = said.length;
    feed(node, `<iq type='set' id='1' from='g/gw' to='${to}'>${payload}</iq>`);
    clock.advance(30);
    return said.slice(before);
  };
  return { clock, node, said, ask };
}

test("JN2, JN3: node-info at start, with away, unavailable at the end; capitals in older builds", () => {
  const { clock, node, said } = start({ platforms: ["a", "b"], weight: 20, oldShow: true });
  node.up();
  node.quiesce();
  node.shutdown();
  clock.advance(1);
  expect(said.map((s) => [attr(s, "from"), attr(s, "to"), attr(s, "type")])).toEqual([
    ["j1", "g", ""],
    ["j1", "g", ""],
    ["j1", "g", "unavailable"],
  ]);
  expect(said.slice(0, 2).map((s) => textOf(child(s, "show")!))).toEqual(["CHAT", "AWAY"]);
  const info = child(said[1]!, "node-info", "urn:xmpp:rayo:cluster:1")!;
  expect(elements(info).map((e) => `${e.name}=${textOf(e)}`)).toEqual([
    "platform=a",
    "platform=b",
    "weight=20",
    "priority=1",
  ]);
});

test("JN1, JN5, JN7: ref id in base 36, events without type to the bare gateway domain", () => {
  const { clock, said, ask } = start();
  const [answer] = ask(`<dial xmlns='${RAYO}' to='sip:x@y'/>`);
  const id = attr(firstChild(answer!)!, "id");
  expect(id).toMatch(/^[0-9a-z]+$/);
  expect(attr(firstChild(answer!)!, "uri")).toBe("");
  clock.advance(100);
  ask(`<hangup xmlns='${RAYO}'/>`, `${id}@j1`);
  expect(said.slice(1).map((s) => `${firstChild(s)?.name ?? "result"} ${attr(s, "to")} ${attr(s, "type")}`))
    .toEqual([
      "ringing g ",
      "answered g ",
      "result g/gw result",
      "end g ",
    ]);
});

test("JN4: a presence error from a JID without localpart hangs up, any other does not", () => {
  const { clock, node } = start();
  const call = node.incomingCall({ to: "sip:a@b", from: "sip:c@d" });
  for (const from of ["user@g/gw", "other"]) {
    feed(node, `<presence type='error' from='${from}' to='${call.id}@j1'/>`);
  }
  feed(node, `<presence from='g' to='${call.id}@j1'/>`);
  expect(node.calls.size).toBe(1);
  feed(node, `<presence type='error' from='g/gw' to='${call.id}@j1'/>`);
  clock.advance(1);
  expect([node.calls.size, node.hungUpByError]).toEqual([0, 1]);
});

test("JN6: quiesced or without outgoing calls a dial is refused", () => {
  const { node, ask } = start();
  node.quiesce();
  expect(ask(`<dial xmlns='${RAYO}' to='x'/>`).map(conditionOf)).toEqual(["", "service-unavailable"]);
  node.announce();
  node.outgoingAllowed = false;
  expect(ask(`<dial xmlns='${RAYO}' to='x'/>`).map(conditionOf)).toEqual(["", "service-unavailable"]);
});

test("JN9: an empty mixer stays until it is told", () => {
  const { node, ask } = start();
  const call = node.incomingCall({ to: "sip:a@b", from: "sip:c@d" });
  ask(`<join xmlns='${RAYO}' mixer-name='m'/>`, `${call.id}@j1`);
  const left = ask(`<unjoin xmlns='${RAYO}' mixer-name='m'/>`, `${call.id}@j1`);
  expect(left.map((s) => attr(s, "from").split("@")[0])).toEqual([call.id, call.id, "m"]);
  expect(node.mixers.has("m")).toBe(true);
  ask(`<destroy-if-empty xmlns='${RAYO}'/>`, "m@j1");
  expect(node.destroyed).toEqual(["m"]);
});
