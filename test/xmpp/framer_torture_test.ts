/**
 * What a hostile or broken peer may send, and the one answer each of it gets (RFC 6120 §4.9.3 and §11, DC4).
 */
import { describe, expect, test } from "bun:test";
import { Framer } from "../../src/xmpp/framer.ts";
import { HEADER, hear, hearBody, LIMITS, Recorder } from "./recorder.ts";
import { SKIPPED, SMALL } from "./samples.ts";

/** The fault that a stream's bytes bring. */
function faultOf(stream: string | Buffer): string {
  const recorder = hear([Buffer.from(stream)]);
  return recorder.fatal === null ? "none" : recorder.fatal.condition;
}

/** The fault that something after one good stanza brings; the stanza must have been delivered. */
function faultAfter(body: string | Buffer): string {
  const recorder = hear([Buffer.from(`${HEADER}<iq id='1'/>`), Buffer.from(body)]);
  expect(recorder.said[1]).toStartWith("stanza kind=3");
  expect(recorder.said.filter((line) => line.startsWith("stanza")).length).toBe(1);
  return recorder.fatal === null ? "none" : recorder.fatal.condition;
}

const ILL = "not-well-formed", RESTRICTED = "restricted-xml", ENCODING = "unsupported-encoding";

const STREAM = "xmlns:stream='http://etherx.jabber.org/streams'";

describe("in front of the first stanza", () => {
  const cases: [string, string][] = [
    ["HTTP/1.1 400 Bad Request\r\n\r\n", ILL],
    ["\u0016\u0003\u0001", ILL],
    ["\u0000", ILL],
    ["<?xml version='1.0' encoding='ISO-8859-1'?>", ENCODING],
    ["<?xml version='1.0' encoding='utf-8'?><a/>", "bad-format"],
    ["<?xml version='2.0'?>", ILL],
    [" <?xml version='1.0'?>", RESTRICTED],
    ["<?xml version='1.0'?><?xml version='1.0'?>", RESTRICTED],
    ["<?xml-stylesheet href='x'?>", RESTRICTED],
    ["<!DOCTYPE stream [<!ENTITY a 'b'>]>", RESTRICTED],
    ["<!-- hello -->", RESTRICTED],
    ["<stream:stream>", "bad-namespace-prefix"],
    ["<stream xmlns='jabber:client'>", "invalid-namespace"],
    ["<stream:stream xmlns:stream='urn:x'>", "invalid-namespace"],
    ["<xml:stream>", "invalid-namespace"],
    [`<stream:features ${STREAM}>`, "bad-format"],
    [`<stream:stream ${STREAM} a:b='c'>`, "bad-namespace-prefix"],
    [`<stream:stream ${STREAM} id='1' id='2'>`, ILL],
    [`<stream:stream ${STREAM} id='&x;'>`, RESTRICTED],
    [`<stream:stream ${STREAM} ${" ".repeat(20_000)}>`, "policy-violation"],
    [" ".repeat(20_000), "policy-violation"],
    [
      `<stream:stream ${STREAM} ${Array.from({ length: 31 }, (_, k) => `xmlns:p${k}='u'`).join(" ")}>`,
      "policy-violation",
    ],
    [
      `<stream:stream ${STREAM} ${Array.from({ length: 70 }, (_, k) => `a${k}=''`).join(" ")}>`,
      "policy-violation",
    ],
  ];
  test.each(cases)("%j", (stream, condition) => {
    expect(faultOf(stream)).toBe(condition);
  });

  test("marks of UTF-16, and UTF-16 itself", () => {
    expect(faultOf(Buffer.from([0xff, 0xfe, 0x3c, 0x00]))).toBe(ENCODING);
    expect(faultOf(Buffer.from([0xfe, 0xff, 0x00, 0x3c]))).toBe(ENCODING);
    expect(faultOf(Buffer.from("<stream", "utf16le"))).toBe(ILL);
  });

  test("a fault says what came instead of XML", () => {
    expect(hear([Buffer.from("HTTP/1.1 400 Bad Request\r\n")]).fatal?.sample).toBe(
      "HTTP/1.1 400 Bad Request\\x0d\\x0a",
    );
  });
});

describe("inside and between stanzas", () => {
  const cases: [string, string][] = [
    ["<!-- comment -->", RESTRICTED],
    ["<iq><!-- comment --></iq>", RESTRICTED],
    ["<iq><?php echo ?></iq>", RESTRICTED],
    ["<?xml version='1.0'?><iq/>", RESTRICTED],
    ["<iq><!DOCTYPE x></iq>", RESTRICTED],
    ["<iq><!ENTITY lol 'lol'></iq>", RESTRICTED],
    ["<iq>&lol9;</iq>", RESTRICTED],
    ["<iq a='&lol9;'/>", RESTRICTED],
    ["<![CDATA[x]]>", RESTRICTED],
    ["text", "bad-format"],
    ["&#32;", "bad-format"],
    ["<iq>\u0000</iq>", ILL],
    ["\u0000", ILL],
    ["<iq a='\u0000'/>", ILL],
    ["<iq><![CDATA[\u0000]]></iq>", ILL],
    ["<iq>&#0;</iq>", ILL],
    ["<iq>&#xD800;</iq>", ILL],
    ["<iq>&#xFFFE;</iq>", ILL],
    ["<iq>&#x110000;</iq>", ILL],
    ["<iq>&#99999999999999999999;</iq>", ILL],
    ["<iq>]]></iq>", ILL],
    ["<iq></presence>", ILL],
    ["<iq a='1' a='1'/>", ILL],
    ["<iq a:x='1' b:x='2' xmlns:a='urn:x' xmlns:b='urn:&#x78;'/>", ILL],
    ["<iq a='<'/>", ILL],
    ["<iq a=1/>", ILL],
    ["<iq xmlns:a=''/>", ILL],
    ["<iq xmlns:xml='urn:x'/>", ILL],
    ["<iq xmlns:x='http://www.w3.org/XML/1998/namespace'/>", ILL],
    ["<iq xmlns='http://www.w3.org/XML/1998/namespace'/>", ILL],
    ["<iq xmlns='&#104;ttp://www.w3.org/2000/xmlns/'/>", ILL],
    ["<iq xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>", ILL],
    ["<x:iq/>", "bad-namespace-prefix"],
    ["<iq x:a='1'/>", "bad-namespace-prefix"],
    ["<iq><a xmlns:x='urn:x'/><x:b/></iq>", "bad-namespace-prefix"],
    ["</stream:strean>", ILL],
    ["</stream:stream x>", ILL],
  ];
  test.each(cases)("%j", (body, condition) => {
    expect(faultAfter(body)).toBe(condition);
  });

  test("an end tag too many is a fault, not the stream's end", () => {
    expect(hearBody("<iq/></iq>").said.map((line) => line.split(" ")[0])).toEqual(["stanza", "fault"]);
  });

  const bytes: [string, number[], string][] = [
    ["a lone surrogate", [0xed, 0xa0, 0x80], ENCODING],
    ["an overlong slash", [0xc0, 0xaf], ENCODING],
    ["an overlong slash in three bytes", [0xe0, 0x80, 0xaf], ENCODING],
    ["beyond the last character", [0xf4, 0x90, 0x80, 0x80], ENCODING],
    ["a continuation without a beginning", [0x80], ENCODING],
    ["a beginning without continuation", [0xc3, 0x3c], ENCODING],
    ["Latin-1", [0xe9, 0x20], ENCODING],
    ["U+FFFE", [0xef, 0xbf, 0xbe], ILL],
    ["U+FFFF", [0xef, 0xbf, 0xbf], ILL],
  ];
  test.each(bytes)("%s", (_, inside, condition) => {
    const body = Buffer.concat([Buffer.from("<iq>"), Buffer.from(inside), Buffer.from("</iq>")]);
    expect(faultAfter(body)).toBe(condition);
  });

  test("what came whole before a bad byte in the same chunk is delivered", () => {
    const body = Buffer.concat([
      Buffer.from("<iq id='2'/><iq id='é'/>"),
      Buffer.from([0xff]),
      Buffer.from("<iq/>"),
    ]);
    const said = hearBody(body).said;
    expect(said.map((line) => line.split(" ")[0])).toEqual(["stanza", "stanza", "fault"]);
    expect(said[2]).toEndWith("\\xff");
  });

  test("nothing is heard after a fault or after the stream's end", () => {
    expect(hear([Buffer.from(`${HEADER}x`), Buffer.from("<iq/>")]).said.length).toBe(2);
    expect(hear([Buffer.from(`${HEADER}</stream:stream><iq/>`), Buffer.from("<iq/>")]).said.slice(1)).toEqual(
      ["closed"],
    );
  });

  test("samples show no value and no text", () => {
    const secrets = [
      "<iq password='hunter2' b='<'/>",
      "<iq password=hunter2/>",
      "<iq><body>hunter2\u0001</body></iq>",
      "<iq><body>hunter2</bodi></iq>",
      "<iq password='hunter2'x='hunter2'/>",
      "<iq a='hunter2' a='hunter2'/>",
      "<iq>hunter2&hunter;</iq>",
      "<iq a='hunter2&hunter;'/>",
      "hunter2",
    ];
    for (const body of secrets) {
      const { fatal } = hearBody(body);
      expect(fatal).not.toBeNull();
      expect(fatal!.sample).not.toContain("hunter2");
      expect(fatal!.sample.length).toBeGreaterThan(0);
      expect([...fatal!.sample].length).toBeLessThanOrEqual(50);
    }
    expect(hearBody("<iq><a b='1' b='2'/></iq>").fatal?.sample).toBe("<a b='…' b");
  });
});

describe("DC4: soft limits skip one stanza, once, and the stream goes on", () => {
  const why = (body: string): string[] =>
    hearBody(body, SMALL).said.map((line) =>
      line.startsWith("skipped")
        ? line.slice(8, line.indexOf(":"))
        : line.startsWith("fault")
        ? line.slice(0, line.indexOf(":", 6))
        : line.replace(/^stanza .* /, "")
    );
  const expected: string[][] = [
    ["a stanza of more than 200 bytes", "id='2'/>"],
    ["a stanza of more than 200 bytes", "id='2'/>"],
    ["fault restricted-xml"],
    ["elements nested more than 3 deep", "id='2'/>"],
    ["an element of more than 4 attributes", "id='2'/>"],
    ["a name of more than 16 bytes", "id='2'/>"],
    ["a name of more than 16 bytes", "id='2'/>"],
    ["a stanza of more than 200 bytes", "id='2'/>"],
    ["a reference of more than 64 bytes", "id='2'/>"],
    ["a reference of more than 64 bytes", "id='2'/>"],
    ["a stanza of more than 200 bytes", "id='2'/>"],
    ["fault not-well-formed"],
    ["fault not-well-formed"],
    ["fault policy-violation"],
  ];
  test.each(SKIPPED.map((body, k) => [body, expected[k]!] as const))("%j", (body, said) => {
    expect(why(body)).toEqual([...said]);
  });

  test("what is skipped can still be answered: its start tag is kept", () => {
    let seen = "";
    const recorder = new Recorder();
    recorder.skipped = (s) => {
      const at = (start: number, end: number): string => s.buf.toString("utf8", start, end);
      seen = [at(s.start, s.end), at(s.toStart, s.toEnd), at(s.idStart, s.idEnd), s.kind, s.type].join(" ");
    };
    const framer = new Framer(recorder, { ...LIMITS, ...SMALL });
    framer.push(Buffer.from(HEADER));
    framer.push(Buffer.from(`<iq id='1'/> <iq type='set' to='a@b' id='7'>${"x".repeat(400)}`));
    framer.push(Buffer.from("</iq>"));
    expect(seen).toBe("<iq type='set' to='a@b' id='7'> a@b 7 3 2");
  });

  test("a stanza of exactly the limit passes, one byte more does not", () => {
    const body = (bytes: number): string => `<iq>${"x".repeat(bytes - 9)}</iq>`;
    expect(hearBody(body(200), SMALL).said[0]).toStartWith("stanza");
    expect(hearBody(body(201), SMALL).said[0]).toStartWith("skipped a stanza of more than 200 bytes");
    expect(hearBody(body(1000), SMALL).said[0]).toStartWith("skipped");
    expect(hearBody(body(1001), SMALL).said[0]).toStartWith("fault policy-violation");
  });

  test("600 KB of <a> need no memory to speak of", () => {
    const recorder = new Recorder();
    const framer = new Framer(recorder, LIMITS);
    framer.push(Buffer.from(HEADER));
    framer.push(Buffer.from("<a>".repeat(200_000)));
    expect(framer.held).toBeLessThanOrEqual(65_536);
    framer.push(Buffer.from("</a>".repeat(200_000) + "<iq/>"));
    expect(recorder.said.map((line) => line.slice(0, 20))).toEqual([
      recorder.said[0]!.slice(0, 20),
      "skipped elements nes",
      "stanza kind=3 type=0",
    ]);
    expect(framer.work).toBeLessThan(4 * 1_400_000);
  });

  test("100,000 attributes; 100,000 prefixes", () => {
    const many = (name: string): string => {
      let text = "<iq";
      for (let k = 0; k < 100_000; k++) text += ` ${name}${k}='u'`;
      return `${text}/><iq id='2'/>`;
    };
    for (const name of ["a", "xmlns:a"]) {
      const { said } = hearBody(many(name), { stanzaBytesMax: 4 << 20 });
      expect(said[0]).toStartWith("skipped an element of more than 64 attributes");
      expect(said[1]).toStartWith("stanza");
    }
    const nested = Array.from({ length: 80 }, (_, k) => `<a xmlns:p${k}='u'>`).join("");
    const { said } = hearBody(`<iq>${nested}${"</a>".repeat(80)}</iq>`, { depthMax: 100 });
    expect(said[0]).toStartWith("skipped more than 64 namespace prefixes in force");
  });
});

describe("work grows with the bytes alone", () => {
  /** Work a byte of `body` when it comes in pieces of `size`. */
  function workPerByte(body: string, size: number, limits: Partial<typeof LIMITS> = {}): number {
    const recorder = new Recorder();
    recorder.stanza = () => recorder.said.push("stanza");
    const framer = new Framer(recorder, { ...LIMITS, ...limits });
    framer.push(Buffer.from(HEADER));
    const before = framer.work;
    const bytes = Buffer.from(body);
    for (let at = 0; at < bytes.length; at += size) framer.push(bytes.subarray(at, at + size));
    expect(recorder.fatal).toBeNull();
    expect(recorder.said[recorder.said.length - 1]).not.toStartWith("header");
    return (framer.work - before) / bytes.length;
  }

  const large = { stanzaBytesMax: 12 << 20 };
  const bodies: [string, string][] = [
    ["an attribute of 200 KB", `<iq a='${"x".repeat(200_000)}'/>`],
    ["a text of 200 KB", `<iq>${"x".repeat(200_000)}</iq>`],
    ["200 KB of CDATA", `<iq><![CDATA[${"]]x".repeat(70_000)}]]></iq>`],
    ["200 KB of blanks in tags", `<iq ${" ".repeat(100_000)}></iq${"\n".repeat(100_000)}>`],
    ["references", `<iq a='${"&#x41;".repeat(20_000)}'>${"&amp;".repeat(20_000)}</iq>`],
    ["small elements", `<iq>${"<a b='c'/><d></d>".repeat(10_000)}</iq>`],
  ];
  test.each(bodies)("%s, one byte a push", (_, body) => {
    // A cut name or reference is looked at again, and names and references are short.
    expect(workPerByte(body, 1, large)).toBeLessThan(8);
    expect(workPerByte(body, 1, { stanzaBytesMax: 1000 })).toBeLessThan(8);
  });

  test("an attribute of 10 MB, in packets and whole", () => {
    const body = `<iq id='1' a='${"x".repeat(10_000_000)}'/>`;
    expect(workPerByte(body, 1400, large)).toBeLessThan(4);
    expect(workPerByte(body, 1400)).toBeLessThan(4);
    expect(workPerByte(body, 64 << 20, large)).toBeLessThan(4);
    expect(workPerByte(body, 64 << 20)).toBeLessThan(4);
  });

  test("whole stanzas in a chunk are never copied", () => {
    const body = "<iq id='1'><a xmlns='urn:x'/></iq>".repeat(1000);
    expect(workPerByte(body, body.length)).toBe(1);
  });

  test("a skipped stanza of 15 MB is not held", () => {
    const recorder = new Recorder();
    const framer = new Framer(recorder, LIMITS);
    framer.push(Buffer.from(`${HEADER}<iq id='1'>`));
    for (let k = 0; k < 240; k++) {
      framer.push(Buffer.alloc(65_536, "x"));
      expect(framer.held).toBeLessThanOrEqual(1 << 20);
    }
    expect(framer.held).toBeLessThanOrEqual(65_536);
    framer.push(Buffer.from("</iq>"));
    expect(recorder.said[1]).toStartWith("skipped a stanza of more than 524288 bytes");
    for (let k = 0; k < 257; k++) framer.push(Buffer.from(k === 0 ? "<iq>" : "x".repeat(65_536)));
    expect(recorder.fatal?.condition).toBe("policy-violation");
    expect(framer.held).toBe(0);
  });
});
