/**
 * The bench must notice when held events come out wrong: doubled, without a `ref`, before it, changed, or not held at
 * all. A gateway is played in memory, right at first, then wrong in one way at a time.
 */
import { expect, test } from "bun:test";
import { earlyEvents } from "./early.ts";
import { Line, type Outgoing } from "./line.ts";
import { stanzaEnd } from "./mark_reader.ts";
import { attribute, Parties } from "./parties.ts";
import { CLIENT, EXTERNAL, GATEWAY_JID, INTERNAL, NODE, type Numbers } from "./plan.ts";

/** Enough that the bench looks at one of the released to the letter. */
const EVENTS = 40;

/** What a gateway does wrong: with what the client gets for one result, or with what it holds. */
interface Wrong {
  told?: (ref: string, event: string) => string[];
  heldBytes?: (bytes: number) => number;
  keeps?: boolean;
}

/** Holds events by call and releases them behind their `ref`. */
class PlayedGateway {
  readonly #wrong: Wrong;
  readonly #held = new Map<string, string>();
  readonly #ids = new Map<string, string>();
  readonly #node: Line;
  readonly #client: Line;
  readonly parties: Parties;
  #asked = 0;

  constructor(wrong: Wrong) {
    this.#wrong = wrong;
    this.#node = new Line(wire((stanza) => this.#fromNode(stanza)));
    this.#client = new Line(wire((stanza) => this.#fromClient(stanza)));
    this.parties = new Parties("gateway", this.#node, this.#client);
  }

  #fromClient(stanza: string): void {
    const id = `g${this.#ids.size}`;
    this.#ids.set(id, attribute(stanza, "id"));
    const inside = stanza.slice(stanza.indexOf(">") + 1);
    deliver(this.#node, `<iq type='set' id='${id}' from='${GATEWAY_JID}' to='${NODE}'>${inside}`);
  }

  #fromNode(stanza: string): void {
    const id = attribute(stanza, "id");
    if (stanza.startsWith("<presence")) {
      this.#held.set(attribute(stanza, "from"), stanza);
    } else if (stanza.includes("urn:xmpp:ping")) {
      deliver(this.#node, `<iq type='result' id='${id}' from='${INTERNAL}' to='${NODE}'/>`);
    } else {
      const call = /uri='xmpp:([^']*)'/.exec(stanza)![1]!;
      const uri = call.replace(NODE, EXTERNAL);
      const ref = `<iq type='result' id='${this.#ids.get(id)}' from='${EXTERNAL}' to='${CLIENT}'>` +
        `<ref xmlns='urn:xmpp:rayo:1' uri='xmpp:${uri}'/></iq>`;
      const event = (this.#held.get(call) ?? "").replace(`'${call}'`, `'${uri}'`).replace(
        GATEWAY_JID,
        CLIENT,
      );
      this.#held.delete(call);
      const told = this.#wrong.told;
      for (const it of event === "" ? [ref] : told?.(ref, event) ?? [ref, event]) deliver(this.#client, it);
    }
  }

  /** Every second time it is asked the time of what is held is up. */
  metrics(): Promise<string> {
    if (++this.#asked % 2 === 0 && this.#wrong.keeps !== true) this.#held.clear();
    const bytes = [...this.#held.values()].join("").length;
    return Promise.resolve(
      `# TYPE rayo_gateway_early_bytes gauge\nrayo_gateway_early_bytes ${
        this.#wrong.heldBytes?.(bytes) ?? bytes
      }\n`,
    );
  }
}

/** What is written arrives a little later, as it does on a socket. */
function wire(taken: (stanza: string) => void): Outgoing {
  return {
    write(buf, start, length) {
      const bytes = Buffer.from(buf.subarray(start, start + length));
      queueMicrotask(() => {
        for (let at = 0; at < bytes.length;) {
          const end = stanzaEnd(bytes, at);
          taken(bytes.toString("latin1", at, end));
          at = end;
        }
      });
      return length;
    },
  };
}

function deliver(line: Line, stanza: string): void {
  line.receive(Buffer.from(stanza, "latin1"));
}

function measure(wrong: Wrong): Promise<Numbers> {
  const played = new PlayedGateway(wrong);
  let cpu = 0;
  const plan = { kind: "early", peer: "gateway", events: EVENTS, rounds: 1, holdMs: 0 } as const;
  return earlyEvents(played.parties, plan, () => cpu += 0.5, () => 1e6, () => played.metrics());
}

test("a right gateway is measured", async () => {
  const numbers = await measure({});
  // Two spans of half a second each, over forty events.
  expect(numbers).toMatchObject({ microseconds: 25_000, events: EVENTS, growthMB: 0 });
  expect(numbers["heldMB"]! * 1e6).toBeGreaterThan(EVENTS * 100);
});

const WRONG: Record<string, [Wrong, string]> = {
  "an event is doubled": [{ told: (ref, event) => [ref, event, event] }, "wrong stanzas"],
  "an event overtakes its ref": [{ told: (ref, event) => [event, ref] }, "wrong stanzas"],
  "an event is changed": [
    { told: (ref, event) => [ref, event.replace("<dtmf ", "<dtmf tones='1' ")] },
    "wrong stanzas",
  ],
  "a node's domain is seen": [
    { told: (ref, event) => [ref, event.replace(EXTERNAL, NODE)] },
    "wrong stanzas",
  ],
  "not all is held": [{ heldBytes: (bytes) => bytes / 2 }, "are held"],
  "more is held than may be": [{ heldBytes: (bytes) => bytes + 2 ** 24 }, "more than allowed"],
  "what nobody explains is kept": [{ keeps: true }, "for longer than they should be"],
};

for (const [name, [wrong, words]] of Object.entries(WRONG)) {
  test(`noticed: ${name}`, async () => {
    expect(await measure(wrong).then(() => "nothing", (error: Error) => error.message)).toContain(words);
  });
}
