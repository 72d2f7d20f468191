/**
 * Three resources of one application come, go, fall silent, bounce and take calls from each other in any order, under
 * every setting of `offers.mode`, `calls.*`; seeded, a failure prints its seed. Checked after every step: each live
 * call has a party that hears of it; at the end: one `end` at most for each party of a call, and nothing left behind.
 */
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { applicationBanned } from "../../src/routing/departure.ts";
import type { OwnershipSettings } from "../../src/routing/ownership.ts";
import { attr, type El, elements, parseXml } from "../support/xml.ts";
import { EXTERNAL, NODE1, OWNERSHIP, Rig, SELF } from "./rig.ts";

const BARE = "juliet@capulet.test";
const RESOURCES = ["balcony", "orchard", "church"].map((name) => `${BARE}/${name}`);
const STEPS = 150;

class World {
  rig: Rig;
  readonly random: { u32(): number };
  readonly calls: string[] = [];
  readonly ends = new Map<string, number>();
  /** Who answers pings. */
  readonly answers = new Set<string>();
  #calls = 0;
  #components = 0;
  #down = false;
  readonly settings: Partial<OwnershipSettings>;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.settings = {
      ...OWNERSHIP,
      offerToAll: this.below(2) === 0,
      siblingsMayCommand: this.below(2) === 0,
      controllerLoss: (["hangup", "handover", "hold"] as const)[this.below(3)]!,
      clientReturnMs: [0, 30_000, 600_000][this.below(3)]!,
    };
    this.rig = this.#build();
    this.rig.application(BARE, "sip:juliet@example.com");
    this.rig.nodeChat(NODE1);
  }

  #build(journal?: Rig["journal"]): Rig {
    const settings = { ownership: this.settings as OwnershipSettings };
    return new Rig(journal === undefined ? { settings } : { settings, journal });
  }

  below(n: number): number {
    return this.random.u32() % n;
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[this.below(Math.max(from.length, 1))];
  }

  step(): void {
    const { rig } = this;
    const jid = this.pick(RESOURCES)!;
    const call = this.pick(this.calls);
    switch (this.below(14)) {
      case 0:
      case 1:
        return rig.chat(jid);
      case 2:
        return rig.client(`<presence from='${jid}' to='${EXTERNAL}'><show>dnd</show></presence>`);
      case 3:
        return rig.client(`<presence type='unavailable' from='${jid}' to='${EXTERNAL}'/>`);
      case 4:
        return rig.client(
          `<presence type='error' from='${jid}' to='${call ?? "x"}@${EXTERNAL}'><error type='cancel'>` +
            `<recipient-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`,
        );
      case 5:
        if (!this.answers.delete(jid)) this.answers.add(jid);
        return;
      case 6:
      case 7: {
        const id = `c${this.#calls++}`;
        this.calls.push(id);
        return rig.offer(`${id}@${NODE1}`);
      }
      case 8:
        if (call !== undefined) rig.command("q", call, this.pick(["hold", "answer", "hangup"])!, jid);
        return;
      case 9:
        if (call !== undefined) this.#component(call, jid);
        return;
      case 10:
        if (call !== undefined) this.#end(call);
        return;
      case 11:
        rig.clock.advance(this.pick([100, 1_000, 6_000, 40_000])!);
        return;
      case 12:
        if (this.below(4) === 0) this.#restart();
        else if (this.#down) rig.up("external");
        else rig.down("external");
        this.#down = !this.rig.outlets.external.up;
        return;
      default:
        if (this.below(8) === 0) {
          rig.directory.bans.add(BARE);
          applicationBanned(rig.ex, BARE);
          rig.directory.bans.delete(BARE);
        } else if (call !== undefined) rig.event(`${call}@${NODE1}`, "ringing");
    }
  }

  #component(call: string, jid: string): void {
    this.look();
    this.rig.client(
      `<iq type='set' id='o' from='${jid}' to='${call}@${EXTERNAL}'><output xmlns='urn:xmpp:rayo:output:1'/></iq>`,
    );
    const name = `output-${this.#components++}`;
    for (const s of this.rig.toNodes()) {
      if (s.name !== "iq" || elements(s)[0]!.name !== "output") continue;
      const ref = `<ref xmlns='urn:xmpp:rayo:1' uri='xmpp:${call}@${NODE1}/${name}'/>`;
      this.rig.result(attr(s, "id")!, `${call}@${NODE1}`, ref);
      if (this.below(2) === 0) return;
      this.rig.node(
        `<presence type='unavailable' from='${call}@${NODE1}/${name}' to='${SELF}'><complete xmlns='urn:xmpp:rayo:ext:1'/></presence>`,
      );
    }
  }

  #end(call: string): void {
    this.calls.splice(this.calls.indexOf(call), 1);
    this.rig.end(`${call}@${NODE1}`);
  }

  #restart(): void {
    this.look();
    this.rig = this.#build(this.rig.journal.copy());
  }

  /** Takes what clients and nodes were sent; pings are answered by who answers, commands by the node. */
  look(): void {
    const { rig } = this;
    const out = elements(parseXml(`<s xmlns='jabber:component:accept'>${rig.rawAll("external")}</s>`));
    for (const s of out) {
      if (attr(s, "type") === "get") {
        if (this.answers.has(attr(s, "to")!)) {
          rig.client(`<iq type='result' id='${attr(s, "id")}' from='${attr(s, "to")}' to='${EXTERNAL}'/>`);
        }
      } else if (isEnd(s)) {
        const key = `${attr(s, "from")} ${attr(s, "to")}`;
        this.ends.set(key, (this.ends.get(key) ?? 0) + 1);
      }
    }
    for (const s of rig.toNodes()) {
      if (s.name === "iq") rig.result(attr(s, "id")!, attr(s, "to")!);
    }
  }

  /** Every live call has a party, which is one of its parties. */
  check(): void {
    const { directory } = this.rig;
    for (let slot = 0; slot < directory.calls.slotsEnd; slot++) {
      if (!directory.calls.isLive(slot)) continue;
      const party = directory.partyOf(slot);
      expect(party).not.toBeNull();
      expect(directory.parties(slot)).toContain(party!);
      expect(new Set(directory.parties(slot)).size).toBe(directory.parties(slot).length);
    }
  }

  finish(): void {
    if (!this.rig.outlets.external.up) this.rig.up("external");
    for (const call of [...this.calls]) this.#end(call);
    this.look();
    this.answers.clear();
    for (const jid of RESOURCES) {
      this.rig.client(`<presence from='${jid}' to='${EXTERNAL}'><show>dnd</show></presence>`);
      this.rig.client(`<presence type='unavailable' from='${jid}' to='${EXTERNAL}'/>`);
    }
    for (let i = 0; i < 40; i++) {
      this.rig.clock.advance(20_000);
      this.look();
    }
  }
}

function isEnd(s: El): boolean {
  return s.name === "presence" && elements(s)[0]?.name === "end";
}

describe("OF1-OF4, IC9, DC29, AH20: any order of coming, going, silence and taking over", () => {
  for (let block = 0; block < 10; block++) {
    test(`seeds ${block * 40} to ${block * 40 + 39}`, () => {
      for (let seed = block * 40; seed < block * 40 + 40; seed++) {
        const world = new World(seed);
        for (let i = 0; i < STEPS; i++) {
          world.step();
          if (world.below(3) !== 0) world.look();
          world.check();
        }
        world.finish();
        const left = [
          ...world.rig.leftovers(),
          ...world.rig.ex.watches.all().map((watch) => `watch of ${watch.jid}`),
          ...[...world.ends].filter(([, times]) => times > 1).map(([who]) => `more than one end: ${who}`),
        ];
        if (world.rig.directory.componentOwners.size > 0) left.push("owners of components");
        expect({ seed, left }).toEqual({ seed, left: [] });
      }
    });
  }
});
