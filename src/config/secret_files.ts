/**
 * Secrets that stand in files of their own: `secret_file` beside `secret`, `password_file`, `token_file`.
 *
 * The file's whole text counts, without the line end that editors add. Relative names are relative to the
 * configuration file (DC42).
 */
import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { KeyPath } from "./finding.ts";
import { printable } from "./finding.ts";
import { isTable, type Table } from "./keys.ts";

const PAIRS = ["secret", "password", "token"] as const;

/** Stands for a secret that could not be read: its own finding is enough, "is missing" would be a second. */
const UNREAD = "unread";

const BYTES_MAX = 64 * 1024;

export interface SecretFault {
  path: KeyPath;
  problem: string;
}

/** Puts the files' contents where the secrets belong and takes the `…_file` keys out of `tree`. */
export function resolveSecretFiles(tree: Table, configFile: string): SecretFault[] {
  const faults: SecretFault[] = [];
  visit(tree, [], (table, path) => {
    for (const name of PAIRS) {
      const fileKey = `${name}_file`;
      const file = table[fileKey];
      if (!Object.hasOwn(table, fileKey) || typeof file !== "string") continue;
      const at = [...path, fileKey];
      if (Object.hasOwn(table, name)) {
        faults.push({ path: at, problem: `${name} is given as well; give only one of the two` });
        continue;
      }
      const read = readSecret(resolve(dirname(configFile), file), file);
      if (read.problem !== null) faults.push({ path: at, problem: read.problem });
      table[name] = read.problem === null ? read.text : UNREAD;
      delete table[fileKey];
    }
  });
  return faults;
}

function readSecret(file: string, shown: string): { text: string; problem: string | null } {
  try {
    const kind = statSync(file);
    // A device or a pipe could give bytes for ever.
    if (!kind.isFile()) return { text: "", problem: `${printable(shown)} is not a file` };
    if (kind.size > BYTES_MAX) return { text: "", problem: `${printable(shown)} is too large for a secret` };
    const text = readFileSync(file, "utf8").replace(/\r?\n$/, "");
    if (text === "") return { text, problem: `${printable(shown)} is empty` };
    return { text, problem: null };
  } catch (error) {
    return { text: "", problem: `${printable(shown)} cannot be read: ${reasonOf(error)}` };
  }
}

/** The operating system's reason in words, without the path it repeats. */
export function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  if (code === "ENOENT") return "no such file";
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  if (code === "EISDIR") return "it is a directory";
  if (code === "ENOTDIR") return "a part of its path is not a directory";
  return typeof code === "string" ? code : "an unknown error";
}

function visit(value: unknown, path: KeyPath, act: (table: Table, path: KeyPath) => void): void {
  if (Array.isArray(value)) value.forEach((item, i) => visit(item, [...path, i], act));
  if (!isTable(value)) return;
  for (const name of Object.keys(value)) visit(value[name], [...path, name], act);
  act(value, path);
}
