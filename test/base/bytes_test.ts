/**
 * Bytes compared, hashed and copied: what the fast forms see must be what a plain loop sees.
 */
import { expect, test } from "bun:test";
import { copySeeingQuotes, hashWords, readBase36, viewOf, writeBase36 } from "../../src/base/bytes.ts";
import { seededRandom } from "../../src/base/random.ts";

test("copySeeingQuotes copies every byte and sees every quote", () => {
  const random = seededRandom(7);
  for (let round = 0; round < 5_000; round++) {
    const length = random.u32() % 40;
    const source = Buffer.from(Array.from({ length }, () => random.u32() % 256));
    for (let i = 0; i < length; i++) if (source[i] === 0x22 || source[i] === 0x27) source[i] = 0x61;
    const quote = round % 3 === 0 && length > 0 ? random.u32() % length : -1;
    if (quote >= 0) source[quote] = round % 2 === 0 ? 0x27 : 0x22;
    const out = Buffer.alloc(length + 3);
    const seen = copySeeingQuotes(viewOf(source), 0, length, viewOf(out), 2);
    expect(out.subarray(2, 2 + length).equals(source)).toBe(true);
    if (quote >= 0) expect(seen).toBe(true);
    // It may err on the safe side beside a byte of 0x28 or 0x23, never on the other.
    const near = source.some((c) => c === 0x28 || c === 0x23 || c === 0x26 || c === 0x22 || c === 0x27);
    if (quote < 0 && !near) expect(seen).toBe(false);
  }
});

test("hashWords does not tell ASCII capitals from small letters, at any length", () => {
  for (let length = 0; length < 40; length++) {
    const small = Buffer.from("a1b2-c3d4.e5f6_g7h8i9j0klmnopqrstuvwxyz0123".slice(0, length));
    const large = Buffer.from(small.toString().toUpperCase());
    expect(hashWords(viewOf(small), 0, length)).toBe(hashWords(viewOf(large), 0, length));
    if (length > 0) {
      const other = Buffer.from(small);
      other[length - 1]! ^= 1;
      expect(hashWords(viewOf(other), 0, length)).not.toBe(hashWords(viewOf(small), 0, length));
    }
  }
});

test("base 36 reads what it wrote", () => {
  const out = Buffer.alloc(16);
  for (const value of [0, 1, 35, 36, 1295, 1296, 262_143, 0x3fffffff]) {
    const end = writeBase36(out, 3, value);
    expect(out.toString("latin1", 3, end)).toBe(value.toString(36));
    expect(readBase36(out, 3, end)).toBe(value);
  }
  for (const bad of ["", "A", "-1", "zzzzzzz", "1 "]) {
    const bytes = Buffer.from(bad);
    expect(readBase36(bytes, 0, bytes.length)).toBe(-1);
  }
});
