/**
 * Reads what stands in front of the first stanza: an XML declaration, if any, and the opening tag of the stream.
 *
 * RFC 6120 §4.2, §4.7, §4.8 and §11; XML 1.0 §2.8.
 *
 * Conforms: RFC 6120 §4.7, stream headers under jabber:component:accept: complete
 */
import { HEADER_BYTES_MAX } from "../base/limits.ts";
import { isText } from "../base/bytes.ts";
import { BANG, LT, QUESTION, WHITE } from "./chars.ts";
import { decodeAttribute } from "./escape.ts";
import type { StreamHeader } from "./framer.ts";
import { HEADER_DEFAULT, type NamespaceScope, STREAMS_NAMESPACE, UNDECLARED } from "./namespace_scope.ts";
import type { TagScan } from "./tag.ts";
import { CUT, SOFT, type Trouble } from "./trouble.ts";

const DECLARATION =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*("1\.[0-9]+"|'1\.[0-9]+')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*("[A-Za-z][A-Za-z0-9._-]*"|'[A-Za-z][A-Za-z0-9._-]*'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"yes"|"no"|'yes'|'no'))?[ \t\r\n]*\?>$/;

const XML = Buffer.from("<?xml");

const BEGIN = 0, DECLARATION_END = 1, SPACE = 2, TAG = 3;

export class Prolog {
  /** The header's qualified name: its end tag has to repeat it. */
  name: Buffer = Buffer.alloc(0);
  header: StreamHeader = { id: "", from: "", to: "", version: "", content: "" };
  /** The header was an empty-element tag: the stream is over before it began. */
  empty = false;
  private state = BEGIN;
  private at = 0;

  constructor(
    private readonly tag: TagScan,
    private readonly scope: NamespaceScope,
    private readonly trouble: Trouble,
  ) {}

  begin(): void {
    this.state = BEGIN;
    this.at = 0;
  }

  /** Reads `buf[0, end)`, all that came so far: one past the header's `>`, or CUT, or FAULT. */
  run(buf: Buffer, end: number): number {
    for (;;) {
      if (this.state === BEGIN) {
        const code = this.start(buf, end);
        if (code < 0) return code;
      } else if (this.state === DECLARATION_END) {
        // `at` is where the search for `?>` goes on.
        const close = buf.indexOf("?>", this.at, "latin1");
        if (close < 0 || close + 2 > end) {
          this.at = Math.max(this.at, end - 1);
          return this.wait(end);
        }
        const fault = this.declaration(buf.toString("latin1", buf.indexOf(LT), close + 2));
        if (fault < 0) return fault;
        this.at = close + 2;
        this.state = SPACE;
      } else if (this.state === SPACE) {
        while (this.at < end && WHITE[buf[this.at]!] === 1) this.at++;
        if (this.at + 1 >= end) {
          if (this.at < end && buf[this.at] !== LT) return this.noTag();
          return this.wait(end);
        }
        if (buf[this.at] !== LT) return this.noTag();
        const next = buf[this.at + 1];
        if (next === BANG || next === QUESTION) {
          return this.trouble.fault(
            "restricted-xml",
            "a declaration, comment or processing instruction",
            this.at,
          );
        }
        this.tag.begin(this.at);
        this.state = TAG;
      } else {
        const next = this.tag.run(buf, end);
        if (next === CUT) return this.wait(end);
        if (next === SOFT) return this.trouble.fault("policy-violation", this.trouble.text, this.tag.start);
        return next < 0 ? next : this.open(buf, next);
      }
    }
  }

  private wait(end: number): number {
    if (end < HEADER_BYTES_MAX) return CUT;
    return this.trouble.fault(
      "policy-violation",
      `a stream header of more than ${HEADER_BYTES_MAX} bytes`,
      0,
    );
  }

  private noTag(): number {
    return this.trouble.illFormed("no XML stream", this.at);
  }

  /** The very first bytes: the one place for an XML declaration. 0, or a code. */
  private start(buf: Buffer, end: number): number {
    // A UTF-8 byte order mark is needless but harmless; other marks are no UTF-8 and never get here.
    const bom = buf[0] === 0xef ? 3 : 0;
    if (end <= bom) return CUT;
    if (bom > 0 && (buf[1] !== 0xbb || buf[2] !== 0xbf)) return this.noTag();
    let k = 0;
    while (k < XML.length && bom + k < end && buf[bom + k] === XML[k]) k++;
    if (bom + k >= end) return CUT;
    // `<?xml-…` would be a processing instruction.
    const declared = k === XML.length && WHITE[buf[bom + k]!] === 1;
    this.state = declared ? DECLARATION_END : SPACE;
    this.at = declared ? bom + k : bom;
    return 0;
  }

  private declaration(text: string): number {
    const match = DECLARATION.exec(text);
    if (match === null) {
      const encoding = /encoding\s*=\s*["']([^"']*)/.exec(text);
      if (encoding !== null && encoding[1]!.toLowerCase() !== "utf-8") return this.encoding();
      return this.trouble.illFormed("a malformed XML declaration", 0);
    }
    const encoding = match[2];
    if (encoding !== undefined && encoding.slice(1, -1).toLowerCase() !== "utf-8") return this.encoding();
    return 0;
  }

  private encoding(): number {
    return this.trouble.fault("unsupported-encoding", "an encoding other than UTF-8", 0);
  }

  /** The opening tag was read to `tagEnd`: is it a stream's? */
  private open(buf: Buffer, tagEnd: number): number {
    const tag = this.tag, scope = this.scope;
    scope.forgetHeader();
    scope.begin();
    let code = scope.declare(buf, tag, HEADER_DEFAULT);
    if (code === SOFT) return this.trouble.fault("policy-violation", this.trouble.text, tag.start);
    if (code < 0) return code;
    for (let n = 0; n < tag.count; n++) {
      const colon = tag.attrColon[n]!;
      if (colon === 0 || isText(buf, tag.attrStart[n]!, colon, "xmlns")) continue;
      if (scope.resolve(buf, tag.attrStart[n]!, colon) === UNDECLARED) {
        return this.undeclared(tag.attrStart[n]!);
      }
    }
    if (tag.prefixed > 1 && (code = scope.uniqueAttributes(buf, tag)) < 0) return code;
    if (tag.colon > 0 && scope.resolve(buf, tag.nameStart, tag.colon) === UNDECLARED) {
      return this.undeclared(tag.nameStart);
    }
    code = scope.keepHeader(buf, tag);
    if (code < 0) return code;
    const namespace = tag.colon > 0 ? scope.nameOf(buf, tag.nameStart, tag.colon) : scope.content;
    const isStream = isText(buf, tag.colon > 0 ? tag.colon + 1 : tag.nameStart, tag.nameEnd, "stream");
    if (!isStream) return this.trouble.fault("bad-format", "an opening tag that is no stream's", tag.start);
    if (namespace !== STREAMS_NAMESPACE) {
      return this.trouble.fault(
        "invalid-namespace",
        `a stream that is not in ${STREAMS_NAMESPACE}`,
        tag.start,
      );
    }
    this.name = Buffer.from(buf.subarray(tag.nameStart, tag.nameEnd));
    this.empty = tag.empty;
    this.header = {
      id: this.attribute(buf, "id"),
      from: this.attribute(buf, "from"),
      to: this.attribute(buf, "to"),
      version: this.attribute(buf, "version"),
      content: scope.content,
    };
    return tagEnd;
  }

  private undeclared(at: number): number {
    return this.trouble.fault("bad-namespace-prefix", "a namespace prefix that nobody declared", at);
  }

  private attribute(buf: Buffer, name: string): string {
    const tag = this.tag;
    for (let n = 0; n < tag.count; n++) {
      if (isText(buf, tag.attrStart[n]!, tag.attrEnd[n]!, name)) {
        return decodeAttribute(buf, tag.valueStart[n]!, tag.valueEnd[n]!);
      }
    }
    return "";
  }
}
