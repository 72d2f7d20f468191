/**
 * Everything is built once here, in the order of the sentence; not before the parts exist.
 */
import type { Log } from "./base/log.ts";
import type { Config } from "./config.ts";
import type { RunningApp } from "./run.ts";

/** Starts the gateway; rejects with one sentence when it cannot. */
export function startApp(
  _options: { config: Config; configFile: string; log: Log; version: string },
): Promise<RunningApp> {
  return Promise.reject(new Error("not built yet"));
}
