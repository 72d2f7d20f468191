/**
 * XML from a seed: mostly well-formed, with every way of being wrong sprinkled in.
 */
import type { Random } from "../../src/base/random.ts";

const NAMES = ["a", "b", "iq", "presence", "x-1", "_y", "é", "漢.x"];
const PREFIXES = ["p", "q", "r", "stream", "xml"];
const WRONG_NAMES = ["1a", "-b", ":c", "d:", "e:f:g", "undeclared:h", "a×", "xmlns", "&", ""];
const NAMESPACES = [
  "urn:xmpp:rayo:1",
  "urn:xmpp:rayo:ext:1",
  "u1",
  "u&#50;",
  "u2",
  "jabber:component:accept",
  "a\tb",
];
const VALUES = [
  "",
  "x",
  "a b",
  "&lt;&amp;",
  "&#x41;&#66;",
  'say "',
  "it's",
  "tab\tline\nend\r\nmore\r",
  "é漢😀",
  ">",
  "]]>",
];
const WRONG_VALUES = [
  "<",
  "&",
  "&x",
  "&nbsp;",
  "&#0;",
  "&#xD800;",
  "&#x110000;",
  "&#x;",
  "&;",
  "\u0001",
  "\ufffe",
  "&#1a;",
];
const TEXTS = [
  "",
  "text",
  " ",
  "\n\t",
  "&gt;",
  "&#10;",
  "]]",
  "]>",
  ">",
  "é漢😀",
  "\r\n",
  "&quot;&apos;",
  "a]]&gt;b",
];
const WRONG_TEXTS = [
  "]]>",
  "&",
  "&x",
  "&nbsp;",
  "&#0;",
  "\u0002",
  "\uffff",
  "<",
  "< a/>",
  "<!x>",
  "<![x",
  "</>",
];
const CDATA = [
  "<![CDATA[]]>",
  "<![CDATA[<a>&b;]]]]>",
  "<![CDATA[]]]>",
  "<![CDATA[ > ]> ]]x]]>",
  "<![CDATA[\r\n]]>",
];
const BANNED = ["<!-- c -->", "<?pi x?>", "<!DOCTYPE a>", "<?xml version='1.0'?>"];

export class XmlSource {
  /** One thing in `wrongness` goes wrong on average; 0: nothing does. */
  constructor(private readonly random: Random, private readonly wrongness: number) {}

  below(n: number): number {
    return this.random.u32() % n;
  }
  private one<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
  private wrong(): boolean {
    return this.wrongness > 0 && this.below(this.wrongness) === 0;
  }
  private space(): string {
    return this.below(8) === 0 ? this.one(["  ", "\n", "\t ", "\r\n"]) : " ";
  }

  private name(prefixes: readonly string[]): string {
    if (this.wrong()) return this.one(WRONG_NAMES);
    const name = this.one(NAMES);
    return prefixes.length > 0 && this.below(4) === 0 ? `${this.one(prefixes)}:${name}` : name;
  }

  private value(): string {
    const text = this.wrong() ? this.one(WRONG_VALUES) : this.one(VALUES);
    const quote = text.includes("'") ? '"' : text.includes('"') ? "'" : this.one(["'", '"']);
    if (this.wrong()) return this.one([text, `${quote}${text}`, `"${text}'`]);
    return quote + text + quote;
  }

  private attributes(prefixes: string[]): string {
    const taken = new Set<string>();
    let text = "";
    for (let n = this.below(4); n > 0; n--) {
      let name: string;
      let value = this.value();
      if (this.below(3) === 0) {
        const prefix = this.one(PREFIXES.slice(0, 3));
        name = this.below(2) === 0 ? "xmlns" : `xmlns:${prefix}`;
        if (this.wrong()) name = this.one(["xmlns:xml", "xmlns:xmlns", "xmlns:", "xmlns:1"]);
        value = `'${
          this.wrong() ? this.one(["", "http://www.w3.org/XML/1998/namespace"]) : this.one(NAMESPACES)
        }'`;
        if (name === "xmlns:" + prefix) prefixes.push(prefix);
      } else name = this.name([]);
      if (taken.has(name) && !this.wrong()) continue;
      taken.add(name);
      const equals = this.below(8) === 0 ? " = " : this.wrong() ? "" : "=";
      text += (this.wrong() ? "" : this.space()) + name + equals + value;
    }
    // Prefixed ones last: their prefixes may be declared in the same tag, or mean the same.
    for (let n = this.below(3); n > 0 && prefixes.length > 0; n--) {
      const name = `${this.one(prefixes)}:${this.one(["a", "b", "c", "d"])}`;
      if (!taken.has(name)) text += `${this.space()}${name}=${this.value()}`;
      taken.add(name);
    }
    return text + (this.below(8) === 0 ? this.space() : "");
  }

  element(depth: number, outer: readonly string[]): string {
    const prefixes = [...outer];
    const attributes = this.attributes(prefixes);
    const name = this.name(prefixes);
    const open = `<${name}${attributes}`;
    if (this.below(3) === 0) return this.wrong() ? `${open}/ >` : `${open}/>`;
    let text = `${open}>`;
    for (let n = depth > 5 ? 0 : this.below(4); n > 0; n--) {
      const kind = this.below(6);
      if (kind < 3) text += this.element(depth + 1, prefixes);
      else if (kind === 3) text += this.one(CDATA);
      else text += this.wrong() ? this.one(WRONG_TEXTS) : this.one(TEXTS);
      if (this.wrong()) text += this.one(BANNED);
    }
    const close = this.wrong() ? this.one([name + "x", name.slice(0, -1), "b"]) : name;
    return `${text}</${close}${this.below(10) === 0 ? " \n" : ""}>`;
  }

  /** What may follow a stream's header. */
  body(): string {
    let text = "";
    for (let n = 1 + this.below(3); n > 0; n--) {
      text += this.element(0, ["r", "stream", "xml"]);
      if (this.below(3) === 0) text += this.space();
      if (this.wrong()) text += this.one(BANNED);
    }
    return text;
  }

  /** `text` with a few characters gone, doubled or replaced. */
  mutated(text: string): string {
    const letters = [...text];
    for (let n = 1 + this.below(3); n > 0; n--) {
      const at = this.below(letters.length);
      const kind = this.below(3);
      if (kind === 0) letters.splice(at, 1);
      else letters.splice(at, kind - 1, this.one([..."<>/'\"=&;![]-?: \n\u0001:axé#x]"]));
    }
    return letters.join("");
  }
}
