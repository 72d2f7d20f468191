/**
 * Looking into a stanza that the framer has delivered: the attributes of a tag, the elements inside an element, the
 * text of a simple one.
 *
 * For payloads that are looked at lazily (`dial`, `join`, `ref`, `joined`, `node-info`, `error`). Everything here
 * trusts that the bytes are well-formed and that every prefix is declared; it allocates nothing unless it says so.
 */
import { STANZA_DEPTH_MAX } from "../base/limits.ts";
import { isText, sameBytes } from "../base/bytes.ts";
import { AMP, APOS, BANG, COLON, EQ, GT, LT, QUOT, SLASH, SPACE, WHITE } from "./chars.ts";
import { decodeAttribute, decodeText } from "./escape.ts";
import { namespaceId, NS_OTHER, NS_STREAM_CONTENT } from "./namespaces.ts";
import type { Stanza } from "./stanza.ts";

/** One past the `>` of the start tag whose `<` is at `start`. */
export function tagEndOf(buf: Uint8Array, start: number): number {
  let i = start + 1;
  for (;;) {
    const c = buf[i++]!;
    if (c === GT) return i;
    if (c === APOS || c === QUOT) {
      while (buf[i] !== c) i++;
      i++;
    }
  }
}

/** One past the name that begins at `start`. */
function nameEndOf(buf: Uint8Array, start: number): number {
  let i = start;
  for (let c = buf[i]!; c !== GT && c !== SLASH && c !== EQ && WHITE[c] === 0; c = buf[i]!) i++;
  return i;
}

/** The attributes of one start tag, in order: `begin(); while (next()) …`. */
export class AttributeCursor {
  buf: Uint8Array = new Uint8Array(0);
  /** The qualified name. */
  nameStart = 0;
  nameEnd = 0;
  /** Between the quotes. */
  valueStart = 0;
  valueEnd = 0;
  /** The value holds a reference, a tab or a line end: decode it before comparing. */
  escaped = false;
  private at = 0;

  /** The tag's `<` is at `start`. */
  begin(buf: Uint8Array, start: number): void {
    this.buf = buf;
    this.at = nameEndOf(buf, start + 1);
  }

  next(): boolean {
    const buf = this.buf;
    let i = this.at;
    while (WHITE[buf[i]!] === 1) i++;
    if (buf[i] === GT || buf[i] === SLASH) {
      this.at = i;
      return false;
    }
    this.nameStart = i;
    this.nameEnd = i = nameEndOf(buf, i);
    while (buf[i] !== APOS && buf[i] !== QUOT) i++;
    const quote = buf[i++]!;
    this.valueStart = i;
    this.escaped = false;
    for (let c = buf[i]!; c !== quote; c = buf[++i]!) if (c < SPACE || c === AMP) this.escaped = true;
    this.valueEnd = i;
    this.at = i + 1;
    return true;
  }

  /** Goes to the attribute with the unprefixed ASCII name `name`; false: there is none. */
  find(buf: Uint8Array, start: number, name: string): boolean {
    this.begin(buf, start);
    while (this.next()) if (isText(buf, this.nameStart, this.nameEnd, name)) return true;
    return false;
  }
}

/** The decoded value of attribute `name` of the tag at `start`, or null. Allocates. */
export function attributeText(buf: Buffer, start: number, name: string): string | null {
  const attributes = new AttributeCursor();
  return attributes.find(buf, start, name)
    ? decodeAttribute(buf, attributes.valueStart, attributes.valueEnd)
    : null;
}

/** The next `<` at or after `i` that begins a tag and not a CDATA section, before `end`; `end` if there is none. */
function nextTag(buf: Uint8Array, i: number, end: number): number {
  for (;;) {
    i = buf.indexOf(LT, i);
    if (i < 0 || i >= end) return end;
    if (buf[i + 1] !== BANG) return i;
    i += 12;
    while (buf[i - 1] !== GT || buf[i - 2] !== 0x5d || buf[i - 3] !== 0x5d) i++;
  }
}

/** One past the element whose start tag ends at `tagEnd`. `end` bounds the search. */
export function elementEndOf(buf: Uint8Array, tagEnd: number, end: number): number {
  if (buf[tagEnd - 2] === SLASH) return tagEnd;
  let depth = 1;
  for (let i = nextTag(buf, tagEnd, end); i < end; i = nextTag(buf, i, end)) {
    const closing = buf[i + 1] === SLASH;
    i = tagEndOf(buf, i);
    if (closing) depth--;
    else if (buf[i - 2] !== SLASH) depth++;
    if (depth === 0) return i;
  }
  return end;
}

/**
 * The elements directly inside one element, in order: `ofChild(stanza, 0); while (next()) …`. To look deeper give
 * another ElementCursor `of(this)` while this one stands on an element.
 */
export class ElementCursor {
  buf: Buffer = Buffer.alloc(0);
  /** `<`, the local name, one past the `>` of the start tag, one past the last byte. */
  start = 0;
  nameStart = 0;
  nameEnd = 0;
  tagEnd = 0;
  end = 0;
  /** A number of namespaces.ts. */
  ns = NS_OTHER;

  private at = 0;
  private limit = 0;
  private inherited = "";
  /** `<` of each start tag around, outermost first: their declarations are in force. */
  private readonly around = new Int32Array(STANZA_DEPTH_MAX + 2);
  private aroundCount = 0;
  private readonly attributes = new AttributeCursor();

  /** The stanza's direct children; for those beyond the recorded ones, or where the record is not at hand. */
  ofStanza(stanza: Stanza): void {
    this.buf = stanza.buf;
    this.inherited = stanza.inherited;
    this.around[0] = stanza.start;
    this.aroundCount = 1;
    this.inside(stanza.tagEnd, stanza.end);
  }

  /** The elements in the stanza's recorded child `k`. */
  ofChild(stanza: Stanza, k: number): void {
    this.ofStanza(stanza);
    this.around[this.aroundCount++] = stanza.childStart[k]!;
    this.inside(stanza.childTagEnd[k]!, stanza.childEnd[k]!);
  }

  /** The elements in the one that `outer` stands on. */
  of(outer: ElementCursor): void {
    this.buf = outer.buf;
    this.inherited = outer.inherited;
    this.around.set(outer.around);
    this.aroundCount = outer.aroundCount;
    if (this.aroundCount < this.around.length) this.around[this.aroundCount++] = outer.start;
    this.inside(outer.tagEnd, outer.end);
  }

  private inside(tagEnd: number, end: number): void {
    this.at = tagEnd;
    this.limit = end;
  }

  next(): boolean {
    const buf = this.buf;
    const start = nextTag(buf, this.at, this.limit);
    if (start >= this.limit || buf[start + 1] === SLASH) {
      this.at = this.limit;
      return false;
    }
    this.start = start;
    const nameStart = start + 1;
    const nameEnd = nameEndOf(buf, nameStart);
    const colon = buf.indexOf(COLON, nameStart);
    const prefixEnd = colon >= 0 && colon < nameEnd ? colon : nameStart;
    this.nameStart = prefixEnd > nameStart ? prefixEnd + 1 : nameStart;
    this.nameEnd = nameEnd;
    this.tagEnd = tagEndOf(buf, start);
    this.end = this.at = elementEndOf(buf, this.tagEnd, this.limit);
    this.ns = this.resolve(nameStart, prefixEnd);
    return true;
  }

  /** Is this element called `name` (ASCII) in namespace `ns`? */
  is(ns: number, name: string): boolean {
    return this.ns === ns && isText(this.buf, this.nameStart, this.nameEnd, name);
  }

  /** What the prefix `buf[start, end)` (empty: the default) means at the current element. */
  private resolve(start: number, end: number): number {
    if (this.declares(this.start, start, end)) return this.declared;
    for (let k = this.aroundCount - 1; k >= 0; k--) {
      if (this.declares(this.around[k]!, start, end)) return this.declared;
    }
    const opening = ` xmlns${end > start ? ":" : ""}${this.buf.toString("utf8", start, end)}='`;
    const at = this.inherited.indexOf(opening);
    if (at < 0) return start === end ? NS_STREAM_CONTENT : NS_OTHER;
    const from = at + opening.length;
    const name = Buffer.from(this.inherited.slice(from, this.inherited.indexOf("'", from)));
    return idOfValue(name, 0, name.length, true);
  }

  private declared = NS_OTHER;

  /** Does the tag at `tag` declare that prefix? `declared` then says as what. */
  private declares(tag: number, start: number, end: number): boolean {
    const attributes = this.attributes, buf = this.buf;
    attributes.begin(buf, tag);
    while (attributes.next()) {
      const name = attributes.nameStart;
      if (!isText(buf, name, Math.min(name + 5, attributes.nameEnd), "xmlns")) continue;
      const same = start === end
        ? attributes.nameEnd === name + 5
        : buf[name + 5] === COLON && attributes.nameEnd - name - 6 === end - start &&
          sameBytes(buf, name + 6, buf, start, end - start);
      if (!same) continue;
      this.declared = idOfValue(buf, attributes.valueStart, attributes.valueEnd, attributes.escaped);
      return true;
    }
    return false;
  }
}

function idOfValue(buf: Buffer, start: number, end: number, escaped: boolean): number {
  if (!escaped) return namespaceId(buf, start, end);
  const name = Buffer.from(decodeAttribute(buf, start, end));
  return namespaceId(name, 0, name.length);
}

/** The text of an element that holds nothing but text, decoded; "" if there are elements in it. Allocates. */
export function textOf(buf: Buffer, tagEnd: number, end: number): string {
  if (tagEnd >= end) return "";
  const close = buf.lastIndexOf(LT, end - 1);
  let text = "";
  for (let i = tagEnd; i < close;) {
    const markup = buf.indexOf(LT, i);
    text += decodeText(buf, i, Math.min(markup, close));
    if (markup >= close) break;
    if (buf[markup + 1] !== BANG) return "";
    const dataEnd = buf.indexOf("]]>", markup + 9, "latin1");
    text += buf.toString("utf8", markup + 9, dataEnd).replace(/\r\n?/g, "\n");
    i = dataEnd + 3;
  }
  return text;
}
