/**
 * The last step: a stanza's bytes with some ranges replaced, copied once, into an outlet (DC3).
 *
 * A body is never decoded or encoded again: every byte outside the replaced ranges leaves as it came. Replacements
 * are references to bytes elsewhere (a domain, a JID, a cell of the call table) or to this object's scratch space.
 */
import type { OutletPort } from "../xmpp/outlet.ts";
import { viewOf } from "../base/bytes.ts";
import { EMPTY_VIEW, type Stanza } from "../xmpp/stanza.ts";

/** More ranges than any sensible stanza has; a stanza with more (joins without end in a dial) makes room for them. */
const RANGES = 48;
/** From here on a native copy is faster than a loop over words. */
const NATIVE_COPY_MIN = 48;

export class Rewrite {
  /** Space for replacement texts; positions stay valid until the next begin(). */
  scratch: Buffer = Buffer.allocUnsafeSlow(16 * 1024);
  scratchEnd = 0;

  #source: Buffer = this.scratch;
  #view: DataView = EMPTY_VIEW;
  #start = 0;
  #end = 0;
  #count = 0;
  #delta = 0;
  #from = new Int32Array(RANGES);
  #to = new Int32Array(RANGES);
  readonly #bytes: Uint8Array[] = new Array<Uint8Array>(RANGES).fill(this.scratch);
  #bytesStart = new Int32Array(RANGES);
  #bytesEnd = new Int32Array(RANGES);

  /** Starts anew with `stanza`; declarations it needs to stand alone are repeated (RW10). */
  begin(stanza: Stanza): void {
    this.#source = stanza.buf;
    this.#view = stanza.view;
    this.#start = stanza.start;
    this.#end = stanza.end;
    this.#count = this.#delta = this.scratchEnd = 0;
    if (stanza.inherited !== "") this.text(stanza.nameEnd, stanza.nameEnd, stanza.inherited);
  }

  /** `[from, to)` of the stanza becomes `bytes[start, end)`; an empty range inserts. Ranges must not overlap. */
  bytes(from: number, to: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#count === this.#from.length) this.#grow();
    let at = this.#count++;
    // Kept sorted by insertion; nearly always appended.
    while (at > 0 && this.#from[at - 1]! > from) {
      this.#from[at] = this.#from[at - 1]!;
      this.#to[at] = this.#to[at - 1]!;
      this.#bytes[at] = this.#bytes[at - 1]!;
      this.#bytesStart[at] = this.#bytesStart[at - 1]!;
      this.#bytesEnd[at] = this.#bytesEnd[at - 1]!;
      at--;
    }
    this.#from[at] = from;
    this.#to[at] = to;
    this.#bytes[at] = bytes;
    this.#bytesStart[at] = start;
    this.#bytesEnd[at] = end;
    this.#delta += end - start - (to - from);
  }

  #grow(): void {
    const wider = (narrow: Int32Array): Int32Array<ArrayBuffer> => {
      const wide = new Int32Array(narrow.length * 2);
      wide.set(narrow);
      return wide;
    };
    this.#from = wider(this.#from);
    this.#to = wider(this.#to);
    this.#bytesStart = wider(this.#bytesStart);
    this.#bytesEnd = wider(this.#bytesEnd);
  }

  /** As bytes(), with a text, which must already be escaped. */
  text(from: number, to: number, text: string): void {
    const start = this.space(text.length * 3);
    const end = start + this.scratch.write(text, start);
    this.scratchEnd = end;
    this.bytes(from, to, this.scratch, start, end);
  }

  /** Room for `bytes` at the returned position of `scratch`; the caller advances `scratchEnd`. */
  space(bytes: number): number {
    if (this.scratchEnd + bytes > this.scratch.length) {
      // Earlier ranges keep the old buffer alive; it is theirs until begin().
      this.scratch = Buffer.allocUnsafeSlow(Math.max(bytes, this.scratch.length) * 2);
      this.scratchEnd = 0;
    }
    return this.scratchEnd;
  }

  /** Bytes of the rewritten stanza. */
  get length(): number {
    return this.#end - this.#start + this.#delta;
  }

  /** Appends the rewritten stanza to `outlet`; false: the outlet refused it. The ranges stay for another outlet. */
  send(outlet: OutletPort, cls: number): boolean {
    if (!outlet.reserve(this.length, cls)) return false;
    outlet.commit(this.writeTo(outlet.buf, outlet.end, outlet.view), cls);
    return true;
  }

  /** Where `position` of the stanza, which begins no later range, lies in the rewritten one. */
  offsetOf(position: number): number {
    let delta = -this.#start;
    for (let i = 0; i < this.#count && this.#from[i]! < position; i++) {
      delta += this.#bytesEnd[i]! - this.#bytesStart[i]! - (this.#to[i]! - this.#from[i]!);
    }
    return position + delta;
  }

  /** The rewritten stanza as a buffer of its own. */
  copy(): Buffer {
    const out = Buffer.allocUnsafeSlow(this.length);
    this.writeTo(out, 0);
    return out;
  }

  /** Writes the rewritten stanza at `at`; returns one past its end. `view` lies over the bytes of `out`. */
  writeTo(out: Buffer, at: number, view: DataView = viewOf(out)): number {
    let position = this.#start;
    for (let i = 0; i < this.#count; i++) {
      const stop = this.#from[i]!;
      at = this.#keep(position, stop, out, view, at);
      const bytes = this.#bytes[i]!, end = this.#bytesEnd[i]!;
      for (let k = this.#bytesStart[i]!; k < end; k++) out[at++] = bytes[k]!;
      position = this.#to[i]!;
    }
    return this.#keep(position, this.#end, out, view, at);
  }

  /** Copies `[start, end)` of the stanza as it is. */
  #keep(start: number, end: number, out: Buffer, view: DataView, at: number): number {
    const length = end - start;
    if (length >= NATIVE_COPY_MIN) {
      this.#source.copy(out, at, start, end);
      return at + length;
    }
    const source = this.#view;
    for (; start + 4 <= end; start += 4, at += 4) view.setInt32(at, source.getInt32(start, true), true);
    for (; start < end; start++, at++) out[at] = source.getUint8(start);
    return at;
  }
}
