/**
 * Assertions for what only a bug can break; what a peer can cause is returned, never asserted.
 */

/** Throws when `condition` is false. `what` names the broken relation. */
export function invariant(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${what}`);
}
