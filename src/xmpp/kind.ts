/**
 * From names to the small numbers of stanza.ts: what a top element is, and what its `type` says.
 *
 * RFC 6120 §8.2.3, RFC 6121 §4.7.1 and §5.2.2.
 */
import { isText } from "../base/bytes.ts";
import { decodeAttribute } from "./escape.ts";
import {
  IQ,
  MESSAGE,
  OTHER,
  PRESENCE,
  TYPE_CHAT,
  TYPE_ERROR,
  TYPE_GET,
  TYPE_GROUPCHAT,
  TYPE_HEADLINE,
  TYPE_NORMAL,
  TYPE_PROBE,
  TYPE_RESULT,
  TYPE_SET,
  TYPE_SUBSCRIBE,
  TYPE_SUBSCRIBED,
  TYPE_UNAVAILABLE,
  TYPE_UNKNOWN,
  TYPE_UNSUBSCRIBE,
  TYPE_UNSUBSCRIBED,
} from "./stanza.ts";

/** The kind of stanza whose local name is `buf[start, end)`. */
export function kindOf(buf: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 8) return isText(buf, start, end, "presence") ? PRESENCE : OTHER;
  if (length === 2) return buf[start] === 0x69 && buf[start + 1] === 0x71 ? IQ : OTHER;
  return isText(buf, start, end, "message") ? MESSAGE : OTHER;
}

/** Index: kind. */
const TYPES: readonly (readonly (readonly [string, number])[])[] = [
  [],
  [
    ["unavailable", TYPE_UNAVAILABLE],
    ["error", TYPE_ERROR],
    ["subscribe", TYPE_SUBSCRIBE],
    ["subscribed", TYPE_SUBSCRIBED],
    ["unsubscribe", TYPE_UNSUBSCRIBE],
    ["unsubscribed", TYPE_UNSUBSCRIBED],
    ["probe", TYPE_PROBE],
  ],
  [
    ["chat", TYPE_CHAT],
    ["error", TYPE_ERROR],
    ["groupchat", TYPE_GROUPCHAT],
    ["headline", TYPE_HEADLINE],
    ["normal", TYPE_NORMAL],
  ],
  [
    ["result", TYPE_RESULT],
    ["set", TYPE_SET],
    ["get", TYPE_GET],
    ["error", TYPE_ERROR],
  ],
];

/** The type of a stanza of `kind` whose `type` attribute has the value `buf[start, end)`. */
export function typeOf(kind: number, buf: Uint8Array, start: number, end: number): number {
  const types = TYPES[kind]!;
  for (let k = 0; k < types.length; k++) {
    const [text, type] = types[k]!;
    if (isText(buf, start, end, text)) return type;
  }
  return TYPE_UNKNOWN;
}

/** As typeOf(), for a value with references in it. */
export function typeOfEscaped(kind: number, buf: Buffer, start: number, end: number): number {
  const value = Buffer.from(decodeAttribute(buf, start, end));
  return typeOf(kind, value, 0, value.length);
}
