/**
 * DC3 as a property: a stanza is built of pieces, most of them to be left alone and a few to be replaced; what goes out
 * is the same pieces, byte for byte, with the replacements in their places.
 */
import { describe, expect, test } from "bun:test";
import { fraction, type Random, seededRandom } from "../../src/base/random.ts";
import { EXTERNAL, JULIET, NODE1, Rig, SELF } from "./rig.ts";

/** `[as it comes, as it must leave]`, or text that is left alone. */
type Piece = string | [come: string, leave: string];

const HEADER = "xmlns:h='urn:example:header' xmlns:r='urn:xmpp:rayo:1'";

class Author {
  constructor(readonly random: Random) {}

  chance(share: number): boolean {
    return fraction(this.random) < share;
  }
  pick<T>(from: readonly T[]): T {
    return from[Math.floor(fraction(this.random) * from.length)]!;
  }

  text(): string {
    return this.pick([
      "",
      "plain",
      "grüße 漢字 🦉",
      "a &amp; b &lt;c&gt; &#x1F989; &quot;",
      "<![CDATA[ <not> a 'tag' & ]] > ]]>",
      " \n\t ",
      "xmpp:c1@node1.test",
      "&#13;\r\n",
    ]);
  }

  value(): string {
    return this.pick(["", "x", "ü&amp;'", "xmpp:c1@node1.test", "1 &gt; 2", "a=b&#10;", "node1.test"]);
  }

  /** ` name="value"` in either quote, with the white space XML allows. */
  attribute(name: string, value = this.value()): string {
    const quote = value.includes("'") ? '"' : this.pick(["'", '"']);
    const blank = this.pick([" ", "  ", "\n\t"]);
    return `${blank}${name}${this.pick(["=", " = ", "="])}${quote}${value}${quote}`;
  }

  /** An element of no meaning for the gateway, and what is in it. */
  element(depth = 0): string {
    const open = this.pick([
      "header name='n'",
      "x xmlns='urn:example'",
      "h:y",
      "document content-type='text/plain'",
      "recording xmlns='urn:xmpp:rayo:record:complete:1' uri='xmpp:c1@node1.test'",
      "delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'",
      "joined xmlns='urn:example' call-uri='xmpp:c1@node1.test'",
    ]);
    const name = open.split(" ")[0]!;
    const extra = this.chance(0.3) ? this.attribute("more") : "";
    if (this.chance(0.3)) return `<${open}${extra}/>`;
    let inside = this.text();
    while (depth < 4 && this.chance(0.4)) inside += this.element(depth + 1) + this.text();
    return `<${open}${extra}>${inside}</${name}${this.pick(["", " ", "\n"])}>`;
  }

  elements(): string {
    let all = "";
    while (this.chance(0.6)) all += this.element() + this.text();
    return all;
  }

  /** The quoted address `come`, to become `leave`; letters may be written as references. */
  address(name: string, come: string, leave: string): Piece[] {
    const quote = this.pick(["'", '"']);
    const written = this.chance(0.2) ? come.replace(/[a-z]/, (c) => `&#${c.charCodeAt(0)};`) : come;
    return [`${this.pick([" ", "\n"])}${name}=${quote}`, [written, leave], quote];
  }

  shuffled<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = Math.floor(fraction(this.random) * (i + 1));
      [items[i], items[j]] = [items[j]!, items[i]!];
    }
    return items;
  }
}

function come(pieces: Piece[]): string {
  return pieces.map((p) => typeof p === "string" ? p : p[0]).join("");
}
function leave(pieces: Piece[]): string {
  return pieces.map((p) => typeof p === "string" ? p : p[1]).join("");
}

/** The start tag `name`: its attributes in any order, and the header's declarations that the stanza uses (RW10). */
function open(author: Author, name: string, attributes: Piece[][], body: string): Piece[] {
  const used: string[] = [];
  // Declared in the order in which they are first used.
  for (const match of body.matchAll(/<([hr]):/g)) if (!used.includes(match[1]!)) used.push(match[1]!);
  const declared = used.map((p) =>
    p === "h" ? " xmlns:h='urn:example:header'" : " xmlns:r='urn:xmpp:rayo:1'"
  );
  return [`<${name}`, ["", declared.join("")], ...author.shuffled(attributes).flat(), ">"];
}

/** Declarations may come in another order than they were used; sorted they are comparable. */
function ordered(xml: string): string {
  return xml.replace(
    /( xmlns:[hr]='urn:[a-z:0-9]+')( xmlns:[hr]='urn:[a-z:0-9]+')/,
    (_, a: string, b: string) => a < b ? a + b : b + a,
  );
}

function rigWithCalls(): Rig {
  const rig = new Rig({ header: HEADER }).ready();
  for (const id of ["c1", "c2"]) {
    rig.offer(`${id}@${NODE1}`);
    rig.command(`take-${id}`, id, "answer");
    const asked = /id='(r[^']+)'/.exec(rig.raw("internal"))![1]!;
    rig.result(asked, `${id}@${NODE1}`);
  }
  rig.raw("external");
  return rig;
}

describe("DC3: every other byte is untouched", () => {
  const rig = rigWithCalls();
  for (let seed = 1; seed <= 300; seed++) {
    test(`an event, seed ${seed}`, () => {
      const author = new Author(seededRandom(seed * 2654435761));
      const resource = author.chance(0.3) ? "/output-1" : "";
      const rayo = author.chance(0.3) ? "r:answered" : "answered xmlns='urn:xmpp:rayo:1'";
      const body = author.elements() +
        `<${rayo}${author.attribute("a")}>${author.elements()}</${rayo.split(" ")[0]}>` +
        author.elements();
      const attributes: Piece[][] = [
        author.address("from", `c1@${NODE1}${resource}`, `c1@${EXTERNAL}${resource}`),
        author.address("to", SELF, JULIET),
      ];
      if (author.chance(0.3)) attributes.push([author.attribute("id")]);
      if (author.chance(0.3)) attributes.push([author.attribute("xml:lang", "en")]);
      const pieces = [...open(author, "presence", attributes, body), body, "</presence>"];
      rig.node(come(pieces));
      expect(ordered(rig.raw("external"))).toBe(ordered(leave(pieces)));
    });

    test(`a command and its answer, seed ${seed}`, () => {
      const author = new Author(seededRandom(seed * 40503));
      const resource = author.chance(0.3) ? "/output-1" : "";
      const asked = author.pick(["1", "blather0002", "ü&amp;", "r1-c0-0", "&#39;"]);
      const inside = author.elements();
      const quote = author.pick(["'", '"']);
      const command: Piece[] = author.chance(0.4)
        ? [`<join xmlns='urn:xmpp:rayo:1'${author.attribute("a")} call-uri=${quote}`, [
          author.pick(["xmpp:c2@rayo.test", "c2@rayo.test", "xmpp:c2@RAYO.test"]),
          `xmpp:c2@${NODE1}`,
        ], `${quote}>${inside}</join>`]
        : [`<output xmlns='urn:xmpp:rayo:output:1'${author.attribute("uri")}>${inside}</output>`];
      const body = come(command);
      const pieces = [
        ...open(author, "iq", [
          author.address("from", JULIET, SELF),
          author.address("to", `c1@${EXTERNAL}${resource}`, `c1@${NODE1}${resource}`),
          [" id='", [asked, "{id}"], "'"],
          [" type='set'"],
        ], body),
        author.pick(["", "\n "]),
        ...command,
        "</iq>",
      ];
      rig.client(come(pieces));
      const out = rig.raw("internal");
      const id = /\sid='(r[0-9a-z]{8}-c[0-9a-z]+-[0-9a-z]+)'/.exec(out)?.[1] ?? "none";
      expect(ordered(out)).toBe(ordered(leave(pieces).replace("{id}", id)));

      const answer = author.elements();
      const back: Piece[] = [
        ...open(author, "iq", [
          author.address("from", `c1@${NODE1}${resource}`, `c1@${EXTERNAL}${resource}`),
          author.address("to", SELF, JULIET),
          [" id='", [id, asked], "'"],
          [" type='result'"],
        ], answer),
        `<ref xmlns='urn:xmpp:rayo:1' uri='xmpp:c1@`,
        [NODE1, EXTERNAL],
        `/output-2'/>${answer}</iq>`,
      ];
      rig.node(come(back));
      const expected = leave(back);
      const got = rig.raw("external");
      // The client's own words come back as it wrote them: its `to` may hold references.
      const to = /\sto=(["'])(.*?)\1/s.exec(come(pieces))![2]!;
      const from = /\sfrom=(["'])(.*?)\1/s.exec(got)![2]!;
      expect([`c1@${EXTERNAL}${resource}`, to]).toContain(from);
      expect(ordered(got.replace(from, `c1@${EXTERNAL}${resource}`))).toBe(ordered(expected));
    });
  }
});
