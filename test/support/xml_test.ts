/** The peers' XML: strict reading, comparison by meaning, patterns with captures. */
import { expect, test } from "bun:test";
import { difference, esc, parseXml, sameXml, StreamReader, toXml, XmlFault } from "./xml.ts";

test("reads and writes back the same meaning", () => {
  const text = "<iq id='a&apos;b' to='x'><q xmlns='u:1' n='&lt;'><![CDATA[<b/>]]><i/></q><error/></iq>";
  expect(sameXml(toXml(parseXml(text)), text)).toBe(true);
  expect(toXml(parseXml(text))).toContain("&lt;b/&gt;");
});

test("keeps what a prefix was bound to", () => {
  const el = parseXml("<iq><r:dial xmlns:r='urn:xmpp:rayo:1' to='x'/></iq>");
  expect(el.children[0]).toMatchObject({ name: "dial", prefix: "r", ns: "urn:xmpp:rayo:1" });
  expect(sameXml(toXml(el), el)).toBe(true);
  expect(sameXml(el, "<iq><dial xmlns='urn:xmpp:rayo:1' to='x'/></iq>")).toBe(true);
});

test.each([
  "<a><b></a>",
  "<a>",
  "text",
  "<a x=1/>",
  "<a>&nosuch;</a>",
  "<a x='1' x='2'/>",
  "<p:a/>",
  "<a><!-- c --></a>",
  "<a><?pi?></a>",
  "<a>\u0001</a>",
])("refuses %s", (text) => {
  expect(() => parseXml(text)).toThrow(XmlFault);
});

test("attribute order, xml:lang and prefixes do not matter (FS54); everything else does", () => {
  const base = "<presence from='a' to='b'><end xmlns='urn:xmpp:rayo:1'><busy/></end></presence>";
  expect(
    sameXml(
      base,
      "<presence to='b' xml:lang='en' from='a'><end xmlns='urn:xmpp:rayo:1'><busy/></end></presence>",
    ),
  )
    .toBe(true);
  for (
    const other of [
      "<presence from='a' to='c'><end xmlns='urn:xmpp:rayo:1'><busy/></end></presence>",
      "<presence from='a' to='b' type='unavailable'><end xmlns='urn:xmpp:rayo:1'><busy/></end></presence>",
      "<presence from='a' to='b'><end xmlns='urn:xmpp:rayo:2'><busy/></end></presence>",
      "<presence from='a' to='b'><end xmlns='urn:xmpp:rayo:1'/></presence>",
      "<presence from='a' to='b'><end xmlns='urn:xmpp:rayo:1'><busy/><x/></end></presence>",
      "<presence from='a' to='b'/>",
    ]
  ) expect(sameXml(base, other)).toBe(false);
});

test("patterns catch, repeat and leave out", () => {
  const pattern = parseXml("<p from='{id}@n' to='...@x/{r}' _any=''><a id='{id}'/>...</p>");
  const captures = new Map<string, string>();
  expect(difference(pattern, parseXml("<p from='7@n' to='me@x/y' k='v'><a id='7'/><b/><c/></p>"), captures))
    .toBeNull();
  expect([...captures]).toEqual([["id", "7"], ["r", "y"]]);
  expect(difference(pattern, parseXml("<p from='8@n' to='me@x/y'><a id='8'/></p>"), captures)).toContain(
    "from='8@n'",
  );
  expect(difference(parseXml("<p>...<c/></p>"), parseXml("<p><a/><b/><c/></p>"))).toBeNull();
  expect(difference(parseXml("<p>...<c/></p>"), parseXml("<p><a/><b/></p>"))).not.toBeNull();
  expect(difference(parseXml("<p><c/></p>"), parseXml("<p><c/><b/></p>"))).toBe("<p> has <b> too");
});

test("a stream may be cut anywhere, inside a character too", () => {
  const bytes = Buffer.from("<?xml version='1.0'?><s xmlns='jabber:client'><a>ü</a><b x='&amp;'/></s>");
  const whole = ["open", "<a>ü</a>", "<b x='&amp;'/>", "close"];
  for (let cut = 0; cut <= bytes.length; cut++) {
    const seen: string[] = [];
    const reader = new StreamReader({
      open: () => seen.push("open"),
      stanza: (el) => seen.push(toXml(el)),
      close: () => seen.push("close"),
      fault: (why) => seen.push(why),
    });
    reader.push(bytes.subarray(0, cut));
    reader.push(bytes.subarray(cut));
    expect(seen).toEqual(whole);
  }
});

test("escapes what could end an attribute or forge a tag", () => {
  expect(esc(`<a b='c' d="e">&`)).toBe("&lt;a b=&apos;c&apos; d=&quot;e&quot;&gt;&amp;");
});
