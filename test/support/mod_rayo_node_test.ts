/** The awkward ways of the simulated FreeSWITCH that no recording shows by itself (spec §7.1, row by row). */
import { expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { ManualClock } from "./manual_clock.ts";
import { ModRayoNode, type ModRayoOptions } from "./mod_rayo_node.ts";
import { conditionOf, feed, RAYO } from "./peer.ts";
import { attr, child, type El, firstChild, parseXml } from "./xml.ts";

const GW = "gateway.rayo.test/gw";
const DIAL = `<dial xmlns='${RAYO}' to='loopback/answer'/>`;

function start(options: Partial<ModRayoOptions> = {}) {
  const clock = new ManualClock();
  const said: El[] = [];
  const node = new ModRayoNode({ domain: "n1", clock, random: seededRandom(3), announce: false, ...options });
  node.send = (xml) => said.push(parseXml(xml));
  const chat = (jid = GW, show = "chat") =>
    feed(node, `<presence from='${jid}' to='n1'><show>${show}</show></presence>`);
  const ask = (payload: string, to = "n1", from = GW, type = "set") => {
    const before = said.length;
    feed(node, `<iq type='${type}' id='i${before}' from='${from}' to='${to}'>${payload}</iq>`);
    clock.advance(50);
    return said.slice(before);
  };
  const word = (stanza: El | undefined) =>
    stanza === undefined ? "" : `${stanza.name} ${firstChild(stanza)?.name ?? ""}${conditionOf(stanza)}`;
  return { clock, node, said, chat, ask, words: () => said.map(word), word };
}

test("FS9: nothing from a bare domain is heard, not even exec", () => {
  const { clock, node, said } = start();
  feed(node, `<iq type='set' id='1' from='gateway.rayo.test' to='n1'><exec xmlns='${RAYO}' api='x'/></iq>`);
  feed(node, "<presence from='gateway.rayo.test' to='n1'><show>chat</show></presence>");
  clock.advance(50);
  expect([said.length, node.counters.bareDropped, node.clients.size, node.violations]).toEqual([0, 2, 0, []]);
});

test("FS41: exec runs, and is a violation; FS2: so is a prefixed payload; FS43: and a result with a payload", () => {
  const { node, ask, word } = start();
  expect(ask(`<exec xmlns='${RAYO}' api='shutdown'/>`).map(word)).toEqual(["iq "]);
  expect(ask(`<r:dial xmlns:r='${RAYO}' to='loopback/answer'/>`).map(conditionOf)).toEqual([
    "feature-not-implemented",
  ]);
  expect(ask("<query xmlns='u'/>", "n1", GW, "result").map(conditionOf)).toEqual(["feature-not-implemented"]);
  expect(node.violations).toHaveLength(3);
});

test("FS18, FS19: an IQ makes a client that gets offers; dnd deletes it and its events are lost (FS59)", () => {
  const { clock, node, ask, said, words } = start();
  ask("<ping xmlns='urn:xmpp:ping'/>", "n1", GW, "get");
  const [answer] = ask(DIAL);
  node.incomingCall({ to: "1000", from: "a" });
  clock.advance(1);
  expect(words().filter((w) => w === "presence c")).toHaveLength(1);
  feed(node, `<presence from='${GW}' to='n1'><show>dnd</show></presence>`);
  const call = node.calls.get(attr(firstChild(answer!)!, "uri").slice(5).split("@")[0]!)!;
  const before = said.length;
  node.hangupFromFarEnd(call);
  clock.advance(50);
  expect([said.length - before, node.counters.eventsLost]).toEqual([0, 1]);
});

test("FS16, FS60: one chat on first contact, to the bare peer domain; after streams were lost again", () => {
  const { clock, node, said, chat } = start({ announce: true });
  chat();
  chat();
  clock.advance(200);
  expect(said.map((s) => [attr(s, "from"), attr(s, "to")])).toEqual([["n1", "gateway.rayo.test"]]);
  node.down();
  chat();
  clock.advance(200);
  expect(said).toHaveLength(2);
});

test("FS28: offers go to one after the other when so set, then the call ends with 41", () => {
  const { clock, node, chat, said, words } = start({ offerMode: "next" });
  chat("g/a");
  chat("g/b");
  node.incomingCall({ to: "1000", from: "a" });
  clock.advance(4999);
  expect(said.map((s) => attr(s, "to"))).toEqual(["g/a"]);
  clock.advance(2);
  expect(said.map((s) => attr(s, "to"))).toEqual(["g/a", "g/b"]);
  clock.advance(5000);
  expect(words().slice(2)).toEqual(["presence end", "presence end"]);
  expect(attr(firstChild(child(said[2]!, "end")!)!, "platform-code")).toBe("41");
});

test("FS28: nobody online: the call ends and nobody hears of it", () => {
  const { clock, node, said } = start();
  const call = node.incomingCall({ to: "1000", from: "a" });
  clock.advance(10);
  expect([call.state, said.length, node.calls.size]).toEqual(["ended", 0, 0]);
});

test("FS29: the first command takes the call, others get conflict; FS46: asking takes nothing", () => {
  const { clock, node, chat, ask } = start();
  chat("g/a");
  chat("g/b");
  const call = node.incomingCall({ to: "1000", from: "a" });
  clock.advance(1);
  const jid = `${call.id}@n1`;
  expect(ask("<ping xmlns='urn:xmpp:ping'/>", jid, "g/b", "get").map(conditionOf)).toEqual([
    "feature-not-implemented",
  ]);
  expect(ask(`<accept xmlns='${RAYO}'/>`, jid, "g/a").map((s) => attr(s, "type"))).toEqual(["result"]);
  expect(ask(`<answer xmlns='${RAYO}'/>`, jid, "g/b").map(conditionOf)).toEqual(["conflict"]);
  expect(ask(`<reject xmlns='${RAYO}'/>`, jid, "g/a").map(conditionOf)).toEqual(["bad-request"]);
  expect(ask(`<hangup xmlns='${RAYO}'><header name='a' value='b'/></hangup>`, jid, "g/a").map(conditionOf))
    .toEqual(["bad-request"]); // FS40
  expect(ask(`<reject xmlns='${RAYO}'><busy/></reject>`, jid, "g/a").map((s) => [s.name, attr(s, "to")]))
    .toEqual([
      ["iq", "g/a"],
      ["presence", "g/a"],
      ["presence", "g/b"],
    ]);
});

test("FS38: unknown JIDs: from whom was asked, or from the bare domain", () => {
  for (const [unknownFrom, from] of [["asked", "x@n1"], ["domain", "n1"]] as const) {
    const [answer] = start({ unknownFrom }).ask(`<hangup xmlns='${RAYO}'/>`, "x@n1");
    expect([attr(answer!, "from"), conditionOf(answer!)]).toEqual([from, "item-not-found"]);
  }
});

test("FS50: with overtaking, `answered` comes before the ref; each dial still gets both", () => {
  const { said, ask } = start({ overtake: 1, iqMs: 0 });
  ask(DIAL);
  expect(said.map((s) => s.name)).toEqual(["presence", "iq"]);
});

test("FS63: a silent dial gives a ref, then nothing, and is alive", () => {
  const { ask, node, words } = start({ silentDial: 1 });
  const [answer] = ask(DIAL);
  const jid = attr(firstChild(answer!)!, "uri").slice("xmpp:".length);
  expect(words()).toEqual(["iq ref"]);
  expect(ask("<ping xmlns='urn:xmpp:ping'/>", jid, GW, "get").map(conditionOf)).toEqual([
    "feature-not-implemented",
  ]);
  expect(node.calls.size).toBe(1);
});

test("FS49: full, paused: resource-constraint; causes by dial string (FS30)", () => {
  const { ask, node } = start({ callsMax: 1 });
  ask(DIAL);
  const conditions = (to: string) => ask(`<dial xmlns='${RAYO}' to='${to}'/>`).map(conditionOf);
  expect(conditions("loopback/answer")).toEqual(["resource-constraint"]);
  node.crash();
  node.paused = true;
  expect(conditions("loopback/answer")).toEqual(["resource-constraint"]);
  node.paused = false;
  expect(conditions("error/GATEWAY_DOWN")).toEqual(["resource-constraint"]);
  expect(conditions("error/INVALID_PROFILE")).toEqual(["bad-request"]);
  expect(conditions("error/ORIGINATOR_CANCEL")).toEqual(["internal-server-error"]);
});

test("FS56: mute, it acts and nobody hears", () => {
  const { ask, node, said } = start();
  node.mute = true;
  ask(DIAL);
  expect([said.length, node.calls.size]).toEqual([0, 1]);
  expect(node.counters.muted).toBeGreaterThan(1);
});

test("FS42: messages", () => {
  const { clock, ask, node, said } = start();
  const [answer] = ask(DIAL);
  const jid = attr(firstChild(answer!)!, "uri").slice("xmpp:".length);
  const before = said.length;
  feed(node, `<message type='normal' from='${GW}' to='${jid}'><body>hello</body></message>`);
  feed(node, `<message type='chat' from='${GW}' to='${jid}'><body>x</body></message>`);
  feed(node, `<message type='normal' from='${GW}' to='${jid}'/>`);
  clock.advance(50);
  expect(said.slice(before).map(conditionOf)).toEqual(["feature-not-implemented", "bad-request"]);
  expect([...node.calls.values()][0]!.messages).toEqual(["hello"]);
});

test("FS45: an idle call ends by itself, a playing one does not", () => {
  const { clock, ask, node } = start({ idleMsMax: 1000 });
  ask(DIAL);
  clock.advance(2000);
  expect(node.calls.size).toBe(0);
  const [answer] = ask(DIAL);
  const jid = attr(firstChild(answer!)!, "uri").slice("xmpp:".length);
  ask("<record xmlns='urn:xmpp:rayo:record:1'/>", jid);
  clock.advance(5000);
  expect(node.calls.size).toBe(1);
});

test("FS62: an orderly stop sends every end and no unavailable of its own; a crash says nothing (FS17)", () => {
  const { clock, ask, node, said } = start();
  ask(DIAL);
  ask(DIAL);
  let before = said.length;
  node.shutdown();
  clock.advance(50);
  expect(said.slice(before).map((s) => firstChild(s)!.name)).toEqual(["end", "end"]);
  ask(DIAL);
  before = said.length;
  node.crash();
  clock.advance(100_000);
  expect([said.length - before, node.calls.size]).toEqual([0, 0]);
});

test("G4, DC1: a stranger's JID and a client's domain are noticed", () => {
  const { ask, node } = start({ gatewayJid: GW, foreignDomains: ["rayo.test", "capulet.lit"] });
  ask(DIAL);
  expect(node.violations).toEqual([]);
  ask(`<dial xmlns='${RAYO}' to='loopback/answer' uri='xmpp:a@rayo.test'/>`);
  ask(DIAL, "n1", "juliet@capulet.lit/b");
  expect(node.violations).toHaveLength(3);
});

test("the same seed makes the same ids, another one others", () => {
  const ids = [1, 1, 2].map((seed) => start({ random: seededRandom(seed) }).node.newId());
  expect(ids[0]).toBe(ids[1]!);
  expect(ids[0]).not.toBe(ids[2]!);
  expect(ids[0]).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});
