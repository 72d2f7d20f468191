/**
 * A process that runs the gateway's life (src/run.ts) around an app that does what RUN_CHILD says; for tests of
 * signals and exit statuses, which need a process of their own.
 */
import { run, type RunningApp } from "../../src/run.ts";
import { LogSink } from "../../src/system/output.ts";

const behaviour = new Set((process.env["RUN_CHILD"] ?? "").split(","));
const sink = new LogSink();

const status = await run({
  file: process.argv[2],
  env: {},
  cwd: process.cwd(),
  version: "0.0.0",
  write: (line) => sink.write(line),
  leave: (status) => process.exit(status),
  start: async ({ config, log, version }): Promise<RunningApp> => {
    if (behaviour.has("refuse")) throw new Error("the store is locked by another gateway");
    const done = Promise.withResolvers<number>();
    if (behaviour.has("end")) done.resolve(3);
    if (behaviour.has("throw")) {
      setTimeout(() => {
        throw new Error("thrown by a timer");
      });
    }
    if (behaviour.has("reject")) void Promise.reject(new Error("nobody waits for this"));
    if (behaviour.has("slow-start")) {
      log.info("starting slowly");
      await Bun.sleep(50);
    }
    setTimeout(() => log.info("started", { version, level: config.log.level }));
    return {
      adminAddress: null,
      done: done.promise,
      reload: (config) => config.xmpp.external.port === 5347 ? [] : ["xmpp.external.port needs a restart"],
      stop: async () => {
        if (behaviour.has("hang")) await new Promise(() => {});
        if (behaviour.has("stop-fails")) throw new Error("the disk is full");
        log.info("streams closed");
      },
    };
  },
});
await sink.flush();
process.exit(status);
