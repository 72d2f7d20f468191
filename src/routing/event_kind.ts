/**
 * What a call's presence tells, from its children's names and namespaces.
 */
import { isText } from "../base/bytes.ts";
import { isRayo, NS_RAYO, NS_RAYO_EXT } from "../xmpp/namespaces.ts";
import type { Stanza } from "../xmpp/stanza.ts";

/** No Rayo child at all (caps alone, a bare `unavailable`). */
export const EVENT_NONE = 0;
/** A Rayo event that needs nothing special. */
export const EVENT_PLAIN = 1;
export const EVENT_OFFER = 2;
export const EVENT_END = 3;
export const EVENT_COMPLETE = 4;
/** `joined`, `unjoined`: may name a mixer or another call. */
export const EVENT_JOINED = 5;
/** `started-speaking`, `stopped-speaking`: may name another call. */
export const EVENT_SPEAKING = 6;
/** `answered`: an outgoing call is up. */
export const EVENT_ANSWERED = 7;

/** The first Rayo child decides. */
export function eventKind(s: Stanza): number {
  for (let i = 0; i < s.childCount; i++) {
    const ns = s.childNs[i]!;
    if (!isRayo(ns)) continue;
    const start = s.childNameStart[i]!, end = s.childNameEnd[i]!;
    if (ns === NS_RAYO) {
      switch (end - start) {
        case 3:
          return isText(s.buf, start, end, "end") ? EVENT_END : EVENT_PLAIN;
        case 5:
          return isText(s.buf, start, end, "offer") ? EVENT_OFFER : EVENT_PLAIN;
        case 6:
          return isText(s.buf, start, end, "joined") ? EVENT_JOINED : EVENT_PLAIN;
        case 8:
          if (isText(s.buf, start, end, "answered")) return EVENT_ANSWERED;
          return isText(s.buf, start, end, "unjoined") ? EVENT_JOINED : EVENT_PLAIN;
        case 16:
          return isText(s.buf, start, end, "started-speaking") ||
              isText(s.buf, start, end, "stopped-speaking")
            ? EVENT_SPEAKING
            : EVENT_PLAIN;
        default:
          return EVENT_PLAIN;
      }
    }
    return ns === NS_RAYO_EXT && isText(s.buf, start, end, "complete") ? EVENT_COMPLETE : EVENT_PLAIN;
  }
  return EVENT_NONE;
}
