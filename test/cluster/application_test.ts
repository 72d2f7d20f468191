/**
 * §3.4: the table of picks, each row a test.
 */
import { describe, expect, test } from "bun:test";
import { Application, Resource } from "../../src/cluster/application.ts";

class Tenant {
  readonly application: Application;
  readonly picks = new Map<string, number>();

  constructor(names: string) {
    const row = { jid: "a@b", appId: "", name: "", platform: "default", accountId: "", permissions: "" };
    this.application = new Application(row);
    for (const name of names) this.join(name);
  }
  join(name: string): void {
    this.application.resources.push(new Resource(`a@b/${name}`, "a@b", Buffer.from(`a@b/${name}`)));
  }
  leave(name: string): void {
    const { resources } = this.application;
    resources.splice(resources.findIndex((r) => r.jid.endsWith(`/${name}`)), 1);
    if (resources.length === 0) this.application.forgetLast();
  }
  errors(name: string, count: number): void {
    this.application.resources.find((r) => r.jid.endsWith(`/${name}`))!.consecutiveErrors = count;
  }
  pick(n: number): string {
    let text = "";
    for (let i = 0; i < n; i++) {
      const name = this.application.pick()?.jid.slice(-1) ?? "-";
      text += name;
      this.picks.set(name, (this.picks.get(name) ?? 0) + 1);
    }
    return text;
  }
  totals(names: string): number[] {
    return [...names].map((name) => this.picks.get(name) ?? 0);
  }
}

describe("§3.4", () => {
  test("a,b,c", () => {
    const t = new Tenant("abc");
    expect(t.pick(7)).toBe("abcabca");
    t.pick(593);
    expect(t.totals("abc")).toEqual([200, 200, 200]);
  });

  test("then c leaves", () => {
    const t = new Tenant("abc");
    t.pick(600);
    t.leave("c");
    expect(t.pick(4)).toBe("abab");
    t.pick(596);
    expect(t.totals("abc")).toEqual([500, 500, 200]);
  });

  test("then d joins", () => {
    const t = new Tenant("abc");
    t.pick(600);
    t.join("d");
    expect(t.pick(5)).toBe("dabcd");
    t.pick(595);
    expect(t.totals("abcd")).toEqual([350, 350, 350, 150]);
  });

  test("two applications are independent", () => {
    const abc = new Tenant("abc"), de = new Tenant("de");
    for (let i = 0; i < 600; i++) {
      abc.pick(1);
      de.pick(1);
    }
    expect([abc.totals("abc"), de.totals("de")]).toEqual([[200, 200, 200], [300, 300]]);
  });

  test("a alone: six failures are too many, a success forgives them", () => {
    const t = new Tenant("a");
    t.errors("a", 5);
    expect(t.pick(1)).toBe("a");
    t.errors("a", 6);
    expect(t.pick(2)).toBe("--");
    t.errors("a", 10);
    expect(t.pick(1)).toBe("-");
    t.errors("a", 0);
    expect(t.pick(2)).toBe("aa");
  });

  test("c fails ten times", () => {
    const t = new Tenant("abc");
    t.errors("c", 10);
    expect(t.pick(5)).toBe("ababa");
  });

  test("all fail, before and after picks", () => {
    for (const before of [0, 4]) {
      const t = new Tenant("abc");
      t.pick(before);
      for (const name of "abc") t.errors(name, 10);
      expect(t.pick(3)).toBe("---");
    }
  });

  test("nobody is there", () => {
    const t = new Tenant("");
    expect(t.pick(2)).toBe("--");
    t.join("a");
    expect(t.pick(1)).toBe("a");
    t.leave("a");
    expect(t.pick(1)).toBe("-");
  });

  test("BUG 26: the last picked leaves and all others are out", () => {
    const t = new Tenant("abc");
    t.pick(1);
    t.leave("a");
    for (const name of "bc") t.errors(name, 10);
    expect(t.pick(1)).toBe("-");
  });

  test("the last picked leaves: the first is next; somebody before it leaves: the order goes on", () => {
    const t = new Tenant("abcd");
    t.pick(3);
    t.leave("c");
    expect(t.pick(1)).toBe("a");
    t.pick(1);
    t.leave("a");
    expect(t.pick(2)).toBe("db");
  });

  test("OF3: those who were asked already are left out", () => {
    const t = new Tenant("abc");
    const asked: Resource[] = [];
    for (let i = 0; i < 3; i++) asked.push(t.application.pick(asked)!);
    expect([new Set(asked).size, t.application.pick(asked)]).toEqual([3, null]);
    expect(t.pick(1)).toBe("a");
  });
});
