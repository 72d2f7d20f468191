/**
 * A stanza as the framer saw it: positions in bytes, no tree, no strings.
 *
 * One Stanza object is reused for every stanza of a stream: whoever wants to keep one copies its bytes. All
 * positions index `buf`; ranges are half-open; -1 means absent. Attribute ranges lie between the quotes and hold
 * the raw bytes: where the matching `…Escaped` flag is set they contain an entity or character reference and must be
 * decoded before they are compared.
 *
 * XEP-0114, RFC 6120 §8; namespaces as in "Namespaces in XML 1.0".
 *
 * Conforms: RFC 6120 §8.1, common attributes: complete
 */

/** Top-level element. OTHER is anything that is not one of the three stanzas in the stream's content namespace. */
export const PRESENCE = 1, MESSAGE = 2, IQ = 3, OTHER = 0;

/** The value of the `type` attribute, for the kinds it can stand on. */
export const TYPE_NONE = 0,
  TYPE_GET = 1,
  TYPE_SET = 2,
  TYPE_RESULT = 3,
  TYPE_ERROR = 4,
  TYPE_UNAVAILABLE = 5,
  TYPE_SUBSCRIBE = 6,
  TYPE_SUBSCRIBED = 7,
  TYPE_UNSUBSCRIBE = 8,
  TYPE_UNSUBSCRIBED = 9,
  TYPE_PROBE = 10,
  TYPE_NORMAL = 11,
  TYPE_CHAT = 12,
  TYPE_GROUPCHAT = 13,
  TYPE_HEADLINE = 14,
  TYPE_UNKNOWN = 15;

/** How many direct children are recorded; those beyond are checked and passed on, but not seen by routing. */
export const CHILDREN_MAX = 16;

export const EMPTY_VIEW = new DataView(new ArrayBuffer(0));

export class Stanza {
  buf: Buffer = Buffer.alloc(0);
  /** The same bytes, for reading four at a time. */
  view: DataView = EMPTY_VIEW;
  /** First byte of the stanza (`<`) and one past its last (`>`). */
  start = 0;
  end = 0;

  kind: number = OTHER;
  type: number = TYPE_NONE;

  /** The top element's local name (without prefix) and namespace: what an OTHER is. */
  topNameStart = 0;
  topNameEnd = 0;
  topNs = 0;
  /** One past the top element's qualified name: attributes may be inserted here. */
  nameEnd = 0;
  /** One past the `>` of the top start tag (equals `end` for an empty-element tag). */
  tagEnd = 0;

  toStart = -1;
  toEnd = -1;
  toEscaped = false;
  fromStart = -1;
  fromEnd = -1;
  fromEscaped = false;
  idStart = -1;
  idEnd = -1;
  idEscaped = false;
  typeStart = -1;
  typeEnd = -1;

  /** Direct child elements, in order; `childCount` of them are recorded, `childTotal` were there. */
  childCount = 0;
  childTotal = 0;
  /** `<` of the child's start tag. */
  readonly childStart = new Int32Array(CHILDREN_MAX);
  /** The child's local name (without prefix). */
  readonly childNameStart = new Int32Array(CHILDREN_MAX);
  readonly childNameEnd = new Int32Array(CHILDREN_MAX);
  /** One past the `>` of its start tag. */
  readonly childTagEnd = new Int32Array(CHILDREN_MAX);
  /** One past its last byte. */
  readonly childEnd = new Int32Array(CHILDREN_MAX);
  /** A namespace id of namespaces.ts. */
  readonly childNs = new Int32Array(CHILDREN_MAX);

  /**
   * Namespace declarations that this stanza uses but that stand on the incoming stream header only, ready to be
   * inserted at `nameEnd` (` xmlns:r='urn:xmpp:rayo:1'`); empty almost always (RW10).
   */
  inherited = "";

  /** The bytes have moved `by` towards the beginning of their buffer. For the framer. */
  move(by: number): void {
    this.start -= by;
    this.nameEnd -= by;
    this.topNameStart -= by;
    this.topNameEnd -= by;
    this.tagEnd -= by;
    if (this.toStart >= 0) {
      this.toStart -= by;
      this.toEnd -= by;
    }
    if (this.fromStart >= 0) {
      this.fromStart -= by;
      this.fromEnd -= by;
    }
    if (this.idStart >= 0) {
      this.idStart -= by;
      this.idEnd -= by;
    }
    if (this.typeStart >= 0) {
      this.typeStart -= by;
      this.typeEnd -= by;
    }
    for (let k = 0; k < this.childCount; k++) {
      this.childStart[k]! -= by;
      this.childNameStart[k]! -= by;
      this.childNameEnd[k]! -= by;
      this.childTagEnd[k]! -= by;
      this.childEnd[k]! -= by;
    }
  }
}
