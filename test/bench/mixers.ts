/**
 * Many mixers of ten participants each: the ten resources dial, join their calls to their mixer, and then hear who
 * speaks. Answers events out a CPU second of the whole process under test, and what a mixer holds in memory.
 *
 * A peer without mixers (the copier) needs no calls and no joins: its events carry the same addresses anyway.
 */
import { callOf, FanOut } from "./fan_out.ts";
import { idSpan, type Parties, untilDone } from "./parties.ts";
import {
  EXTERNAL,
  GATEWAY_JID,
  type MixersPlan,
  NODE,
  type Numbers,
  PARTICIPANTS,
  RECIPIENT_STEM,
} from "./plan.ts";
import { Template, uuidOf } from "./template.ts";

const REQUESTS_IN_FLIGHT = 1024;
/** About 0.6 MB of copies in flight at a time. */
const EVENTS_IN_FLIGHT = 256;
const BATCH = 64;
/** Share of the load that goes before, for the JIT. */
const WARM_SHARE = 0.4;
/** A prime: mixers are touched far apart, as in life. */
const STRIDE = 7919;
/** A garbage collector gives memory back late. */
const SETTLE_MS = 3000;
const SAMPLE_EVERY = 61;
const LETTER_D = 0x64, LETTER_A = 0x61, LETTER_J = 0x6a;

const perRecipient = (text: (jid: string) => string): Template[] =>
  Array.from({ length: PARTICIPANTS }, (_, i) => new Template(text(`${RECIPIENT_STEM}${i}`)));
/** In marks and keys: mixer and participant. */
const DIAL = perRecipient((jid) =>
  `<iq type='set' id='~a{key}' from='${jid}' to='${EXTERNAL}'><dial xmlns='urn:xmpp:rayo:1' to='tel:+15551234567' ` +
  `from='tel:+15557654321'><header name='X-Mark' value='{mark:d}'/></dial></iq>`
);
const JOIN = perRecipient((jid) =>
  `<iq type='set' id='~j{key}' from='${jid}' to='{uuid}@${EXTERNAL}'><join xmlns='urn:xmpp:rayo:1' ` +
  `direction='duplex' media='bridge' mixer-name='m{call}'><header name='X-Mark' value='{mark:j}'/></join></iq>`
);
const RESULT_START = Buffer.from("<iq type='result' id='");
const REF = new Template(
  `' from='${NODE}' to='${GATEWAY_JID}'><ref xmlns='urn:xmpp:rayo:1' uri='xmpp:{uuid}@${NODE}'/></iq>`,
);
const RESULT = new Template(`' from='{uuid}@${NODE}' to='${GATEWAY_JID}'/>`);

/** Sends `total` requests, a bounded number of them at a time, until all are answered. */
async function flow(
  parties: Parties,
  total: number,
  write: (n: number) => void,
  answered: () => number,
): Promise<void> {
  let begun = 0;
  const fill = () => {
    while (begun < total && begun - answered() < REQUESTS_IN_FLIGHT) write(begun++);
  };
  parties.afterChunk = fill;
  fill();
  parties.flush();
  await untilDone(parties, answered, () => answered() === total);
  parties.afterChunk = () => {};
}

function writeRequest(parties: Parties, templates: readonly Template[], call: number): void {
  const { clientLine } = parties;
  const index = call % PARTICIPANTS;
  const template = templates[index]!;
  clientLine.reserve(template.length);
  const mixer = (call - index) / PARTICIPANTS;
  clientLine.end = template.write(clientLine.out, clientLine.end, call, mixer, index);
}

/** The other resources say `chat`, as the first did; one stream keeps the order of all that follows. */
function announceOthers(parties: Parties): void {
  for (let i = 0; i < PARTICIPANTS; i++) {
    parties.clientLine.text(
      `<presence from='${RECIPIENT_STEM}${i}' to='${EXTERNAL}'><show>chat</show></presence>`,
    );
  }
}

/** Makes every participant's call, or joins each to its mixer. Returns what follows the mixers' names at the node. */
async function setUp(parties: Parties, calls: number, templates: readonly Template[]): Promise<string> {
  const { nodeLine } = parties;
  const joins = templates === JOIN;
  const wanted = joins ? LETTER_J : LETTER_D, answer = joins ? LETTER_J : LETTER_A;
  const asked = new Uint8Array(calls), done = new Uint8Array(calls);
  let answered = 0, tag = "";

  parties.onNode = (letter, mixer, index, buf, start, end) => {
    const id = idSpan(buf, start, end), call = callOf(mixer, index);
    const named = joins ? tagOf(buf.toString("latin1", start, end), mixer) : "";
    if (call === 0) tag = named ?? "";
    if (letter !== wanted || id < 0 || asked[call]! > 0 || named !== tag) {
      return parties.trouble(buf.toString("latin1", start, end));
    }
    asked[call] = 1;
    const idStart = Math.floor(id / 1024), idLength = id % 1024, rest = joins ? RESULT : REF;
    nodeLine.reserve(RESULT_START.length + idLength + rest.length);
    nodeLine.end += RESULT_START.copy(nodeLine.out, nodeLine.end);
    nodeLine.end += buf.copy(nodeLine.out, nodeLine.end, idStart, idStart + idLength);
    nodeLine.end = rest.write(nodeLine.out, nodeLine.end, call, mixer, index);
  };
  parties.onClient = (letter, mixer, index, buf, start, end) => {
    const call = callOf(mixer, index);
    const sampled = call % SAMPLE_EVERY === 0;
    const right = letter === answer && asked[call] === 1 && done[call] === 0 &&
      (!sampled || isAnswer(buf.toString("latin1", start, end), call, index));
    if (!right) return parties.trouble(buf.toString("latin1", start, end));
    done[call] = 1;
    answered++;
  };
  await flow(parties, calls, (call) => writeRequest(parties, templates, call), () => answered);
  return tag;
}

/** What follows the name that the client gave `mixer`, or null if it is another one. */
function tagOf(stanza: string, mixer: number): string | null {
  const name = /mixer-name='([^']*)'/.exec(stanza)?.[1] ?? "";
  const stem = new Template("m{call}").text(0, mixer, 0);
  return name.startsWith(stem) ? name.slice(stem.length) : null;
}

function isAnswer(stanza: string, call: number, index: number): boolean {
  return stanza.includes("type='result'") && stanza.includes(`${uuidOf(call)}@${EXTERNAL}`) &&
    stanza.includes(`to='${RECIPIENT_STEM}${index}'`);
}

export async function mixers(
  parties: Parties,
  plan: MixersPlan,
  cost: () => number,
  resident: () => number,
): Promise<Numbers> {
  const calls = callOf(plan.mixers, 0);
  const isGateway = parties.peer === "gateway";
  let tag = "", before = 0, setUpSeconds = 0;
  if (isGateway) {
    const startedAt = performance.now();
    announceOthers(parties);
    await setUp(parties, calls, DIAL);
    await Bun.sleep(SETTLE_MS);
    before = resident();
    tag = await setUp(parties, calls, JOIN);
    setUpSeconds = (performance.now() - startedAt) / 1000;
  }

  const fanOut = new FanOut(parties, plan.mixers, tag);
  const stride = STRIDE % plan.mixers;
  let next = 0, begun = 0, last = plan.mixers;
  const begin = () => {
    const room = Math.min(EVENTS_IN_FLIGHT - (begun - fanOut.received / PARTICIPANTS), last - begun);
    if (room < BATCH && begun + room < last) return;
    for (let i = 0; i < Math.floor(room); i++, begun++) {
      fanOut.begin(next);
      next = (next + stride) % plan.mixers;
    }
  };
  const received = () => fanOut.received;
  const all = () => untilDone(parties, received, () => fanOut.received === begun * PARTICIPANTS);
  const run = async (seconds: number) => {
    const deadline = performance.now() + seconds * 1000;
    await untilDone(parties, received, () => performance.now() > deadline);
  };
  parties.afterChunk = begin;
  // One event of every mixer: from then on the gateway knows who was told of it (PMX8).
  begin();
  parties.flush();
  await untilDone(parties, received, () => fanOut.received === last * PARTICIPANTS);
  if (isGateway) await Bun.sleep(SETTLE_MS);
  const after = resident();

  last = Infinity;
  begin();
  parties.flush();
  await run(plan.seconds * WARM_SHARE);
  const cpuStart = cost(), wallStart = performance.now(), first = fanOut.received;
  await run(plan.seconds);
  const cpu = cost() - cpuStart, wall = (performance.now() - wallStart) / 1000;
  const events = fanOut.received - first;
  // Everything that was begun has to arrive, once.
  last = begun;
  await all();
  await Bun.sleep(50);
  parties.assertCalm();
  if (fanOut.received !== begun * PARTICIPANTS) throw new Error("events were lost or doubled");
  const numbers = {
    eventsOutPerCpuSecond: events / cpu,
    eventsOut: events,
    cpuSeconds: cpu,
    wallSeconds: wall,
    stanzaBytes: fanOut.stanzaBytes,
    residentMB: after / 1e6,
  };
  if (!isGateway) return numbers;
  return {
    ...numbers,
    setUpSeconds,
    bytesPerMixer: (after - before) / plan.mixers,
    bytesPerParticipant: (after - before) / calls,
  };
}
