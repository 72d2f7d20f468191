/**
 * The name index against a Map, with growth, removal and both kinds of comparing.
 */
import { describe, expect, test } from "bun:test";
import { fraction, seededRandom } from "../../src/base/random.ts";
import { NameIndex } from "../../src/cluster/name_index.ts";

describe("one name", () => {
  test("is compared folded up to its fold length, exactly after it", () => {
    const index = new NameIndex();
    index.set("juliet@capulet.test/Balcony", 7, "juliet@capulet.test".length);
    const find = (jid: string) => {
      const bytes = Buffer.from(`'${jid}'`);
      return index.find(bytes, 1, 1 + jid.indexOf("/"), bytes.length - 1);
    };
    expect(find("JULIET@Capulet.test/Balcony")).toBe(7);
    expect(find("juliet@capulet.test/balcony")).toBe(-1);
    expect(index.findText("juliet@capulet.test/Balcony", 19)).toBe(7);
    // The same bytes, cut elsewhere, are another name.
    expect(index.findText("juliet@capulet.test/Balcony", 5)).toBe(-1);
    expect(index.findText("juliet@capulet.test")).toBe(-1);
  });

  test("the empty name is a name, an unknown one is removed in peace", () => {
    const index = new NameIndex();
    index.delete("x");
    index.set("", 3);
    expect([index.findText(""), index.size]).toEqual([3, 1]);
    index.delete("");
    index.delete("");
    expect([index.findText(""), index.size]).toEqual([-1, 0]);
  });
});

describe("against a Map", () => {
  for (let seed = 1; seed <= 20; seed++) {
    test(`seed ${seed}`, () => {
      const random = seededRandom(seed);
      const index = new NameIndex();
      const model = new Map<string, number>();
      const pool = 10 + Math.floor(fraction(random) * 500);
      for (let step = 0; step < 5_000; step++) {
        const name = `n${random.u32() % pool}.test`;
        expect(index.findText(step % 2 === 0 ? name : name.toUpperCase())).toBe(model.get(name) ?? -1);
        if (fraction(random) < 0.55) {
          index.set(name, step);
          model.set(name, step);
        } else {
          index.delete(name.toUpperCase());
          model.delete(name);
        }
        expect(index.size).toBe(model.size);
      }
      for (const [name, value] of model) expect(index.findText(name)).toBe(value);
    });
  }
});
