/**
 * What a Stanza notes of its top start tag: kind, type and addresses, from a tag that was read or from one whose shape
 * is known.
 */
import { kindOf, typeOf, typeOfEscaped } from "./kind.ts";
import { NS_STREAM_CONTENT } from "./namespaces.ts";
import { type Stanza, TYPE_UNKNOWN } from "./stanza.ts";
import type { TagScan } from "./tag.ts";
import type { TagShapes } from "./tag_shapes.ts";

/** What an attribute of a top tag is to routing. */
const NONE = 0, TO = 1, FROM = 2, ID = 3, TYPE = 4;

function roleOf(buf: Uint8Array, start: number, end: number): number {
  const a = buf[start]!, b = buf[start + 1]!;
  if (end - start === 2) return a === 0x74 && b === 0x6f ? TO : a === 0x69 && b === 0x64 ? ID : NONE;
  if (end - start !== 4) return NONE;
  const c = buf[start + 2]!, d = buf[start + 3]!;
  if (a === 0x66 && b === 0x72 && c === 0x6f && d === 0x6d) return FROM;
  return a === 0x74 && b === 0x79 && c === 0x70 && d === 0x65 ? TYPE : NONE;
}

/** From the tag that was read to `tagEnd` and is in namespace `ns`. */
export function readTop(stanza: Stanza, buf: Buffer, tag: TagScan, tagEnd: number, ns: number): void {
  stanza.nameEnd = tag.nameEnd;
  stanza.tagEnd = tagEnd;
  stanza.topNameStart = tag.colon > 0 ? tag.colon + 1 : tag.nameStart;
  stanza.topNameEnd = tag.nameEnd;
  stanza.topNs = ns;
  if (ns === NS_STREAM_CONTENT) stanza.kind = kindOf(buf, stanza.topNameStart, tag.nameEnd);
  for (let n = 0; n < tag.count; n++) {
    const from = tag.valueStart[n]!, to = tag.valueEnd[n]!, escaped = tag.escaped[n] === 1;
    switch (roleOf(buf, tag.attrStart[n]!, tag.attrEnd[n]!)) {
      case TO:
        stanza.toStart = from;
        stanza.toEnd = to;
        stanza.toEscaped = escaped;
        break;
      case FROM:
        stanza.fromStart = from;
        stanza.fromEnd = to;
        stanza.fromEscaped = escaped;
        break;
      case ID:
        stanza.idStart = from;
        stanza.idEnd = to;
        stanza.idEscaped = escaped;
        break;
      case TYPE:
        stanza.typeStart = from;
        stanza.typeEnd = to;
        stanza.type = (escaped ? typeOfEscaped : typeOf)(stanza.kind, buf, from, to);
    }
  }
}

/** Keeps the shape of the top tag that was read, with what readTop() found of it. `declared`: its xmlns, or -1. */
export function learnTop(
  tops: TagShapes,
  stanza: Stanza,
  buf: Buffer,
  tag: TagScan,
  tagEnd: number,
  defaultId: number,
  declared: number,
): void {
  if (stanza.typeStart >= 0 && stanza.type === TYPE_UNKNOWN) return;
  const role = (k: number) => roleOf(buf, tag.attrStart[k]!, tag.attrEnd[k]!);
  const literal = (k: number) => k === declared || (role(k) === TYPE && tag.escaped[k] === 0);
  const shape = tops.learn(buf, tag, tagEnd, defaultId, literal);
  if (shape < 0) return;
  tops.mark[shape] = stanza.kind << 8 | stanza.type;
  tops.typeAfter[shape] = -1;
  for (let k = 0, v = 0, from = tag.start; k < tag.count; k++) {
    if (role(k) === TYPE) {
      tops.typeAfter[shape] = v;
      tops.typeFrom[shape] = stanza.typeStart - from;
      tops.typeTo[shape] = stanza.typeEnd - from;
    }
    if (literal(k)) continue;
    tops.setRole(shape, v++, role(k));
    from = tag.valueEnd[k]!;
  }
}

/** From the tag `[start, tagEnd)` that has just fitted a shape and is in namespace `ns`. */
export function placeTop(stanza: Stanza, tops: TagShapes, start: number, tagEnd: number, ns: number): void {
  const { shape, valueStart, valueEnd } = tops;
  stanza.topNameStart = start + 1;
  stanza.topNameEnd = stanza.nameEnd = start + 1 + tops.nameLength[shape]!;
  stanza.topNs = ns;
  stanza.tagEnd = tagEnd;
  const mark = tops.mark[shape]!;
  stanza.kind = mark >> 8;
  stanza.type = mark & 0xff;
  const after = tops.typeAfter[shape]!;
  if (after >= 0) {
    const from = after === 0 ? start : valueEnd[after - 1]!;
    stanza.typeStart = from + tops.typeFrom[shape]!;
    stanza.typeEnd = from + tops.typeTo[shape]!;
  }
  for (let v = tops.count - 1; v >= 0; v--) {
    const role = tops.role(v);
    if (role === TO) {
      stanza.toStart = valueStart[v]!;
      stanza.toEnd = valueEnd[v]!;
    } else if (role === FROM) {
      stanza.fromStart = valueStart[v]!;
      stanza.fromEnd = valueEnd[v]!;
    } else if (role === ID) {
      stanza.idStart = valueStart[v]!;
      stanza.idEnd = valueEnd[v]!;
    }
  }
}
