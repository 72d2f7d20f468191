/**
 * The two parties at the ends of the load, one node and one client, played on two lines: they announce themselves,
 * answer whatever the peer under test asks of them on its own account (pings, probes, disco), and keep a list of
 * everything that should not have come.
 *
 * The loads (steady.ts, paced.ts, whole_calls.ts) take over `marked`; nothing of a load passes here.
 */
import type { Line } from "./line.ts";
import { MarkReader, type MarkSink } from "./mark_reader.ts";
import { CLIENT, EXTERNAL, GATEWAY_JID, INTERNAL, NODE, type PeerKind } from "./plan.ts";

export type Marked = MarkSink["marked"];

const TROUBLES_MAX = 5;

export class Parties {
  readonly peer: PeerKind;
  readonly nodeLine: Line;
  readonly clientLine: Line;
  onNode: Marked = () => {};
  onClient: Marked = () => {};
  /** Called when all of a chunk has been read: the moment to write answers and new load at once. */
  afterChunk: () => void = () => {};
  readonly troubles: string[] = [];
  troubleCount = 0;
  #nodeGreeted: () => void = () => {};
  #clientAsked: () => void = () => {};

  constructor(peer: PeerKind, nodeLine: Line, clientLine: Line) {
    this.peer = peer;
    this.nodeLine = nodeLine;
    this.clientLine = clientLine;
    const nodeReader = new MarkReader({
      marked: (letter, call, step, buf, start, end) => this.onNode(letter, call, step, buf, start, end),
      unmarked: (text) => this.#unmarked(text, nodeLine, NODE),
    });
    const clientReader = new MarkReader({
      marked: (letter, call, step, buf, start, end) => this.onClient(letter, call, step, buf, start, end),
      unmarked: (text) => this.#unmarked(text, clientLine, CLIENT),
    });
    nodeLine.receive = (chunk) => this.#received(nodeReader, chunk);
    clientLine.receive = (chunk) => this.#received(clientReader, chunk);
    nodeLine.lost = clientLine.lost = (why) => this.trouble(why);
  }

  trouble(what: string): void {
    this.troubleCount++;
    if (this.troubles.length < TROUBLES_MAX) this.troubles.push(what);
  }

  /** Throws if anything came that should not have come. */
  assertCalm(): void {
    if (this.troubleCount > 0) {
      throw new Error(`${this.troubleCount} wrong stanzas; the first: ${this.troubles.join(" | ")}`);
    }
  }

  /** Node and client say `chat`; resolves when the gateway has taken notice of both, or after a while anyway. */
  async announce(): Promise<void> {
    if (this.peer !== "gateway") return;
    const greeted = new Promise<void>((resolve) => this.#nodeGreeted = resolve);
    const asked = new Promise<void>((resolve) => this.#clientAsked = resolve);
    this.nodeLine.text(`<presence from='${NODE}' to='${INTERNAL}'><show>chat</show></presence>`);
    this.clientLine.text(`<presence from='${CLIENT}' to='${EXTERNAL}'><show>chat</show></presence>`);
    this.flush();
    // DC33 and DC31: the node is greeted, the client is pinged. A gateway that does neither gets some time.
    await Promise.race([Promise.all([greeted, asked]), Bun.sleep(2000)]);
  }

  flush(): void {
    this.nodeLine.flush();
    this.clientLine.flush();
  }

  #received(reader: MarkReader, chunk: Buffer): void {
    try {
      reader.push(chunk);
    } catch (error) {
      this.trouble(error instanceof Error ? error.message : String(error));
    }
    this.afterChunk();
    this.flush();
  }

  #unmarked(text: string, line: Line, self: string): void {
    const stanza = text.trim();
    const to = attribute(stanza, "to"), from = attribute(stanza, "from"), type = attribute(stanza, "type");
    if (stanza.startsWith("<presence")) {
      if (type === "error") this.trouble(stanza);
      if (line === this.nodeLine && from === GATEWAY_JID) this.#nodeGreeted();
      return;
    }
    if (!stanza.startsWith("<iq")) {
      this.trouble(stanza);
      return;
    }
    if (type !== "get" && type !== "set") {
      // Results of a load's requests have marks in their ids: an unmarked one is an error or nobody's.
      this.trouble(stanza);
      return;
    }
    if (to === from || to === EXTERNAL || to === INTERNAL) {
      // A component asks itself through the server whether the connection lives (DC7): a server sends it back.
      line.text(stanza);
      return;
    }
    const isPing = stanza.includes("urn:xmpp:ping");
    const back = `<iq from='${to}' to='${from}' id='${attribute(stanza, "id")}'`;
    // FS47: node and client answer pings; FS46: a call answers everything unknown with feature-not-implemented.
    if (isPing && to === self) line.text(`${back} type='result'/>`);
    else {
      line.text(
        `${back} type='error'><error type='modify'><feature-not-implemented ` +
          `xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
      );
    }
    if (line === this.clientLine && isPing) this.#clientAsked();
  }
}

/** An attribute of the stanza's own tag, raw; "" if absent. */
export function attribute(stanza: string, name: string): string {
  const tag = stanza.slice(0, stanza.indexOf(">") + 1);
  return new RegExp(`\\s${name}\\s*=\\s*(?:'([^']*)'|"([^"]*)")`).exec(tag)?.slice(1).find((value) =>
    value !== undefined
  ) ?? "";
}

/** Where the value of the `id` attribute of the tag at `start` lies: packed as start * 1024 + length; -1 if absent. */
export function idSpan(buf: Buffer, start: number, end: number): number {
  for (let i = start; i < end - 4; i++) {
    // ` id=` and a quote
    if (buf[i] === 0x20 && buf[i + 1] === 0x69 && buf[i + 2] === 0x64 && buf[i + 3] === 0x3d) {
      const quote = buf[i + 4]!;
      let last = i + 5;
      while (last < end && buf[last] !== quote) last++;
      return (i + 5) * 1024 + (last - i - 5);
    }
    if (buf[i] === 0x3e) return -1;
  }
  return -1;
}

/** Rejects when `count` has not moved for `stallMs`, or trouble came up; resolves when `done` says so. */
export async function untilDone(
  parties: Parties,
  count: () => number,
  done: () => boolean,
  stallMs = 15_000,
): Promise<void> {
  let last = count();
  let since = performance.now();
  while (!done()) {
    await Bun.sleep(5);
    parties.assertCalm();
    const now = performance.now();
    if (count() !== last) {
      last = count();
      since = now;
    } else if (now - since > stallMs) {
      throw new Error(`nothing came back for ${stallMs} ms after ${last} stanzas: some were lost`);
    }
  }
}
