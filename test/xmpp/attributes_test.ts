/** Looking into delivered stanzas. (The fuzz test compares the same readers with another parser.) */
import { expect, test } from "bun:test";
import { AttributeCursor, attributeText, ElementCursor, textOf } from "../../src/xmpp/attributes.ts";
import { Framer } from "../../src/xmpp/framer.ts";
import {
  NS_OTHER,
  NS_RAYO,
  NS_RAYO_CLUSTER,
  NS_STANZAS,
  NS_STREAM_CONTENT,
} from "../../src/xmpp/namespaces.ts";
import type { Stanza } from "../../src/xmpp/stanza.ts";
import { HEADER, LIMITS, Recorder } from "./recorder.ts";

function within(body: string, see: (s: Stanza) => void): void {
  const recorder = new Recorder();
  let seen = 0;
  recorder.visit = (s) => {
    seen++;
    see(s);
  };
  new Framer(recorder, LIMITS).push(Buffer.from(HEADER + body));
  expect(seen).toBe(1);
}

test("attributes in order, found by name", () => {
  const buf = Buffer.from("<dial  to='sip:a' from = \"b&amp;'c\"\nxmlns:x='u' x:to='no' empty='' />");
  const cursor = new AttributeCursor();
  const seen: string[] = [];
  cursor.begin(buf, 0);
  while (cursor.next()) {
    const name = buf.toString("utf8", cursor.nameStart, cursor.nameEnd);
    seen.push(
      `${name}=${buf.toString("utf8", cursor.valueStart, cursor.valueEnd)}${
        cursor.escaped ? " (escaped)" : ""
      }`,
    );
  }
  expect(seen).toEqual(["to=sip:a", "from=b&amp;'c (escaped)", "xmlns:x=u", "x:to=no", "empty="]);
  expect(cursor.next()).toBe(false);
  expect(attributeText(buf, 0, "from")).toBe("b&'c");
  expect(attributeText(buf, 0, "empty")).toBe("");
  expect(attributeText(buf, 0, "t")).toBeNull();
  expect(attributeText(Buffer.from("<a/>"), 0, "a")).toBeNull();
});

test("JN3: node-info's children", () => {
  const info =
    "<node-info xmlns='urn:xmpp:rayo:cluster:1'><platform>a</platform><weight> 1<![CDATA[0]]> </weight>" +
    "<priority/></node-info>";
  within(`<presence><show>chat</show>${info}</presence>`, (s) => {
    const cursor = new ElementCursor();
    cursor.ofChild(s, 1);
    const seen: string[] = [];
    while (cursor.next()) {
      expect(cursor.ns).toBe(NS_RAYO_CLUSTER);
      const name = s.buf.toString("utf8", cursor.nameStart, cursor.nameEnd);
      seen.push(`${name}:${textOf(s.buf, cursor.tagEnd, cursor.end)}`);
    }
    expect(seen).toEqual(["platform:a", "weight: 10 ", "priority:"]);
    expect(textOf(s.buf, s.childTagEnd[0]!, s.childEnd[0]!)).toBe("chat");
    expect(textOf(s.buf, s.tagEnd, s.end)).toBe("");
  });
});

test("namespaces of nested elements: own, around, on the stream header", () => {
  const body = "<iq xmlns:e='urn:ietf:params:xml:ns:xmpp-stanzas'><r:dial to='x'><r:join/><join/>" +
    "<j xmlns='urn:xmpp:rayo:1'><k/><l xmlns=''/></j></r:dial><error><e:gone/></error></iq>";
  within(body, (s) => {
    const dial = new ElementCursor(), deeper = new ElementCursor();
    dial.ofChild(s, 0);
    const next = (cursor: ElementCursor): [string, number] => {
      expect(cursor.next()).toBe(true);
      return [s.buf.toString("utf8", cursor.nameStart, cursor.nameEnd), cursor.ns];
    };
    expect(next(dial)).toEqual(["join", NS_RAYO]);
    expect(dial.is(NS_RAYO, "join")).toBe(true);
    expect(dial.is(NS_RAYO, "joi")).toBe(false);
    expect(next(dial)).toEqual(["join", NS_STREAM_CONTENT]);
    expect(next(dial)).toEqual(["j", NS_RAYO]);
    deeper.of(dial);
    expect(next(deeper)).toEqual(["k", NS_RAYO]);
    expect(next(deeper)).toEqual(["l", NS_OTHER]);
    expect(deeper.next()).toBe(false);
    expect(dial.next()).toBe(false);
    dial.ofChild(s, 1);
    expect(next(dial)).toEqual(["gone", NS_STANZAS]);
  });
});
