/** What the framer tells of ordinary streams: headers, kinds, addresses, children, namespaces, lives. */
import { describe, expect, test } from "bun:test";
import { Framer } from "../../src/xmpp/framer.ts";
import {
  NS_CAPS,
  NS_DELAY,
  NS_DISCO_INFO,
  NS_OTHER,
  NS_PING,
  NS_RAYO,
  NS_RAYO_CLUSTER,
  NS_RAYO_EXT,
  NS_RAYO_OTHER,
  NS_SESSION,
  NS_STANZAS,
  NS_STREAM_CONTENT,
  NS_STREAM_ERRORS,
  NS_STREAMS,
  NS_TROPO,
} from "../../src/xmpp/namespaces.ts";
import {
  CHILDREN_MAX,
  IQ,
  MESSAGE,
  OTHER,
  PRESENCE,
  type Stanza,
  TYPE_CHAT,
  TYPE_ERROR,
  TYPE_GET,
  TYPE_NONE,
  TYPE_NORMAL,
  TYPE_PROBE,
  TYPE_RESULT,
  TYPE_SET,
  TYPE_SUBSCRIBED,
  TYPE_UNAVAILABLE,
  TYPE_UNKNOWN,
} from "../../src/xmpp/stanza.ts";
import { HEADER, hear, LIMITS, Recorder } from "./recorder.ts";

/** What `look` says of each stanza that follows `header`. */
function look<T>(body: string, see: (s: Stanza) => T, header = HEADER): T[] {
  const seen: T[] = [];
  const recorder = new Recorder();
  recorder.visit = (s) => seen.push(see(s));
  const framer = new Framer(recorder, LIMITS);
  framer.push(Buffer.from(header + body));
  expect(recorder.fatal).toBeNull();
  return seen;
}

const text = (s: Stanza, start: number, end: number): string | null =>
  start < 0 ? null : s.buf.toString("utf8", start, end);

test("XEP-0114: the header of a component's stream", () => {
  const { headerSeen } = hear([Buffer.from(
    "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' id='a&amp;&#x62;' " +
      "xmlns:stream='http://etherx.jabber.org/streams' from='gateway.rayo.test' xml:lang='en' to=\"x\" version='1.0'>",
  )]);
  expect(headerSeen).toEqual({
    id: "a&b",
    from: "gateway.rayo.test",
    to: "x",
    version: "1.0",
    content: "jabber:component:accept",
  });
});

test("kinds and types", () => {
  const cases: [string, number, number][] = [
    ["<iq/>", IQ, TYPE_NONE],
    ["<iq type='get'/>", IQ, TYPE_GET],
    ["<iq type='set'/>", IQ, TYPE_SET],
    ["<iq type='result'/>", IQ, TYPE_RESULT],
    ["<iq type='error'/>", IQ, TYPE_ERROR],
    ["<iq type='s&#x65;t'/>", IQ, TYPE_SET],
    ["<iq type='chat'/>", IQ, TYPE_UNKNOWN],
    ["<iq type=''/>", IQ, TYPE_UNKNOWN],
    ["<iq Type='set'/>", IQ, TYPE_NONE],
    ["<iq r:type='set'/>", IQ, TYPE_NONE],
    ["<presence/>", PRESENCE, TYPE_NONE],
    ["<presence type='unavailable'/>", PRESENCE, TYPE_UNAVAILABLE],
    ["<presence type='subscribed'/>", PRESENCE, TYPE_SUBSCRIBED],
    ["<presence type='probe'/>", PRESENCE, TYPE_PROBE],
    ["<presence type='error'/>", PRESENCE, TYPE_ERROR],
    ["<message type='normal'/>", MESSAGE, TYPE_NORMAL],
    ["<message type='chat'/>", MESSAGE, TYPE_CHAT],
    ["<message type='set'/>", MESSAGE, TYPE_UNKNOWN],
    ["<iqs/>", OTHER, TYPE_NONE],
    ["<IQ/>", OTHER, TYPE_NONE],
    ["<handshake/>", OTHER, TYPE_NONE],
    ["<iq xmlns='jabber:client'/>", IQ, TYPE_NONE], // jabberd2's router
    ["<iq xmlns='jabber:server'/>", OTHER, TYPE_NONE],
    ["<r:iq/>", OTHER, TYPE_NONE],
    ["<c:iq xmlns:c='jabber:component:accept' type='get'/>", IQ, TYPE_GET],
    ["<c:iq xmlns:c='jabber:component:&#97;ccept'/>", IQ, TYPE_NONE],
    ["<iq xmlns='jabber:component:accept'/>", IQ, TYPE_NONE],
  ];
  for (const [body, kind, type] of cases) {
    expect([body, ...look(body, (s) => [s.kind, s.type])]).toEqual([body, [kind, type]]);
  }
});

test("RFC 6120 §4.8.5: a stream without a content namespace has it on each stanza", () => {
  const header = "<stream xmlns='http://etherx.jabber.org/streams' id='1'>";
  const body =
    "<iq xmlns='jabber:client'><error/></iq><iq/><features/><s:iq xmlns:s='jabber:server'><a/></s:iq>";
  expect(look(body, (s) => [s.kind, s.topNs, s.childNs[0], s.inherited], header)).toEqual([
    [IQ, NS_STREAM_CONTENT, NS_STREAM_CONTENT, ""],
    [OTHER, NS_STREAMS, NS_STREAM_CONTENT, " xmlns='http://etherx.jabber.org/streams'"],
    [OTHER, NS_STREAMS, NS_STREAM_CONTENT, " xmlns='http://etherx.jabber.org/streams'"],
    [IQ, NS_STREAM_CONTENT, NS_STREAMS, " xmlns='http://etherx.jabber.org/streams'"],
  ]);
});

test("addresses and id, in any order, with either quote, escaped or not", () => {
  const body = `<iq id='1' to="a@b/c" from='d'/><iq from='&amp;' to='' /><iq id='a\tb' x='1'/>`;
  const see = (s: Stanza) => [
    text(s, s.toStart, s.toEnd),
    s.toEscaped,
    text(s, s.fromStart, s.fromEnd),
    s.fromEscaped,
    text(s, s.idStart, s.idEnd),
    s.idEscaped,
  ];
  expect(look(body, see)).toEqual([
    ["a@b/c", false, "d", false, "1", false],
    ["", false, "&amp;", true, null, false],
    [null, false, null, false, "a\tb", true],
  ]);
});

test("places of the top tag", () => {
  const see = (s: Stanza) => [
    text(s, s.start, s.nameEnd),
    text(s, s.topNameStart, s.topNameEnd),
    text(s, s.start, s.tagEnd),
    text(s, s.start, s.end),
  ];
  expect(look(" <iq a='>'/><r:x >y</r:x > ", see)).toEqual([
    ["<iq", "iq", "<iq a='>'/>", "<iq a='>'/>"],
    ["<r:x", "x", "<r:x >", "<r:x >y</r:x >"],
  ]);
});

test("children: names, namespaces, places", () => {
  const namespaces: [string, number][] = [
    ["urn:xmpp:rayo:1", NS_RAYO],
    ["urn:xmpp:rayo:ext:1", NS_RAYO_EXT],
    ["urn:xmpp:rayo:output:1", NS_RAYO_OTHER],
    ["urn:xmpp:rayo:cluster:1", NS_RAYO_CLUSTER],
    ["urn:xmpp:tropo:say:1", NS_TROPO],
    ["urn:xmpp:tropo:ozone:1", NS_RAYO], // JN10
    ["urn:xmpp:tropo:ozone:ext:1", NS_RAYO_EXT],
    ["urn:xmpp:tropo:ozone:2", NS_TROPO],
    ["urn:xmpp:ping", NS_PING],
    ["http://jabber.org/protocol/disco#info", NS_DISCO_INFO],
    ["http://jabber.org/protocol/disco#item", NS_OTHER],
    ["http://jabber.org/protocol/caps", NS_CAPS],
    ["urn:xmpp:delay", NS_DELAY],
    ["urn:ietf:params:xml:ns:xmpp-session", NS_SESSION],
    ["urn:ietf:params:xml:ns:xmpp-stanzas", NS_STANZAS],
    ["urn:ietf:params:xml:ns:xmpp-streams", NS_STREAM_ERRORS],
    ["http://etherx.jabber.org/streams", NS_STREAMS],
    ["jabber:component:accept", NS_STREAM_CONTENT],
    ["jabber:client", NS_STREAM_CONTENT], // jabberd2's router
    ["jabber:server", NS_OTHER],
    ["urn:xmpp:ray", NS_OTHER],
    ["", NS_OTHER],
    ["urn:xmpp:r&#97;yo:1", NS_RAYO],
  ];
  for (const [name, id] of namespaces) {
    expect([name, ...look(`<iq><a xmlns='${name}'/></iq>`, (s) => s.childNs[0])]).toEqual([name, id]);
    if (name !== "") {
      expect([name, ...look(`<iq xmlns:n='${name}'><n:a/></iq>`, (s) => s.childNs[0])]).toEqual([name, id]);
    }
  }
  const see = (s: Stanza) => {
    const all: string[] = [];
    for (let k = 0; k < s.childCount; k++) {
      all.push([
        text(s, s.childNameStart[k]!, s.childNameEnd[k]!),
        text(s, s.childStart[k]!, s.childTagEnd[k]!),
        text(s, s.childStart[k]!, s.childEnd[k]!),
      ].join(" "));
    }
    return all;
  };
  expect(look("<iq>t<r:a b='c'><d/></r:a>u<e /></iq>", see)).toEqual([
    ["a <r:a b='c'> <r:a b='c'><d/></r:a>", "e <e /> <e />"],
  ]);
  expect(look(`<iq>${"<a/>".repeat(CHILDREN_MAX + 3)}</iq>`, (s) => [s.childCount, s.childTotal])).toEqual([
    [CHILDREN_MAX, CHILDREN_MAX + 3],
  ]);
});

test("a declaration ends with its element", () => {
  const body = "<iq><a xmlns='urn:xmpp:rayo:1' xmlns:r='urn:xmpp:ping'><b><r:c/></b></a><d/><r:e/></iq>";
  expect(look(body, (s) => [...s.childNs.subarray(0, 3)])).toEqual([[NS_RAYO, NS_STREAM_CONTENT, NS_RAYO]]);
});

describe("RW10: declarations of the stream header that a stanza needs", () => {
  const header =
    "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' " +
    `xmlns:r='urn:xmpp:rayo:1' xmlns:q="a&amp;'b">`;
  const cases: [string, string][] = [
    ["<iq><a/></iq>", ""],
    ["<iq><r:dial/></iq>", " xmlns:r='urn:xmpp:rayo:1'"],
    ["<iq><r:dial><r:x/></r:dial><r:y/></iq>", " xmlns:r='urn:xmpp:rayo:1'"],
    ["<iq><a r:x='1'/></iq>", " xmlns:r='urn:xmpp:rayo:1'"],
    ["<iq q:x='1'><r:a/></iq>", " xmlns:r='urn:xmpp:rayo:1' xmlns:q='a&amp;&apos;b'"],
    ["<iq xmlns:r='urn:x'><r:a/></iq>", ""],
    ["<iq><r:a xmlns:r='urn:x'/></iq>", ""],
    ["<iq><r:a xmlns:r='urn:x'/><r:b/></iq>", " xmlns:r='urn:xmpp:rayo:1'"],
    ["<iq xml:lang='en'/>", ""],
  ];
  test.each(cases)("%j", (body, inherited) => {
    expect(look(body, (s) => s.inherited, header)).toEqual([inherited]);
  });
  test("and the next stanza's are its own", () => {
    const body = "<iq><r:a/></iq><iq/><iq><q:a/></iq>";
    expect(look(body, (s) => s.inherited, header)).toEqual([
      " xmlns:r='urn:xmpp:rayo:1'",
      "",
      " xmlns:q='a&amp;&apos;b'",
    ]);
  });
});

describe("lives", () => {
  test("reset() begins a new stream, whatever came before", () => {
    for (
      const before of [
        "<iq><a",
        `${HEADER}<iq`,
        `${HEADER}<iq>\u00e9`,
        `${HEADER}x`,
        `${HEADER}</stream:stream>`,
      ]
    ) {
      const recorder = new Recorder();
      const framer = new Framer(recorder, LIMITS);
      const bytes = Buffer.from(before);
      framer.push(bytes.subarray(0, before.includes("\u00e9") ? bytes.length - 1 : bytes.length));
      framer.reset();
      recorder.said = [];
      framer.push(Buffer.from(`${HEADER}<iq id='1'/>`));
      expect(recorder.said.map((line) => line.split(" ")[0])).toEqual(["header", "stanza"]);
    }
  });

  test("reset() from within a sink's call: the rest of the chunk is not heard", () => {
    for (const when of ["header", "stanza", "skipped", "closed", "fault"] as const) {
      for (const cut of [false, true]) {
        const recorder = new Recorder();
        const framer = new Framer(recorder, { ...LIMITS, depthMax: 1 });
        const body = {
          header: "",
          stanza: "<iq/>",
          skipped: "<iq><a><b/></a></iq>",
          closed: "</stream:stream>",
          fault: "x",
        };
        const said = recorder[when].bind(recorder) as (...all: unknown[]) => void;
        recorder[when] = (...all: unknown[]) => {
          said(...all);
          framer.reset();
        };
        const bytes = Buffer.from(`${HEADER}${body[when]}<iq/><iq/>`);
        const at = cut ? HEADER.length + Math.max(0, body[when].length - 2) : bytes.length;
        framer.push(bytes.subarray(0, at));
        framer.push(bytes.subarray(at));
        const last = recorder.said.filter((line) => line.startsWith(when)).length;
        expect([when, last]).toEqual([when, 1]);
        recorder[when] = said;
        recorder.said = [];
        framer.reset();
        framer.push(Buffer.from(`${HEADER}<presence/>`));
        expect(recorder.said.at(-1)).toStartWith("stanza kind=1");
      }
    }
  });

  test("white space between stanzas keeps a stream alive and says nothing", () => {
    expect(hear([HEADER, " ", "\n", "<iq/>", " \t\r\n "].map((piece) => Buffer.from(piece))).said.length)
      .toBe(2);
  });

  test("a large stanza's buffer is given back", () => {
    const recorder = new Recorder();
    const framer = new Framer(recorder, LIMITS);
    framer.push(Buffer.from(HEADER));
    for (const piece of ["<iq>", "x".repeat(300_000), "</iq>"]) framer.push(Buffer.from(piece));
    expect(recorder.said.length).toBe(2);
    expect(framer.held).toBeLessThanOrEqual(65_536);
  });
});
