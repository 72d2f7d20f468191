/**
 * The framer's contract: bytes of one incoming XMPP stream in, stanzas out. (Implementation: see below.)
 */
import type { Stanza } from "./stanza.ts";

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
