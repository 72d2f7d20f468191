/**
 * The life of one process from its configuration to its exit status: start, reload, stop (spec 9.2, DC44).
 *
 * What nobody caught (an exception or a rejected promise) is logged as an error and the process goes on: thousands
 * of calls hang on it, and the step that failed has already been left. Only what fails while starting ends it.
 */
import { systemClock } from "./base/clock.ts";
import { Log } from "./base/log.ts";
import { type Config, loadConfig, type Loaded } from "./config.ts";
import { findingLine } from "./config/finding.ts";
import type { Environment } from "./config/environment.ts";
import { listenToSignals } from "./system/signals.ts";

/** The gateway as this file needs it; app.ts builds it. */
export interface RunningApp {
  /** Closes streams and flushes the store. */
  stop(): Promise<void>;
  /** Takes over what can change while running; one sentence for each key that cannot. */
  reload(config: Config): string[];
  readonly adminAddress: string | null;
  /** Settles when the gateway ended by itself, with an exit status. */
  readonly done: Promise<number>;
}

export type StartApp = (
  options: { config: Config; configFile: string; log: Log; version: string },
) => Promise<RunningApp>;

export interface RunOptions {
  file: string | undefined;
  env: Environment;
  cwd: string;
  version: string;
  start: StartApp;
  /** Takes whole lines for stderr. */
  write: (line: string) => void;
  /** Ends the process without another word: the second signal. */
  leave: (status: number) => void;
}

/**
 * COMPAT(bun): the runtime inside the executable listens to these before the gateway has a say. Who may set them may
 * run code in it; that they are set at all is nearly always an accident.
 */
const RUNTIME_DOORS = ["BUN_OPTIONS", "BUN_INSPECT", "BUN_INSPECT_CONNECT_TO", "BUN_INSPECT_NOTIFY"];

/** An orderly stop that takes longer than this is given up, and the exit status says so. */
const STOP_MS_MAX = 20_000;

/** Runs until it is told to stop; resolves to the exit status. */
export async function run(options: RunOptions): Promise<number> {
  const loaded = loadConfig(options);
  if (loaded.config === null) {
    for (const finding of loaded.findings) options.write(findingLine(finding) + "\n");
    return 1;
  }
  const { config } = loaded;
  const log = new Log(options.write, systemClock.wall, config.log.level, config.log.format);
  for (const warning of loaded.warnings) log.warn(warning);
  for (const name of RUNTIME_DOORS) {
    if (options.env[name]) log.warn(`${name} is set, which lets others into this process: unset it`);
  }

  // The clock's timers do not hold the process; while both links wait for their servers nothing else might.
  const hold = setInterval(() => {}, 0x7fff_ffff);
  const forgetFaults = logWhatNobodyCaught(log);
  const stopping = Promise.withResolvers<"SIGTERM" | "SIGINT">();
  let app: RunningApp | null = null;
  const forgetSignals = listenToSignals({
    stop: stopping.resolve,
    leave: options.leave,
    reload: () => {
      if (app !== null) reload(app, loadConfig(options), log);
    },
  });
  try {
    app = await options.start({ config, configFile: loaded.file, log, version: options.version });
    const why = await Promise.race([stopping.promise, app.done]);
    if (typeof why === "number") {
      log.info("ended", { status: why });
      return why;
    }
    log.info("stopping", { signal: why });
    return await stopWithin(app, STOP_MS_MAX, log);
  } catch (error) {
    log.error(
      app === null ? `cannot start: ${messageOf(error)}` : `stopped in disorder: ${messageOf(error)}`,
    );
    return 1;
  } finally {
    clearInterval(hold);
    forgetSignals();
    forgetFaults();
  }
}

async function stopWithin(app: RunningApp, ms: number, log: Log): Promise<number> {
  const late = Promise.withResolvers<"late">();
  const timer = systemClock.after(ms, () => late.resolve("late"));
  const how = await Promise.race([app.stop(), late.promise]);
  timer.cancel();
  if (how === "late") {
    log.error("stopped in disorder: not everything was closed in time", { milliseconds: ms });
    return 1;
  }
  log.info("stopped");
  return 0;
}

/** A configuration with findings changes nothing: the gateway keeps the one it has. */
function reload(app: RunningApp, loaded: Loaded, log: Log): void {
  if (loaded.config === null) {
    for (const finding of loaded.findings) log.error(findingLine(finding));
    log.error("configuration not reloaded, the old one stays in force", { findings: loaded.findings.length });
    return;
  }
  for (const warning of loaded.warnings) log.warn(warning);
  for (const refusal of app.reload(loaded.config)) log.warn(`not reloaded: ${refusal}`);
  log.level = loaded.config.log.level;
  log.format = loaded.config.log.format;
  log.info("configuration reloaded", { file: loaded.file });
}

function logWhatNobodyCaught(log: Log): () => void {
  const exception = (error: unknown) => log.error(`a bug: ${messageOf(error)}`, { stack: stackOf(error) });
  const rejection = (error: unknown) =>
    log.error(`a bug, in a promise: ${messageOf(error)}`, { stack: stackOf(error) });
  process.on("uncaughtException", exception);
  process.on("unhandledRejection", rejection);
  return () => {
    process.off("uncaughtException", exception);
    process.off("unhandledRejection", rejection);
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function stackOf(error: unknown): string {
  return error instanceof Error
    ? (error.stack ?? "").split("\n").slice(1, 6).map((line) => line.trim()).join(" < ")
    : "";
}
