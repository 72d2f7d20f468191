/**
 * Bytes of one incoming XMPP stream in, stanzas out.
 *
 * Chunks are scanned where they lie: a stanza that is whole in its chunk is never copied. Only one that a chunk cuts
 * is copied to `carry`, and the following chunk is appended to it piece by piece until that stanza is complete; then
 * the scan goes on in the chunk. Every state survives a cut at any byte, so what comes out does not depend on how
 * the bytes were divided, and neither does the work.
 *
 * What each file does: utf8.ts judges the encoding, prolog.ts the stream's opening, scanner.ts a stanza with tag.ts
 * and namespace_scope.ts, skip.ts those over a soft limit (DC4); this one holds the bytes and the order of things.
 * It knows no socket and no time, and it never throws for what a peer sends.
 *
 * RFC 6120 §4 and §11, XEP-0114.
 */
import { HEADER_BYTES_MAX } from "../base/limits.ts";
import { Carry } from "./carry.ts";
import { BANG, CONTROL, LT, QUESTION, SLASH, WHITE } from "./chars.ts";
import { NamespaceScope } from "./namespace_scope.ts";
import { Prolog } from "./prolog.ts";
import { markupSample, rawSample } from "./sample.ts";
import { Scanner } from "./scanner.ts";
import { Skip } from "./skip.ts";
import type { Stanza } from "./stanza.ts";
import { TagScan } from "./tag.ts";
import { CUT, SOFT, Trouble } from "./trouble.ts";
import { Utf8Check } from "./utf8.ts";

/** RFC 6120 §4.9.3: why a stream has to end. `sample` holds the first offending bytes, redacted and printable. */
export interface StreamFault {
  condition:
    | "bad-format"
    | "bad-namespace-prefix"
    | "invalid-namespace"
    | "invalid-xml"
    | "not-well-formed"
    | "policy-violation"
    | "restricted-xml"
    | "unsupported-encoding"
    | "unsupported-version";
  text: string;
  sample: string;
}

/** The opening tag of the peer's stream: its attributes, decoded; absent ones are "". */
export interface StreamHeader {
  id: string;
  from: string;
  to: string;
  version: string;
  /** Default namespace: the stream's content namespace. */
  content: string;
}

/** All calls are synchronous, from within push(); a Stanza is valid only until the call returns. */
export interface FramerSink {
  header(header: StreamHeader): void;
  stanza(stanza: Stanza): void;
  /**
   * A stanza over a soft limit (DC4): only kind, type and the addresses are meaningful; `buf` holds the start tag
   * alone and there are no children. `why` is a sentence for the log.
   */
  skipped(stanza: Stanza, why: string): void;
  /** The peer closed its stream in order (`</stream:stream>`). */
  closed(): void;
  /** The stream cannot go on; everything before the fault has been delivered. push() ignores what follows. */
  fault(fault: StreamFault): void;
}

export interface FramerLimits {
  /** A larger stanza is skipped (soft). */
  stanzaBytesMax: number;
  /** A larger stanza ends the stream (hard). */
  stanzaBytesHardMax: number;
  /** Nesting below the stanza's top element (soft). */
  depthMax: number;
  /** Attributes of one element (soft). */
  attributesMax: number;
  /** Bytes of one name (soft). */
  nameBytesMax: number;
}

/** Prolog; between stanzas; in a stanza that a chunk cut; in one to skip; in the stream's end tag; over. */
const PROLOG = 0, BETWEEN = 1, CARRIED = 2, SKIPPING = 3, CLOSING = 4, OVER = 5;

/** How much of a chunk is first appended to a cut stanza; doubles until the stanza is whole. */
const PIECE_BYTES = 4096;
const EMPTY = Buffer.alloc(0);

export class Framer {
  private readonly trouble = new Trouble();
  private readonly scope = new NamespaceScope(this.trouble);
  private readonly tag: TagScan;
  private readonly scanner: Scanner;
  private readonly prolog: Prolog;
  private readonly skip = new Skip(this.trouble);
  private readonly utf8 = new Utf8Check();
  private readonly stanzaMax: number;
  private readonly hardMax: number;

  private mode = PROLOG;
  /** Changes with every reset: a sink may call reset() from within push(). */
  private life = 0;
  /** The prolog so far, or the cut stanza so far. */
  private readonly carry = new Carry();
  /** In CLOSING: how much of the header's name was seen. */
  private closing = 0;
  /** In SKIPPING: bytes of that stanza so far, and why it is skipped. */
  private skippedBytes = 0;
  private skippedWhy = "";

  /** Bytes that scans have gone over and bytes that were copied: grows with the bytes received, or something is wrong. */
  work = 0;

  constructor(private readonly sink: FramerSink, limits: FramerLimits) {
    this.tag = new TagScan(limits, this.trouble);
    this.scanner = new Scanner(limits, this.tag, this.scope, this.trouble);
    this.prolog = new Prolog(this.tag, this.scope, this.trouble);
    this.stanzaMax = Math.min(limits.stanzaBytesMax, limits.stanzaBytesHardMax);
    this.hardMax = limits.stanzaBytesHardMax;
  }

  /** Bytes of memory held for a stanza or header that is not complete. */
  get held(): number {
    return this.carry.buf.length;
  }

  /** Forgets everything: the next byte begins a new stream. May be called from within a sink's call. */
  reset(): void {
    this.life++;
    this.mode = PROLOG;
    this.carry.drop();
    this.utf8.reset();
    this.scanner.reset();
    this.prolog.begin();
    this.scope.forgetHeader();
    this.scanner.letGo();
  }

  push(chunk: Buffer): void {
    if (this.mode === OVER) return;
    const life = this.life;
    const good = this.utf8.check(chunk);
    let at = 0;
    while (at < good) {
      switch (this.mode) {
        case BETWEEN:
          at = this.stanzas(chunk, at, good);
          break;
        case CARRIED:
          at = this.goOn(chunk, at, good);
          break;
        case SKIPPING:
          at = this.skipOn(chunk, at, good);
          break;
        case PROLOG:
          at = this.open(chunk, at, good);
          break;
        case CLOSING:
          at = this.close(chunk, at, good);
          break;
      }
      if (this.life !== life || this.mode === OVER) return;
    }
    // A view must not keep a chunk of half a megabyte alive.
    this.scanner.letGo();
    if (good < chunk.length) {
      if (this.utf8.forbidden) {
        this.end("not-well-formed", "a character that XML does not allow", this.utf8.sample);
      } else this.end("unsupported-encoding", "bytes that are not UTF-8", this.utf8.sample);
    }
  }

  /** Whole stanzas in the chunk itself. Returns how far it came. */
  private stanzas(chunk: Buffer, at: number, end: number): number {
    const scanner = this.scanner, stanza = scanner.stanza, life = this.life, max = this.stanzaMax;
    for (;;) {
      let c = 0;
      while (at < end && WHITE[c = chunk[at]!] === 1) at++;
      if (at >= end) return end;
      if (c !== LT) return this.strayText(chunk, at);
      if (at + 1 >= end) {
        this.keep(chunk, at, end);
        return end;
      }
      c = chunk[at + 1]!;
      if (c === SLASH) {
        this.mode = CLOSING;
        this.closing = 0;
        return at + 2;
      }
      if (c === BANG || c === QUESTION) return this.strayMarkup(chunk, at, end);
      scanner.begin(at);
      const limit = end - at > max ? at + max : end;
      const next = scanner.run(chunk, limit);
      if (next <= 0) {
        this.work += Math.max(0, (next === CUT ? limit : scanner.at) - at);
        if (next === CUT && end - at < max) {
          this.keep(chunk, at, end);
          scanner.move(at);
          return end;
        }
        return this.stop(chunk, next, at, limit, limit);
      }
      this.work += next - at;
      at = next;
      stanza.buf = chunk;
      this.sink.stanza(stanza);
      if (this.life !== life) return end;
    }
  }

  /** Copies the beginning of a stanza that `end` cuts. */
  private keep(chunk: Buffer, at: number, end: number): void {
    this.carry.clear();
    this.append(chunk, at, end);
    this.mode = CARRIED;
  }

  private append(chunk: Buffer, at: number, end: number): void {
    this.carry.append(chunk, at, end);
    this.work += end - at;
  }

  /** Appends to the cut stanza until it is whole. */
  private goOn(chunk: Buffer, at: number, end: number): number {
    const scanner = this.scanner, max = this.stanzaMax;
    for (let piece = PIECE_BYTES; at < end; piece *= 2) {
      const before = this.carry.length;
      const taken = Math.min(piece, end - at, Math.max(1, max - before));
      this.append(chunk, at, at + taken);
      const carry = this.carry.buf, carried = this.carry.length;
      if (before === 1) {
        // Only the `<` was there: what it begins is decided now.
        const c = carry[1]!;
        if (c === SLASH) {
          this.mode = CLOSING;
          this.closing = 0;
          return at + 1;
        }
        if (c === BANG || c === QUESTION) return this.strayMarkup(carry, 0, carried);
        scanner.begin(0);
      }
      const from = scanner.at;
      const limit = Math.min(carried, max);
      const next = scanner.run(carry, limit);
      this.work += Math.max(0, (next > 0 ? next : limit) - from);
      if (next > 0) {
        this.mode = BETWEEN;
        const life = this.life;
        scanner.stanza.buf = carry;
        this.carry.release();
        this.sink.stanza(scanner.stanza);
        return this.life === life ? at + next - before : end;
      }
      if (next === CUT && carried < max) {
        at += taken;
        continue;
      }
      return this.stop(carry, next, 0, limit, carried, at - before);
    }
    return at;
  }

  /**
   * The scan of the stanza at `start` of `buf` ended in `code`: over a limit (also CUT: no more bytes are allowed),
   * or at fault. `limit` is what the scan saw, `end` what is there; `shift` leads from `buf` to the chunk.
   */
  private stop(buf: Buffer, code: number, start: number, limit: number, end: number, shift = 0): number {
    const scanner = this.scanner, stanza = scanner.stanza;
    if (code !== CUT && code !== SOFT) {
      this.faultAt(buf, scanner.token, limit);
      return end + shift;
    }
    this.skippedWhy = code === SOFT ? this.trouble.text : `a stanza of more than ${this.stanzaMax} bytes`;
    this.skip.begin(scanner.depth);
    this.skippedBytes = scanner.token - start;
    if (scanner.topKnown) {
      const own = Buffer.from(buf.subarray(start, stanza.tagEnd));
      stanza.move(start);
      stanza.buf = own;
    } else {
      stanza.buf = EMPTY;
      stanza.start =
        stanza.nameEnd =
        stanza.tagEnd =
        stanza.topNameStart =
        stanza.topNameEnd =
        stanza.topNs =
          0;
    }
    stanza.end = stanza.tagEnd;
    stanza.childCount = stanza.childTotal = 0;
    stanza.inherited = "";
    this.skippedTag = stanza.buf;
    this.mode = SKIPPING;
    // What the scan has gone over since the piece of markup that broke the limit is read again, once.
    const next = this.skipOn(buf, scanner.token, end);
    if (this.mode === SKIPPING || this.mode === BETWEEN) this.carry.release();
    return next + shift;
  }

  /** The start tag of the stanza that is being skipped; empty if that was what broke a limit. */
  private skippedTag: Buffer = EMPTY;

  private skipOn(buf: Buffer, at: number, end: number): number {
    const room = this.hardMax - this.skippedBytes;
    const limit = end - at > room ? at + room : end;
    const next = this.skip.run(buf, at, limit);
    const seen = (next > 0 ? next : limit) - at;
    this.work += seen;
    this.skippedBytes += seen;
    if (next > 0) {
      const stanza = this.scanner.stanza;
      stanza.buf = this.skippedTag;
      this.skippedTag = EMPTY;
      this.mode = BETWEEN;
      const life = this.life;
      this.sink.skipped(stanza, this.skippedWhy);
      return this.life === life ? next : end;
    }
    if (next !== CUT) this.faultAt(buf, this.trouble.at, limit);
    else if (this.skippedBytes >= this.hardMax) {
      this.end("policy-violation", `a stanza of more than ${this.hardMax} bytes`, "");
    }
    return end;
  }

  private open(chunk: Buffer, at: number, end: number): number {
    const before = this.carry.length;
    const taken = Math.min(end - at, HEADER_BYTES_MAX - before);
    this.append(chunk, at, at + taken);
    const { buf, length } = this.carry;
    const next = this.prolog.run(buf, length);
    if (next === CUT) return at + taken;
    if (next < 0) {
      const { condition, text } = this.trouble;
      const sample = this.tag.start > 0 || buf[0] === LT
        ? markupSample(buf, 0, this.trouble.at, length)
        : rawSample(buf, 0, length);
      this.end(condition, text, sample);
      return end;
    }
    this.mode = this.prolog.empty ? OVER : BETWEEN;
    this.carry.clear();
    const life = this.life;
    this.sink.header(this.prolog.header);
    if (this.prolog.empty && this.life === life) this.sink.closed();
    return this.life === life ? at + next - before : end;
  }

  /** The stream's end tag, byte by byte: it comes once. */
  private close(chunk: Buffer, at: number, end: number): number {
    const name = this.prolog.name;
    for (; at < end; at++) {
      const c = chunk[at]!;
      if (this.closing < name.length) {
        if (c !== name[this.closing]) break;
        this.closing++;
      } else if (c === 0x3e) {
        this.over();
        this.sink.closed();
        return end;
      } else if (WHITE[c] === 0) break;
    }
    if (at < end) this.end("not-well-formed", "an end tag that does not match the stream's start tag", "</…");
    return at;
  }

  /** Something other than white space between stanzas. */
  private strayText(chunk: Buffer, at: number): number {
    if (CONTROL[chunk[at]!] === 1) {
      this.end("not-well-formed", "a character that XML does not allow", rawSample(chunk, at, at + 1));
    } else this.end("bad-format", "text between stanzas", rawSample(chunk, at, at + 1) + "…");
    return chunk.length;
  }

  private strayMarkup(buf: Buffer, at: number, end: number): number {
    const what = "a comment, CDATA section, declaration or processing instruction between stanzas";
    this.end("restricted-xml", what, rawSample(buf, at, Math.min(at + 2, end)) + "…");
    return end;
  }

  private faultAt(buf: Buffer, token: number, end: number): void {
    const { condition, text, at } = this.trouble;
    this.end(condition, text, markupSample(buf, Math.min(token, at), at, end));
  }

  private over(): void {
    this.mode = OVER;
    this.carry.drop();
    this.scanner.letGo();
  }

  private end(condition: StreamFault["condition"], text: string, sample: string): void {
    this.over();
    this.sink.fault({ condition, text, sample });
  }
}
