/**
 * From names to the small numbers of stanza.ts: what a top element is, and what its `type` says.
 *
 * RFC 6120 §8.2.3, RFC 6121 §4.7.1 and §5.2.2.
 */
import { sameBytes } from "../base/bytes.ts";
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

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** True when `buf[start, end)` is `text`. */
function is(buf: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  return end - start === text.length && buf[start] === text[0] && sameBytes(buf, start, text, 0, text.length);
}

const WORD_PRESENCE = bytesOf("presence"), WORD_MESSAGE = bytesOf("message"), WORD_IQ = bytesOf("iq");

/** The kind of stanza whose local name is `buf[start, end)`. */
export function kindOf(buf: Uint8Array, start: number, end: number): number {
  if (is(buf, start, end, WORD_PRESENCE)) return PRESENCE;
  if (is(buf, start, end, WORD_IQ)) return IQ;
  return is(buf, start, end, WORD_MESSAGE) ? MESSAGE : OTHER;
}

/** Index: kind; the most frequent first. */
const TYPE_WORDS: readonly (readonly Uint8Array[])[] = [
  [],
  ["unavailable", "error", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe"].map(bytesOf),
  ["chat", "error", "groupchat", "headline", "normal"].map(bytesOf),
  ["result", "set", "get", "error"].map(bytesOf),
];
const TYPES: readonly (readonly number[])[] = [
  [],
  [
    TYPE_UNAVAILABLE,
    TYPE_ERROR,
    TYPE_SUBSCRIBE,
    TYPE_SUBSCRIBED,
    TYPE_UNSUBSCRIBE,
    TYPE_UNSUBSCRIBED,
    TYPE_PROBE,
  ],
  [TYPE_CHAT, TYPE_ERROR, TYPE_GROUPCHAT, TYPE_HEADLINE, TYPE_NORMAL],
  [TYPE_RESULT, TYPE_SET, TYPE_GET, TYPE_ERROR],
];

/** The type of a stanza of `kind` whose `type` attribute has the value `buf[start, end)`. */
export function typeOf(kind: number, buf: Uint8Array, start: number, end: number): number {
  const words = TYPE_WORDS[kind]!;
  for (let k = 0; k < words.length; k++) if (is(buf, start, end, words[k]!)) return TYPES[kind]![k]!;
  return TYPE_UNKNOWN;
}

/** As typeOf(), for a value with references in it. */
export function typeOfEscaped(kind: number, buf: Buffer, start: number, end: number): number {
  const value = Buffer.from(decodeAttribute(buf, start, end));
  return typeOf(kind, value, 0, value.length);
}
