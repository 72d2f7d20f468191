/**
 * Events that come before the result of their dial (PX7): a node with outstanding dials says something of very many
 * calls that nobody knows yet. All of it is held; the results that come then release a tenth, the rest is dropped when
 * its time is up.
 *
 * Answers CPU an event (held, and released where it is), and what holding them all adds to the memory. It is checked
 * that all were held, within the limit, that each released event came once after its `ref`, and nothing else did.
 */
import { EARLY_BYTES_MAX } from "../../src/base/limits.ts";
import { attribute, idSpan, type Parties, untilDone } from "./parties.ts";
import { CLIENT, type EarlyPlan, EXTERNAL, GATEWAY_JID, INTERNAL, NODE, type Numbers } from "./plan.ts";
import { Template, uuidOf } from "./template.ts";

/** Time beyond the holding until all has surely been dropped. */
const EXPIRY_SLACK_MS = 200;
/** One event in so many belongs to a dial whose result comes. */
const RELEASED_EVERY = 10;
const DIALS_IN_FLIGHT = 1024;
/** Events written before the event loop has its turn. */
const BATCH = 256;
const SAMPLE_EVERY = 61;
const LETTER_D = 0x64, LETTER_A = 0x61, LETTER_E = 0x65, LETTER_P = 0x70;

/** In marks and keys: the event's call in its round, and the round; unique over all rounds is only the uuid. */
const DIAL = new Template(
  `<iq type='set' id='~a{key}' from='${CLIENT}' to='${EXTERNAL}'><dial xmlns='urn:xmpp:rayo:1' to='tel:+15551234567' ` +
    `from='tel:+15557654321'><header name='X-Mark' value='{mark:d}'/></dial></iq>`,
);
const REF = new Template(
  `' from='${NODE}' to='${GATEWAY_JID}'><ref xmlns='urn:xmpp:rayo:1' uri='xmpp:{uuid}@${NODE}'/></iq>`,
);
const SIGNAL = "<dtmf xmlns='urn:xmpp:rayo:1' signal='{mark:e}'/></presence>";
/** As short as an event with a mark can be: 100,000 of them have to stay below EARLY_BYTES_MAX. */
const EVENT = new Template(`<presence from='{uuid}@${NODE}' to='${GATEWAY_JID}'>${SIGNAL}`);
const INSIDE = new Template(SIGNAL);
/** When it is answered, all that was written before has been read. */
const PING = new Template(
  `<iq type='get' id='~p{key}' from='${NODE}' to='${INTERNAL}'><ping xmlns='urn:xmpp:ping'/></iq>`,
);

/** The tables that such a run needs in the gateway's configuration. */
export function earlyConfiguration(plan: EarlyPlan): string {
  return `[events]\nhold_ms = ${plan.holdMs}\n`;
}

/** What one round has cost. */
interface Round {
  cpuSeconds: number;
  expiryCpuSeconds: number;
  wallSeconds: number;
  heldBytes: number;
  growthBytes: number;
}

class EarlyRounds {
  readonly #parties: Parties;
  readonly #events: number;
  readonly #holdMs: number;
  /** The gateway's ids of the dials under way, by call. */
  readonly #ids = new Map<number, string>();
  /** By call: 1 the `ref` came, 2 the held event after it. */
  readonly #told: Uint8Array;
  #round = 0;
  #pinged = -1;
  #refs = 0;
  #released = 0;

  constructor(parties: Parties, { events, holdMs }: EarlyPlan) {
    this.#parties = parties;
    this.#events = events;
    this.#holdMs = holdMs;
    this.#told = new Uint8Array(events + 1);
    parties.onNode = (letter, call, round, buf, start, end) => {
      const id = idSpan(buf, start, end);
      if (letter === LETTER_P && round === this.#round) this.#pinged = round;
      else if (letter !== LETTER_D || round !== this.#round || id < 0 || this.#ids.has(call)) {
        parties.trouble(buf.toString("latin1", start, end));
      } else {
        const idStart = Math.floor(id / 1024);
        this.#ids.set(call, buf.toString("latin1", idStart, idStart + id % 1024));
      }
    };
    parties.onClient = (letter, call, round, buf, start, end) => {
      const phase = letter === LETTER_A ? 0 : letter === LETTER_E ? 1 : -1;
      const stanza = buf.toString("latin1", start, end);
      if (
        phase < 0 || round !== this.#round || this.#told[call] !== phase || !this.#right(stanza, call, phase)
      ) {
        return parties.trouble(stanza);
      }
      this.#told[call] = phase + 1;
      if (phase === 0) this.#refs++;
      else this.#released++;
    };
  }

  #number(call: number): number {
    return this.#round * (this.#events + 1) + call;
  }

  #right(stanza: string, call: number, phase: number): boolean {
    if (phase === 0) return stanza.includes("<ref");
    if (call % SAMPLE_EVERY !== 0) return true;
    const number = this.#number(call);
    return attribute(stanza, "from") === `${uuidOf(number)}@${EXTERNAL}` &&
      attribute(stanza, "to") === CLIENT &&
      stanza.slice(stanza.indexOf(">") + 1) === INSIDE.text(number, call, this.#round);
  }

  /** The calls whose dials get a result; the last number of a round is a dial without an event. */
  #dialed(): number[] {
    const calls: number[] = [];
    for (let call = 0; call < this.#events; call += RELEASED_EVERY) calls.push(call);
    return calls;
  }

  async run(
    cost: () => number,
    resident: () => number,
    heldBytes: () => Promise<number>,
  ): Promise<Round> {
    const parties = this.#parties;
    const dialed = this.#dialed();
    // While one dial is outstanding, what nobody explains is dropped without a word to the node (DC20).
    const open = this.#events;
    this.#ids.clear();
    this.#told.fill(0);
    this.#refs = this.#released = 0;
    await this.#dial([...dialed, open]);

    const before = resident(), cpuStart = cost(), wallStart = performance.now();
    await this.#write();
    const filled = cost() - cpuStart;
    const growthBytes = resident() - before, held = await heldBytes();
    if (held < this.#events * EVENT.length * 0.9) throw new Error(`only ${held} bytes of events are held`);
    if (held > EARLY_BYTES_MAX) throw new Error(`${held} bytes of events are held: more than allowed`);
    const releaseStart = cost();
    this.#answer(dialed);
    await this.#until(() => this.#released, dialed.length);
    const cpuSeconds = filled + cost() - releaseStart;
    const wallSeconds = (performance.now() - wallStart) / 1000;

    const expiryStart = cost();
    await Bun.sleep(this.#holdMs + EXPIRY_SLACK_MS);
    if (await heldBytes() !== 0) throw new Error("events are held for longer than they should be");
    const expiryCpuSeconds = cost() - expiryStart;
    this.#answer([open]);
    await this.#until(() => this.#refs, dialed.length + 1);
    parties.assertCalm();
    if (this.#released !== dialed.length) throw new Error("events were released that belong to no dial");
    this.#round++;
    return { cpuSeconds, expiryCpuSeconds, wallSeconds, heldBytes: held, growthBytes };
  }

  async #until(count: () => number, wanted: number): Promise<void> {
    await untilDone(this.#parties, count, () => count() >= wanted);
  }

  async #dial(calls: readonly number[]): Promise<void> {
    const { clientLine } = this.#parties;
    for (let at = 0; at < calls.length; at += DIALS_IN_FLIGHT) {
      for (const call of calls.slice(at, at + DIALS_IN_FLIGHT)) {
        clientLine.reserve(DIAL.length);
        clientLine.end = DIAL.write(clientLine.out, clientLine.end, this.#number(call), call, this.#round);
      }
      this.#parties.flush();
      await this.#until(() => this.#ids.size, Math.min(at + DIALS_IN_FLIGHT, calls.length));
    }
  }

  /** One event of each call; resolves when the gateway has read them all. */
  async #write(): Promise<void> {
    const { nodeLine } = this.#parties;
    for (let call = 0; call < this.#events; call++) {
      nodeLine.reserve(EVENT.length);
      nodeLine.end = EVENT.write(nodeLine.out, nodeLine.end, this.#number(call), call, this.#round);
      if (call % BATCH !== 0) continue;
      nodeLine.flush();
      await Bun.sleep(0);
    }
    nodeLine.reserve(PING.length);
    nodeLine.end = PING.write(nodeLine.out, nodeLine.end, 0, 0, this.#round);
    nodeLine.flush();
    const round = this.#round;
    await this.#until(() => this.#pinged, round);
  }

  #answer(calls: readonly number[]): void {
    const { nodeLine } = this.#parties;
    for (const call of calls) {
      nodeLine.text(`<iq type='result' id='${this.#ids.get(call)!}`);
      nodeLine.reserve(REF.length);
      nodeLine.end = REF.write(nodeLine.out, nodeLine.end, this.#number(call), call, this.#round);
    }
    nodeLine.flush();
  }
}

export async function earlyEvents(
  parties: Parties,
  plan: EarlyPlan,
  cost: () => number,
  resident: () => number,
  metrics: () => Promise<string>,
): Promise<Numbers> {
  const heldBytes = async () => {
    const value = /^rayo_gateway_early_bytes (\d+)$/m.exec(await metrics())?.[1];
    if (value === undefined) throw new Error("the metrics do not tell how much is held");
    return Number(value);
  };
  const rounds = new EarlyRounds(parties, plan);
  const empty = resident();
  // The first is for the JIT, and shows the memory's growth from nothing.
  const first = await rounds.run(cost, resident, heldBytes);
  const measured: Round[] = [];
  for (let i = 0; i < plan.rounds; i++) measured.push(await rounds.run(cost, resident, heldBytes));
  const sum = (value: (round: Round) => number) => measured.reduce((total, round) => total + value(round), 0);
  const events = plan.events * plan.rounds;
  return {
    microseconds: sum((it) => it.cpuSeconds) * 1e6 / events,
    expiryMicroseconds: sum((it) => it.expiryCpuSeconds) * 1e6 / events,
    events,
    cpuSeconds: sum((it) => it.cpuSeconds),
    wallSeconds: sum((it) => it.wallSeconds),
    heldMB: first.heldBytes / 1e6,
    growthMB: first.growthBytes / 1e6,
    bytesPerEvent: first.growthBytes / plan.events,
    residentAfterMB: resident() / 1e6,
    emptyResidentMB: empty / 1e6,
  };
}
