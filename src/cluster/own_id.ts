/**
 * The IQ ids that the gateway gives to what it forwards (DC2): `<epoch>-<kind><number>-<turn>`, numbers in base 36.
 *
 * The epoch tells answers to an earlier life, the kind which table to look in, the turn answers to an earlier use of the
 * same number. None begins with `gw-`: those are requests of the gateway's own (9.5).
 */
import { isText, readBase36, writeBase36 } from "../base/bytes.ts";

/** Kinds: `c` and `d`. */
export const ID_COMMAND = 99, ID_DIAL = 100;

const DASH = 45, R = 114;

/** Length of an epoch: `r` and eight characters. */
const EPOCH_LENGTH = 9;

/** The epoch of one life of the gateway: seconds since 1970 and two characters of chance, in base 36. */
export function makeEpoch(wallMs: number, chance: number): string {
  const seconds = Math.floor(wallMs / 1000).toString(36).padStart(6, "0").slice(-6);
  return `r${seconds}${(chance % 1296).toString(36).padStart(2, "0")}`;
}

/** True for an id that this or an earlier life gave to a dial (DC2, DC21). */
export function isDialId(buf: Uint8Array, start: number, end: number): boolean {
  return end - start > EPOCH_LENGTH + 4 && buf[start] === R && buf[start + EPOCH_LENGTH] === DASH &&
    buf[start + EPOCH_LENGTH + 1] === ID_DIAL;
}

/** Writes an id at `at`; returns one past its end. */
export function writeOwnId(
  epoch: string,
  kind: number,
  number: number,
  turn: number,
  out: Uint8Array,
  at: number,
): number {
  for (let i = 0; i < epoch.length; i++) out[at++] = epoch.charCodeAt(i);
  out[at++] = DASH;
  out[at++] = kind;
  at = writeBase36(out, at, number);
  out[at++] = DASH;
  return writeBase36(out, at, turn);
}

/** An id taken apart. */
export class OwnId {
  /** -1: it was no number. */
  number = -1;
  turn = -1;

  /** Reads `buf[start, end)`; false: it is none of this epoch and kind. */
  read(buf: Uint8Array, start: number, end: number, epoch: string, kind: number): boolean {
    const numberStart = start + epoch.length + 2;
    if (
      numberStart >= end || buf[numberStart - 1] !== kind || !isText(buf, start, start + epoch.length, epoch)
    ) return false;
    let dash = numberStart;
    while (dash < end && buf[dash] !== DASH) dash++;
    this.number = readBase36(buf, numberStart, dash);
    this.turn = readBase36(buf, dash + 1, end);
    return true;
  }
}
