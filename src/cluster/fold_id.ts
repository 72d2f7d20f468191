/**
 * Folding call ids as text, the way the call table compares their bytes and the way nodes are told of them (DC16).
 */
import { FOLD } from "../base/bytes.ts";

// deno-lint-ignore no-control-regex -- everything beyond ASCII is meant
const UNFOLDED = /[A-Z]|[^\u0000-\u007f]/;

/** Folds as the table compares ids: ASCII only. */
export function foldAscii(id: string): string {
  return id.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Folds a public id made or chosen by others to what the gateway writes towards nodes (FS55). */
export function foldId(id: string): string {
  if (!UNFOLDED.test(id)) return id;
  let folded = "";
  for (const c of id) folded += c < "\u0080" ? String.fromCharCode(FOLD[c.charCodeAt(0)]!) : c.toLowerCase();
  return folded;
}
