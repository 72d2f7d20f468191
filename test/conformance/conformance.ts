/**
 * Which specification is implemented where, gathered from the first comment of each file of src: lines of the form
 * ` * Conforms: XEP-0327 §6.8.1, words: complete`. Run as a program it writes CONFORMANCE.md.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MUSTS } from "./musts.ts";

const ROOT = join(import.meta.dir, "../..");
const DOCUMENT = join(ROOT, "CONFORMANCE.md");

export interface Claim {
  /** `XEP-0327`, `RFC 6120`. */
  spec: string;
  /** `6.8.1`. */
  section: string;
  words: string;
  state: string;
  /** From the top of the repository. */
  file: string;
}

/** States a claim may have. */
export const STATES = ["complete", "left to the servers", "left to the nodes"];

/** What this project speaks, in the order of the document. */
export const SPECS: Record<string, string> = {
  "XEP-0327": "Rayo",
  "XEP-0349": "Rayo Clustering",
  "XEP-0114": "Jabber Component Protocol",
  "XEP-0030": "Service Discovery",
  "XEP-0115": "Entity Capabilities",
  "XEP-0199": "XMPP Ping",
  "XEP-0203": "Delayed Delivery",
  "RFC 6120": "XMPP Core",
  "RFC 7622": "XMPP Address Format",
};

/** The claims of one file, or what is wrong with them. */
export function claimsOf(file: string, source: string): { claims: Claim[]; faults: string[] } {
  const claims: Claim[] = [], faults: string[] = [];
  const header = source.slice(0, source.indexOf("*/"));
  for (const [line] of header.matchAll(/^ \* Conforms:.*$/gm)) {
    const match = /^ \* Conforms: (XEP-\d{4}|RFC \d{4}) §([\d.]+\d|\d), (.+): ([a-z ]+)$/.exec(line);
    const [, spec = "", section = "", words = "", state = ""] = match ?? [];
    if (match === null) faults.push(`${file}: cannot be read: ${line.trim()}`);
    else if (SPECS[spec] === undefined) faults.push(`${file}: nobody knows ${spec}`);
    else if (!STATES.includes(state)) faults.push(`${file}: '${state}' is no state`);
    else claims.push({ spec, section, words, state, file });
  }
  return { claims, faults };
}

/** Of the whole of src. */
export function allClaims(): { claims: Claim[]; faults: string[] } {
  const files = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts")).sort();
  const found = files.map((name) => claimsOf(`src/${name}`, readFileSync(join(ROOT, "src", name), "utf8")));
  return { claims: found.flatMap((f) => f.claims), faults: found.flatMap((f) => f.faults) };
}

/** The text of CONFORMANCE.md. */
export function conformanceDocument(): string {
  const { claims } = allClaims();
  const lines = [
    "# Conformance",
    "",
    "Made by `make conformance` from the first comments of the files in `src/`; a test checks that it is up to date.",
    "What media servers do themselves (media, components' work) is the nodes' business and not listed.",
    "",
  ];
  for (const [spec, title] of Object.entries(SPECS)) {
    const own = claims.filter((claim) => claim.spec === spec)
      .sort((a, b) => order(a.section, b.section) || a.file.localeCompare(b.file));
    lines.push(`## ${spec}: ${title}`, "", "| Section | What | State | Where |", "| --- | --- | --- | --- |");
    for (const { section, words, state, file } of own) {
      lines.push(`| ${section} | ${words} | ${state} | [\`${file}\`](${file}) |`);
    }
    lines.push("");
  }
  lines.push(
    "## Every MUST of the server role",
    "",
    "Of XEP-0349 and XEP-0327. _Gateway_: done here. _Node_: the gateway passes it unchanged, which the test shows.",
    "",
    "| Section | Must | By | Test |",
    "| --- | --- | --- | --- |",
    ...MUSTS.map(({ section, must, by, file, title }) =>
      `| ${section} | ${must} | ${by} | [\`${file}\`](${file}) “${title.replaceAll("|", "\\|")}” |`
    ),
  );
  return lines.join("\n") + "\n";
}

/** Compares `6.2.1` and `6.10` part by part. */
function order(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(".").map(Number)) as [number[], number[]];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** CONFORMANCE.md as it is. */
export function writtenDocument(): string {
  return readFileSync(DOCUMENT, "utf8");
}

if (import.meta.main) writeFileSync(DOCUMENT, conformanceDocument());
