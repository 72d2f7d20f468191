/**
 * A stanza as bytes with holes: written by copying once and filling in digits, so that making the load costs less
 * than relaying it.
 *
 * Holes are named in the text: `{uuid}` a call's id (36 bytes), `{mark:x}` a mark with letter x (mark.ts), `{key}`
 * call and step as 13 hex digits (an IQ id), `{call}` the call alone as six.
 */
import { MARK_BYTE, MARK_BYTES, writeHex6, writeHex7 } from "./mark.ts";

const UUID_BYTES = 36;
const TAILS = 1024;
/** What follows the call number in a uuid: fixed pseudo-random text, so that ids do not differ in one place only. */
const TAIL = makeTails();

function makeTails(): Buffer {
  let text = "";
  let state = 0x2545f491;
  const hex = (digits: number) => {
    let out = "";
    while (out.length < digits) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      out += (state >>> 0 & 15).toString(16);
    }
    return out;
  };
  for (let i = 0; i < TAILS; i++) text += `${hex(2)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
  return Buffer.from(text, "latin1");
}
const TAIL_BYTES = UUID_BYTES - 6;

/** `number` is unique to the call: six hex digits, then a tail that looks like a uuid's. */
export function writeUuid(buf: Buffer, at: number, number: number): void {
  writeHex6(buf, at, number);
  const tail = (number & TAILS - 1) * TAIL_BYTES;
  TAIL.copy(buf, at + 6, tail, tail + TAIL_BYTES);
}

export function uuidOf(number: number): string {
  const buf = Buffer.alloc(UUID_BYTES);
  writeUuid(buf, 0, number);
  return buf.toString("latin1");
}

export class Template {
  readonly #bytes: Buffer;
  readonly #uuids: number[] = [];
  readonly #marks: number[] = [];
  readonly #keys: number[] = [];
  readonly #calls: number[] = [];

  constructor(text: string) {
    const parts: Buffer[] = [];
    let length = 0;
    for (const part of text.split(/(\{uuid\}|\{mark:.\}|\{key\}|\{call\})/)) {
      let bytes: Buffer;
      if (part === "{uuid}") {
        this.#uuids.push(length);
        bytes = Buffer.alloc(UUID_BYTES);
      } else if (part === "{key}") {
        this.#keys.push(length);
        bytes = Buffer.alloc(13);
      } else if (part === "{call}") {
        this.#calls.push(length);
        bytes = Buffer.alloc(6);
      } else if (part.startsWith("{mark:")) {
        this.#marks.push(length);
        bytes = Buffer.alloc(MARK_BYTES, "0");
        bytes[0] = MARK_BYTE;
        bytes[1] = part.charCodeAt(6);
      } else {
        bytes = Buffer.from(part, "latin1");
      }
      parts.push(bytes);
      length += bytes.length;
    }
    this.#bytes = Buffer.concat(parts);
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Returns where the stanza ends in `out`. `number` goes into uuids, `call` and `step` into marks and keys. */
  write(out: Buffer, at: number, number: number, call: number, step: number): number {
    const bytes = this.#bytes;
    bytes.copy(out, at);
    for (const hole of this.#uuids) writeUuid(out, at + hole, number);
    for (const hole of this.#marks) {
      writeHex6(out, at + hole + 2, call);
      writeHex7(out, at + hole + 8, step);
    }
    for (const hole of this.#keys) {
      writeHex6(out, at + hole, call);
      writeHex7(out, at + hole + 6, step);
    }
    for (const hole of this.#calls) writeHex6(out, at + hole, call);
    return at + bytes.length;
  }

  text(number: number, call: number, step: number): string {
    const out = Buffer.alloc(this.#bytes.length);
    this.write(out, 0, number, call, step);
    return out.toString("latin1");
  }
}
