/**
 * CONFORMANCE.md says what the sources say, and every test it names is there.
 */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { allClaims, claimsOf, conformanceDocument, SPECS, writtenDocument } from "./conformance.ts";
import { MUSTS } from "./musts.ts";

const ROOT = join(import.meta.dir, "../..");

test("CONFORMANCE.md is up to date: make conformance writes it", () => {
  expect(writtenDocument()).toBe(conformanceDocument());
});

test("every claim can be read, and every specification has one", () => {
  const { claims, faults } = allClaims();
  expect(faults).toEqual([]);
  expect(Object.keys(SPECS).filter((spec) => !claims.some((claim) => claim.spec === spec))).toEqual([]);
});

describe("claims", () => {
  const of = (line: string) => claimsOf("a.ts", `/**\n * A file.\n *\n * ${line}\n */`);
  test("well-formed ones are taken", () => {
    expect(of("Conforms: XEP-0327 §6.8.1, messages, both ways: complete").claims).toEqual([{
      spec: "XEP-0327",
      section: "6.8.1",
      words: "messages, both ways",
      state: "complete",
      file: "a.ts",
    }]);
    expect(of("Says nothing.")).toEqual({ claims: [], faults: [] });
  });
  for (
    const bad of [
      "Conforms: XEP-0327, messages: complete",
      "Conforms: XEP-9999 §1, nothing: complete",
      "Conforms: XEP-0327 §6., messages: complete",
      "Conforms: XEP-0327 §6, messages: nearly",
      "Conforms: XEP-0327 §6 messages",
    ]
  ) test(bad, () => expect(of(bad).faults.length).toBe(1));
});

describe("musts", () => {
  for (const { section, must, file, title } of MUSTS) {
    test(`${section}: ${must}`, () => {
      const titles = readFileSync(join(ROOT, file), "utf8").split("\n")
        .filter((line) => /^== |\b(?:test|describe)\S*\(|^\s*["'`]/.test(line));
      expect(titles.some((line) => line.includes(title))).toBe(true);
    });
  }
});
