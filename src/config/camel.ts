/**
 * The file's names (`timeout_ms`) as the code writes them (`timeoutMs`).
 */

type CamelName<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelName<Tail>>}`
  : S;

export type Camel<T> = T extends readonly (infer Item)[] ? Camel<Item>[]
  : T extends object ? { [Name in keyof T as Name extends string ? CamelName<Name> : never]: Camel<T[Name]> }
  : T;

/** A copy of plain data with every key renamed; values are not touched. */
export function camel<T>(value: T): Camel<T> {
  return rename(value) as Camel<T>;
}

function rename(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rename);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, below]) => [
      name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
      rename(below),
    ]),
  );
}
