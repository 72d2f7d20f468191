/**
 * What Jolokia answers instead of a value: a Java exception's class, its message and a status (§4.2).
 *
 * Clients of the original tell faults apart by these class names, so they are the original's.
 */

import { ActFault } from "../gateway.ts";

export class JolokiaFault extends Error {
  override readonly name = "JolokiaFault";
  readonly status: number;
  readonly errorType: string;
  /** `message` may be "": the original's own exceptions have none. */
  constructor(status: number, errorType: string, message: string) {
    super(message);
    this.status = status;
    this.errorType = errorType;
  }
}

export function illegalArgument(message: string): JolokiaFault {
  return new JolokiaFault(400, "java.lang.IllegalArgumentException", message);
}

export function numberFormat(text: string | null): JolokiaFault {
  const message = text === null ? "null" : `For input string: "${text}"`;
  return new JolokiaFault(400, "java.lang.NumberFormatException", message);
}

export function unsupported(message: string): JolokiaFault {
  return new JolokiaFault(500, "java.lang.UnsupportedOperationException", message);
}

/** A refusal that was meant, as Java would throw it; null for what only a defect can throw. */
export function faultOf(thrown: unknown): JolokiaFault | null {
  if (thrown instanceof JolokiaFault) return thrown;
  if (!(thrown instanceof ActFault)) return null;
  switch (thrown.kind) {
    case "application-exists":
      return new JolokiaFault(500, "com.rayo.server.storage.ApplicationAlreadyExistsException", "");
    case "application-not-found":
      return new JolokiaFault(500, "com.rayo.server.storage.ApplicationNotFoundException", "");
    case "node-not-found":
      return new JolokiaFault(500, "com.rayo.server.storage.RayoNodeNotFoundException", "");
    // The original has no exception for these and ignores the first (BUG 36).
    case "platform-not-found":
    case "invalid":
      return illegalArgument(thrown.message);
    case "store":
      return new JolokiaFault(500, "com.rayo.server.storage.DatastoreException", thrown.message);
  }
}

/** The log has the rest; the caller learns nothing of our insides. */
export const DEFECT = new JolokiaFault(
  500,
  "java.lang.IllegalStateException",
  "The gateway failed; its log says why",
);
