/**
 * Looking at a stanza's direct children: by name and namespace number, without making strings.
 */
import { isText } from "../base/bytes.ts";
import type { Stanza } from "../xmpp/stanza.ts";

/** Place of the first recorded child `name` in namespace `ns`, or -1. */
export function findChild(s: Stanza, ns: number, name: string): number {
  for (let i = 0; i < s.childCount; i++) {
    if (s.childNs[i] === ns && isText(s.buf, s.childNameStart[i]!, s.childNameEnd[i]!, name)) return i;
  }
  return -1;
}

/** Is child `i` (which may be absent: -1) called `name` in namespace `ns`? */
export function isChild(s: Stanza, i: number, ns: number, name: string): boolean {
  return i >= 0 && i < s.childCount && s.childNs[i] === ns &&
    isText(s.buf, s.childNameStart[i]!, s.childNameEnd[i]!, name);
}
