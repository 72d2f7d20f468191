/**
 * Lives of mixers in every order that chance finds: joins answered, refused or forgotten, events early, late and never,
 * clients and nodes that go. Nobody hears twice of one end (PMX8), and nothing is left behind.
 */
import { describe, expect, test } from "bun:test";
import { type Random, seededRandom } from "../../src/base/random.ts";
import { attr, elements } from "../support/xml.ts";
import { EXTERNAL, INTERNAL, NODE1, Rig, SELF } from "./rig.ts";

const CLIENTS = [
  "juliet@capulet.test/balcony",
  "juliet@capulet.test/orchard",
  "romeo@montague.test/garden",
];
const NAMES = ["conf", "Conf", "ball"];
const STEPS = 250;

class World {
  readonly random: Random;
  readonly rig: Rig;
  readonly #calls: string[] = [];
  readonly #asked: { id: string; call: string; name: string }[] = [];
  /** Client and mixer -> was the last word of it its end? */
  readonly #ended = new Map<string, boolean>();
  #next = 0;
  readonly faults: string[] = [];

  constructor(seed: number, shared: boolean) {
    this.random = seededRandom(seed);
    this.rig = new Rig({ seed, settings: { mixersShared: shared } });
    for (const who of ["juliet@capulet.test", "romeo@montague.test"]) {
      this.rig.application(who, `sip:${who.split("@")[0]}@example.com`);
    }
    for (const jid of CLIENTS) this.rig.chat(jid);
    this.rig.nodeChat(NODE1);
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[this.random.u32() % Math.max(list.length, 1)];
  }

  step(): void {
    const { rig } = this;
    const call = this.pick(this.#calls);
    const mixer = this.pick([...rig.directory.mixers.all()])?.nodeName ?? "nosuch";
    const word = this.pick(["joined", "unjoined"])!;
    switch (this.random.u32() % 16) {
      case 0:
      case 1:
        return this.#offer();
      case 2:
      case 3:
      case 4:
      case 5:
        return call === undefined ? undefined : this.#join(call);
      case 6:
      case 7:
        return this.#answer();
      case 8:
        return this.#say(call ?? "nobody", `<${word} xmlns='urn:xmpp:rayo:1' mixer-name='${mixer}'/>`);
      case 9:
        return this.#say(
          mixer,
          `<${word} xmlns='urn:xmpp:rayo:1' call-uri='xmpp:${call ?? "nobody"}@${NODE1}'/>`,
        );
      case 10:
        return this.#say(mixer, "<started-speaking xmlns='urn:xmpp:rayo:1'/>");
      case 11:
        return this.#say(mixer, "", "unavailable");
      case 12:
        return call === undefined ? undefined : this.#end(call);
      case 13:
        rig.clock.advance(this.random.u32() % 3_000);
        return;
      case 14:
        return this.#comeAndGo();
      default:
        return this.random.u32() % 12 === 0 ? this.#nodeGoes() : this.#command(mixer);
    }
  }

  #offer(): void {
    const id = `c${this.#next++}`;
    this.rig.offer(`${id}@${NODE1}`, this.pick(["sip:juliet@example.com", "sip:romeo@example.com"]));
    this.#calls.push(id);
  }

  #client(call: string): string {
    const bytes = Buffer.from(call);
    const slot = this.rig.directory.calls.findPublic(bytes, 0, bytes.length);
    return slot < 0 ? CLIENTS[0]! : this.rig.directory.partyOf(slot)?.jid ?? CLIENTS[0]!;
  }

  #join(call: string): void {
    const name = this.pick(NAMES)!;
    this.rig.client(
      `<iq type='set' id='j' from='${this.#client(call)}' to='${call}@${EXTERNAL}'>` +
        `<join xmlns='urn:xmpp:rayo:1' mixer-name='${name}'/></iq>`,
    );
  }

  #answer(): void {
    const asked = this.#asked.splice(this.random.u32() % Math.max(this.#asked.length, 1), 1)[0];
    if (asked === undefined) return;
    const { id, call, name } = asked;
    if (this.random.u32() % 3 === 0) this.rig.error(id, `${call}@${NODE1}`, "conflict");
    else {
      this.rig.result(
        id,
        `${call}@${NODE1}`,
        `<ref xmlns='urn:xmpp:rayo:1' uri='xmpp:${name}@${NODE1}/o${id}'/>`,
      );
    }
  }

  #say(from: string, inside: string, type = ""): void {
    const typed = type === "" ? "" : ` type='${type}'`;
    this.rig.node(`<presence from='${from}@${NODE1}'${typed} to='${SELF}'>${inside}</presence>`);
  }

  #end(call: string): void {
    this.#calls.splice(this.#calls.indexOf(call), 1);
    this.rig.end(`${call}@${NODE1}`);
  }

  #comeAndGo(): void {
    const jid = this.pick(CLIENTS)!;
    if (this.random.u32() % 3 > 0) this.rig.chat(jid);
    else this.rig.client(`<presence type='unavailable' from='${jid}' to='${EXTERNAL}'/>`);
  }

  #nodeGoes(): void {
    this.rig.node(`<presence type='unavailable' from='${NODE1}' to='${INTERNAL}'/>`);
    this.#calls.length = 0;
    this.rig.nodeChat(NODE1);
  }

  #command(mixer: string): void {
    const name = mixer.split(".")[0]!;
    this.rig.client(
      `<iq type='set' id='o' from='${this.pick(CLIENTS)}' to='${name}@${EXTERNAL}'>` +
        `<output xmlns='urn:xmpp:rayo:output:1'/></iq>`,
    );
  }

  /** Reads what was said; whatever nodes are told to end, ends. */
  look(): void {
    for (const s of this.rig.toNodes()) {
      const id = attr(s, "to").split("@")[0]!;
      const child = elements(s)[0];
      if (s.name !== "iq" || child === undefined) continue;
      if (child.name === "hangup" || child.name === "reject") {
        if (this.#calls.includes(id)) this.#end(id);
      } else {
        this.#asked.push({ id: attr(s, "id"), call: id, name: child.attrs["mixer-name"] ?? id });
      }
    }
    for (const s of this.rig.toClients()) {
      const from = attr(s, "from");
      if (s.name !== "presence" || from.includes("/") || /^c\d/.test(from) || !from.includes("@")) continue;
      const key = `${attr(s, "to")} ${from.toLowerCase()}`;
      const ends = attr(s, "type") === "unavailable";
      if (ends && this.#ended.get(key) !== false) this.faults.push(`${key}: an end of what was never there`);
      this.#ended.set(key, ends);
    }
  }

  finish(): void {
    for (const call of [...this.#calls]) this.#end(call);
    for (const jid of CLIENTS) {
      this.rig.client(`<presence type='unavailable' from='${jid}' to='${EXTERNAL}'/>`);
    }
    for (let i = 0; i < 100; i++) {
      this.rig.clock.advance(10_000);
      this.look();
    }
  }
}

describe.each([false, true])("names shared by all: %p", (shared) => {
  test.each(Array.from({ length: 40 }, (_, i) => i + 1))("seed %d", (seed) => {
    const world = new World(seed, shared);
    for (let i = 0; i < STEPS; i++) {
      world.step();
      world.look();
    }
    world.finish();
    const { rig } = world;
    expect(world.faults).toEqual([]);
    expect([...rig.directory.mixers.all()].map((mixer) => mixer.nodeName)).toEqual([]);
    expect(rig.leftovers()).toEqual([]);
    expect([rig.ex.verbEvents.size, rig.ex.mixerEnds.size]).toEqual([0, 0]);
    expect(rig.journal.snapshot().mixers).toEqual([]);
  });
});
