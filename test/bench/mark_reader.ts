/**
 * Reads one stream of the load: counts stanzas by their marks (mark.ts) with one native search a stanza, and hands
 * everything that has no mark (pings, greetings, errors) over as text.
 *
 * What has no mark must not be leapt over: the usual distance from a stanza's start to its mark is learned for each
 * letter, and a longer one is looked at in full before it is believed.
 */
import { MARK_BYTE, MARK_BYTES, readHex6, readHex7 } from "./mark.ts";

export interface MarkSink {
  /** `buf[start, end)` is the whole stanza; valid during the call only. */
  marked(letter: number, call: number, step: number, buf: Buffer, start: number, end: number): void;
  unmarked(text: string): void;
}

const LT = 0x3c, GT = 0x3e, SLASH = 0x2f, QUOTE = 0x22, APOSTROPHE = 0x27;
const I = 0x69, P = 0x70, Q = 0x71;
/** How much longer than ever before a stanza's way to its mark may be without a second look; less than a stanza. */
const SLACK_BYTES = 12;
/** No stanza of the load is this long: a stream without a mark for so long is broken. */
const STANZA_BYTES_MAX = 1 << 20;

export class MarkReader {
  readonly #sink: MarkSink;
  #carry: Buffer | null = null;
  readonly #usual = new Int32Array(256);

  constructor(sink: MarkSink) {
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    const buf = this.#carry === null ? chunk : Buffer.concat([this.#carry, chunk]);
    this.#carry = null;
    const sink = this.#sink;
    let at = 0;
    for (;;) {
      const mark = buf.indexOf(MARK_BYTE, at);
      if (mark < 0 || mark + MARK_BYTES > buf.length) break;
      const letter = buf[mark + 1]!;
      if (mark - at > this.#usual[letter]!) {
        const end = stanzaEnd(buf, at);
        if (end < 0) break;
        if (end <= mark) {
          sink.unmarked(buf.toString("latin1", at, end));
          at = end;
          continue;
        }
        this.#usual[letter] = mark - at + SLACK_BYTES;
      }
      const end = markedEnd(buf, mark + MARK_BYTES);
      if (end < 0) break;
      sink.marked(letter, readHex6(buf, mark + 2), readHex7(buf, mark + 8), buf, at, end);
      at = end;
    }
    // Whole stanzas without a mark may stand at the end, and must not wait for the next marked one.
    for (let end = stanzaEnd(buf, at); end >= 0; end = stanzaEnd(buf, at)) {
      sink.unmarked(buf.toString("latin1", at, end));
      at = end;
    }
    if (buf.length - at > STANZA_BYTES_MAX) {
      throw new Error("a stream of the load carries no stanza any more");
    }
    if (at < buf.length) this.#carry = Buffer.from(buf.subarray(at));
  }
}

/** One past the stanza that the mark before `at` stands in; -1: not all there yet. */
function markedEnd(buf: Buffer, at: number): number {
  const last = buf.length;
  let inTag = true;
  for (let i = at; i < last; i++) {
    const byte = buf[i]!;
    if (byte === LT) {
      inTag = false;
      if (i + 4 >= last) return -1;
      if (buf[i + 1] !== SLASH) continue;
      if (buf[i + 2] === I && buf[i + 3] === Q && buf[i + 4] === GT) return i + 5;
      if (buf[i + 2] === P && buf[i + 3] === 0x72 && buf[i + 10] === GT) return i + 11;
      if (buf[i + 2] === P && i + 10 >= last) return -1;
    } else if (inTag && byte === GT) {
      // The mark stood in a tag. Where that was an empty stanza's own tag (a result's id) the stanza ends here.
      if (buf[i - 1] === SLASH && topLevel(buf, at)) return i + 1;
      inTag = false;
    }
  }
  return -1;
}

/** The tag around `at` is that of a stanza, not of something in it. */
function topLevel(buf: Buffer, at: number): boolean {
  let i = at;
  while (i > 0 && buf[i] !== LT) i--;
  return buf[i + 1] === I && buf[i + 2] === Q ||
    buf[i + 1] === P && buf[i + 2] === 0x72 && buf[i + 3] === 0x65;
}

/** One past the stanza that begins at `at` (white space before it belongs to it); -1: not all there yet. */
export function stanzaEnd(buf: Buffer, at: number): number {
  let start = at;
  while (start < buf.length && buf[start] !== LT) start++;
  let quote = 0;
  let i = start + 1;
  for (; i < buf.length; i++) {
    const byte = buf[i]!;
    if (quote !== 0) {
      if (byte === quote) quote = 0;
    } else if (byte === QUOTE || byte === APOSTROPHE) quote = byte;
    else if (byte === GT) break;
  }
  if (i >= buf.length) return -1;
  if (buf[i - 1] === SLASH || buf[start + 1] === SLASH) return i + 1;
  const name = /^<([^\s/>]+)/.exec(buf.toString("latin1", start, Math.min(i + 1, start + 80)));
  if (name === null) {
    throw new Error(`no stanza begins with "${buf.toString("latin1", start, Math.min(i + 1, start + 80))}"`);
  }
  const close = `</${name[1]!}>`;
  const found = buf.indexOf(close, i, "latin1");
  return found < 0 ? -1 : found + close.length;
}
