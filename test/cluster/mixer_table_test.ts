/**
 * The table of mixers against plain Maps, names scoped to applications, and what a mixer costs.
 */
import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { Application, type Resource } from "../../src/cluster/application.ts";
import { Directory, noJournal } from "../../src/cluster/directory.ts";
import { type Mixer, scopedName, unscopedName } from "../../src/cluster/mixer.ts";
import { Trust } from "../../src/cluster/trust.ts";

const NODE = "node1.test";
const JULIET = "juliet@capulet.test", ROMEO = "romeo@montague.test";

function place() {
  const directory = new Directory(
    { defaultPlatform: "default", defaultWeight: 10, defaultPriority: 1 },
    new Trust(["*"], []),
    noJournal,
  );
  const domain = directory.domainOf(NODE, directory.nodeFor(NODE));
  const resource: Resource = directory.resourceFor(`${JULIET}/b`, JULIET, Buffer.from(`${JULIET}/b`));
  resource.application = new Application({
    jid: JULIET,
    appId: "",
    name: "",
    platform: "default",
    accountId: "",
    permissions: "",
  });
  const call = (id: string) => {
    const bytes = Buffer.from(id);
    return directory.addCall(bytes, 0, bytes.length, domain, resource, 0, 1_800_000_000_000);
  };
  const mixer = (name: string) => directory.mixers.add(scopedName(name, JULIET), name, JULIET, domain);
  return { directory, mixers: directory.mixers, domain, resource, call, mixer };
}

describe("names (AH11, AH22, FS55)", () => {
  test("are lower case, of letters that every client can match, and each application's own", () => {
    const names = [
      ["Conf", JULIET],
      ["Conf", ROMEO],
      ["with blank", JULIET],
      ["ümlaut", JULIET],
      ["x".repeat(900), JULIET],
      [scopedName("conf", ROMEO), JULIET],
    ] as const;
    const scoped = names.map(([name, jid]) => scopedName(name, jid));
    for (const name of scoped) expect(name).toMatch(/^[a-z0-9._-]{3,240}$/);
    expect(new Set(scoped).size).toBe(names.length);
  });

  test("in other letters they are the same (DC16)", () => {
    expect(scopedName("CONF", JULIET)).toBe(scopedName("conf", JULIET));
  });

  test("the public part comes back for its application alone", () => {
    const scoped = scopedName("Conf", JULIET);
    expect([unscopedName(scoped, JULIET), unscopedName(scoped, ROMEO)]).toEqual(["conf", null]);
    expect(unscopedName("conf", JULIET)).toBeNull();
  });
});

describe("who is in which", () => {
  test("ten thousand random moves leave the table as plain Maps have it", () => {
    const { mixers, call, mixer, directory } = place();
    const random = seededRandom(7);
    const calls = Array.from({ length: 30 }, (_, i) => call(`c${i}`));
    const all = Array.from({ length: 8 }, (_, i) => mixer(`m${i}`));
    const model = new Map<Mixer, Set<number>>(all.map((m) => [m, new Set()]));
    for (let i = 0; i < 10_000; i++) {
      const m = all[random.u32() % all.length]!;
      const slot = calls[random.u32() % calls.length]!;
      const members = model.get(m)!;
      switch (random.u32() % 8) {
        case 0: {
          const concerned = all.filter((each) => model.get(each)!.delete(slot));
          expect(new Set(mixers.callGone(slot))).toEqual(new Set(concerned));
          break;
        }
        case 1:
        case 2:
        case 3:
          expect(mixers.leave(m, slot)).toBe(members.delete(slot));
          break;
        default:
          expect(mixers.join(m, slot)).toBe(!members.has(slot));
          members.add(slot);
      }
      expect(m.members).toBe(members.size);
    }
    for (const m of all) {
      expect(new Set(mixers.slots(m))).toEqual(model.get(m)!);
      directory.removeMixer(m);
    }
    expect(mixers.size).toBe(0);
    for (const slot of calls) expect(mixers.callGone(slot)).toEqual([]);
  });

  test("a join that is expected comes true, fails, or ends with its call, once", () => {
    const { mixers, call, mixer, resource } = place();
    const m = mixer("m"), slot = call("c");
    const first = mixers.expect(m, slot, resource);
    mixers.join(m, slot);
    expect([first.live, m.expected, m.members]).toEqual([false, 0, 1]);
    const second = mixers.expect(m, slot, resource);
    mixers.giveUp(second);
    mixers.giveUp(second);
    expect([m.expected, m.members]).toEqual([0, 1]);
    const third = mixers.expect(m, slot, resource);
    expect(mixers.callGone(slot)).toEqual([m]);
    expect([third.live, m.expected, m.members]).toEqual([false, 0, 0]);
  });
});

describe("what it costs", () => {
  test("24 bytes a membership, 4 a call slot, doubled at most for room to grow", () => {
    const { mixers, call, mixer } = place();
    const count = 2_000, each = 10;
    for (let i = 0; i < count; i++) {
      const m = mixer(`m${i}`);
      for (let k = 0; k < each; k++) mixers.join(m, call(`c${i}-${k}`));
    }
    expect(mixers.size).toBe(count);
    expect(mixers.bytes / (count * each)).toBeLessThanOrEqual(2 * (24 + 4));
  });
});
