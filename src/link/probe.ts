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
  #asked = false;
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
    this.#asked = false;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Anything that only a living peer causes. Called for every chunk of data: sets a timer only if it was asked for. */
  heard(): void {
    this.#heardAt = this.#clock.now();
    if (!this.#asked) return;
    this.#asked = false;
    this.#timer?.cancel();
    this.#wait(this.#times.idleMs);
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
    const { answerMs } = this.#times;
    this.#asked = true;
    this.#timer = this.#clock.after(answerMs, () => {
      // This process itself stood still (stopped, suspended): what came meanwhile has not been read yet.
      if (this.#clock.now() - askedAt > answerMs + LATE_MS) return this.#askNow();
      this.stop();
      this.#dead();
    });
    this.#ask();
  }
}
