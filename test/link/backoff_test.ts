/** Spec 9.5: reconnect for ever, first at once, then growing jittered pauses of at most 10 s. */
import { expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { Backoff } from "../../src/link/backoff.ts";
import { LINK_TIMES } from "../../src/link/component.ts";
import { PORT, rig } from "./rig.ts";

test("none, then growing within its jitter, never over the longest", () => {
  const { firstMs, maxMs } = LINK_TIMES.backoff;
  expect(maxMs).toBe(10_000);
  const seen = new Set<number>();
  for (let seed = 1; seed < 50; seed++) {
    const backoff = new Backoff({ firstMs, maxMs }, seededRandom(seed));
    expect(backoff.next()).toBe(0);
    for (let n = 0; n < 2000; n++) {
      const longest = Math.min(maxMs, firstMs * 2 ** n);
      const pause = backoff.next();
      expect(pause).toBeGreaterThanOrEqual(longest / 2);
      expect(pause).toBeLessThanOrEqual(longest);
      if (n === 10) seen.add(pause);
    }
    backoff.reset();
    expect(backoff.next()).toBe(0);
  }
  // Jitter: gateways do not come back in step.
  expect(seen.size).toBe(49);
});

test("a link that is refused tries again and again, ever slower, for ever", async () => {
  const { clock, network, link } = rig();
  network.refuse("xmpp.test", PORT);
  link.start();
  await clock.elapse(3_600_000);
  const times = network.attempts.map((one) => one.at);
  const pauses = times.slice(1).map((at, i) => at - times[i]!);
  expect(times[0]).toBe(0);
  expect(pauses[0]!).toBeLessThanOrEqual(200);
  expect(pauses[3]!).toBeGreaterThan(pauses[0]!);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(10_000);
  expect(Math.min(...pauses.slice(8))).toBeGreaterThanOrEqual(5_000);
  expect(new Set(pauses.slice(8)).size).toBeGreaterThan(100);
  expect(times.length).toBeGreaterThan(360);
});

test("a link that stood for a while reconnects at once; one that falls at once waits longer and longer", async () => {
  const { clock, network, server, link } = rig();
  link.start();
  await clock.elapse(6_000);
  const fellAt = clock.now();
  server.last.wire.destroy();
  await clock.elapse(1);
  expect(network.attempts.at(-1)!.at - fellAt).toBeLessThanOrEqual(1);

  server.onStanzas = () => {};
  const before = network.attempts.length;
  for (let n = 0; n < 8; n++) {
    await clock.until(() => link.up, 20_000);
    server.last.wire.destroy();
    await clock.until(() => !link.up, 20_000);
  }
  const times = network.attempts.slice(before).map((one) => one.at);
  expect(times.at(-1)! - times.at(-2)!).toBeGreaterThan(3_000);
});
