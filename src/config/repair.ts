/**
 * Makes a wrong configuration checkable to its end: what is wrong in itself is replaced, so that the relations
 * between the other keys can be looked at in the same run. The result is never used for anything else.
 */
import * as v from "valibot";
import type { KeyPath } from "./finding.ts";
import { isTable, putAt, removeAt, type Table, valueAt } from "./keys.ts";
import { schema, schemaAt, shapeOf } from "./schema.ts";

/** The shaped configuration, or null when what is wrong cannot be worked around. */
export function repair(tree: Table, broken: readonly KeyPath[]): v.InferOutput<typeof schema> | null {
  const copy = copyOf(tree) as Table;
  broken.forEach((path, n) => mend(copy, path, n));
  const parsed = v.safeParse(schema, copy);
  return parsed.success ? parsed.output : null;
}

function mend(tree: Table, path: KeyPath, n: number): void {
  // A wrong item of a list of words spoils the list: the list's default takes its place.
  let place = path;
  while (place.length > 1 && schemaAt(place) === null) place = place.slice(0, -1);
  const part = schemaAt(place);
  if (part === null) return;
  removeAt(tree, place);
  if (shapeOf(part).is === "table" && typeof place.at(-1) === "number") {
    // Something that is no table stands in a list of tables: forget the list.
    removeAt(tree, place.slice(0, -1));
    return;
  }
  // Required? The first of these that fits stands in for it; distinct, so that nothing looks repeated.
  if (v.safeParse(part, valueAt(tree, place)).success) return;
  for (const standIn of [`stand-in-${n}.invalid`, "viewer"]) {
    if (v.safeParse(part, standIn).success) {
      putAt(tree, place, standIn);
      return;
    }
  }
}

/** Tables and lists are copied, values (dates too) are shared. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isTable(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, below]) => [name, copyOf(below)]));
}
