/**
 * What is wrong with a configuration, one line each: where, which key, what it says and what would be right.
 *
 * A finding never shows a secret: neither a value under a secret's key nor anything inside `admin.tokens`, even
 * where the value stands in the wrong place (DC43).
 */

/** Steps from the top of the file to a value: names, and positions in lists. */
export type KeyPath = readonly (string | number)[];

export interface Finding {
  /** The file as the operator named it, or the environment variable. */
  source: string;
  /** From 1; 0 where no line can be named (a key that is missing, an environment variable). */
  line: number;
  /** From 1, for syntax errors; else 0. */
  column: number;
  /** `nodes.static[0].jid`; "" for the file as a whole. */
  key: string;
  problem: string;
}

/** `config.toml:7: xmpp.external.port: "abc" is not a whole number from 1 to 65535` */
export function findingLine(finding: Finding): string {
  let line = finding.source;
  if (finding.line > 0) line += `:${finding.line}`;
  if (finding.column > 0) line += `:${finding.column}`;
  if (finding.key !== "") line += `: ${finding.key}`;
  return `${line}: ${finding.problem}`;
}

/** In the order in which an operator reads the file; what has no line comes last. */
export function sortFindings(findings: Finding[]): Finding[] {
  const rank = (finding: Finding) => finding.line === 0 ? Infinity : finding.line;
  return findings.sort((a, b) => {
    const order = rank(a) - rank(b); // NaN between two without a line
    return order < 0 ? -1 : order > 0 ? 1 : a.column - b.column;
  });
}

/** `nodes.static[0].jid`, names quoted as TOML wants them quoted. */
export function keyText(path: KeyPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") {
      text += `[${step}]`;
      continue;
    }
    if (text !== "") text += ".";
    text += /^[A-Za-z0-9_-]+$/.test(step) ? step : printable(step);
  }
  return text;
}

const SECRET = /(?:^|_)(?:secret|password|token|tokens)$/i;

/** A value may hold a secret when any step to it is named like one. */
export function isSecret(path: KeyPath): boolean {
  return path.some((step) => typeof step === "string" && SECRET.test(step));
}

const SHOWN_MAX = 80;

/** The offending value as it may be shown. */
export function valueText(value: unknown, path: KeyPath): string {
  if (typeof value === "object" && value !== null) {
    if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
    return Object.getPrototypeOf(value) === Object.prototype ? "a table" : "a date or time";
  }
  if (isSecret(path)) return "the value (not shown)";
  if (typeof value === "string") return printable(value);
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  return Number.isNaN(value) ? "nan" : String(value);
}

/** Quoted, cut to a readable length, without characters that move a cursor or colour a terminal. */
export function printable(text: string): string {
  const cut = text.length > SHOWN_MAX ? text.slice(0, SHOWN_MAX) + "…" : text;
  return JSON.stringify(cut).replace(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
