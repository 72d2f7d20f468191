/**
 * Which keys differ between two configurations in a way that only a restart can take over (DC44).
 */
import type { Config } from "../config.ts";

/** Taken over while running; a name stands for everything below it. */
const LIVE = ["nodes.trusted", "nodes.static", "applications", "admin.tokens", "log"];

/** The keys, in the file's spelling, whose change is refused: `xmpp.external.port`. */
export function restartKeys(before: Config, after: Config): string[] {
  const keys: string[] = [];
  compare(before, after, "", keys);
  return keys;
}

function compare(before: unknown, after: unknown, key: string, keys: string[]): void {
  if (LIVE.includes(key)) return;
  if (isPlain(before) && isPlain(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const spelled = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      compare(before[name], after[name], key === "" ? spelled : `${key}.${spelled}`, keys);
    }
  } else if (JSON.stringify(before) !== JSON.stringify(after)) keys.push(key);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
