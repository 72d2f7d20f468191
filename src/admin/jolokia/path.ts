/**
 * The path of a GET, as Jolokia reads it: percent-decoded once, split at `/`, then `!/` is `/` and `!!` is `!` (§4.2).
 *
 * It works on the path as it came over the wire: whatever normalises paths would take `a!//b` apart differently.
 */

import { illegalArgument } from "./fault.ts";

/** Where the original and its clients look for it (§4.2). */
export const JOLOKIA_BASES = ["/jmx", "/rayo/jmx", "/jolokia"] as const;

/** The path info behind the base, still encoded; null if the URL is not below any base. `p` stands in for none. */
export function pathInfoOf(url: string): string | null {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const query = url.indexOf("?", start);
  const hash = url.indexOf("#", start);
  const end = Math.min(query < 0 ? url.length : query, hash < 0 ? url.length : hash);
  const path = url.slice(start, end);
  for (const base of JOLOKIA_BASES) {
    if (path === base || path.startsWith(base + "/")) return path.slice(base.length);
  }
  return null;
}

/** Percent-decoding, once. Throws the 400 of a path that is not UTF-8 or has a lone `%`. */
export function decodePath(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw illegalArgument("Invalid percent-encoding in pathinfo " + encoded);
  }
}

/** The parts of a decoded path; slashes at the ends and doubled ones separate nothing. */
export function splitPath(path: string): string[] {
  const parts: string[] = [];
  let part = "";
  for (let i = 0; i < path.length; i++) {
    const char = path[i]!;
    if (char === "!" && i + 1 < path.length) part += path[++i]!;
    else if (char !== "/") part += char;
    else {
      if (part !== "") parts.push(part);
      part = "";
    }
  }
  if (part !== "") parts.push(part);
  return parts;
}

/** `a,b` as two names; `\,` is a comma. */
export function splitList(text: string): string[] {
  return (text.match(/(?:[^,\\]|\\.|\\$)+/gs) ?? []).map((part) => part.replace(/\\(.)/gs, "$1"));
}
