/**
 * What an MBean is made of here: attributes to read, operations to call; and Java's way of reading arguments.
 */

import type { Act } from "../roles.ts";
import { illegalArgument, numberFormat } from "./fault.ts";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type Argument = string | null;

export interface Operation {
  /** Java's types, for `op(java.lang.String)` and for the number of arguments. */
  parameters: readonly string[];
  act: Act;
  /** Nothing (`void`) becomes null. */
  run: (args: Argument[]) => Json | void | Promise<Json | void>;
}

export interface Bean {
  /** Canonical. */
  name: string;
  attributes: Map<string, () => Json>;
  operations: Map<string, Operation>;
}

export const STRING = "java.lang.String";

export function bean(
  name: string,
  attributes: Record<string, () => Json>,
  operations: Record<string, Operation> = {},
): Bean {
  return {
    name,
    attributes: new Map(Object.entries(attributes)),
    operations: new Map(Object.entries(operations)),
  };
}

/** An operation that only tells: its arguments are strings. */
export function tells(count: number, run: (...args: string[]) => Json): Operation {
  return {
    parameters: Array<string>(count).fill(STRING),
    act: "read",
    run: (args) => run(...args.map((arg) => arg ?? "")),
  };
}

/** An argument that must be there; a null would be a NullPointerException in Java. */
export function required(args: Argument[], index: number, name: string): string {
  const value = args[index];
  if (typeof value !== "string" || value === "") {
    throw illegalArgument(`The argument ${name} must not be empty`);
  }
  return value;
}

/** Boolean.parseBoolean: "true" in any case, everything else is false. */
export function parseBoolean(text: Argument | undefined): boolean {
  return text?.toLowerCase() === "true";
}

/** Integer.parseInt, its NumberFormatException included. */
export function parseInteger(text: Argument | undefined): number {
  const value = text ?? null;
  if (value === null || !/^[+-]?\d{1,20}$/.test(value)) throw numberFormat(value);
  const number = Number(value);
  if (number > 2_147_483_647 || number < -2_147_483_648) throw numberFormat(value);
  return number;
}
