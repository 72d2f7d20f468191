/**
 * Time as it is given to everything above the sockets, so that a simulation can own it.
 *
 * Nothing in xmpp/, cluster/ or routing/ asks the operating system what time it is; whoever needs time or a
 * timer is handed a Clock.
 */

export interface Timer {
  /** Idempotent; a timer that has fired or was cancelled does nothing more. */
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds since an arbitrary moment (may have fractions). */
  now(): number;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  wall(): number;
  /** Runs `run` once, `ms` milliseconds from now, never within this call. */
  after(ms: number, run: () => void): Timer;
}

/**
 * `clock`, asked for the time once per turn of the event loop: a batch of stanzas is handled at one moment, and asking
 * costs as much as finding a call.
 */
export function perTurn(clock: Clock): Clock {
  let now = 0;
  let fresh = false;
  const stale = () => fresh = false;
  return {
    now() {
      if (!fresh) {
        now = clock.now();
        fresh = true;
        queueMicrotask(stale);
      }
      return now;
    },
    wall: clock.wall,
    after: clock.after,
  };
}

/** The machine's own clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
