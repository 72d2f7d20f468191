/**
 * How long a link waits before it connects again: not at all the first time, then growing, jittered pauses (9.5).
 *
 * Jitter keeps the gateways of a cluster from coming back to a restarted server in step.
 */
import { fraction, type Random } from "../base/random.ts";

export interface BackoffTimes {
  /** The longest second pause. */
  firstMs: number;
  /** No pause is longer. */
  maxMs: number;
}

export class Backoff {
  readonly #times: BackoffTimes;
  readonly #random: Random;
  /** Pauses since reset(). */
  #count = 0;

  constructor(times: BackoffTimes, random: Random) {
    this.#times = times;
    this.#random = random;
  }

  /** The next pause: 0, then from a half to the whole of first, 2 × first, 4 × first … up to the longest. */
  next(): number {
    const count = this.#count++;
    if (count === 0) return 0;
    // 2 ** 1000 is still a number; min() takes care of it.
    const longest = Math.min(this.#times.maxMs, this.#times.firstMs * 2 ** Math.min(count - 1, 1000));
    return longest * (0.5 + fraction(this.#random) / 2);
  }

  /** The link has proved itself: the next pause is none again. */
  reset(): void {
    this.#count = 0;
  }
}
