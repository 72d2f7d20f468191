/**
 * A request's body, in bounded memory and bounded time, and its JSON checked against a schema.
 */

import * as v from "valibot";
import type { Clock } from "../base/clock.ts";
import { type FieldFault, Problem } from "./problem.ts";

/** Far above any body this API takes; a client cannot make us hold more. */
export const BODY_BYTES_MAX = 1024 * 1024;

/** From the end of the headers to the end of the body; a body of 1 MiB needs 1 Mbit/s. */
const BODY_TIMEOUT_MS = 10_000;

/** The rest of an unread body makes the connection useless. */
const CLOSE = { Connection: "close" };

/** Throws a Problem: 413 too large, 408 too slow, 400 broken off. */
export async function readBody(request: Request, clock: Clock): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > BODY_BYTES_MAX) throw tooLarge();
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let late = false;
  const timer = clock.after(BODY_TIMEOUT_MS, () => {
    late = true;
    reader.cancel().catch(() => {});
  });
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(() => {
        throw new Problem(400, "the body broke off", CLOSE);
      });
      if (done) break;
      size += value.byteLength;
      if (size > BODY_BYTES_MAX) {
        reader.cancel().catch(() => {});
        throw tooLarge();
      }
      chunks.push(value);
    }
  } finally {
    timer.cancel();
  }
  if (late) throw new Problem(408, `the body did not arrive within ${BODY_TIMEOUT_MS} ms`, CLOSE);
  return Buffer.concat(chunks, size);
}

function tooLarge(): Problem {
  return new Problem(413, `a body may have ${BODY_BYTES_MAX} bytes`, CLOSE);
}

/** Throws a Problem: 415 not JSON by its type, 400 not JSON, 422 JSON that the schema does not allow. */
export async function jsonBody<S extends v.GenericSchema>(
  request: Request,
  schema: S,
  clock: Clock,
): Promise<v.InferOutput<S>> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/(?:[a-z0-9.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new Problem(415, "the body must be application/json", {
      "Accept-Post": "application/json",
      ...CLOSE,
    });
  }
  const bytes = await readBody(request, clock);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Problem(400, "the body is not well-formed JSON in UTF-8");
  }
  return checked(schema, value, "the body is not what this takes");
}

/** Throws a Problem 422 that says which fields are wrong, and why. */
export function checked<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  detail: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const errors: FieldFault[] = result.issues.slice(0, ISSUES_MAX).map((issue) => ({
    pointer: (issue.path ?? []).map((step) =>
      "/" + String(step.key).replaceAll("~", "~0").replaceAll("/", "~1")
    ).join(""),
    detail: issue.message,
  }));
  throw new Problem(422, detail, {}, errors);
}

/** Of a long list of wrong things the first few tell enough. */
const ISSUES_MAX = 20;

/** For `v.strictObject`: what is missing, and what nobody knows. */
export function keyFault(issue: { expected: string | null; received: string }): string {
  return issue.expected === "never" ? "is not known here" : "is missing";
}
