/**
 * A sink that writes down everything a framer says, in words that do not depend on where the bytes lay.
 */
import {
  ATTRIBUTES_MAX,
  NAME_BYTES_MAX,
  STANZA_BYTES_HARD_MAX,
  STANZA_BYTES_MAX,
  STANZA_DEPTH_MAX,
} from "../../src/base/limits.ts";
import {
  Framer,
  type FramerLimits,
  type FramerSink,
  type StreamFault,
  type StreamHeader,
} from "../../src/xmpp/framer.ts";
import type { Stanza } from "../../src/xmpp/stanza.ts";

export const LIMITS: FramerLimits = {
  stanzaBytesMax: STANZA_BYTES_MAX,
  stanzaBytesHardMax: STANZA_BYTES_HARD_MAX,
  depthMax: STANZA_DEPTH_MAX,
  attributesMax: ATTRIBUTES_MAX,
  nameBytesMax: NAME_BYTES_MAX,
};

export const HEADER = "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' " +
  "xmlns:stream='http://etherx.jabber.org/streams' xmlns:r='urn:xmpp:rayo:1' id='s1'>";

/** Everything a Stanza says, as text. */
export function described(s: Stanza): string {
  const range = (start: number, end: number): string => start < 0 ? "-" : s.buf.toString("utf8", start, end);
  const flag = (escaped: boolean): string => escaped ? "&" : "";
  const parts = [
    `kind=${s.kind} type=${s.type} ns=${s.topNs} name=${range(s.topNameStart, s.topNameEnd)}`,
    `at=${s.nameEnd - s.start},${s.tagEnd - s.start},${s.end - s.start}`,
    `to=${flag(s.toEscaped)}${range(s.toStart, s.toEnd)}`,
    `from=${flag(s.fromEscaped)}${range(s.fromStart, s.fromEnd)}`,
    `id=${flag(s.idEscaped)}${range(s.idStart, s.idEnd)}`,
    `type=${range(s.typeStart, s.typeEnd)}`,
    `inherited=${s.inherited}`,
    `children=${s.childCount}/${s.childTotal}`,
  ];
  for (let k = 0; k < s.childCount; k++) {
    parts.push(
      `[${s.childNs[k]} ${range(s.childNameStart[k]!, s.childNameEnd[k]!)} ` +
        `${s.childStart[k]! - s.start},${s.childTagEnd[k]! - s.start},${s.childEnd[k]! - s.start}]`,
    );
  }
  return `${parts.join(" ")} ${range(s.start, s.end)}`;
}

export class Recorder implements FramerSink {
  said: string[] = [];
  fatal: StreamFault | null = null;
  headerSeen: StreamHeader | null = null;
  /** Called for each stanza, while its view is valid. */
  visit: ((s: Stanza) => void) | null = null;

  header(header: StreamHeader): void {
    this.headerSeen = header;
    this.said.push(`header ${JSON.stringify(header)}`);
  }
  stanza(s: Stanza): void {
    this.said.push(`stanza ${described(s)}`);
    this.visit?.(s);
  }
  skipped(s: Stanza, why: string): void {
    this.said.push(`skipped ${why}: ${described(s)}`);
  }
  closed(): void {
    this.said.push("closed");
  }
  fault(fault: StreamFault): void {
    this.fatal = fault;
    this.said.push(`fault ${fault.condition}: ${fault.text}: ${fault.sample}`);
  }
}

/** What a framer says to `pieces`. */
export function hear(pieces: readonly Buffer[], limits: Partial<FramerLimits> = {}): Recorder {
  const recorder = new Recorder();
  const framer = new Framer(recorder, { ...LIMITS, ...limits });
  for (const piece of pieces) framer.push(piece);
  return recorder;
}

/** What a framer says to a stream that begins with HEADER, the header left out. */
export function hearBody(body: string | Buffer, limits: Partial<FramerLimits> = {}): Recorder {
  const recorder = hear([Buffer.from(HEADER), Buffer.from(body)], limits);
  recorder.said.shift();
  return recorder;
}
