/**
 * A Jolokia request as a closed union, read from the parts of a GET path (§4.2).
 */

import { illegalArgument } from "./fault.ts";
import { type ObjectName, parseObjectName } from "./object_name.ts";
import { splitList, splitPath } from "./path.ts";

export type JolokiaRequest =
  | { type: "version" }
  /** `attributes` null: all of them; `path` leads into the value. */
  | { type: "read"; name: ObjectName; attributes: string[] | null; path: string[] }
  | { type: "exec"; name: ObjectName; operation: string; args: (string | null)[] }
  | { type: "write"; name: ObjectName; attribute: string; value: string | null }
  | { type: "list" | "search" | "notification" };

/** Throws a fault for what cannot even be echoed. `path` is decoded. */
export function parseRequest(path: string): JolokiaRequest {
  const parts = splitPath(path);
  const type = (parts.shift() ?? "version").toLowerCase();
  // Whether anything is missing is asked before what the name says, as in the original.
  const next = () => {
    const part = parts.shift();
    if (part === undefined) {
      throw illegalArgument(`Invalid arguments in pathinfo ${path} for command ${type}`);
    }
    return part;
  };
  switch (type) {
    case "version":
      return { type };
    case "read": {
      const name = parseObjectName(next());
      const asked = parts.shift();
      const all = asked === undefined || asked === "*";
      return { type, name, attributes: all ? null : splitList(asked), path: parts };
    }
    case "exec": {
      const [name, operation] = [next(), next()];
      return { type, name: parseObjectName(name), operation, args: parts.map(special) };
    }
    case "write": {
      const [name, attribute, value] = [next(), next(), next()];
      return { type, name: parseObjectName(name), attribute, value: special(value) };
    }
    case "list":
    case "search":
    case "notification":
      return { type };
    default:
      throw illegalArgument(`No type with name '${type}' exists`);
  }
}

/** A path has no way to say null or an empty text, so two words stand for them. */
function special(argument: string): string | null {
  if (argument === "[null]") return null;
  return argument === '""' ? "" : argument;
}
