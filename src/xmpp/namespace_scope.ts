/**
 * Which prefix means what at one place of a stream: declarations of the stream header (for every stanza) and those
 * of the elements that are open at the moment.
 *
 * The default namespace is the scanner's matter (one number per open element); this file holds prefixes, turns
 * namespace names into the numbers of namespaces.ts, and remembers which header declarations a stanza used (RW10).
 *
 * "Namespaces in XML 1.0"; RFC 6120 §4.8.
 */
import { HEADER_PREFIXES_MAX, PREFIXES_IN_FORCE_MAX } from "../base/limits.ts";
import { sameBytes } from "../base/bytes.ts";
import { decodeAttribute, escapeAttribute } from "./escape.ts";
import {
  CONTENT_NAMESPACES,
  knownNamespaceId,
  NS_OTHER,
  NS_STREAM_CONTENT,
  NS_STREAMS,
} from "./namespaces.ts";
import type { TagScan } from "./tag.ts";
import { type Trouble } from "./trouble.ts";

export const STREAMS_NAMESPACE = "http://etherx.jabber.org/streams";
const XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace";
const XMLNS_NAMESPACE = "http://www.w3.org/2000/xmlns/";

/** No declaration in the stanza: the stream header's default namespace. */
export const HEADER_DEFAULT = -1;
/** Result of resolve(): nobody declared that prefix. */
export const UNDECLARED = -2;

export class NamespaceScope {
  /** The stream header's own. */
  private contents: Buffer[] = [];
  private headerPrefixes: Buffer[] = [];
  private headerIds: number[] = [];
  private headerTexts: string[] = [];
  private headerDefault = "";
  private headerDefaultId = NS_OTHER;
  /** Elements that rely on the header's default namespace must take it along: it is no content namespace. */
  private defaultTravels = false;

  /** Header declarations that the present stanza used: bit k for prefix k, bit 30 for the default. */
  private used = 0;

  /** Prefixes that open elements declare, innermost last; ranges index the stanza's buffer. */
  count = 0;
  private readonly prefixStart = new Int32Array(PREFIXES_IN_FORCE_MAX);
  private readonly prefixEnd = new Int32Array(PREFIXES_IN_FORCE_MAX);
  private readonly nameStart = new Int32Array(PREFIXES_IN_FORCE_MAX);
  private readonly nameEnd = new Int32Array(PREFIXES_IN_FORCE_MAX);
  private readonly ids = new Int32Array(PREFIXES_IN_FORCE_MAX);
  /** What the declarations of one tag leave behind, read by the scanner. */
  defaultId = HEADER_DEFAULT;

  constructor(private readonly trouble: Trouble) {}

  /** A stanza begins. */
  begin(): void {
    this.count = 0;
    this.used = 0;
  }

  move(by: number): void {
    for (let k = 0; k < this.count; k++) {
      this.prefixStart[k]! -= by;
      this.prefixEnd[k]! -= by;
      this.nameStart[k]! -= by;
      this.nameEnd[k]! -= by;
    }
  }

  /** The number of the namespace whose name is `buf[start, end)`, as it stands there. */
  idOf(buf: Uint8Array, start: number, end: number): number {
    const id = knownNamespaceId(buf, start, end);
    if (id !== NS_OTHER) return id;
    const length = end - start;
    for (let k = 0; k < this.contents.length; k++) {
      const content = this.contents[k]!;
      if (content.length === length && sameBytes(buf, start, content, 0, length)) return NS_STREAM_CONTENT;
    }
    return NS_OTHER;
  }

  /** A namespace number as others may see it. */
  publicId(id: number): number {
    return id === HEADER_DEFAULT ? this.headerDefaultId : id;
  }

  /** An element without prefix stands where the header's default namespace holds. */
  useDefault(): void {
    if (this.defaultTravels) this.used |= 1 << HEADER_PREFIXES_MAX;
  }

  /**
   * Takes in the declarations of a tag that was read to its end. `defaultId` is then the tag's own default
   * namespace, or `outer`. 0, or a code of trouble.ts.
   */
  declare(buf: Buffer, tag: TagScan, outer: number): number {
    this.defaultId = outer;
    for (let k = 0; k < tag.declarations; k++) {
      const n = tag.declaration[k]!;
      const start = tag.valueStart[n]!, end = tag.valueEnd[n]!;
      const colon = tag.attrColon[n]!;
      const id = tag.escaped[n] === 1 ? this.idOfEscaped(buf, start, end) : this.idOf(buf, start, end);
      if (colon === 0) {
        if (id === NS_OTHER && isReserved(buf, start, end)) {
          return this.trouble.illFormed("a reserved namespace as the default", tag.attrStart[n]!);
        }
        this.defaultId = id;
        continue;
      }
      const code = this.checkPrefixed(buf, tag, n);
      if (code <= 0) {
        if (code < 0) return code;
        continue; // xmlns:xml, rightly bound: nothing to remember
      }
      if (this.count === PREFIXES_IN_FORCE_MAX) {
        return this.trouble.soft(`more than ${PREFIXES_IN_FORCE_MAX} namespace prefixes in force`);
      }
      const at = this.count++;
      this.prefixStart[at] = colon + 1;
      this.prefixEnd[at] = tag.attrEnd[n]!;
      this.nameStart[at] = start;
      this.nameEnd[at] = end;
      this.ids[at] = id;
    }
    return 0;
  }

  /** May attribute `n` declare the prefix it declares? 1: yes; 0: needless but right; or a code. */
  private checkPrefixed(buf: Buffer, tag: TagScan, n: number): number {
    const start = tag.attrColon[n]! + 1, end = tag.attrEnd[n]!;
    const at = tag.attrStart[n]!;
    if (tag.valueStart[n] === tag.valueEnd[n]) {
      return this.trouble.illFormed("a prefix that is bound to nothing", at);
    }
    const isXml = isXmlPrefix(buf, start, end);
    if (isXml || isReserved(buf, tag.valueStart[n]!, tag.valueEnd[n]!)) {
      const right = isXml && decodeAttribute(buf, tag.valueStart[n]!, tag.valueEnd[n]!) === XML_NAMESPACE;
      return right ? 0 : this.trouble.illFormed("a reserved prefix or namespace bound anew", at);
    }
    if (end - start === 5 && buf.toString("latin1", start, end) === "xmlns") {
      return this.trouble.illFormed("the prefix xmlns declared", at);
    }
    return 1;
  }

  private idOfEscaped(buf: Buffer, start: number, end: number): number {
    const name = Buffer.from(decodeAttribute(buf, start, end));
    return this.idOf(name, 0, name.length);
  }

  /** What the prefix `buf[start, end)` means: a namespace number, or UNDECLARED. */
  resolve(buf: Buffer, start: number, end: number): number {
    const length = end - start;
    for (let k = this.count - 1; k >= 0; k--) {
      const at = this.prefixStart[k]!;
      if (
        this.prefixEnd[k]! - at === length && buf[at] === buf[start] && sameBytes(buf, at, buf, start, length)
      ) {
        return this.ids[k]!;
      }
    }
    if (isXmlPrefix(buf, start, end)) return NS_OTHER;
    for (let k = 0; k < this.headerPrefixes.length; k++) {
      const prefix = this.headerPrefixes[k]!;
      if (prefix.length === length && sameBytes(prefix, 0, buf, start, length)) {
        this.used |= 1 << k;
        return this.headerIds[k]!;
      }
    }
    return UNDECLARED;
  }

  /** The name of the namespace that a declared prefix means. Allocates. */
  nameOf(buf: Buffer, start: number, end: number): string {
    const prefix = buf.subarray(start, end);
    for (let k = this.count - 1; k >= 0; k--) {
      if (prefix.equals(buf.subarray(this.prefixStart[k]!, this.prefixEnd[k]!))) {
        return decodeAttribute(buf, this.nameStart[k]!, this.nameEnd[k]!);
      }
    }
    const k = this.headerPrefixes.findIndex((known) => known.equals(prefix));
    return k < 0 ? XML_NAMESPACE : this.headerTexts[k]!;
  }

  /**
   * Two attributes with different prefixes may still be one name (Namespaces in XML §6.3). Called for tags with two
   * prefixed attributes or more, all of whose prefixes are declared: rare, so it may allocate.
   */
  uniqueAttributes(buf: Buffer, tag: TagScan): number {
    const seen = new Set<string>();
    for (let n = 0; n < tag.count; n++) {
      const colon = tag.attrColon[n]!;
      const start = tag.attrStart[n]!;
      if (colon === 0 || (colon - start === 5 && buf.toString("latin1", start, colon) === "xmlns")) continue;
      const name = `${this.nameOf(buf, start, colon)} ${buf.toString("utf8", colon + 1, tag.attrEnd[n]!)}`;
      if (seen.has(name)) return this.trouble.illFormed("an attribute that stands there twice", start);
      seen.add(name);
    }
    return 0;
  }

  /** Takes over what the stream header declares; called when its tag was read and its declarations are in force. */
  keepHeader(buf: Buffer, tag: TagScan): number {
    this.forgetHeader();
    if (this.count > HEADER_PREFIXES_MAX) {
      return this.trouble.fault(
        "policy-violation",
        "too many namespace prefixes on a stream header",
        tag.start,
      );
    }
    for (let k = 0; k < tag.declarations; k++) {
      const n = tag.declaration[k]!;
      if (tag.attrColon[n] === 0) {
        this.headerDefault = decodeAttribute(buf, tag.valueStart[n]!, tag.valueEnd[n]!);
      }
    }
    const known = this.headerDefault !== "" && this.headerDefault !== STREAMS_NAMESPACE;
    const contents = known ? [this.headerDefault] : [...CONTENT_NAMESPACES];
    // COMPAT(jabberd2): its router hands a component the stanzas of others in a client's namespace.
    if (this.headerDefault === "jabber:component:accept") contents.push("jabber:client");
    this.contents = contents.map((name) => Buffer.from(name));
    for (let k = 0; k < this.count; k++) {
      const name = decodeAttribute(buf, this.nameStart[k]!, this.nameEnd[k]!);
      const bytes = Buffer.from(name);
      this.headerPrefixes.push(Buffer.from(buf.subarray(this.prefixStart[k]!, this.prefixEnd[k]!)));
      this.headerTexts.push(name);
      this.headerIds.push(this.idOf(bytes, 0, bytes.length));
    }
    this.headerDefaultId = known ? NS_STREAM_CONTENT : this.headerDefault === "" ? NS_OTHER : NS_STREAMS;
    this.defaultTravels = this.headerDefaultId === NS_STREAMS;
    return 0;
  }

  forgetHeader(): void {
    this.contents = [];
    this.headerPrefixes = [];
    this.headerIds = [];
    this.headerTexts = [];
    this.headerDefault = "";
    this.headerDefaultId = NS_OTHER;
    this.defaultTravels = false;
    this.inheritedFor = 0;
    this.inheritedText = "";
  }

  /** The stream's content namespace, "" if its header has no default. */
  get content(): string {
    return this.headerDefault;
  }

  private inheritedFor = 0;
  private inheritedText = "";

  /** Declarations of the header that the present stanza needs to stand alone, each once (RW10). */
  inherited(): string {
    if (this.used === 0) return "";
    // A peer that writes so does it in every stanza: the last answer nearly always fits again.
    if (this.used !== this.inheritedFor) {
      this.inheritedFor = this.used;
      this.inheritedText = this.used >> HEADER_PREFIXES_MAX & 1
        ? ` xmlns='${escapeAttribute(this.headerDefault)}'`
        : "";
      this.headerPrefixes.forEach((prefix, k) => {
        if ((this.used >> k & 1) === 0) return;
        this.inheritedText += ` xmlns:${prefix.toString("utf8")}='${escapeAttribute(this.headerTexts[k]!)}'`;
      });
    }
    return this.inheritedText;
  }
}

function isXmlPrefix(buf: Uint8Array, start: number, end: number): boolean {
  return end - start === 3 && buf[start] === 0x78 && buf[start + 1] === 0x6d && buf[start + 2] === 0x6c;
}

/** True for the two namespace names that may be bound to their own prefix only. */
function isReserved(buf: Buffer, start: number, end: number): boolean {
  // The shorter of the two has 29 bytes; written with references either one is longer. Both begin `http://w`.
  if (end - start < XMLNS_NAMESPACE.length) return false;
  if (buf[start + 7] !== 0x77 && buf.subarray(start, start + 8).indexOf(0x26) < 0) return false;
  const name = decodeAttribute(buf, start, end);
  return name === XML_NAMESPACE || name === XMLNS_NAMESPACE;
}
