/**
 * Chance as it is given to everything above the sockets, so that a simulation can repeat it from a seed.
 */

export interface Random {
  /** A whole number from 0 to 2^32 - 1. */
  u32(): number;
}

/** Unpredictable; for ids that other parties must not guess. */
export const systemRandom: Random = {
  u32: () => crypto.getRandomValues(new Uint32Array(1))[0]!,
};

/** xorshift32 (Marsaglia 2003): repeatable, for simulations and tests; not for secrets. */
export function seededRandom(seed: number): Random {
  let state = (seed >>> 0) || 0x9e3779b9;
  return {
    u32() {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state >>>= 0;
    },
  };
}

/** A number in [0, 1). */
export function fraction(random: Random): number {
  return random.u32() / 0x1_0000_0000;
}
