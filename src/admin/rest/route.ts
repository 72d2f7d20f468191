/**
 * A REST route: one path, and for each of its methods the act that permission is asked for and what runs.
 *
 * A path answers every other method with 405 and its own `Allow`, so the table is the whole truth about it.
 */

import type { Context } from "hono";
import { Problem } from "../problem.ts";
import { type Act, mayDo, ROLE_OF } from "../roles.ts";
import type { Principal } from "../security.ts";

export interface AdminEnv {
  Variables: { principal: Principal };
}

export type Call = Context<AdminEnv>;

export type Method = "GET" | "POST" | "PATCH" | "DELETE";

export interface Endpoint {
  act: Act;
  run: (call: Call) => Response | Promise<Response>;
}

export interface Route {
  path: string;
  methods: Partial<Record<Method, Endpoint>>;
}

/** Throws a Problem: 405, 403, or what the endpoint throws. */
export function runRoute(route: Route, call: Call): Response | Promise<Response> {
  const { method } = call.req;
  const allowed = Object.keys(route.methods);
  if (allowed.includes("GET")) allowed.push("HEAD");
  const asked = method === "HEAD" ? "GET" : method;
  const endpoint = Object.hasOwn(route.methods, asked) ? route.methods[asked as Method] : undefined;
  if (endpoint === undefined) {
    throw new Problem(405, `${method} is not a method of this path`, { Allow: allowed.join(", ") });
  }
  permit(call, endpoint.act);
  return endpoint.run(call);
}

/** Throws a Problem 403. */
export function permit(call: Call, act: Act): void {
  if (!mayDo(call.get("principal").role, act)) throw new Problem(403, `this needs the role ${ROLE_OF[act]}`);
}

export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store", ...headers },
  });
}

export function noContent(): Response {
  return new Response(null, { status: 204, headers: { "Cache-Control": "no-store" } });
}

/** Throws a Problem 404 for null. */
export function found<T>(item: T | null | undefined, what: string, id: string): T {
  if (item === null || item === undefined) throw new Problem(404, `there is no ${what} "${id}"`);
  return item;
}
