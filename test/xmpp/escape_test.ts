/** Values and texts, decoded and encoded. */
import { expect, test } from "bun:test";
import {
  decodeAttribute,
  decodeInto,
  decodeText,
  escapeAttribute,
  escapeText,
  printable,
} from "../../src/xmpp/escape.ts";

const raw: [string, string, string][] = [
  ["", "", ""],
  ["plain", "plain", "plain"],
  ["é漢😀", "é漢😀", "é漢😀"],
  ["&lt;&gt;&amp;&apos;&quot;", "<>&'\"", "<>&'\""],
  ["&#65;&#x42;&#x1F600;&#xe9;&#x6f22;", "AB😀é漢", "AB😀é漢"],
  ["&amp;lt;", "&lt;", "&lt;"],
  ["a\tb\nc\r\nd\re", "a b c d e", "a\tb\nc\nd\ne"],
  ["a&#9;b&#10;c&#13;d&#13;&#10;e", "a\tb\nc\rd\r\ne", "a\tb\nc\rd\r\ne"],
];

test("XML 1.0 §3.3.3: values", () => {
  for (const [written, value] of raw) {
    const buf = Buffer.from(`[${written}]`);
    expect(decodeAttribute(buf, 1, buf.length - 1)).toBe(value);
    const out = Buffer.alloc(100);
    const end = decodeInto(buf, 1, buf.length - 1, out, 7);
    expect(out.toString("utf8", 7, end)).toBe(value);
    expect(end - 7).toBeLessThanOrEqual(buf.length - 2);
  }
});

test("XML 1.0 §2.11: texts", () => {
  for (const [written, , text] of raw) {
    const buf = Buffer.from(`[${written}]`);
    expect(decodeText(buf, 1, buf.length - 1)).toBe(text);
  }
});

test("what is escaped decodes to itself", () => {
  const nasty = "a<b>&\"c'\t\n\r]]>é😀";
  const value = Buffer.from(escapeAttribute(nasty));
  expect(value.toString()).not.toMatch(/[<>"'\t\n\r]/);
  expect(decodeAttribute(value, 0, value.length)).toBe(nasty);
  const text = Buffer.from(escapeText(nasty));
  expect(text.toString()).not.toContain("]]>");
  expect(decodeText(text, 0, text.length)).toBe(nasty);
});

test("what XML cannot carry is replaced", () => {
  expect(printable("a\u0000b\u001fc\ufffed\ud800e\tf😀")).toBe("a\ufffdb\ufffdc\ufffdd\ufffde\tf😀");
});
