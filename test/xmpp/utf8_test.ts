/** RFC 3629, against the engine's own decoder, however the bytes are divided. */
import { expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { Utf8Check } from "../../src/xmpp/utf8.ts";

/** How many bytes of `bytes` pass before something is wrong, in pieces of `size`. */
function passed(bytes: Buffer, size: number): number {
  const check = new Utf8Check();
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    const good = check.check(piece);
    if (good < piece.length) return at + good;
  }
  return bytes.length;
}

/** True if the decoder takes `bytes`, be the last character complete or not. */
function taken(bytes: Buffer): boolean {
  try {
    return !/[\ufffe\uffff]/.test(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true }),
    );
  } catch {
    return false;
  }
}

const TROUBLE = [
  0x00,
  0x41,
  0x7f,
  0x80,
  0x8f,
  0x90,
  0x9f,
  0xa0,
  0xbe,
  0xbf,
  0xc0,
  0xc1,
  0xc2,
  0xdf,
  0xe0,
  0xe1,
  0xed,
  0xef,
]
  .concat([0xf0, 0xf1, 0xf4, 0xf5, 0xff]);

test("every sequence of up to three troublesome bytes is taken or refused as the decoder does", () => {
  let refused = 0;
  for (const a of TROUBLE) {
    for (const b of TROUBLE) {
      for (const c of TROUBLE) {
        const bytes = Buffer.from([0x41, a, b, c]);
        const good = taken(bytes);
        if (!good) refused++;
        for (const size of [1, 2, 3, 4]) {
          expect([bytes.toString("hex"), size, passed(bytes, size) === 4]).toEqual([
            bytes.toString("hex"),
            size,
            good,
          ]);
        }
      }
    }
  }
  expect(refused).toBeGreaterThan(1000);
});

test("characters cut anywhere, with something wrong at the end", () => {
  const random = seededRandom(7);
  const good = Buffer.from("aé漢😀\u0800\uffff0\u{10ffff}".replace("\uffff", "\ufffd"));
  for (let round = 0; round < 2000; round++) {
    const parts = [good, good];
    const bad = random.u32() % 2 === 0;
    if (bad) parts.push(Buffer.from([TROUBLE[5 + random.u32() % 2]! | 0x80, 0x41]));
    const bytes = Buffer.concat(parts);
    expect(passed(bytes, 1 + random.u32() % 12)).toBe(bad ? good.length * 2 : bytes.length);
  }
});

test("U+FFFE and U+FFFF are UTF-8 but no XML; what is near them is", () => {
  const check = new Utf8Check();
  expect(check.check(Buffer.from("ab\ufffe"))).toBe(2);
  expect([check.forbidden, check.sample]).toEqual([true, "\\xef\\xbf\\xbe"]);
  check.reset();
  expect(check.check(Buffer.from("\ufffd\uff01\u{1ffff}"))).toBe(10);
  expect(check.check(Buffer.from([0x61, 0xe9, 0x20]))).toBe(1);
  expect(check.forbidden).toBe(false);
});
