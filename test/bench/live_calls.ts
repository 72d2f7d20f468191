/**
 * Sets up live calls that the load then runs over: the client dials, the node answers with a `ref` and says that the
 * call was answered. Bounded in flight; every dial is checked to get its own call back.
 *
 * Peers without calls (forwarder, relay, servers) need none of it: their stanzas carry the same addresses anyway.
 */
import { idSpan, type Parties, untilDone } from "./parties.ts";
import { CLIENT, EXTERNAL, GATEWAY_JID, NODE } from "./plan.ts";
import { Template } from "./template.ts";

const IN_FLIGHT = 1024;
const BATCH = 128;

const DIAL = new Template(
  `<iq type='set' id='~a{key}' from='${CLIENT}' to='${EXTERNAL}'><dial xmlns='urn:xmpp:rayo:1' to='tel:+15551234567' ` +
    `from='tel:+15557654321'><header name='X-Mark' value='{mark:d}'/></dial></iq>`,
);
const REF_START = Buffer.from("<iq type='result' id='");
const REF = new Template(
  `' from='${NODE}' to='${GATEWAY_JID}'><ref xmlns='urn:xmpp:rayo:1' uri='xmpp:{uuid}@${NODE}'/></iq>`,
);
const ANSWERED = new Template(
  `<presence from='{uuid}@${NODE}' to='${GATEWAY_JID}'><answered xmlns='urn:xmpp:rayo:1'/>` +
    `<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'>{mark:w}</delay></presence>`,
);
const LETTER_D = 0x64, LETTER_A = 0x61, LETTER_W = 0x77;

export async function setUpLiveCalls(parties: Parties, calls: number): Promise<void> {
  if (parties.peer !== "gateway") return;
  const { nodeLine, clientLine } = parties;
  let dialed = 0, free = IN_FLIGHT, answered = 0;
  /** 1: the ref came, 2: `answered` came after it. */
  const progress = new Uint8Array(calls);

  const dial = () => {
    if (free < BATCH && dialed + free < calls) return;
    const count = Math.min(free, calls - dialed);
    clientLine.reserve(count * DIAL.length);
    for (let i = 0; i < count; i++, dialed++) {
      clientLine.end = DIAL.write(clientLine.out, clientLine.end, dialed, dialed, 0);
    }
    free -= count;
  };

  parties.onNode = (letter, call, _step, buf, start, end) => {
    const id = idSpan(buf, start, end);
    if (letter !== LETTER_D || id < 0) return parties.trouble(buf.toString("latin1", start, end));
    const idStart = Math.floor(id / 1024), idLength = id % 1024;
    nodeLine.reserve(REF_START.length + idLength + REF.length + ANSWERED.length);
    nodeLine.end += REF_START.copy(nodeLine.out, nodeLine.end);
    nodeLine.end += buf.copy(nodeLine.out, nodeLine.end, idStart, idStart + idLength);
    nodeLine.end = REF.write(nodeLine.out, nodeLine.end, call, call, 0);
    nodeLine.end = ANSWERED.write(nodeLine.out, nodeLine.end, call, call, 0);
  };
  parties.onClient = (letter, call, _step, buf, start, end) => {
    if (letter === LETTER_A && progress[call] === 0 && buf.toString("latin1", start, end).includes("<ref")) {
      progress[call] = 1;
    } else if (letter === LETTER_W && progress[call] === 1) {
      progress[call] = 2;
      answered++;
      free++;
    } else parties.trouble(buf.toString("latin1", start, end));
  };
  parties.afterChunk = dial;

  dial();
  parties.flush();
  await untilDone(parties, () => answered, () => answered === calls);
  parties.afterChunk = () => {};
}
