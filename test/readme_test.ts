/**
 * The documents say what is: names of files exist, the configuration they show is accepted, the commands they give
 * are those that the code knows.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { ROLE_OF } from "../src/admin/roles.ts";
import { loadConfig } from "../src/config.ts";
import { applyEnvironment } from "../src/config/environment.ts";
import { removeFolder, temporaryFolder } from "./support/process.ts";

const ROOT = join(import.meta.dir, "..");
const operators = readFileSync(join(ROOT, "README.md"), "utf8");
const developers = readFileSync(join(ROOT, "src/README.md"), "utf8");

function block(language: string): string {
  const found = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(operators);
  if (found === null) throw new Error(`README.md has no ${language} block`);
  return found[1]!;
}

describe("README.md", () => {
  test("the configuration in front of a real site is accepted", async () => {
    const cwd = temporaryFolder("readme");
    await Bun.write(join(cwd, "config.toml"), block("toml"));
    const { findings, warnings, config } = loadConfig({ env: {}, cwd });
    removeFolder(cwd);
    expect([findings, warnings]).toEqual([[], []]);
    // What the servers' lines say is what the gateway's say.
    for (const server of [block("lua"), block("yaml")]) {
      for (
        const [domains, side] of [["externalDomain", "external"], ["internalDomain", "internal"]] as const
      ) {
        expect(server).toContain(config!.gateway[domains][0]!);
        expect(server).toContain(config!.xmpp[side].secret);
      }
    }
  });

  test("the unit's environment names keys, and keeps the runtime's doors shut", () => {
    const unit = block("ini");
    const given = [...unit.matchAll(/^Environment=(RAYO_GATEWAY__\w+)=(\S+)$/gm)];
    expect(given.length).toBe(2);
    const { applied, faults } = applyEnvironment(
      {},
      Object.fromEntries(given.map(([, name, value]) => [name!, value])),
    );
    expect([applied.length, faults]).toEqual([2, []]);
    const doors = /RUNTIME_DOORS = \[([^\]]*)\]/.exec(readFileSync(join(ROOT, "src/run.ts"), "utf8"))![1]!;
    const unset = /^UnsetEnvironment=(.*)$/m.exec(unit)![1]!.split(" ");
    expect(unset).toEqual(expect.arrayContaining(["BUN_BE_BUN", ...doors.match(/\w+/g)!]));
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute/m);
  });

  test("every target of the Makefile that it names is there", () => {
    const makefile = readFileSync(join(ROOT, "Makefile"), "utf8");
    const named = [...operators.matchAll(/(?:`|^ {4})make ([a-z-]+)/gm)].map(([, target]) => target!);
    expect(named.length).toBeGreaterThan(5);
    for (const target of named) expect(makefile).toMatch(new RegExp(`^${target}:`, "m"));
  });

  test("the roles are the code's", () => {
    for (const role of new Set(Object.values(ROLE_OF))) expect(operators).toContain(`\`${role}\``);
  });
});

describe("src/README.md", () => {
  const names = ["src", "test"].flatMap((top) =>
    readdirSync(join(ROOT, top), { recursive: true, encoding: "utf8" }).map((name) => `${top}/${name}`)
  );

  test("every file that it names exists", () => {
    const named = [...developers.matchAll(/`([\w/]+\.(?:ts|toml))`/g)].map(([, name]) => name!);
    expect(named.length).toBeGreaterThan(20);
    for (
      const name of named.filter((name) => name !== "x.ts" && name !== "x_test.ts" && name !== "config.toml")
    ) {
      expect(names.filter((path) => path === name || path.endsWith(`/${name}`))).not.toEqual([]);
    }
  });

  test("the tree names files and folders that are there, and every folder of src", () => {
    const tree = /## The tree\n([^]*?)\n`test/.exec(developers)![1]!;
    const files = new Set(names.map((name) => basename(name, ".ts")));
    for (
      const folder of readdirSync(join(ROOT, "src"), { withFileTypes: true }).filter((e) => e.isDirectory())
    ) {
      expect(tree).toContain(`${folder.name}/`);
    }
    // In the first two columns of each folder stand names of files.
    for (const line of tree.split("\n").filter((line) => /^ {4}\S/.test(line))) {
      for (const word of line.trim().split(/ {2,}/)[0]!.split(/\s+/)) {
        expect(files).toContain(word.replace(/\/$/, "").replace(/\.ts$/, ""));
      }
    }
  });
});
