/**
 * A mixer's events as they go in once and come out ten times: the node says that a participant has begun to speak,
 * each of the ten resources with a call in the mixer is told.
 *
 * What comes out is checked: each copy by mixer, step and recipient, in order and exactly once; every 61st to the
 * letter.
 */
import { STEPS_MAX } from "./mark.ts";
import { attribute, type Parties } from "./parties.ts";
import { EXTERNAL, GATEWAY_JID, NODE, PARTICIPANTS, RECIPIENT_STEM } from "./plan.ts";
import { Template } from "./template.ts";

const SAMPLE_EVERY = 61;
const LETTER_EVENT = 0x65;
const STEM = Buffer.from(RECIPIENT_STEM);
const DIGIT_0 = 0x30;

const body = (calls: string) =>
  `<started-speaking xmlns='urn:xmpp:rayo:1' call-uri='xmpp:{uuid}@${calls}'/>` +
  `<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'>{mark:e}</delay></presence>`;

/** The call that participant `index` has in `mixer`. */
export function callOf(mixer: number, index: number): number {
  return mixer * PARTICIPANTS + index;
}

export class FanOut {
  /** Copies that came out of the peer. */
  received = 0;
  readonly #parties: Parties;
  readonly #event: Template;
  readonly #name = new Template("m{call}");
  readonly #inside: Template;
  readonly #begun: Int32Array;
  /** By mixer and recipient: events told. */
  readonly #told: Int32Array;
  #sample = 0;

  /** `tag`: what the gateway has put behind a mixer's name towards its node. */
  constructor(parties: Parties, mixers: number, tag: string) {
    this.#parties = parties;
    this.#event = new Template(`<presence from='m{call}${tag}@${NODE}' to='${GATEWAY_JID}'>${body(NODE)}`);
    // The copier that is compared against leaves URIs alone (RW5 asks more of the gateway).
    this.#inside = new Template(body(parties.peer === "gateway" ? EXTERNAL : NODE));
    this.#begun = new Int32Array(mixers);
    this.#told = new Int32Array(mixers * PARTICIPANTS);
    parties.onNode = (_letter, _call, _step, buf, start, end) =>
      parties.trouble(buf.toString("latin1", start, end));
    parties.onClient = (letter, mixer, step, buf, start, end) =>
      this.#client(letter, mixer, step, buf, start, end);
  }

  /** Length of what the generator writes. */
  get stanzaBytes(): number {
    return this.#event.length;
  }

  /** Writes one event of `mixer` into the node's buffer. */
  begin(mixer: number): void {
    const { nodeLine } = this.#parties;
    const step = this.#begun[mixer]!++;
    if (step > STEPS_MAX) throw new Error("marks have no room for so many steps");
    nodeLine.reserve(this.#event.length);
    const speaker = callOf(mixer, step % PARTICIPANTS);
    nodeLine.end = this.#event.write(nodeLine.out, nodeLine.end, speaker, mixer, step);
  }

  #client(letter: number, mixer: number, step: number, buf: Buffer, start: number, end: number): void {
    const recipient = recipientOf(buf, start, end);
    const at = callOf(mixer, recipient);
    if (letter !== LETTER_EVENT || recipient < 0 || this.#told[at] !== step || this.#begun[mixer]! <= step) {
      this.#parties.trouble(buf.toString("latin1", start, end));
      return;
    }
    this.#told[at] = step + 1;
    this.received++;
    if (++this.#sample % SAMPLE_EVERY === 0) this.#check(buf.toString("latin1", start, end), mixer, step);
  }

  #check(stanza: string, mixer: number, step: number): void {
    const speaker = callOf(mixer, step % PARTICIPANTS);
    const from = `${this.#name.text(0, mixer, 0)}@${EXTERNAL}`;
    const inside = stanza.slice(stanza.indexOf(">") + 1);
    const wanted = this.#inside.text(speaker, mixer, step);
    // @xmpp/xml writes double quotes.
    const same = inside === wanted ||
      this.#parties.peer === "copier" && inside === wanted.replaceAll("'", '"');
    if (!same || attribute(stanza, "from") !== from || attribute(stanza, "type") !== "") {
      this.#parties.trouble(stanza);
    }
  }
}

/** Which of the ten resources the stanza at `start` is for; -1: none of them. */
function recipientOf(buf: Buffer, start: number, end: number): number {
  for (let i = start; i < end - 4 && buf[i] !== 0x3e; i++) {
    // ` to=` and a quote
    if (buf[i] !== 0x20 || buf[i + 1] !== 0x74 || buf[i + 2] !== 0x6f || buf[i + 3] !== 0x3d) continue;
    const at = i + 5, digit = at + STEM.length;
    if (digit + 1 >= end || buf[digit + 1] !== buf[i + 4]) return -1;
    if (buf.compare(STEM, 0, STEM.length, at, digit) !== 0) return -1;
    const index = buf[digit]! - DIGIT_0;
    return index >= 0 && index < PARTICIPANTS ? index : -1;
  }
  return -1;
}

/** The ten copies of the event `step` of `mixer` as the gateway has to write them, for tests. */
export function copiesOf(mixer: number, step: number): string[] {
  const speaker = callOf(mixer, step % PARTICIPANTS);
  const name = new Template("m{call}").text(0, mixer, 0), inside = new Template(body(EXTERNAL));
  return Array.from(
    { length: PARTICIPANTS },
    (_, i) =>
      `<presence from='${name}@${EXTERNAL}' to='${RECIPIENT_STEM}${i}'>${inside.text(speaker, mixer, step)}`,
  );
}
