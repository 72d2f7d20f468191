/**
 * The sequences of §3.2, each row a test, and what DC36 and DC37 add.
 */
import { describe, expect, test } from "bun:test";
import { PriorityBalance, type Weighted } from "../../src/cluster/balance/priority.ts";

class N implements Weighted {
  picks = 0;
  out = false;
  weight: number;
  priority: number;
  constructor(weight: number, priority = 1) {
    this.weight = weight;
    this.priority = priority;
  }
}

class Platform {
  readonly balance = new PriorityBalance<N>();
  nodes: N[];
  readonly all: N[];
  constructor(weights: number[], priorities: number[] = []) {
    this.nodes = weights.map((w, i) => new N(w, priorities[i] ?? 1));
    this.all = [...this.nodes];
  }
  /** Picks `n` times; returns the picked indexes as text. */
  pick(n: number): string {
    let text = "";
    for (let i = 0; i < n; i++) {
      const node = this.balance.next(this.nodes, (node) => !node.out);
      if (node === null) {
        text += "-";
        continue;
      }
      node.picks++;
      text += this.all.indexOf(node);
    }
    return text;
  }
  add(weight: number, priority = 1): void {
    const node = new N(weight, priority);
    this.nodes.push(node);
    this.all.push(node);
  }
  remove(i: number): void {
    this.nodes = this.nodes.filter((n) => n !== this.all[i]);
  }
  get totals(): number[] {
    return this.all.map((n) => n.picks);
  }
}

describe("§3.2 sequences", () => {
  for (const w of [10, 37]) {
    test(`${w},${w},${w}`, () => {
      const p = new Platform([w, w, w]);
      expect(p.pick(6)).toBe("012012");
      p.pick(114);
      expect(p.totals).toEqual([40, 40, 40]);
    });
  }
  test("10,10,20", () => {
    const p = new Platform([10, 10, 20]);
    expect(p.pick(8)).toBe("20122012");
    p.pick(292);
    expect(p.totals).toEqual([75, 75, 150]);
  });
  test("10,10,20,40,10", () => {
    const p = new Platform([10, 10, 20, 40, 10]);
    expect(p.pick(18)).toBe("323301234".repeat(2));
    p.pick(882);
    expect(p.totals).toEqual([100, 100, 200, 400, 100]);
  });
  test("10,20", () => {
    const p = new Platform([10, 20]);
    expect(p.pick(6)).toBe("101101");
    p.pick(114);
    expect(p.totals).toEqual([40, 80]);
  });
  test("10,20,30, then the first leaves", () => {
    const p = new Platform([10, 20, 30]);
    p.pick(600);
    expect(p.totals).toEqual([100, 200, 300]);
    p.remove(0);
    p.all.forEach((n) => n.picks = 0);
    p.pick(500);
    expect(p.totals).toEqual([0, 200, 300]);
  });
  for (const [a, b] of [[10, 30], [1, 3]] as const) {
    test(`${a},${b}`, () => {
      const p = new Platform([a, b]);
      p.pick(400);
      expect(p.totals).toEqual([100, 300]);
    });
  }
  test("10,10,10, then the third gets 20", () => {
    const p = new Platform([10, 10, 10]);
    p.pick(120);
    p.all[2]!.weight = 20;
    expect(p.pick(8)).toBe("20122012");
    p.pick(112);
    expect(p.totals).toEqual([70, 70, 100]);
  });
  test("10,20, then both 10", () => {
    const p = new Platform([10, 20]);
    p.pick(120);
    expect(p.totals).toEqual([40, 80]);
    p.all[1]!.weight = 10;
    p.pick(120);
    expect(p.totals).toEqual([100, 140]);
  });
  test("10,10,10, then the first leaves: 1 2 1 2", () => {
    const p = new Platform([10, 10, 10]);
    p.pick(120);
    p.remove(0);
    expect(p.pick(4)).toBe("1212");
    p.pick(116);
    expect(p.totals).toEqual([40, 100, 100]);
  });
  test("10,10,20,40,10, then two of 20 join", () => {
    const p = new Platform([10, 10, 20, 40, 10]);
    p.pick(90);
    p.all.forEach((n) => n.picks = 0);
    p.add(20);
    p.add(20);
    p.pick(130);
    expect(p.totals).toEqual([10, 10, 20, 40, 10, 20, 20]);
  });
  for (const weights of [[10, 10, 10], [10, 10, 20]]) {
    test(`priorities 1,1,2, weights ${weights}`, () => {
      const p = new Platform(weights, [1, 1, 2]);
      expect(p.pick(4).replace(/./g, (c) => c)).toBe("0101");
      p.pick(116);
      expect(p.totals).toEqual([60, 60, 0]);
    });
  }
  test("priorities 1,2", () => {
    const p = new Platform([10, 10], [1, 2]);
    p.pick(120);
    expect(p.totals).toEqual([120, 0]);
  });
  test("priorities 1,2,2, then the first leaves", () => {
    const p = new Platform([10, 10, 10], [1, 2, 2]);
    p.pick(120);
    expect(p.totals).toEqual([120, 0, 0]);
    p.remove(0);
    p.pick(120);
    expect(p.totals).toEqual([120, 60, 60]);
  });
  test("weights 10,20,30, priorities 1,2,2, then the first leaves", () => {
    const p = new Platform([10, 20, 30], [1, 2, 2]);
    p.pick(100);
    expect(p.totals).toEqual([100, 0, 0]);
    p.remove(0);
    p.pick(500);
    expect(p.totals).toEqual([100, 200, 300]);
  });
  test("priorities 2,2,2, then one of priority 1 joins", () => {
    const p = new Platform([10, 10, 10], [2, 2, 2]);
    p.pick(120);
    p.add(10, 1);
    p.pick(120);
    expect(p.totals).toEqual([40, 40, 40, 120]);
  });
  test("priorities 2,2, then one of priority 1 joins", () => {
    const p = new Platform([10, 10], [2, 2]);
    p.pick(500);
    p.add(10, 1);
    p.pick(500);
    expect(p.totals).toEqual([250, 250, 500]);
  });
  test("priorities 1,2, then the first falls to 2", () => {
    const p = new Platform([10, 10], [1, 2]);
    p.pick(120);
    p.all[0]!.priority = 2;
    p.pick(120);
    expect(p.totals).toEqual([180, 60]);
  });
  test("two platforms do not disturb each other", () => {
    const a = new Platform([10, 10]), b = new Platform([10, 10]);
    let picks = "";
    for (let i = 0; i < 120; i++) picks += a.pick(1) + b.pick(1);
    expect(picks.slice(0, 8)).toBe("00110011");
    expect([...a.totals, ...b.totals]).toEqual([60, 60, 60, 60]);
  });
  test("a newcomer after 120 alternating picks is next", () => {
    const p = new Platform([10, 10]);
    p.pick(120);
    p.add(10);
    expect(p.pick(7)).toBe("2012012");
  });
  test("3 equal nodes 600 picks, remove one, 500 more", () => {
    const p = new Platform([10, 10, 10]);
    p.pick(600);
    p.remove(0);
    p.pick(500);
    expect(p.totals).toEqual([200, 450, 450]);
  });
});

describe("nodes that are out", () => {
  test("BUG 9: a heavy node that is out does not hide the others", () => {
    const p = new Platform([10, 60]);
    p.all[1]!.out = true;
    p.pick(60);
    expect(p.totals).toEqual([60, 0]);
  });
  test("BUG 9: the worse priority is used when all of the best are out", () => {
    const p = new Platform([10, 10, 10], [1, 1, 2]);
    p.all[0]!.out = p.all[1]!.out = true;
    p.pick(10);
    expect(p.totals).toEqual([0, 0, 10]);
  });
  test("DC37: who was out comes back without a burst", () => {
    const p = new Platform([10, 10, 10]);
    p.all[0]!.out = true;
    p.pick(90);
    expect(p.totals).toEqual([0, 45, 45]);
    p.all[0]!.out = false;
    p.pick(30);
    expect(p.totals).toEqual([10, 55, 55]);
  });
  test("nobody usable, before and after picks", () => {
    const p = new Platform([10, 10]);
    p.all.forEach((n) => n.out = true);
    expect(p.pick(2)).toBe("--");
    p.all.forEach((n) => n.out = false);
    expect(p.pick(2)).toBe("01");
    p.all.forEach((n) => n.out = true);
    expect(p.pick(2)).toBe("--");
    expect(new Platform([]).pick(1)).toBe("-");
  });
  test("BUG 27: weights of 0 get nothing, also when all are 0", () => {
    const p = new Platform([0, 10]);
    expect(p.pick(3)).toBe("111");
    expect(new Platform([0, 0]).pick(2)).toBe("--");
  });
  test("the widest spread of weights is exact", () => {
    const p = new Platform([1, 65535]);
    p.pick(65536);
    expect(p.totals).toEqual([1, 65535]);
  });
  test("a light node beside a heavy one that is out is picked by skipping rounds", () => {
    const p = new Platform([1, 65535]);
    p.all[1]!.out = true;
    p.pick(1000);
    expect(p.totals).toEqual([1000, 0]);
  });
});
