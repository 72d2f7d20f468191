/**
 * Where things stand in a TOML text: the line of a key, the place of a syntax error (DC43).
 */
import { describe, expect, test } from "bun:test";
import { nearest } from "../../src/config/nearest.ts";
import { tomlFault } from "../../src/config/toml_fault.ts";
import { keyLines } from "../../src/config/toml_lines.ts";

describe("the line of a key", () => {
  const cases: [name: string, text: string, lines: Record<string, number>][] = [
    ["plain", "a = 1\nb = 2", { a: 1, b: 2 }],
    ["blank lines, comments, CRLF", "# a = 0\r\n\r\na = 1 # b = 2\r\nb = 2\r\n", { a: 3, b: 4 }],
    ["a byte order mark", "\uFEFFa = 1", { a: 1 }],
    ["tables", "[x]\na = 1\n[ x . y ]\nb = 1\n", { x: 1, "x.a": 2, "x.y": 3, "x.y.b": 4 }],
    ["dotted keys", "x.y.z = 1\nx.w = 2", { x: 1, "x.y": 1, "x.y.z": 1, "x.w": 2 }],
    ["quoted keys", '"a b".\'c\' = 1\n"d\\u0065" = 2', { '"a b".c': 1, de: 2 }],
    ["lists of tables", "[[l]]\na = 1\n[[l]]\na = 2\n[l.m]\nb = 3", {
      "l[0].a": 2,
      "l[1]": 3,
      "l[1].a": 4,
      "l[1].m.b": 6,
    }],
    ["nested lists of tables", "[[a]]\n[[a.b]]\nx=1\n[[a.b]]\nx=1\n[[a]]\n[[a.b]]\nx=1", {
      "a[0].b[0].x": 3,
      "a[0].b[1].x": 5,
      "a[1].b[0].x": 8,
    }],
    ["lists", "a = [\n  1, # one, [\n  'x]',\n  [2,\n 3]\n]\nb = 1", {
      "a[0]": 2,
      "a[1]": 3,
      "a[2]": 4,
      "a[2][1]": 5,
      b: 7,
    }],
    ["inline tables", "a = { b = 1, c = { d = 2 }, 'e.f' = [{ g = 3 }] }\nh = 1", {
      "a.b": 1,
      "a.c.d": 1,
      'a."e.f"[0].g': 1,
      h: 2,
    }],
    ["long strings", 'a = """\n[x]\nb = \\""" c = 1\n"""""\nd = \'\'\'\n\\\'\'\'\ne = 1', {
      a: 1,
      d: 5,
      e: 7,
    }],
    ["strings that look like TOML", 'a = \'\\\'\nb = "# \\" ["\nc = 1', { a: 1, b: 2, c: 3 }],
    ["dates with a blank", "a = 1979-05-27 07:32:00\nb = 1", { a: 1, b: 2 }],
  ];
  for (const [name, text, lines] of cases) {
    test(name, () => {
      expect(tomlFault(text)).toBeNull(); // the case itself is TOML
      const found = keyLines(text);
      for (const key in lines) expect({ key, line: found.get(key) }).toEqual({ key, line: lines[key] });
      expect([...found.keys()].every((key) => key !== "")).toBe(true);
    });
  }

  test("ends on any text, TOML or not", () => {
    const text = '[a]\nb = [1, {c = \'d\'}]\n"e" = """f\n"""\n[[g]]\nh.i = 1979-05-27\n';
    for (let cut = 0; cut < text.length; cut++) {
      expect(keyLines(text.slice(0, cut)).get("g.h")).toBeUndefined();
      expect(keyLines(text.slice(cut)).get("g.h")).toBeUndefined();
    }
    expect(keyLines("]]]]").get("]")).toBeUndefined();
  });
});

describe("the place of a syntax error", () => {
  const cases: [text: string, line: number, column: number][] = [
    ["a = 1\nb = \nc = 2", 2, 5],
    ["a = 1\nb = 2 c", 2, 7],
    ["[a\nb = 1", 1, 3],
    ["a = [1, 2\nb = 1", 2, 1],
    ["a = [\n 1,\n x,\n]\nb = 1", 3, 2],
    ["l = [1,\n2]\n\nb = [1,\n2\n\n[a]\n", 7, 1],
    ["a = 'x\nb = 1", 1, 7],
    ["a = 1\n\n\na = 2\n", 4, 5],
    ["a = 08", 1, 6],
    ["é = 1", 1, 1],
    ["a = true\n[a]\n", 2, 3],
  ];
  for (const [text, line, column] of cases) {
    test(JSON.stringify(text), () => {
      const { problem, ...place } = tomlFault(text)!;
      expect(place).toEqual({ line, column });
      expect(problem).toMatch(/^[a-z].*[^.]$/);
    });
  }

  test("never repeats a value", () => {
    expect(tomlFault("secret = hunter2")).toEqual({ line: 1, column: 10, problem: "strings must be quoted" });
  });
});

describe("the nearest name", () => {
  const cases: [word: string, names: string[], expected: string | null][] = [
    ["prot", ["port", "host"], "port"],
    ["trused", ["trusted", "static"], "trusted"],
    ["Trusted", ["trusted"], "trusted"],
    ["timeout", ["timeout_ms", "deadline_ms"], "timeout_ms"],
    ["xyzzy", ["port", "host"], null],
    ["", ["port"], null],
    ["a", [], null],
  ];
  for (const [word, names, expected] of cases) {
    test(`${word} among ${names.join(", ")}`, () => expect(nearest(word, names)).toBe(expected));
  }
});
