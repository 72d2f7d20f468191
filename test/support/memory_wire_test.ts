/** The network in memory behaves as TCP where links can tell: order, bounds, ends; and repeats itself from a seed. */
import { expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import type { Wire, WireSink } from "../../src/link/link.ts";
import { ManualClock } from "./manual_clock.ts";
import { MemoryNetwork, type MemoryNetworkOptions, type MemoryWire } from "./memory_wire.ts";

interface End extends WireSink {
  wire: Wire | null;
  text: string;
  chunks: number;
  drains: number;
  closes: string[];
}

function end(): End {
  const it: End = {
    wire: null,
    text: "",
    chunks: 0,
    drains: 0,
    closes: [],
    opened: (wire) => it.wire = wire,
    data(chunk) {
      it.text += chunk.toString();
      it.chunks++;
    },
    drained: () => it.drains++,
    closed: (why) => it.closes.push(why),
  };
  return it;
}

function pair(options: Partial<MemoryNetworkOptions> = {}) {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock, ...options });
  const near = end(), far = end();
  network.listen("h", 1, (wire) => {
    far.wire = wire;
    return far;
  });
  network.connect("h", 1, near);
  expect(near.wire).toBeNull();
  clock.advance(100);
  return {
    clock,
    network,
    near,
    far,
    nearWire: near.wire as MemoryWire,
    farWire: far.wire as unknown as MemoryWire,
  };
}

const write = (wire: Wire, text: string) => wire.write(Buffer.from(text), 0, Buffer.byteLength(text));

test("bytes arrive after the latency, in order, copied", () => {
  const { clock, near, far, nearWire } = pair({ latencyMs: 10 });
  const buf = Buffer.from("abc");
  nearWire.write(buf, 1, 3);
  buf.fill(0);
  write(nearWire, "d");
  clock.advance(9);
  expect(far.text).toBe("");
  clock.advance(1);
  expect(far.text).toBe("bcd");
  expect(near.text).toBe("");
});

test("a full direction takes no more until the other side reads", () => {
  const { clock, far, near, nearWire, farWire } = pair({ bufferBytes: 4 });
  farWire.pause();
  expect(write(nearWire, "abcdef")).toBe(4);
  expect(write(nearWire, "ef")).toBe(0);
  clock.advance(1000);
  expect([far.text, near.drains]).toEqual(["", 0]);
  farWire.resume();
  clock.advance(1);
  expect([far.text, near.drains]).toEqual(["abcd", 1]);
  expect(write(nearWire, "ef")).toBe(2);
  clock.advance(1);
  expect([far.text, near.drains]).toEqual(["abcdef", 1]);
});

test("end() lets everything arrive first; closed() comes once on both sides; then writes are -1", () => {
  const { clock, near, far, nearWire, farWire, network } = pair({ latencyMs: 5 });
  write(nearWire, "last");
  nearWire.end();
  expect(write(nearWire, "x")).toBe(-1);
  write(farWire, "words");
  clock.advance(100);
  expect(far.text).toBe("last");
  expect(near.text).toBe("words");
  expect(near.closes).toHaveLength(1);
  expect(far.closes).toHaveLength(1);
  nearWire.destroy();
  clock.advance(100);
  expect(near.closes).toHaveLength(1);
  expect(network.open.size).toBe(0);
});

test("destroy() is a reset; vanish() tells nobody; refuse() and swallow() are told apart", () => {
  const one = pair();
  one.farWire.destroy();
  one.clock.advance(1);
  expect(one.near.closes).toEqual(["connection reset"]);

  const two = pair();
  two.nearWire.vanish();
  expect(write(two.nearWire, "x")).toBe(1);
  two.farWire.destroy();
  two.clock.advance(1000);
  expect([two.near.closes, two.far.text]).toEqual([[], ""]);

  const late = end();
  two.network.swallow("h", 1);
  two.network.connect("h", 1, late);
  two.clock.advance(100_000);
  expect([late.wire, late.closes]).toEqual([null, []]);
  two.network.refuse("h", 1);
  two.network.connect("h", 1, late);
  two.clock.advance(1);
  expect(late.closes).toEqual(["connection refused"]);
  expect(two.network.attempts).toHaveLength(3);
});

test("with chance: cut anywhere, still in order, the same for the same seed", () => {
  const run = (seed: number) => {
    const { clock, far, nearWire } = pair({ latencyMs: 20, random: seededRandom(seed) });
    for (let n = 0; n < 50; n++) write(nearWire, `<stanza n='${n}'/>`);
    clock.advance(1000);
    return { text: far.text, chunks: far.chunks, end: clock.now() };
  };
  const first = run(3);
  expect(first.text).toBe(Array.from({ length: 50 }, (_, n) => `<stanza n='${n}'/>`).join(""));
  expect(first.chunks).toBeGreaterThan(60);
  expect(run(3)).toEqual(first);
  expect(run(4).chunks).not.toBe(first.chunks);
});
