/**
 * Scans one stanza at a time: finds its end, checks that it is well-formed with its namespaces in order, and notes
 * in a Stanza where everything stands that routing asks for.
 *
 * The heart of the byte path: one pass, no recursion, no strings, no objects. It can be cut at every byte; what is
 * kept is the open elements' names (as positions) and a state, so the work grows with the bytes alone.
 *
 * It never copies, never looks at the stream's own tags (framer.ts) and never judges UTF-8 (utf8.ts).
 * XML 1.0, "Namespaces in XML 1.0", RFC 6120 §11.
 *
 * tidy: long because the states of one scan share their locals; split, each step would pay for carrying them.
 *
 * Conforms: RFC 6120 §11.1, well-formedness, no comments, instructions or entities of one's own: complete
 */
import { AMP, BANG, BRACKET_END, CDATA_STOP, GT, LT, QUESTION, SLASH, TEXT_STOP, WHITE } from "./chars.ts";
import type { FramerLimits } from "./framer.ts";
import { HEADER_DEFAULT, type NamespaceScope, UNDECLARED } from "./namespace_scope.ts";
import { checkReference } from "./reference.ts";
import { CHILDREN_MAX, EMPTY_VIEW, OTHER, Stanza, TYPE_NONE } from "./stanza.ts";
import type { TagScan } from "./tag.ts";
import { NO_DEFAULT, TagShapes } from "./tag_shapes.ts";
import { learnTop, placeTop, readTop } from "./top_tag.ts";
import { CUT, FAULT, type Trouble } from "./trouble.ts";

const EMPTY = Buffer.alloc(0);

const CONTENT = 0, START_TAG = 1, END_SPACE = 2, CDATA = 3;

/** What follows `<!` of a CDATA section. */
const CDATA_OPEN = Buffer.from("[CDATA[");

export class Scanner {
  readonly stanza = new Stanza();
  /** Where the scan goes on after CUT, and where the piece of markup begins that it is in. */
  at = 0;
  token = 0;
  /** Elements that are open. */
  depth = 0;
  /** The top start tag was read to its end: stanza.kind and the rest of it are known. */
  topKnown = false;

  /** Shapes of top start tags, and of all others. */
  private readonly tops = new TagShapes();
  private readonly inner = new TagShapes();
  /** The buffer that `view` lies over: words are compared four bytes at a time. */
  private viewed: Buffer | null = null;
  private view: DataView = EMPTY_VIEW;
  private state = START_TAG;
  private readonly depthMax: number;
  /** Index: depth. Qualified names of the open elements, and what was in force inside them. */
  private readonly nameStart: Int32Array;
  private readonly nameEnd: Int32Array;
  private readonly defaultId: Int32Array;
  private readonly prefixes: Int32Array;

  constructor(
    limits: FramerLimits,
    private readonly tag: TagScan,
    private readonly scope: NamespaceScope,
    private readonly trouble: Trouble,
  ) {
    this.depthMax = limits.depthMax;
    this.nameStart = new Int32Array(limits.depthMax + 2);
    this.nameEnd = new Int32Array(limits.depthMax + 2);
    this.defaultId = new Int32Array(limits.depthMax + 2);
    this.prefixes = new Int32Array(limits.depthMax + 2);
  }

  /** Another stream, whose header may declare other namespaces. */
  reset(): void {
    this.tops.clear();
    this.inner.clear();
  }

  /** Holds no buffer any more. */
  letGo(): void {
    this.stanza.buf = EMPTY;
    this.stanza.view = this.view = EMPTY_VIEW;
    this.viewed = null;
  }

  /** A stanza begins with the `<` at `start`; what follows it is neither `/` nor `!` nor `?`. */
  begin(start: number): void {
    const stanza = this.stanza;
    stanza.start = start;
    stanza.kind = OTHER;
    stanza.type = TYPE_NONE;
    stanza.childCount = 0;
    stanza.childTotal = 0;
    stanza.toStart =
      stanza.toEnd =
      stanza.fromStart =
      stanza.fromEnd =
        -1;
    stanza.idStart =
      stanza.idEnd =
      stanza.typeStart =
      stanza.typeEnd =
        -1;
    stanza.toEscaped = stanza.fromEscaped = stanza.idEscaped = false;
    this.depth = 0;
    this.topKnown = false;
    this.state = START_TAG;
    this.token = start;
    this.at = start + 1;
    this.tag.begin(start);
    this.scope.begin();
  }

  /** The bytes have moved `by` towards the beginning of their buffer. Only after CUT. */
  move(by: number): void {
    this.at -= by;
    this.token -= by;
    for (let k = 0; k < this.depth; k++) {
      this.nameStart[k]! -= by;
      this.nameEnd[k]! -= by;
    }
    this.tag.move(by);
    this.scope.move(by);
    this.stanza.move(by);
  }

  /** Reads on: one past the stanza's last byte, or a code of trouble.ts. Bytes are `buf[…, end)`. */
  run(buf: Buffer, end: number): number {
    if (this.viewed !== buf) {
      this.viewed = buf;
      this.view = new DataView(buf.buffer, buf.byteOffset, buf.length);
    }
    const tag = this.tag, inner = this.inner, view = this.view;
    let i = this.at;
    let depth = this.depth;
    let state = this.state;
    if (state === START_TAG && depth === 0 && i === this.token + 1) {
      const next = this.tops.match(buf, view, this.token, end);
      if (next >= 0) {
        i = next;
        this.knownTop(i);
        if (this.tops.empty[this.tops.shape] === 1) return this.done(i);
        depth = 1;
        state = CONTENT;
      }
    }
    for (;;) {
      if (state === CONTENT) {
        if (i >= end) return this.cut(i, depth, CONTENT);
        let c = buf[i]!;
        if (c !== LT) {
          while (TEXT_STOP[c] === 0) {
            if (++i >= end) return this.cut(i, depth, CONTENT);
            c = buf[i]!;
          }
        }
        if (c !== LT) {
          if (c === GT) {
            // The two bytes in front belong to this stanza: a top start tag has at least three.
            if (buf[i - 1] === BRACKET_END && buf[i - 2] === BRACKET_END) {
              return this.illFormed("]]> in text", i, i);
            }
            i++;
          } else if (c === AMP) {
            const next = checkReference(buf, i, end, this.trouble);
            if (next === CUT) return this.cut(i, depth, CONTENT);
            if (next < 0) return this.stop(i, next, depth);
            i = next;
          } else return this.illFormed("a character that XML does not allow", i, i);
          continue;
        }
        if (i + 1 >= end) return this.cut(i, depth, CONTENT);
        c = buf[i + 1]!;
        if (c === SLASH) {
          const start = this.nameStart[depth - 1]!;
          const length = this.nameEnd[depth - 1]! - start;
          const from = i + 2;
          let k = 0;
          while (k < length && from + k < end && buf[from + k] === buf[start + k]) k++;
          if (k < length) {
            if (from + k >= end) return this.cut(i, depth, CONTENT);
            return this.illFormed("an end tag that does not match its start tag", from + k, i);
          }
          this.token = i;
          i = from + length;
          if (i < end && buf[i] === GT) {
            i++;
            if (--depth <= 1) {
              if (depth === 0) return this.done(i);
              this.childEnds(i);
            }
            this.scope.count = this.prefixes[depth]!;
            continue;
          }
          state = END_SPACE;
        } else if (c === BANG) {
          const length = CDATA_OPEN.length;
          let k = 0;
          while (k < length && i + 2 + k < end && buf[i + 2 + k] === CDATA_OPEN[k]) k++;
          if (k < length) {
            if (i + 2 + k >= end) return this.cut(i, depth, CONTENT);
            return this.declaration(buf, i);
          }
          this.token = i;
          i += 2 + length;
          state = CDATA;
        } else if (c === QUESTION) {
          this.token = i;
          return this.trouble.fault("restricted-xml", "a processing instruction", i);
        } else {
          if (depth > this.depthMax) {
            return this.stop(i, this.trouble.soft(`elements nested more than ${this.depthMax} deep`), depth);
          }
          const next = inner.match(buf, view, i, end);
          if (next >= 0) {
            this.known(i, next, depth);
            i = next;
            if (inner.empty[inner.shape] === 0) depth++;
            else if (depth === 1) this.childEnds(i);
            continue;
          }
          this.token = i;
          tag.begin(i);
          state = START_TAG;
        }
      }
      if (state === START_TAG) {
        const next = tag.run(buf, end);
        if (next < 0) {
          return next === CUT ? this.cut(tag.at, depth, START_TAG) : this.stop(this.token, next, depth);
        }
        const code = this.element(buf, depth, next);
        if (code < 0) return this.stop(this.token, code, depth);
        if (tag.colon === 0 && tag.prefixed === 0) this.learn(buf, next, depth);
        i = next;
        if (!tag.empty) depth++;
        else {
          if (depth === 0) return this.done(i);
          if (depth === 1) this.childEnds(i);
          this.scope.count = this.prefixes[depth]!;
        }
        state = CONTENT;
      } else if (state === CDATA) {
        while (
          i + 3 < end &&
          (CDATA_STOP[buf[i]!]! | CDATA_STOP[buf[i + 1]!]! | CDATA_STOP[buf[i + 2]!]! |
              CDATA_STOP[buf[i + 3]!]!) === 0
        ) i += 4;
        while (i < end && CDATA_STOP[buf[i]!] === 0) i++;
        if (i >= end) return this.cut(i, depth, CDATA);
        if (buf[i] !== GT) return this.illFormed("a character that XML does not allow", i, i);
        i++;
        // `<![CDATA[` and `]]>` share no byte.
        if (i - this.token >= 12 && buf[i - 2] === BRACKET_END && buf[i - 3] === BRACKET_END) state = CONTENT;
      } else {
        while (i < end && WHITE[buf[i]!] === 1) i++;
        if (i >= end) return this.cut(i, depth, END_SPACE);
        if (buf[i] !== GT) {
          return this.illFormed("an end tag that does not match its start tag", i, this.token);
        }
        i++;
        if (--depth <= 1) {
          if (depth === 0) return this.done(i);
          this.childEnds(i);
        }
        this.scope.count = this.prefixes[depth]!;
        state = CONTENT;
      }
    }
  }

  /** The tag was read to `tagEnd`: its namespaces, and what the Stanza notes of it. 0, or a code. */
  private element(buf: Buffer, depth: number, tagEnd: number): number {
    const tag = this.tag, scope = this.scope;
    this.prefixes[depth] = scope.count;
    let defaultId = depth === 0 ? HEADER_DEFAULT : this.defaultId[depth - 1]!;
    if (tag.declarations > 0) {
      const code = scope.declare(buf, tag, defaultId);
      if (code < 0) return code;
      defaultId = scope.defaultId;
    }
    let ns = defaultId;
    if (tag.colon > 0) {
      ns = scope.resolve(buf, tag.nameStart, tag.colon);
      if (ns === UNDECLARED) return this.undeclared(tag.nameStart);
    } else if (ns === HEADER_DEFAULT) scope.useDefault();
    if (tag.prefixed > 0) {
      const code = this.prefixedAttributes(buf);
      if (code < 0) return code;
    }
    this.nameStart[depth] = tag.nameStart;
    this.nameEnd[depth] = tag.nameEnd;
    this.defaultId[depth] = defaultId;
    if (depth === 1) {
      const name = tag.colon > 0 ? tag.colon + 1 : tag.nameStart;
      this.child(tag.start, name, tag.nameEnd, tagEnd, scope.publicId(ns));
    } else if (depth === 0) {
      readTop(this.stanza, buf, tag, tagEnd, scope.publicId(ns));
      this.topKnown = true;
    }
    return 0;
  }

  /** A tag that means the same wherever it stands: the next one like it is recognised. */
  private learn(buf: Buffer, tagEnd: number, depth: number): void {
    const { tag } = this;
    if (!(depth > 0 ? this.inner : this.tops).wanting) return;
    if (tag.declarations > 1 || (tag.declarations === 1 && tag.attrColon[tag.declaration[0]!]! > 0)) return;
    const declared = tag.declarations === 1 ? tag.declaration[0]! : -1;
    if (declared >= 0 && tag.escaped[declared] === 1) return;
    const defaultId = declared < 0 ? NO_DEFAULT : this.defaultId[depth]!;
    if (depth > 0) this.inner.learn(buf, tag, tagEnd, defaultId, (k) => k === declared);
    else learnTop(this.tops, this.stanza, buf, tag, tagEnd, defaultId, declared);
  }

  /** element() for an inner tag whose shape is known. */
  private known(start: number, tagEnd: number, depth: number): void {
    const { inner, scope } = this;
    const { shape } = inner;
    let defaultId = inner.defaultId[shape]!;
    if (defaultId === NO_DEFAULT) defaultId = this.defaultId[depth - 1]!;
    if (defaultId === HEADER_DEFAULT) scope.useDefault();
    const nameEnd = start + 1 + inner.nameLength[shape]!;
    this.prefixes[depth] = scope.count;
    this.nameStart[depth] = start + 1;
    this.nameEnd[depth] = nameEnd;
    this.defaultId[depth] = defaultId;
    if (depth === 1) this.child(start, start + 1, nameEnd, tagEnd, scope.publicId(defaultId));
  }

  /** element() for a top tag whose shape is known. */
  private knownTop(tagEnd: number): void {
    const { tops, scope, stanza } = this;
    let defaultId = tops.defaultId[tops.shape]!;
    if (defaultId === NO_DEFAULT) defaultId = HEADER_DEFAULT;
    if (defaultId === HEADER_DEFAULT) scope.useDefault();
    placeTop(stanza, tops, this.token, tagEnd, scope.publicId(defaultId));
    this.prefixes[0] = 0;
    this.nameStart[0] = stanza.topNameStart;
    this.nameEnd[0] = stanza.topNameEnd;
    this.defaultId[0] = defaultId;
    this.topKnown = true;
  }

  /** Every prefix of an attribute is declared, and no two of them make one name of two. */
  private prefixedAttributes(buf: Buffer): number {
    const tag = this.tag;
    let declared = 0;
    for (let n = 0; n < tag.count; n++) {
      if (declared < tag.declarations && tag.declaration[declared] === n) {
        declared++;
        continue;
      }
      const colon = tag.attrColon[n]!;
      if (colon === 0) continue;
      if (this.scope.resolve(buf, tag.attrStart[n]!, colon) === UNDECLARED) {
        return this.undeclared(tag.attrStart[n]!);
      }
    }
    return tag.prefixed > 1 ? this.scope.uniqueAttributes(buf, tag) : 0;
  }

  private undeclared(at: number): number {
    return this.trouble.fault("bad-namespace-prefix", "a namespace prefix that nobody declared", at);
  }

  private child(start: number, nameStart: number, nameEnd: number, tagEnd: number, ns: number): void {
    const stanza = this.stanza;
    const at = stanza.childTotal++;
    if (at >= CHILDREN_MAX) return;
    stanza.childCount = at + 1;
    stanza.childStart[at] = start;
    stanza.childNameStart[at] = nameStart;
    stanza.childNameEnd[at] = nameEnd;
    stanza.childTagEnd[at] = tagEnd;
    stanza.childNs[at] = ns;
  }

  private childEnds(end: number): void {
    const at = this.stanza.childTotal - 1;
    if (at < CHILDREN_MAX) this.stanza.childEnd[at] = end;
  }

  private done(end: number): number {
    this.stanza.end = end;
    this.stanza.view = this.view;
    this.stanza.inherited = this.scope.inherited();
    return end;
  }

  private cut(at: number, depth: number, state: number): number {
    this.at = at;
    if (state === CONTENT) this.token = at;
    this.depth = depth;
    this.state = state;
    return CUT;
  }

  private stop(token: number, code: number, depth: number): number {
    this.token = token;
    this.depth = depth;
    return code;
  }

  private illFormed(text: string, at: number, token: number): number {
    this.token = token;
    return this.trouble.illFormed(text, at);
  }

  /** `<!` that begins no CDATA section. */
  private declaration(buf: Buffer, at: number): number {
    this.token = at;
    const next = buf[at + 2]!;
    if (next === 0x2d) return this.trouble.fault("restricted-xml", "a comment", at);
    if (next >= 0x41 && next <= 0x5a) return this.trouble.fault("restricted-xml", "a markup declaration", at);
    this.trouble.illFormed("<! that begins nothing", at);
    return FAULT;
  }
}
