/**
 * `limit` and `cursor` of every list (DC47).
 */

import { Problem } from "../problem.ts";
import type { Page } from "../gateway.ts";
import type { Call } from "./route.ts";

export const LIMIT_DEFAULT = 100;
export const LIMIT_MAX = 1000;

/** Longer than any JID. */
const CURSOR_LENGTH_MAX = 4096;

/** Throws a Problem 422. `limit` null: none was asked for. */
export function paging(call: Call): { limit: number | null; cursor: string | null } {
  const limit = call.req.query("limit");
  const cursor = call.req.query("cursor") ?? null;
  if (limit !== undefined && !(/^\d{1,9}$/.test(limit) && Number(limit) >= 1 && Number(limit) <= LIMIT_MAX)) {
    throw new Problem(422, `limit must be a whole number from 1 to ${LIMIT_MAX}`);
  }
  if (cursor !== null && cursor.length > CURSOR_LENGTH_MAX) {
    throw new Problem(422, "this is not a cursor of this list");
  }
  return { limit: limit === undefined ? null : Number(limit), cursor };
}

/** A list that is short by nature, in one page unless a limit was asked for. A cursor is the last key seen. */
export function pageOf<T>(call: Call, items: readonly T[], key: (item: T) => string): Page<T> {
  const { limit, cursor } = paging(call);
  const sorted = items.toSorted((a, b) => key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
  const rest = cursor === null ? sorted : sorted.filter((item) => key(item) > cursor);
  const page = rest.slice(0, limit ?? rest.length);
  return { items: page, cursor: page.length < rest.length ? key(page.at(-1)!) : null };
}
