/**
 * Signals as the gateway understands them (spec 9.2, DC44): SIGTERM and SIGINT ask for an orderly stop, a second one
 * ends the process at once, SIGHUP asks for a reload.
 */

export interface SignalSink {
  /** The first SIGTERM or SIGINT. */
  stop(signal: "SIGTERM" | "SIGINT"): void;
  /** Another one, while stopping: leave with this status. */
  leave(status: number): void;
  reload(): void;
}

/** 128 and the signal's number, as shells report it. */
const STATUS = { SIGTERM: 143, SIGINT: 130 } as const;

/** Listens until the returned function is called. */
export function listenToSignals(sink: SignalSink): () => void {
  let stopping = false;
  const end = (signal: "SIGTERM" | "SIGINT") => () => {
    if (stopping) return sink.leave(STATUS[signal]);
    stopping = true;
    sink.stop(signal);
  };
  const listeners = [
    ["SIGTERM", end("SIGTERM")],
    ["SIGINT", end("SIGINT")],
    ["SIGHUP", () => sink.reload()],
  ] as const;
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}
