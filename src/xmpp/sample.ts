/**
 * What of an offending piece of XML may be shown in a log: enough to find the culprit, nothing that was confided.
 *
 * Attribute values and texts become `…`; bytes that do not print become \xNN.
 */
import { SAMPLE_CHARACTERS_MAX } from "../base/limits.ts";
import { APOS, EQ, GT, LT, QUOT, WHITE } from "./chars.ts";

function shown(byte: number): string {
  return byte >= 0x20 && byte < 0x7f && byte !== 0x5c
    ? String.fromCharCode(byte)
    : `\\x${byte.toString(16).padStart(2, "0")}`;
}

/** The bytes as they are; only for what comes in front of a stream, where no stanza can be. */
export function rawSample(buf: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end && text.length < SAMPLE_CHARACTERS_MAX; i++) text += shown(buf[i]!);
  return text;
}

/**
 * The piece of markup that begins at `start` up to the offending byte at `at`, values and texts redacted. A long one
 * loses its middle.
 */
export function markupSample(buf: Uint8Array, start: number, at: number, end: number): string {
  if (at >= end) at = end - 1;
  let text = "";
  // 0 text, 1 in a tag, 2 after `=`, 3 in an unquoted value, else the quote that ends a value
  let state = 0;
  for (let i = start; i < at; i++) {
    const c = buf[i]!;
    if (state === APOS || state === QUOT) {
      if (c === state) {
        text += shown(c);
        state = 1;
      }
    } else if (c === LT) {
      text += "<";
      state = 1;
    } else if (state === 0) {
      if (!text.endsWith("…")) text += "…";
    } else if (state !== 1 && WHITE[c] === 0 && c !== APOS && c !== QUOT && c !== GT) {
      if (state === 2) text += "…";
      state = 3;
    } else {
      if (c === GT) state = 0;
      else if (c === APOS || c === QUOT) state = c;
      else if (c === EQ) state = 2;
      else state = 1;
      text += shown(c);
      if (state === c) text += "…";
    }
  }
  if (text.length > SAMPLE_CHARACTERS_MAX - 5) {
    text = `${text.slice(0, 14)}…${text.slice(-(SAMPLE_CHARACTERS_MAX - 20))}`;
  }
  return text + shown(buf[at]!);
}
