/** RFC 7622 as far as routing needs it. */
import { expect, test } from "bun:test";
import { canonicalJid, JidView, splitJid } from "../../src/xmpp/jid.ts";

/** [local, domain, resource] of an address on the wire, or null. */
function split(text: string): (string | null)[] | null {
  const buf = Buffer.from(`##${text}##`);
  const view = new JidView();
  if (!splitJid(buf, 2, buf.length - 2, view)) return null;
  const part = (start: number, end: number): string | null =>
    start < 0 ? null : buf.toString("utf8", start, end);
  expect(part(view.start, view.end)).toBe(text);
  return [
    part(view.localStart, view.localEnd),
    part(view.domainStart, view.domainEnd),
    part(view.resourceStart, view.resourceEnd),
  ];
}

test("addresses and their parts", () => {
  const cases: [string, (string | null)[]][] = [
    ["d", [null, "d", null]],
    ["l@d", ["l", "d", null]],
    ["l@d/r", ["l", "d", "r"]],
    ["d/r", [null, "d", "r"]],
    ["d/l@x/y", [null, "d", "l@x/y"]],
    ["l@d/a@b/c", ["l", "d", "a@b/c"]],
    ["l@d./r", ["l", "d", "r"]],
    ["d.", [null, "d", null]],
    ["juliet@capulet.lit/balcony 'x' \"<&>", ["juliet", "capulet.lit", "balcony 'x' \"<&>"]],
    ["l@[::1]", ["l", "[::1]", null]],
    ["d:5222", [null, "d:5222", null]],
    ["é@ü.example/漢", ["é", "ü.example", "漢"]],
    ["a%20b@d", ["a%20b", "d", null]],
    ["l@d/" + "r".repeat(1023), ["l", "d", "r".repeat(1023)]],
  ];
  for (const [text, parts] of cases) expect([text, split(text)]).toEqual([text, parts]);
});

test("what is no address", () => {
  const cases = [
    "",
    "@d",
    "l@",
    "l@/r",
    "/r",
    "d/",
    "l@d/",
    "l@@d",
    "a@b@c",
    "a b@d",
    "a'b@d",
    'a"b@d',
    "a&b@d",
    "a:b@d",
    "a<b@d",
    "a>b@d",
    "a\tb@d",
    "a\u007fb@d",
    "d d",
    "l@d d/r",
    "l@d'",
    ".",
    "l@./r",
    "l@d/a\nb",
    "l@d/a\u007f",
    "l".repeat(1024) + "@d",
    "d".repeat(1024),
    "l@d/" + "r".repeat(1024),
  ];
  for (const text of cases) expect([text, split(text), canonicalJid(text)]).toEqual([text, null, null]);
});

test("DC16: the canonical form folds local and domain part, never the resource", () => {
  expect(canonicalJid("Juliet@Capulet.LIT/Balcony")).toEqual({
    local: "juliet",
    domain: "capulet.lit",
    resource: "Balcony",
    bare: "juliet@capulet.lit",
    full: "juliet@capulet.lit/Balcony",
  });
  expect(canonicalJid("ÉMILE@MÜLLER.example")?.full).toBe("émile@müller.example");
  expect(canonicalJid("e\u0301mile@d")?.local).toBe("émile");
  expect(canonicalJid("D./R")).toEqual({ local: "", domain: "d", resource: "R", bare: "d", full: "d/R" });
  expect(canonicalJid("a\ud800@d")).toBeNull();
});
