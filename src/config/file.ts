/**
 * Where the configuration stands (spec 9.2) and its text.
 */
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Environment } from "./environment.ts";
import { reasonOf } from "./secret_files.ts";

export const SYSTEM_FILE = "/etc/rayo-gateway/config.toml";
/** A configuration is written by hand; anything larger is some other file. */
const FILE_BYTES_MAX = 1024 * 1024;

/** `--config`, else `$RAYO_GATEWAY_CONFIG`, else `./config.toml`, else the system's; "" when there is none. */
export function findConfigFile(
  { file, env, cwd, systemFile = SYSTEM_FILE }: {
    file?: string | undefined;
    env: Environment;
    cwd: string;
    systemFile?: string;
  },
): string {
  const named = file ?? env["RAYO_GATEWAY_CONFIG"];
  if (named !== undefined && named !== "") return named;
  for (const candidate of ["config.toml", systemFile]) {
    if (statSync(resolve(cwd, candidate), { throwIfNoEntry: false }) !== undefined) return candidate;
  }
  return "";
}

/** The file's text, or why there is none. */
export function readConfigText(file: string): { text: string; problem: string | null } {
  try {
    const kind = statSync(file);
    if (kind.isDirectory()) return { text: "", problem: "cannot be read: it is a directory" };
    if (kind.size > FILE_BYTES_MAX) return { text: "", problem: `is larger than ${FILE_BYTES_MAX} bytes` };
    const bytes = readFileSync(file);
    return { text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes), problem: null };
  } catch (error) {
    if (error instanceof TypeError) return { text: "", problem: "is not UTF-8 text" };
    return { text: "", problem: `cannot be read: ${reasonOf(error)}` };
  }
}
