/**
 * Values that spec 9.3 names and this version does not do yet (DC41). They are refused by name, never ignored:
 * a cluster must not run on a promise. Whoever builds one deletes its line here.
 */
import type { KeyPath } from "./finding.ts";
import { type Table, valueAt } from "./keys.ts";

export interface NotBuilt {
  /** `[]` stands for every item of a list. */
  key: string;
  /** Which values; without it, every value that is given. */
  values?: readonly unknown[] | ((value: unknown) => boolean);
  sentence: string;
}

/** What is no proper value has a finding of its own. */
const otherThan = (only: number) => (value: unknown) =>
  typeof value === "number" && value >= 0 && value !== only;

export const NOT_BUILT: readonly NotBuilt[] = [
  { key: "xmpp.external.transport", values: ["s2s"], sentence: 'not built yet; use "component"' },
  { key: "xmpp.internal.transport", values: ["s2s"], sentence: 'not built yet; use "component"' },
  { key: "nodes.static[].calls_max", sentence: "not built yet; leave it out" },
  { key: "store.adapter", values: ["cassandra"], sentence: 'not built yet; use "sqlite" or "memory"' },
  {
    key: "balancing.algorithm",
    values: ["round_robin", "least_calls"],
    sentence: 'not built yet; use "priority"',
  },
  { key: "balancing.spill", values: ["proportional"], sentence: 'not built yet; use "strict"' },
  { key: "balancing.slow_start_ms", values: otherThan(0), sentence: "not built yet; use 0" },
  { key: "balancing.eject_share_max", values: otherThan(0.34), sentence: "not built yet; leave it at 0.34" },
];

/** Every value in `tree` that is named in the table above. */
export function notBuilt(tree: Table): { path: KeyPath; value: unknown; sentence: string }[] {
  const found: { path: KeyPath; value: unknown; sentence: string }[] = [];
  for (const line of NOT_BUILT) {
    for (const path of placesOf(tree, line.key)) {
      const value = valueAt(tree, path);
      if (value === undefined) continue;
      const values = line.values;
      const refused = values === undefined ||
        (typeof values === "function" ? values(value) : values.includes(value));
      if (refused) found.push({ path, value, sentence: line.sentence });
    }
  }
  return found;
}

/** `a[].b` → `a[0].b`, `a[1].b`, … as many as there are. */
function placesOf(tree: Table, key: string): KeyPath[] {
  const open = key.indexOf("[].");
  if (open === -1) return [key.split(".")];
  const list = key.slice(0, open).split(".");
  const items = valueAt(tree, list);
  return Array.isArray(items) ? items.map((_, i) => [...list, i, ...key.slice(open + 3).split(".")]) : [];
}
