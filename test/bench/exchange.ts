/**
 * The exchange that the load consists of, the same for every peer: on a running call the node sends an event and
 * the client starts an output; the node answers with the component's `ref`, then the component completes. Four
 * stanzas of about 240 bytes cross the peer, three from node to client, one the other way.
 *
 * What comes out is checked: each stanza by call and step, in order and exactly once; every 61st to the letter.
 */
import { attribute, idSpan, type Parties } from "./parties.ts";
import { CLIENT, EXTERNAL, GATEWAY_JID, NODE, type PeerKind } from "./plan.ts";
import { STEPS_MAX } from "./mark.ts";
import { Template, uuidOf } from "./template.ts";

export const STANZAS_PER_EXCHANGE = 4;
const SAMPLE_EVERY = 61;
const LETTER_EVENT = 0x65, LETTER_COMMAND = 0x63, LETTER_RESULT = 0x72, LETTER_COMPLETE = 0x66;

/** Who writes to whom under which name: what a peer is sent, and what it must have made of it. */
interface Names {
  /** Whom the node writes to. */
  nodeTo: string;
  /** The domain the client finds calls in. */
  clientCalls: string;
  /** What the client must see as `to`, and as domain of calls; the node must see as `from`, and as domain. */
  seenTo: string;
  seenCalls: string;
  seenFrom: string;
  seenTarget: string;
}

function names(peer: PeerKind): Names {
  const asGateway = { nodeTo: GATEWAY_JID, clientCalls: EXTERNAL };
  switch (peer) {
    case "gateway":
    case "forwarder":
    case "copier":
      return { ...asGateway, seenTo: CLIENT, seenCalls: EXTERNAL, seenFrom: GATEWAY_JID, seenTarget: NODE };
    case "relay":
      return { ...asGateway, seenTo: GATEWAY_JID, seenCalls: NODE, seenFrom: CLIENT, seenTarget: EXTERNAL };
    case "prosody":
    case "ejabberd":
      return {
        nodeTo: CLIENT,
        clientCalls: NODE,
        seenTo: CLIENT,
        seenCalls: NODE,
        seenFrom: CLIENT,
        seenTarget: NODE,
      };
  }
}

const DELAY = "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'>";
const EVENT_BODY = `<dtmf xmlns='urn:xmpp:rayo:1' signal='4'/>${DELAY}{mark:e}</delay></presence>`;
const COMMAND_BODY =
  `<output xmlns='urn:xmpp:rayo:output:1' voice='lea'><document content-type='text/uri-list'>` +
  `{mark:c}</document></output></iq>`;
const REF_BODY = (calls: string) =>
  `<ref xmlns='urn:xmpp:rayo:1' uri='xmpp:{uuid}@${calls}/output-{key}' note='{mark:r}'/></iq>`;
const COMPLETE_BODY =
  `<complete xmlns='urn:xmpp:rayo:ext:1'><finish xmlns='urn:xmpp:rayo:output:complete:1'/>` +
  `</complete>${DELAY}{mark:f}</delay></presence>`;
const RESULT_START = Buffer.from("<iq type='result' id='");

/** `result` follows the requester's id, which only shows when the request has come out of the peer. */
function templates({ nodeTo, clientCalls }: Names) {
  return {
    event: `<presence from='{uuid}@${NODE}' to='${nodeTo}'>${EVENT_BODY}`,
    command: `<iq type='set' id='k{key}' from='${CLIENT}' to='{uuid}@${clientCalls}'>${COMMAND_BODY}`,
    result: `' from='{uuid}@${NODE}' to='${nodeTo}'>${REF_BODY(NODE)}`,
    complete:
      `<presence type='unavailable' from='{uuid}@${NODE}/output-{key}' to='${nodeTo}'>${COMPLETE_BODY}`,
  };
}

export class Exchange {
  /** Stanzas that came out of the peer on both sides. */
  received = 0;
  /** Exchanges that came to their end. */
  finished = 0;
  /** A stanza has arrived that was caused by the exchange of that call; for measuring time. */
  arrived: (call: number, byCommand: boolean) => void = () => {};
  /** The node has written its answers. */
  answered: (call: number) => void = () => {};
  readonly #parties: Parties;
  readonly #names: Names;
  readonly #event: Template;
  readonly #command: Template;
  readonly #result: Template;
  readonly #complete: Template;
  /** By call: exchanges begun; commands the node got; stanzas the client got, three an exchange. */
  readonly #begun: Int32Array;
  readonly #commanded: Int32Array;
  readonly #told: Int32Array;
  #sample = 0;

  constructor(parties: Parties, calls: number) {
    this.#parties = parties;
    this.#names = names(parties.peer);
    const texts = templates(this.#names);
    this.#event = new Template(texts.event);
    this.#command = new Template(texts.command);
    this.#result = new Template(texts.result);
    this.#complete = new Template(texts.complete);
    this.#begun = new Int32Array(calls);
    this.#commanded = new Int32Array(calls);
    this.#told = new Int32Array(calls);
    parties.onNode = (letter, call, step, buf, start, end) => this.#node(letter, call, step, buf, start, end);
    parties.onClient = (letter, call, step, buf, start, end) =>
      this.#client(letter, call, step, buf, start, end);
  }

  /** Mean length of what the generator writes; the client's id stands for the gateway's in the results. */
  get stanzaBytes(): number {
    const result = RESULT_START.length + 14 + this.#result.length;
    return (this.#event.length + this.#command.length + result + this.#complete.length) /
      STANZAS_PER_EXCHANGE;
  }

  /** Writes the first two stanzas of one exchange into the lines' buffers. */
  begin(call: number): void {
    const { nodeLine, clientLine } = this.#parties;
    const step = this.#begun[call]!++;
    if (step > STEPS_MAX) throw new Error("marks have no room for so many steps");
    nodeLine.reserve(this.#event.length);
    nodeLine.end = this.#event.write(nodeLine.out, nodeLine.end, call, call, step);
    clientLine.reserve(this.#command.length);
    clientLine.end = this.#command.write(clientLine.out, clientLine.end, call, call, step);
  }

  #node(letter: number, call: number, step: number, buf: Buffer, start: number, end: number): void {
    const id = idSpan(buf, start, end);
    if (letter !== LETTER_COMMAND || id < 0 || this.#commanded[call] !== step) {
      this.#parties.trouble(buf.toString("latin1", start, end));
      return;
    }
    this.#commanded[call] = step + 1;
    this.received++;
    if (++this.#sample % SAMPLE_EVERY === 0) {
      this.#checkCommand(buf.toString("latin1", start, end), call, step);
    }
    this.arrived(call, false);
    const line = this.#parties.nodeLine;
    const idStart = Math.floor(id / 1024), idLength = id % 1024;
    line.reserve(RESULT_START.length + idLength + this.#result.length + this.#complete.length);
    line.end += RESULT_START.copy(line.out, line.end);
    line.end += buf.copy(line.out, line.end, idStart, idStart + idLength);
    line.end = this.#result.write(line.out, line.end, call, call, step);
    line.end = this.#complete.write(line.out, line.end, call, call, step);
    this.answered(call);
  }

  #client(letter: number, call: number, step: number, buf: Buffer, start: number, end: number): void {
    const phase = letter === LETTER_EVENT
      ? 0
      : letter === LETTER_RESULT
      ? 1
      : letter === LETTER_COMPLETE
      ? 2
      : -1;
    if (phase < 0 || this.#told[call] !== step * 3 + phase) {
      this.#parties.trouble(buf.toString("latin1", start, end));
      return;
    }
    this.#told[call]!++;
    this.received++;
    if (++this.#sample % SAMPLE_EVERY === 0) {
      this.#checkToClient(buf.toString("latin1", start, end), phase, call, step);
    }
    this.arrived(call, phase > 0);
    if (phase === 2) this.finished++;
  }

  #checkCommand(stanza: string, call: number, step: number): void {
    const { seenFrom, seenTarget } = this.#names;
    const same = attribute(stanza, "from") === seenFrom && attribute(stanza, "type") === "set" &&
      attribute(stanza, "to") === `${uuidOf(call)}@${seenTarget}`;
    if (!same || !this.#sameBody(stanza, COMMAND_BODY, call, step)) this.#parties.trouble(stanza);
  }

  #checkToClient(stanza: string, phase: number, call: number, step: number): void {
    const { seenTo, seenCalls } = this.#names;
    const component = phase === 2 ? new Template("/output-{key}").text(call, call, step) : "";
    const same = attribute(stanza, "to") === seenTo &&
      attribute(stanza, "from") === `${uuidOf(call)}@${seenCalls}${component}` &&
      attribute(stanza, "type") === (phase === 0 ? "" : phase === 1 ? "result" : "unavailable") &&
      (phase !== 1 || attribute(stanza, "id") === new Template("k{key}").text(call, call, step));
    // The forwarder that is compared against leaves the URI inside a result alone (RW3 asks more of the gateway).
    const refDomain = this.#parties.peer === "gateway" ? EXTERNAL : NODE;
    const body = phase === 0 ? EVENT_BODY : phase === 1 ? REF_BODY(refDomain) : COMPLETE_BODY;
    if (!same || !this.#sameBody(stanza, body, call, step)) this.#parties.trouble(stanza);
  }

  /** Servers write XML their own way: of their output the children's marks and addresses above must do. */
  #sameBody(stanza: string, body: string, call: number, step: number): boolean {
    if (this.#parties.peer === "prosody" || this.#parties.peer === "ejabberd") return true;
    const inside = stanza.slice(stanza.indexOf(">") + 1);
    const wanted = new Template(body).text(call, call, step);
    // @xmpp/xml writes double quotes.
    return inside === wanted || this.#parties.peer === "forwarder" && inside === wanted.replaceAll("'", '"');
  }
}

/** The four stanzas as node and client would send them, for a bench without sockets. */
export function exchangeTexts(call: number, step: number): string[] {
  const { event, command, result, complete } = templates(names("gateway"));
  const texts = [event, command, `${RESULT_START.toString()}k{key}${result}`, complete];
  return texts.map((text) => new Template(text).text(call, call, step));
}
