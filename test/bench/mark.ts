/**
 * Marks: fifteen bytes in every stanza of the load, `~` + a letter that says what the stanza is + call number and
 * step in hex. Whatever a peer does to addresses, ids, attribute order or prefixes, the mark comes through, so one
 * native search a stanza is enough to count, to order and to miss nothing.
 *
 * `~` occurs nowhere else in the load. Node's answers to a command carry it inside the component's name, which is
 * legal there (RFC 7622 §3.4).
 */

export const MARK_BYTE = 0x7e;
/** `~`, letter, six hex digits of call number, seven of step. */
export const MARK_BYTES = 15;
export const CALLS_MAX = 0xff_ffff;
export const STEPS_MAX = 0xfff_ffff;

const DIGITS = Buffer.from("0123456789abcdef");
const VALUE = new Uint8Array(256);
for (let i = 0; i < 16; i++) VALUE[DIGITS[i]!] = i;

export function writeHex6(buf: Buffer, at: number, value: number): void {
  buf[at] = DIGITS[value >>> 20 & 15]!;
  buf[at + 1] = DIGITS[value >>> 16 & 15]!;
  buf[at + 2] = DIGITS[value >>> 12 & 15]!;
  buf[at + 3] = DIGITS[value >>> 8 & 15]!;
  buf[at + 4] = DIGITS[value >>> 4 & 15]!;
  buf[at + 5] = DIGITS[value & 15]!;
}

export function writeHex7(buf: Buffer, at: number, value: number): void {
  buf[at] = DIGITS[value >>> 24 & 15]!;
  writeHex6(buf, at + 1, value & 0xff_ffff);
}

export function readHex6(buf: Buffer, at: number): number {
  return VALUE[buf[at]!]! << 20 | VALUE[buf[at + 1]!]! << 16 | VALUE[buf[at + 2]!]! << 12 |
    VALUE[buf[at + 3]!]! << 8 | VALUE[buf[at + 4]!]! << 4 | VALUE[buf[at + 5]!]!;
}

export function readHex7(buf: Buffer, at: number): number {
  return VALUE[buf[at]!]! << 24 | readHex6(buf, at + 1);
}
