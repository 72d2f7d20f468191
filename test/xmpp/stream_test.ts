/** XEP-0114's opening and handshake; stream and stanza errors, written and read. */
import { expect, test } from "bun:test";
import { Framer } from "../../src/xmpp/framer.ts";
import { NS_STANZAS, NS_STREAMS } from "../../src/xmpp/namespaces.ts";
import { STANZA_ERRORS, stanzaError } from "../../src/xmpp/stanza_error.ts";
import { readStreamError, STREAM_ERRORS, streamErrorXml } from "../../src/xmpp/stream_error.ts";
import { componentHeader, handshakeDigest } from "../../src/xmpp/stream_header.ts";
import { ElementCursor, textOf } from "../../src/xmpp/attributes.ts";
import { HEADER, hear, LIMITS, Recorder } from "./recorder.ts";

test("XEP-0114 §3: the handshake of the specification's example", () => {
  // id 3BF96D32 with the secret "test"; the hash is that of the two, back to back.
  expect(handshakeDigest("3BF96D32", "test")).toBe(handshakeDigest("3BF96", "D32test"));
  expect(handshakeDigest("f6ff8774-4632-4dfe-8992-68dbb76fde97", "")).toMatch(/^[0-9a-f]{40}$/);
  // SHA-1 of "abc" (FIPS 180-4).
  expect(handshakeDigest("a", "bc")).toBe("a9993e364706816aba3e25717850c26c9cd0d89d");
});

test("a component's opening tag is a stream to our own framer", () => {
  const { headerSeen, fatal } = hear([Buffer.from(componentHeader("a'b.example"))]);
  expect(fatal).toBeNull();
  expect(headerSeen).toMatchObject({ to: "a'b.example", content: "jabber:component:accept" });
});

/** What readStreamError() makes of an error on the wire. */
function readBack(xml: string): unknown {
  const recorder = new Recorder();
  let read: unknown = null;
  recorder.visit = (s) => {
    expect([s.topNs, s.buf.toString("utf8", s.topNameStart, s.topNameEnd)]).toEqual([NS_STREAMS, "error"]);
    read = readStreamError(s);
  };
  new Framer(recorder, LIMITS).push(Buffer.from(HEADER + xml));
  return read;
}

test("RFC 6120 §4.9: every stream error, there and back", () => {
  expect(STREAM_ERRORS.length).toBe(25);
  for (const condition of STREAM_ERRORS) {
    expect(readBack(streamErrorXml(condition, "a < b & c"))).toEqual({ condition, text: "a < b & c" });
    expect(readBack(streamErrorXml(condition))).toEqual({ condition, text: "" });
  }
  const foreign = "<stream:error><x xmlns='urn:x'/><text xmlns='urn:x'>no</text></stream:error>";
  expect(readBack(foreign)).toEqual({ condition: "undefined-condition", text: "" });
});

test("G10, AH26: every stanza error has a type, a condition and its namespace", () => {
  const types = ["auth", "cancel", "continue", "modify", "wait"];
  for (const condition of Object.keys(STANZA_ERRORS)) {
    const recorder = new Recorder();
    recorder.visit = (s) => {
      const cursor = new ElementCursor();
      cursor.ofChild(s, 0);
      expect(cursor.next() && cursor.is(NS_STANZAS, condition)).toBe(true);
      expect(cursor.next() && cursor.is(NS_STANZAS, "text")).toBe(true);
      expect(textOf(s.buf, cursor.tagEnd, cursor.end)).toBe("why <&>\ufffd");
      expect(cursor.next()).toBe(false);
    };
    const xml = stanzaError(condition, "", "why <&>\u0000");
    expect(types).toContain(/type='(\w+)'/.exec(xml)![1]!);
    new Framer(recorder, LIMITS).push(Buffer.from(`${HEADER}<iq>${xml}</iq>`));
    expect(recorder.said.length).toBe(2);
  }
  expect(stanzaError("gone", "wait")).toBe(
    "<error type='wait'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
  );
});
