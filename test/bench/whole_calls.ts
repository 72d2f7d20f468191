/**
 * Whole calls, one after the other in many slots at once: the client dials, the node answers with a `ref`, says
 * ringing and answered, the client hangs up, the node answers and says that the call has ended. Seven stanzas, two
 * of them requests that change state at both ends.
 *
 * Each slot's steps must come in order and once; ids are never used again.
 */
import { attribute, idSpan, type Parties, untilDone } from "./parties.ts";
import { CLIENT, EXTERNAL, GATEWAY_JID, NODE, type Numbers, type WholeCallsPlan } from "./plan.ts";
import { CALLS_MAX } from "./mark.ts";
import { Template, uuidOf } from "./template.ts";

const DELAY = "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'>";
const RESULT_START = Buffer.from("<iq type='result' id='");
const DIAL = new Template(
  `<iq type='set' id='~a{key}' from='${CLIENT}' to='${EXTERNAL}'><dial xmlns='urn:xmpp:rayo:1' to='tel:+15551234567' ` +
    `from='tel:+15557654321'><header name='X-Mark' value='{mark:d}'/></dial></iq>`,
);
const REF = new Template(
  `' from='${NODE}' to='${GATEWAY_JID}'><ref xmlns='urn:xmpp:rayo:1' uri='xmpp:{uuid}@${NODE}'/></iq>`,
);
const RINGING = event("", "<ringing xmlns='urn:xmpp:rayo:1'/>", "g");
const ANSWERED = event("", "<answered xmlns='urn:xmpp:rayo:1'/>", "w");
const HANGUP = new Template(
  `<iq type='set' id='~q{key}' from='${CLIENT}' to='{uuid}@${EXTERNAL}'><hangup xmlns='urn:xmpp:rayo:1'>` +
    `<header name='X-Mark' value='{mark:h}'/></hangup></iq>`,
);
const RESULT = new Template(`' from='{uuid}@${NODE}' to='${GATEWAY_JID}'/>`);
const END = event("type='unavailable' ", "<end xmlns='urn:xmpp:rayo:1'><hangup-command/></end>", "z");
/** What the client must be told, in this order. */
const STEPS = [..."agwqz"].map((letter) => letter.charCodeAt(0));
const LETTER_D = 0x64, LETTER_H = 0x68;
const STEP_ANSWERED = 2, STEP_LAST = 4;
const STANZAS_PER_CALL = 7;
const SAMPLE_EVERY = 61;
/** Room for what is written back in one go, the gateway's id included. */
const ANSWER_BYTES_MAX = 2048;

function event(type: string, body: string, letter: string): Template {
  return new Template(
    `<presence ${type}from='{uuid}@${NODE}' to='${GATEWAY_JID}'>${body}${DELAY}{mark:${letter}}</delay></presence>`,
  );
}

export async function wholeCalls(
  parties: Parties,
  plan: WholeCallsPlan,
  cost: () => number,
): Promise<Numbers> {
  const { nodeLine, clientLine } = parties;
  const slots = plan.concurrent;
  /** By slot: calls it has had, and how far the present one has come (index of STEPS that is next). */
  const generation = new Int32Array(slots), next = new Int8Array(slots);
  /** Answered calls that wait to be hung up, oldest first: slot and time, in a ring that holds every slot once. */
  const waitingSlot = new Int32Array(slots), waitingSince = new Float64Array(slots);
  let waitingHead = 0, waitingCount = 0;
  let received = 0, ended = 0, dialed = 0, stopped = false, sample = 0;

  const number = (slot: number, step: number) => {
    const unique = step * slots + slot;
    if (unique > CALLS_MAX) throw new Error("the run was too long for unique call ids");
    return unique;
  };
  const dial = (slot: number) => {
    const step = generation[slot]!;
    clientLine.reserve(DIAL.length);
    clientLine.end = DIAL.write(clientLine.out, clientLine.end, number(slot, step), slot, step);
    dialed++;
  };
  const hangUpDue = () => {
    const due = performance.now() - plan.holdMs;
    while (waitingCount > 0 && waitingSince[waitingHead]! <= due) {
      const slot = waitingSlot[waitingHead]!, step = generation[slot]!;
      waitingHead = (waitingHead + 1) % slots;
      waitingCount--;
      clientLine.reserve(HANGUP.length);
      clientLine.end = HANGUP.write(clientLine.out, clientLine.end, number(slot, step), slot, step);
    }
  };

  parties.onNode = (letter, slot, step, buf, start, end) => {
    const id = idSpan(buf, start, end);
    if (letter !== LETTER_D && letter !== LETTER_H || id < 0 || generation[slot] !== step) {
      return parties.trouble(buf.toString("latin1", start, end));
    }
    received++;
    const idStart = Math.floor(id / 1024), idLength = id % 1024, unique = number(slot, step);
    nodeLine.reserve(ANSWER_BYTES_MAX);
    const out = nodeLine.out;
    let at = nodeLine.end;
    at += RESULT_START.copy(out, at);
    at += buf.copy(out, at, idStart, idStart + idLength);
    for (const part of letter === LETTER_D ? [REF, RINGING, ANSWERED] : [RESULT, END]) {
      at = part.write(out, at, unique, slot, step);
    }
    nodeLine.end = at;
  };
  parties.onClient = (letter, slot, step, buf, start, end) => {
    const at = next[slot]!;
    if (letter !== STEPS[at] || generation[slot] !== step) {
      return parties.trouble(buf.toString("latin1", start, end));
    }
    received++;
    if (++sample % SAMPLE_EVERY === 0) check(buf.toString("latin1", start, end), at, number(slot, step));
    if (at === STEP_ANSWERED) {
      const tail = (waitingHead + waitingCount++) % slots;
      waitingSlot[tail] = slot;
      waitingSince[tail] = performance.now();
    }
    if (at < STEP_LAST) {
      next[slot] = at + 1;
      return;
    }
    ended++;
    next[slot] = 0;
    generation[slot] = step + 1;
    if (!stopped) dial(slot);
  };
  const check = (stanza: string, at: number, unique: number) => {
    const uuid = uuidOf(unique);
    const fromCall = attribute(stanza, "from") === (at === 0 ? EXTERNAL : `${uuid}@${EXTERNAL}`);
    const right = attribute(stanza, "to") === CLIENT && fromCall &&
      (at !== 0 || stanza.includes(`'xmpp:${uuid}@${EXTERNAL}'`)) &&
      (at !== STEP_LAST || attribute(stanza, "type") === "unavailable");
    if (!right) parties.trouble(stanza);
  };
  parties.afterChunk = hangUpDue;
  const timer = setInterval(() => {
    hangUpDue();
    parties.flush();
  }, 2);

  try {
    for (let slot = 0; slot < slots; slot++) dial(slot);
    parties.flush();
    const run = async (seconds: number) => {
      const deadline = performance.now() + seconds * 1000;
      await untilDone(parties, () => received, () => performance.now() > deadline);
    };
    await run(plan.seconds * 0.4);
    const cpuStart = cost(), wallStart = performance.now(), endedStart = ended;
    await run(plan.seconds);
    const calls = ended - endedStart, wall = (performance.now() - wallStart) / 1000, cpu = cost() - cpuStart;
    stopped = true;
    await untilDone(parties, () => received, () => ended === dialed);
    await Bun.sleep(50);
    parties.assertCalm();
    if (received !== dialed * STANZAS_PER_CALL) throw new Error("stanzas were lost or doubled");
    return {
      callsPerCpuSecond: calls / cpu,
      calls,
      cpuSeconds: cpu,
      wallSeconds: wall,
      callsPerSecond: calls / wall,
    };
  } finally {
    clearInterval(timer);
  }
}
