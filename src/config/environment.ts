/**
 * Overrides from the environment: `RAYO_GATEWAY__XMPP__EXTERNAL__PORT=5348` (spec 9.2, DC42).
 *
 * Where a key holds a string the variable is taken as it is; everything else is written as in TOML. A variable
 * that names no key is an error: a typing mistake must not silently leave the default in force.
 */
import type { KeyPath } from "./finding.ts";
import { isTable, knownKeys, putAt, removeAt, type Table } from "./keys.ts";
import { nearest } from "./nearest.ts";
import { schemaAt, shapeOf } from "./schema.ts";

const PREFIX = "RAYO_GATEWAY__";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Override {
  variable: string;
  path: KeyPath;
}

export interface EnvironmentFault {
  variable: string;
  problem: string;
}

/** `RAYO_GATEWAY__XMPP__EXTERNAL__PORT` */
export function variableOf(path: readonly string[]): string {
  return PREFIX + path.map((name) => name.toUpperCase()).join("__");
}

/** Writes the environment's values over those in `tree`; tells which were written and what was wrong. */
export function applyEnvironment(
  tree: Table,
  env: Environment,
): { applied: Override[]; faults: EnvironmentFault[] } {
  const applied: Override[] = [];
  const faults: EnvironmentFault[] = [];
  for (const variable of Object.keys(env).sort()) {
    const given = env[variable];
    if (!variable.startsWith(PREFIX) || given === undefined) continue;
    const path = variable.slice(PREFIX.length).split("__").map((part) => part.toLowerCase());
    const part = variable === variable.toUpperCase() ? schemaAt(path) : null;
    if (part === null) {
      const names = knownKeys().map((known) => variableOf(known).slice(PREFIX.length));
      const near = nearest(variable.slice(PREFIX.length), names);
      faults.push({
        variable,
        problem: `unknown key${near === null ? "" : `, did you mean ${PREFIX}${near}`}`,
      });
      continue;
    }
    const shape = shapeOf(part);
    if (shape.is === "table") {
      faults.push({ variable, problem: "names a section, not a key of it" });
      continue;
    }
    dropRival(tree, path);
    // Where the file has something else than a table in the way, the file's own finding says so.
    if (putAt(tree, path, readValue(given, shape.is === "value" && shape.words))) {
      applied.push({ variable, path });
    }
  }
  return { applied, faults };
}

/** A secret in the environment stands over a `…_file` in the file, and the other way round. */
function dropRival(tree: Table, path: readonly string[]): void {
  const name = path.at(-1)!;
  const rival = [
    ...path.slice(0, -1),
    name.endsWith("_file") ? name.slice(0, -"_file".length) : `${name}_file`,
  ];
  if (schemaAt(rival) !== null) removeAt(tree, rival);
}

/** What is not TOML stays a string, and the schema then says what would have been right. */
function readValue(given: string, words: boolean): unknown {
  if (words && !given.trimStart().startsWith("[")) return given;
  try {
    const parsed: unknown = Bun.TOML.parse(`x = ${given}`);
    if (isTable(parsed) && Object.keys(parsed).length === 1) return parsed["x"];
  } catch {
    // falls through: it is no TOML
  }
  return given;
}
