/**
 * The bench must notice what a wrong gateway does: lose, double, overtake, misroute, rewrite too little. A peer is
 * played in memory, right at first, then wrong in one way at a time.
 */
import { expect, test } from "bun:test";
import { Exchange } from "./exchange.ts";
import { Line, type Outgoing } from "./line.ts";
import { stanzaEnd } from "./mark_reader.ts";
import { Parties } from "./parties.ts";
import { CLIENT, EXTERNAL, GATEWAY_JID, NODE } from "./plan.ts";

const CALLS = 3;
/** More than the bench looks at between two stanzas that it checks to the letter. */
const ROUNDS = 100;

/** Gets all stanzas of one direction, in order, and says what comes out. */
type Alter = (stanzas: string[]) => string[];

/** What the gateway has to make of a stanza (RW3 for the `ref` included). */
function rewritten(stanza: string): string {
  const close = stanza.indexOf(">");
  const tag = stanza.slice(0, close), rest = stanza.slice(close);
  if (tag.includes(`from='${CLIENT}'`)) {
    return tag.replace(CLIENT, GATEWAY_JID).replace(`@${EXTERNAL}`, `@${NODE}`) + rest;
  }
  return tag.replace(GATEWAY_JID, CLIENT).replace(`@${NODE}`, `@${EXTERNAL}`) +
    rest.replace(`@${NODE}/output`, `@${EXTERNAL}/output`);
}

class World {
  readonly node: Line;
  readonly client: Line;
  readonly parties: Parties;
  readonly exchange: Exchange;
  #fromNode = "";
  #fromClient = "";

  constructor() {
    const wire = (taken: (text: string) => void): Outgoing => ({
      write(buf, start, length) {
        taken(buf.toString("latin1", start, start + length));
        return length;
      },
    });
    this.node = new Line(wire((text) => this.#fromNode += text));
    this.client = new Line(wire((text) => this.#fromClient += text));
    this.parties = new Parties("gateway", this.node, this.client);
    this.exchange = new Exchange(this.parties, CALLS);
  }

  /** Begins exchanges on all calls and passes stanzas on until nothing moves. */
  run(rounds: number, toClient: Alter = (it) => it, toNode: Alter = (it) => it): void {
    for (let i = 0; i < rounds; i++) {
      for (let call = 0; call < CALLS; call++) this.exchange.begin(call);
      this.parties.flush();
      while (this.#fromNode !== "" || this.#fromClient !== "") {
        const up = this.#fromNode, down = this.#fromClient;
        this.#fromNode = this.#fromClient = "";
        deliver(this.client, toClient(split(up).map(rewritten)));
        deliver(this.node, toNode(split(down).map(rewritten)));
      }
    }
  }
}

function deliver(line: Line, stanzas: string[]): void {
  if (stanzas.length > 0) line.receive(Buffer.from(stanzas.join(""), "latin1"));
}

function split(text: string): string[] {
  const buf = Buffer.from(text, "latin1"), parts: string[] = [];
  for (let at = 0; at < buf.length;) {
    const end = stanzaEnd(buf, at);
    parts.push(buf.toString("latin1", at, end));
    at = end;
  }
  return parts;
}

test("a right peer: all exchanges finish, nothing is wrong", () => {
  const world = new World();
  world.run(ROUNDS);
  expect(world.parties.troubles).toEqual([]);
  expect(world.exchange.finished).toBe(ROUNDS * CALLS);
  expect(world.exchange.received).toBe(ROUNDS * CALLS * 4);
});

const WRONG: Record<string, { toClient?: Alter; toNode?: Alter }> = {
  "a stanza to the client is lost": { toClient: (stanzas) => stanzas.slice(1) },
  "a command is lost": { toNode: (stanzas) => stanzas.slice(1) },
  "a stanza to the client is doubled": { toClient: (stanzas) => stanzas.flatMap((it) => [it, it]) },
  "a command is doubled": { toNode: (stanzas) => stanzas.flatMap((it) => [it, it]) },
  "a completion overtakes its result": { toClient: (stanzas) => stanzas.reverse() },
  "everything goes to another resource": {
    toClient: (stanzas) => stanzas.map((it) => it.replace(CLIENT, `${CLIENT}2`)),
  },
  "a node's domain is seen in a ref": {
    toClient: (stanzas) => stanzas.map((it) => it.replace(`@${EXTERNAL}/output`, `@${NODE}/output`)),
  },
  "the node learns who the client is": {
    toNode: (stanzas) => stanzas.map((it) => it.replace(GATEWAY_JID, CLIENT)),
  },
  "an end loses its type": {
    toClient: (stanzas) => stanzas.map((it) => it.replace(" type='unavailable'", "")),
  },
  "a client gets an id that is not its own": {
    toClient: (stanzas) => stanzas.map((it) => it.replace(/(type='result' id=')k/, "$1x")),
  },
  "a child is changed": {
    toClient: (stanzas) => stanzas.map((it) => it.replace("signal='4'", "signal='5'")),
  },
  "an error comes instead of an answer": {
    toClient: (stanzas) =>
      stanzas.map((it) => it.replace(/<iq.*<\/iq>/, `<iq type='error' to='${CLIENT}'/>`)),
  },
};

for (const [name, { toClient, toNode }] of Object.entries(WRONG)) {
  test(`noticed: ${name}`, () => {
    const world = new World();
    world.run(2);
    expect(world.parties.troubleCount).toBe(0);
    world.run(ROUNDS, toClient, toNode);
    const finished = world.exchange.finished === (ROUNDS + 2) * CALLS;
    expect(world.parties.troubleCount > 0 || !finished).toBe(true);
    if (world.parties.troubleCount > 0) expect(() => world.parties.assertCalm()).toThrow("wrong stanzas");
  });
}
