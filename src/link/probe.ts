/**
 * Notices a dead TCP connection in bounded time (DC7): silence for a while makes it ask the peer for a sign of life,
 * and no sign within another while means that nobody is there.
 *
 * Knows neither sockets nor XMPP: `ask` sends whatever must be answered, and every sign of life is told to heard().
 */
import type { Clock, Timer } from "../base/clock.ts";

export interface ProbeTimes {
  /** Silence before the peer is asked. */
  idleMs: number;
  /** Silence after that before it is given up. */
  answerMs: number;
}

/** A timer that fires so much too late says more about us than about the peer. */
const LATE_MS = 250;

export class Probe {
  readonly #clock: Clock;
  readonly #times: ProbeTimes;
  readonly #ask: () => void;
  readonly #dead: () => void;
  #heardAt = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock, times: ProbeTimes, ask: () => void, dead: () => void) {
    this.#clock = clock;
    this.#times = times;
    this.#ask = ask;
    this.#dead = dead;
  }

  start(): void {
    this.stop();
    this.heard();
    this.#wait(this.#times.idleMs);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Anything that only a living peer causes. Called for every chunk of data: it sets no timer. */
  heard(): void {
    this.#heardAt = this.#clock.now();
  }

  /** One timer that looks whether it came too early. */
  #wait(ms: number): void {
    this.#timer = this.#clock.after(ms, () => {
      const early = this.#heardAt + this.#times.idleMs - this.#clock.now();
      if (early > 0) this.#wait(early);
      else this.#askNow();
    });
  }

  #askNow(): void {
    const askedAt = this.#clock.now();
    const { idleMs, answerMs } = this.#times;
    this.#timer = this.#clock.after(answerMs, () => {
      const now = this.#clock.now();
      if (this.#heardAt >= askedAt) return this.#wait(Math.max(0, this.#heardAt + idleMs - now));
      // This process itself stood still (stopped, suspended): what came meanwhile has not been read yet.
      if (now - askedAt > answerMs + LATE_MS) return this.#askNow();
      this.#timer = null;
      this.#dead();
    });
    this.#ask();
  }
}
