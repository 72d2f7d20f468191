/**
 * Everything that HTTP refuses, as RFC 9457 `application/problem+json` (9.4, DC47).
 *
 * Never holds a secret, a stack trace or the text of an unexpected exception.
 */

import { ActFault } from "./gateway.ts";

const TITLES: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** What one field of a body or query did wrong; `pointer` is a JSON pointer into it. */
export interface FieldFault {
  pointer: string;
  detail: string;
}

/** Thrown by a route to end it; becomes the answer. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly errors: FieldFault[];
  constructor(
    status: number,
    detail: string,
    headers: Record<string, string> = {},
    errors: FieldFault[] = [],
  ) {
    super(detail);
    this.status = status;
    this.headers = headers;
    this.errors = errors;
  }

  answer(): Response {
    const body = {
      type: "about:blank",
      title: TITLES[this.status] ?? "Error",
      status: this.status,
      detail: this.message,
      ...(this.errors.length > 0 ? { errors: this.errors } : {}),
    };
    const headers = {
      "Content-Type": "application/problem+json",
      "Cache-Control": "no-store",
      ...this.headers,
    };
    return new Response(JSON.stringify(body), { status: this.status, headers });
  }
}

const STATUS_OF: Record<ActFault["kind"], number> = {
  "application-exists": 409,
  "application-not-found": 404,
  "node-not-found": 404,
  "platform-not-found": 404,
  invalid: 422,
  store: 503,
};

/** A refusal that the gateway or a route meant, or null for what only a defect can throw. */
export function problemOf(thrown: unknown): Problem | null {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof ActFault) return new Problem(STATUS_OF[thrown.kind], thrown.message);
  return null;
}
