/**
 * Walks over a parsed configuration beside the schema: unknown keys, and the names that exist.
 */
import type { KeyPath } from "./finding.ts";
import { nearest } from "./nearest.ts";
import { schema, shapeOf } from "./schema.ts";
import type { GenericSchema } from "valibot";

/** A parsed TOML table. Only own, enumerable names count: a file may call a key `__proto__`. */
export type Table = Record<string, unknown>;

export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.getPrototypeOf(value) === Object.prototype;
}

export interface UnknownKey {
  path: KeyPath;
  nearest: string | null;
}

/** Every key of `tree` that the schema does not have, in the file's order. */
export function unknownKeys(tree: Table): UnknownKey[] {
  const found: UnknownKey[] = [];
  walk(tree, schema, [], found);
  return found;
}

function walk(value: unknown, part: GenericSchema, path: KeyPath, found: UnknownKey[]): void {
  const shape = shapeOf(part);
  if (shape.is === "tables") {
    if (!Array.isArray(value)) return;
    value.forEach((item, i) => walk(item, shape.item, [...path, i], found));
  }
  if (shape.is !== "table" || !isTable(value)) return;
  for (const name of Object.keys(value)) {
    const below = [...path, name];
    if (Object.hasOwn(shape.entries, name)) walk(value[name], shape.entries[name]!, below, found);
    else found.push({ path: below, nearest: nearest(name, Object.keys(shape.entries)) });
  }
}

/** The path of every value a file can hold; lists of tables count as one value and are not entered. */
export function knownKeys(part: GenericSchema = schema, path: readonly string[] = []): string[][] {
  const shape = shapeOf(part);
  if (shape.is !== "table") return [[...path]];
  return Object.entries(shape.entries).flatMap(([name, below]) => knownKeys(below, [...path, name]));
}

/** The value at `path`, or undefined. */
export function valueAt(tree: unknown, path: KeyPath): unknown {
  let value = tree;
  for (const step of path) {
    if (typeof step === "number") value = Array.isArray(value) ? value[step] : undefined;
    else value = isTable(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }
  return value;
}

/** Puts `value` at `path`, making tables on the way; false where something else than a table stands in the way. */
export function putAt(tree: Table, path: KeyPath, value: unknown): boolean {
  let place: unknown = tree;
  for (const [i, step] of path.entries()) {
    const last = i === path.length - 1;
    if (typeof step === "number") {
      if (!Array.isArray(place)) return false;
      if (last) place[step] = value;
      place = place[step];
      continue;
    }
    if (!isTable(place)) return false;
    if (last) place[step] = value;
    else if (!Object.hasOwn(place, step)) place[step] = {};
    place = place[step];
  }
  return true;
}

/** Takes the key at `path` out of its table, if it is there. */
export function removeAt(tree: Table, path: KeyPath): void {
  const table = valueAt(tree, path.slice(0, -1));
  const name = path.at(-1);
  if (isTable(table) && typeof name === "string") delete table[name];
}
