/**
 * The StoreFault a promise rejects with.
 *
 * Not `await expect(promise).rejects`: that spins the event loop inside the matcher, where no message of a worker
 * arrives, so a test that continues from such a message would wait for ever.
 */
import { StoreFault } from "../../src/cluster/store.ts";

export async function faultOf(promise: Promise<unknown>): Promise<StoreFault> {
  const outcome = await promise.then(() => "no fault at all", (error: unknown) => error);
  if (!(outcome instanceof StoreFault)) throw new Error(`expected a StoreFault, got ${outcome}`);
  return outcome;
}
