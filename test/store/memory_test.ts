/** The memory store: the contract, and forgetting on purpose. */
import { expect, test } from "bun:test";
import { MemoryStore } from "../../src/store/memory.ts";
import { storeContract } from "./contract.ts";
import { call, EMPTY } from "./rows.ts";

storeContract("memory", () => {
  // Its place is the object itself: a new life is the same one opened again.
  const store = new MemoryStore();
  return Promise.resolve({ store: () => store, dispose: () => store.close() });
});

test("told not to keep, it takes everything and returns nothing", async () => {
  const store = new MemoryStore({ keep: false });
  await store.open();
  await store.write([call(1)]);
  await store.close();
  expect(await store.open()).toEqual(EMPTY);
  await store.close();
});
