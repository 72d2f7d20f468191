/**
 * The JSON around every answer (§4.2). Errors carry a timestamp too: today's clients want one.
 */

import type { Json } from "./bean.ts";
import type { JolokiaFault } from "./fault.ts";
import type { JolokiaRequest } from "./request.ts";

export function success(request: JolokiaRequest, value: Json, wallMs: number): Json {
  return { request: echo(request), value, status: 200, timestamp: Math.floor(wallMs / 1000) };
}

/** `request` null: it could not be parsed, so there is nothing to echo. */
export function failure(request: JolokiaRequest | null, fault: JolokiaFault, wallMs: number): Json {
  const error = fault.message === "" ? fault.errorType : `${fault.errorType} : ${fault.message}`;
  return {
    ...(request === null ? {} : { request: echo(request) }),
    error,
    error_type: fault.errorType,
    // The first line of Java's; our own stack is nobody's business.
    stacktrace: error.replace(" : ", ": ") + "\n",
    status: fault.status,
    timestamp: Math.floor(wallMs / 1000),
  };
}

function echo(request: JolokiaRequest): Json {
  switch (request.type) {
    case "read": {
      const names = request.attributes;
      return {
        type: "read",
        mbean: request.name.canonical,
        ...(names === null ? {} : { attribute: names.length === 1 ? names[0]! : names }),
        ...(request.path.length === 0 ? {} : { path: request.path.map(escapePart).join("/") }),
      };
    }
    case "exec":
      return {
        type: "exec",
        mbean: request.name.canonical,
        operation: request.operation,
        ...(request.args.length === 0 ? {} : { arguments: request.args }),
      };
    case "write":
      return {
        type: "write",
        mbean: request.name.canonical,
        attribute: request.attribute,
        value: request.value,
      };
    default:
      return { type: request.type };
  }
}

function escapePart(part: string): string {
  return part.replace(/[!/]/g, "!$&");
}
