/**
 * The law of the house over src and test, and a canary for each rule: a rule that cannot fail protects nothing.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { codeOnly } from "./support/code_only.ts";
import * as rules from "./support/house_rules.ts";
import type { Rule, SourceFile } from "./support/house_rules.ts";

const ROOT = join(import.meta.dir, "..");
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { dependencies: object };

const RULES: Record<string, Rule> = {
  floors: rules.floors,
  packages: rules.packages,
  declaredPackages: rules.declaredPackages(Object.keys(manifest.dependencies)),
  endings: rules.endings,
  outsideWorld: rules.outsideWorld,
  routingWords: rules.routingWords,
  noConsole: rules.noConsole,
  purpose: rules.purpose,
  long: rules.long,
  exportsPlain: rules.exportsPlain,
  promises: rules.promises,
  machinePaths: rules.machinePaths,
  names: rules.names,
  docstrings: rules.docstrings,
};

const tree: SourceFile[] = ["src", "test"].flatMap((top) =>
  readdirSync(join(ROOT, top), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => ({ path: `${top}/${name}`, source: readFileSync(join(ROOT, top, name), "utf8") }))
);

describe("the tree", () => {
  test("is all there", () => {
    expect(tree.some((file) => file.path === "src/main.ts")).toBe(true);
    expect(tree.some((file) => file.path === "test/tidy_test.ts")).toBe(true);
  });

  for (const [name, rule] of Object.entries(RULES)) {
    test(name, () => {
      const judged = tree.filter((file) => !rules.excused(name, file));
      expect(judged.flatMap((file) => rule(file).map((complaint) => `${file.path}: ${complaint}`))).toEqual(
        [],
      );
    });
  }

  test("unusedExports", () => expect(rules.unusedExports(tree)).toEqual([]));
});

describe("canaries", () => {
  const PURPOSE = "/**\n * A file that is here to be looked at.\n */\n";
  type Case = [rule: string, path: string, bad: string, good: string];
  const cases: Case[] = [
    ["floors", "src/xmpp/a.ts", 'import { b } from "../cluster/b.ts";', 'import { b } from "../base/b.ts";'],
    ["floors", "src/xmpp/a.ts", 'import type { B } from "../link/b.ts";', 'import type { B } from "./b.ts";'],
    ["floors", "src/link/a.ts", 'import { b } from "../store/b.ts";', 'import { b } from "../cluster/b.ts";'],
    ["floors", "src/store/sqlite/a.ts", 'import "../../admin/b.ts";', 'import "../memory.ts";'],
    ["floors", "src/base/a.ts", 'const b = await import("../xmpp/b.ts");', 'const b = "../xmpp/b.ts";'],
    [
      "floors",
      "src/app.ts",
      'import { b } from "../test/support/b.ts";',
      'import { b } from "./admin/b.ts";',
    ],
    ["floors", "src/admin/a.ts", 'import { b } from "../config.ts";', 'import { b } from "../base/b.ts";'],
    ["floors", "src/link/a.ts", 'import p from "../../package.json";', "const p = 1;"],
    ["floors", "src/attic/a.ts", "const a = 1;", ""],
    ["packages", "src/cluster/a.ts", 'import { z } from "hono";', 'import { isUtf8 } from "node:buffer";'],
    ["packages", "src/base/a.ts", 'import { z } from "node:fs";', '// import { z } from "node:fs";'],
    ["declaredPackages", "src/admin/a.ts", 'import { z } from "left-pad";', 'import { z } from "hono/cors";'],
    ["endings", "test/a_test.ts", 'import { b } from "./b";', 'import { b } from "./b.ts";'],
    ["outsideWorld", "src/cluster/a.ts", "const t = Date.now();", "const t = clock.now(); // not Date.now()"],
    ["outsideWorld", "src/xmpp/a.ts", "setTimeout(run, 1);", 'const s = "setTimeout(run, 1)";'],
    ["outsideWorld", "src/routing/a.ts", "const r = Math.random();", "const r = random.u32();"],
    ["outsideWorld", "src/base/a.ts", "const e = process.env;", "const e = step.process.env;"],
    ["outsideWorld", "src/base/a.ts", "const t = `${performance.now()}`;", "const t = `performance.now()`;"],
    ["outsideWorld", "src/base/a.ts", "Bun.gc();", "const s = /Bun.gc()/;"],
    ["outsideWorld", "src/xmpp/a.ts", "const d = new Date();", "const d = new Date(wall);"],
    ["outsideWorld", "src/base/a.ts", "const b = crypto.randomUUID();", "const b = random.u32();"],
    ["outsideWorld", "src/base/a.ts", "const b = fetch(url);", "const b = cache.fetch(url);"],
    ["routingWords", "src/routing/a.ts", "const a = async () => {};", "const a = () => {}; // never async"],
    ["routingWords", "src/routing/a.ts", 'throw new Error("x");', 'const s = "throw";'],
    ["routingWords", "src/routing/a.ts", "try { a(); } catch {}", "const x = { try: 1 };"],
    ["routingWords", "src/routing/a.ts", "const a = await b;", "const awaited = b;"],
    ["noConsole", "src/admin/a.ts", "console.log(1);", "log.info(text);"],
    ["long", "src/admin/a.ts", "a();\n".repeat(400), "a();\n".repeat(390)],
    ["exportsPlain", "src/base/a.ts", "export default 1;", "export const a = 1;"],
    ["exportsPlain", "src/base/a.ts", "export { a as default };", "export { a };"],
    ["exportsPlain", "src/base/a.ts", 'export * from "./b.ts";', "export const b = a * 2;"],
    ["exportsPlain", "src/base/a.ts", 'export { b } from "./b.ts";', "export const b = { a };"],
    ["promises", "src/base/a.ts", "// TO" + "DO: later", "// done"],
    ["promises", "test/a_test.ts", "/* FIX" + "ME */", "/* fixed */"],
    ["promises", "src/base/a.ts", "// X" + "XX", "// XXXL"],
    ["machinePaths", "src/base/a.ts", 'const p = "/ho' + 'me/me/x";', 'const p = "/homes/x";'],
    ["machinePaths", "test/a_test.ts", "// see /wo" + "rk", "// see src/work, and 1/work"],
    ["machinePaths", "test/a_test.ts", 'open("/t' + 'mp/x")', "open(`${tmpdir()}/x`)"],
    ["docstrings", "src/link/a.ts", "export function b() {}", "/** Does b. */\nexport function b() {}"],
    ["docstrings", "src/store/x/a.ts", "export class B {}", "/** A B. */\nexport class B {}"],
    ["docstrings", "src/link/own_ping.ts", "\nexport class Ping {}", "export class OwnPings {}"],
    ["docstrings", "src/link/own_ping.ts", "\nexport function ping() {}", "export function ownPing() {}"],
  ];
  cases.forEach(([name, path, bad, good], i) => {
    test(`${name} ${i}`, () => {
      // A line between, so that the purpose is nobody's docstring.
      expect(RULES[name]!({ path, source: `${PURPOSE}\n${bad}\n` }).length).toBeGreaterThan(0);
      if (good !== "") expect(RULES[name]!({ path, source: `${PURPOSE}\n${good}\n` })).toEqual([]);
    });
  });

  test("purpose", () => {
    expect(rules.purpose({ path: "src/a.ts", source: PURPOSE })).toEqual([]);
    expect(rules.purpose({ path: "src/a.ts", source: "/** A file that is here to be looked at. */\n" }))
      .toEqual([]);
    for (
      const source of [
        "",
        "import 'x';\n" + PURPOSE,
        "// A comment of another kind, long enough\n",
        "/** Short. */\n",
      ]
    ) {
      expect(rules.purpose({ path: "test/a.ts", source }).length).toBe(1);
    }
  });

  test("names", () => {
    for (const path of ["src/xmpp/stream_error.ts", "test/support/x.d.ts", "src/s2s.ts"]) {
      expect(rules.names({ path, source: "" })).toEqual([]);
    }
    for (const path of ["src/xmpp/streamError.ts", "src/Xmpp/a.ts", "src/a-b.ts", "src/_a.ts"]) {
      expect(rules.names({ path, source: "" }).length).toBe(1);
    }
  });

  test("a rule may be broken with a reason", () => {
    const file = (source: string) => ({ path: "src/a.ts", source });
    expect(rules.excused("long", file("// tidy: long because it is one table"))).toBe(true);
    expect(rules.excused("long", file("// tidy: long"))).toBe(false);
    expect(rules.excused("floors", file("// tidy: long because it is one table"))).toBe(false);
  });

  test("unusedExports", () => {
    const used = {
      path: "src/base/a.ts",
      source: "export const alpha = 1;\nexport function beta() {}\nbeta();\n",
    };
    const user = { path: "test/a_test.ts", source: 'import { alpha } from "../src/base/a.ts";\n' };
    expect(rules.unusedExports([used, user])).toEqual([]);
    expect(rules.unusedExports([used])).toEqual(["src/base/a.ts: nothing uses its export alpha"]);
    const mention = { path: "test/a_test.ts", source: "// alpha\n" };
    expect(rules.unusedExports([used, mention]).length).toBe(1);
  });

  test("every rule has one", () => {
    const seen = new Set([...cases.map(([name]) => name), "purpose", "names"]);
    expect(Object.keys(RULES).filter((name) => !seen.has(name))).toEqual([]);
  });
});

describe("what counts as code", () => {
  const cases: [source: string, code: string][] = [
    ['a = "b" + c', 'a = " " + c'],
    ["a = 'it\\'s' + c", "a = '     ' + c"],
    ["a // b\nc", "a     \nc"],
    ["a /* b\nc */ d", "a     \n     d"],
    ["a = `b ${c + `d ${e}`} f`", "a = `  ${c + `  ${e}`}  `"],
    ["a = `${ {b: 1}.b } c`", "a = `${ {b: 1}.b }  `"],
    ["a = /[\"'/]\\//g + b", "a = /       /g + b"],
    ["a = b / c / d", "a = b / c / d"],
    ["return /'/.test(a)", "return / /.test(a)"],
    ["a = (b) / 2; // '", "a = (b) / 2;     "],
    ['a = "b', 'a = " '],
    ["a = `b", "a = ` "],
  ];
  for (const [source, code] of cases) {
    test(JSON.stringify(source), () => expect(codeOnly(source)).toBe(code));
  }
});
