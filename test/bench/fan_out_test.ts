/**
 * The bench must notice when a mixer's event does not come to each of the ten once and right. A gateway is played in
 * memory, right at first, then wrong in one way at a time.
 */
import { expect, test } from "bun:test";
import { copiesOf, FanOut } from "./fan_out.ts";
import { Line } from "./line.ts";
import { Parties } from "./parties.ts";
import { EXTERNAL, NODE, RECIPIENT_STEM } from "./plan.ts";

const MIXERS = 3;
/** With ten copies each more than the bench looks at between two that it checks to the letter. */
const ROUNDS = 10;

class World {
  readonly client: Line;
  readonly parties: Parties;
  readonly fanOut: FanOut;
  written = "";
  #step = 0;

  constructor() {
    const node = new Line({
      write: (buf, start, length) => {
        this.written += buf.toString("latin1", start, start + length);
        return length;
      },
    });
    this.client = new Line({ write: (_buf, _start, length) => length });
    this.parties = new Parties("gateway", node, this.client);
    this.fanOut = new FanOut(this.parties, MIXERS, ".tag");
  }

  run(rounds: number, alter: (stanzas: string[]) => string[] = (it) => it): void {
    for (let i = 0; i < rounds; i++, this.#step++) {
      for (let mixer = 0; mixer < MIXERS; mixer++) {
        this.fanOut.begin(mixer);
        this.parties.flush();
        const out = alter(copiesOf(mixer, this.#step)).join("");
        if (out !== "") this.client.receive(Buffer.from(out, "latin1"));
      }
    }
  }
}

test("a right gateway: every copy counts, nothing is wrong", () => {
  const world = new World();
  world.run(ROUNDS);
  expect(world.parties.troubles).toEqual([]);
  expect(world.fanOut.received).toBe(ROUNDS * MIXERS * 10);
});

test("the node's event is the mixer's, under the name that the node knows, and names the call that speaks", () => {
  const world = new World();
  world.run(1);
  expect(world.written).toStartWith(`<presence from='m000000.tag@${NODE}'`);
  expect(world.written).toMatch(new RegExp(`call-uri='xmpp:[0-9a-f-]{36}@${NODE}'`));
  expect(world.written.match(/<presence /g)).toHaveLength(MIXERS);
});

const WRONG: Record<string, (stanzas: string[]) => string[]> = {
  "one recipient is left out": (stanzas) => stanzas.slice(1),
  "one recipient is told twice": (stanzas) => [...stanzas, stanzas[3]!],
  "one is told in another's place": (stanzas) =>
    stanzas.map((it) => it.replace(`${RECIPIENT_STEM}4'`, `${RECIPIENT_STEM}5'`)),
  "a stranger is told": (stanzas) =>
    stanzas.map((it) => it.replace(`${RECIPIENT_STEM}4'`, `${RECIPIENT_STEM}44'`)),
  "another domain's resource is told": (stanzas) =>
    stanzas.map((it) => it.replace(RECIPIENT_STEM, RECIPIENT_STEM.replace("apps", "spps"))),
  "the node's name of the mixer is seen": (stanzas) =>
    stanzas.map((it) => it.replace(`@${EXTERNAL}'`, `.tag@${EXTERNAL}'`)),
  "a node's domain is seen in the call's URI": (stanzas) =>
    stanzas.map((it) => it.replace(`@${EXTERNAL}'/>`, `@${NODE}'/>`)),
  "a child is changed": (stanzas) => stanzas.map((it) => it.replace("started", "stopped")),
};

for (const [name, alter] of Object.entries(WRONG)) {
  test(`noticed: ${name}`, () => {
    const world = new World();
    world.run(2);
    expect(world.parties.troubleCount).toBe(0);
    world.run(ROUNDS, alter);
    const complete = world.fanOut.received === (ROUNDS + 2) * MIXERS * 10;
    expect(world.parties.troubleCount > 0 || !complete).toBe(true);
  });
}

test("noticed: an event that nobody sent", () => {
  const world = new World();
  world.client.receive(Buffer.from(copiesOf(1, 0)[0]!, "latin1"));
  expect(world.parties.troubleCount).toBe(1);
});
