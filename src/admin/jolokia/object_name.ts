/**
 * MBean names as javax.management.ObjectName reads them: `domain:key=value,…`, keys in any order, `*` and `?` for
 * patterns. The canonical name has its keys sorted, so `name=Admin,Type=Admin` is `Type=Admin,name=Admin`.
 */

import { illegalArgument } from "./fault.ts";

export interface ObjectName {
  canonical: string;
  domain: string;
  properties: Map<string, string>;
  /** Further keys may follow (`,*`). */
  open: boolean;
  pattern: boolean;
}

/** Throws the 400 of a bad object name. */
export function parseObjectName(text: string): ObjectName {
  const colon = text.indexOf(":");
  if (colon < 0) throw illegalArgument("Invalid object name. Domain part must be specified");
  const domain = text.slice(0, colon);
  const list = text.slice(colon + 1);
  if (list === "") throw illegalArgument("Invalid object name. Key properties cannot be empty");
  const properties = new Map<string, string>();
  let open = false;
  for (const part of splitOutsideQuotes(list)) {
    if (part === "*") {
      open = true;
      continue;
    }
    const equals = part.indexOf("=");
    const key = part.slice(0, Math.max(equals, 0));
    if (key === "" || /[:*?]/.test(key)) {
      throw illegalArgument(`Invalid object name. Invalid key property "${part}"`);
    }
    if (properties.has(key)) throw illegalArgument(`Invalid object name. Duplicate key property "${key}"`);
    properties.set(key, part.slice(equals + 1));
  }
  const keys = [...properties.keys()].sort();
  const sorted = keys.map((key) => `${key}=${properties.get(key)}`);
  if (open) sorted.push("*");
  const canonical = `${domain}:${sorted.join(",")}`;
  return { canonical, domain, properties, open, pattern: /[*?]/.test(canonical) };
}

/** Whether `name`, itself no pattern, is among those that `pattern` means. */
export function matches(pattern: ObjectName, name: ObjectName): boolean {
  if (!glob(pattern.domain, name.domain)) return false;
  if (!pattern.open && pattern.properties.size !== name.properties.size) return false;
  for (const [key, value] of pattern.properties) {
    const own = name.properties.get(key);
    if (own === undefined || !glob(value, own)) return false;
  }
  return true;
}

/** `*` any run, `?` any one character. Walks both once, going back only to the last star. */
function glob(pattern: string, text: string): boolean {
  let p = 0;
  let star = -1;
  let resume = 0;
  for (let t = 0; t < text.length;) {
    if (p < pattern.length && pattern[p] === "*") {
      star = p++;
      resume = t;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}

/** A value in double quotes may hold commas. */
function splitOutsideQuotes(list: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let i = 0; i < list.length; i++) {
    if (list[i] === "\\" && quoted) i++;
    else if (list[i] === '"') quoted = !quoted;
    else if (list[i] === "," && !quoted) {
      parts.push(list.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(list.slice(start));
  return parts;
}
