/**
 * DC8, G1, GAP 2: who may speak as a node, and as which.
 */
import { describe, expect, test } from "bun:test";
import { Trust } from "../../src/cluster/trust.ts";

const rows: [patterns: string[], statics: string[], known: string[], domain: string, node: string | null][] =
  [
    [["node1.test"], [], [], "node1.test", "node1.test"],
    [["node1.test"], [], [], "call.node1.test", "node1.test"],
    [["node1.test"], [], [], "a.b.node1.test", "node1.test"],
    [["node1.test"], [], [], "evilnode1.test", null],
    [["node1.test"], [], [], "node1.test.evil", null],
    [["node1.test"], [], [], "test", null],
    [["*.test"], [], [], "node1.test", "node1.test"],
    [["*.test"], [], [], "test", null],
    [["*.test"], [], [], "call.node1.test", "call.node1.test"],
    [["*.test"], [], ["node1.test"], "call.node1.test", "node1.test"],
    [["*.test"], [], ["other.test"], "node1.test", "node1.test"],
    [["*.test", "node1.test"], [], [], "call.node1.test", "node1.test"],
    [["*"], [], [], "anything.example", "anything.example"],
    [["*"], [], ["node1.test"], "mixer.node1.test", "node1.test"],
    [[], ["fs.test"], [], "fs.test", "fs.test"],
    [[], ["fs.test"], [], "call.fs.test", "fs.test"],
    [[], ["fs.test"], [], "node1.test", null],
    [[], [], ["node1.test"], "node1.test", null],
  ];

describe("DC8", () => {
  for (const [patterns, statics, known, domain, node] of rows) {
    const told = [...patterns, ...statics.map((s) => `static ${s}`), ...known.map((k) => `known ${k}`)].join(
      ", ",
    );
    test(`[${told}] ${domain} is ${node ?? "a stranger"}`, () => {
      expect(new Trust(patterns, statics).nodeOf(domain, (d) => known.includes(d))).toBe(node);
    });
  }
});
