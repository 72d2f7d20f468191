/**
 * XML as the simulated peers see it: strict in (ill-formed input is a fault, not a guess), compared by meaning.
 *
 * A peer that forgives more than a real one would hide bugs, so the reader is a validating one, and comments,
 * processing instructions and document types are refused as RFC 6120 §11.1 wants. The three content namespaces of
 * streams are all read as "".
 */
import { SaxesParser, type SaxesTagNS } from "saxes";

const CONTENT = new Set(["jabber:client", "jabber:server", "jabber:component:accept"]);

/** An element. `attrs` has no namespace declarations; its keys are as written (`xml:lang`). */
export interface El {
  name: string;
  prefix: string;
  ns: string;
  attrs: Record<string, string>;
  children: (El | string)[];
}

export class XmlFault extends Error {
  override readonly name = "XmlFault";
}

export function isEl(node: El | string): node is El {
  return typeof node !== "string";
}

export function elements(el: El): El[] {
  return el.children.filter(isEl);
}

export function child(el: El, name: string, ns?: string): El | undefined {
  return elements(el).find((c) => c.name === name && (ns === undefined || c.ns === ns));
}

export function firstChild(el: El): El | undefined {
  return elements(el)[0];
}

export function attr(el: El, name: string): string {
  return el.attrs[name] ?? "";
}

export function textOf(el: El): string {
  return el.children.filter((c) => !isEl(c)).join("");
}

/** For text content and for attribute values in either quote. */
export function esc(text: string): string {
  return text.replace(/[<>&'"\n\t\r]/g, (c) => ESCAPES[c]!);
}

const ESCAPES: Record<string, string> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  "'": "&apos;",
  '"': "&quot;",
  "\n": "&#10;",
  "\t": "&#9;",
  "\r": "&#13;",
};

/** ` name='value'` for each that is given. */
export function attrsXml(attrs: Record<string, string | undefined>): string {
  let out = "";
  for (const name in attrs) {
    const value = attrs[name];
    if (value !== undefined) out += ` ${name}='${esc(value)}'`;
  }
  return out;
}

/** Back to text; `inherited` is the default namespace where it will stand. Prefixes are kept, and declared in place. */
export function toXml(el: El, inherited = ""): string {
  const qualified = el.prefix === "" ? el.name : `${el.prefix}:${el.name}`;
  let out = `<${qualified}`;
  let inside = inherited;
  if (el.prefix !== "") out += ` xmlns:${el.prefix}='${esc(el.ns)}'`;
  else if (el.ns !== inherited) {
    out += ` xmlns='${esc(el.ns)}'`;
    inside = el.ns;
  }
  out += attrsXml(el.attrs);
  if (el.children.length === 0) return out + "/>";
  out += ">";
  for (const c of el.children) out += isEl(c) ? toXml(c, inside) : esc(c);
  return `${out}</${qualified}>`;
}

export interface StreamSink {
  /** The root's start tag. */
  open(root: El): void;
  stanza(el: El): void;
  close(): void;
  fault(why: string): void;
}

/** Reads one XML stream: the root's start tag, then each child of it as a whole. */
export class StreamReader {
  readonly #parser: SaxesParser<{ xmlns: true; position: false }>;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  readonly #sink: StreamSink;
  readonly #stack: El[] = [];
  #depth = 0;
  #dead = false;

  constructor(sink: StreamSink) {
    this.#sink = sink;
    const parser = this.#parser = new SaxesParser({ xmlns: true, position: false });
    parser.on("opentag", (tag) => this.#open(tag));
    parser.on("closetag", () => this.#close());
    parser.on("text", (text) => this.#text(text));
    parser.on("cdata", (text) => this.#text(text));
    parser.on("comment", () => this.#fault("comments are not allowed in XMPP"));
    parser.on("processinginstruction", () => this.#fault("processing instructions are not allowed in XMPP"));
    parser.on("doctype", () => this.#fault("document types are not allowed in XMPP"));
    parser.on("error", (error) => this.#fault(error.message));
  }

  push(chunk: Uint8Array | string): void {
    if (this.#dead) return;
    try {
      this.#parser.write(typeof chunk === "string" ? chunk : this.#decoder.decode(chunk, { stream: true }));
    } catch (error) {
      this.#fault(String(error));
    }
  }

  #open(tag: SaxesTagNS): void {
    if (this.#dead) return;
    const attrs: Record<string, string> = {};
    for (const key in tag.attributes) {
      const a = tag.attributes[key]!;
      if (a.prefix !== "xmlns" && key !== "xmlns") attrs[key] = a.value;
    }
    const ns = CONTENT.has(tag.uri) ? "" : tag.uri;
    const el: El = { name: tag.local, prefix: tag.prefix, ns, attrs, children: [] };
    this.#depth++;
    if (this.#depth === 1) this.#sink.open({ ...el, attrs: { ...attrs, xmlns: tag.ns[""] ?? "" } });
    else {
      this.#stack.at(-1)?.children.push(el);
      this.#stack.push(el);
    }
  }

  #close(): void {
    if (this.#dead) return;
    this.#depth--;
    if (this.#depth === 0) return this.#sink.close();
    const el = this.#stack.pop()!;
    if (this.#stack.length === 0) this.#sink.stanza(el);
  }

  #text(text: string): void {
    const top = this.#stack.at(-1);
    if (top === undefined) return;
    const last = top.children.length - 1;
    if (typeof top.children[last] === "string") top.children[last] += text;
    else if (text !== "") top.children.push(text);
  }

  #fault(why: string): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#sink.fault(why);
  }
}

/** One stanza from text. */
export function parseXml(text: string): El {
  let result: El | undefined;
  let fault = "";
  const reader = new StreamReader({
    open() {},
    stanza(el) {
      result ??= el;
    },
    close() {},
    fault(why) {
      fault = why;
    },
  });
  // Inside a stream of its own, so that the stanza's own default namespace is the content namespace.
  reader.push(`<stream xmlns='jabber:client'>${text}</stream>`);
  if (fault !== "") throw new XmlFault(`${fault} in ${text.slice(0, 200)}`);
  if (result === undefined) throw new XmlFault(`no element in ${text.slice(0, 200)}`);
  return result;
}

/** Names caught by `{name}` in patterns. */
export type Captures = Map<string, string>;

/**
 * Why `actual` is not what `expected` says; null if it is. In `expected`, `{name}` in a value catches it (or must
 * equal what was caught), `...` in a value stands for anything, an attribute `_any` allows more attributes, a text
 * `...` between children allows more children there. `xml:lang`, prefixes and the order of attributes never matter
 * (FS54); the order of children does (AH27).
 */
export function difference(expected: El, actual: El, captures: Captures = new Map()): string | null {
  const where = `<${expected.name}>`;
  if (expected.name !== actual.name) return `<${actual.name}> instead of ${where}`;
  if (expected.ns !== actual.ns) return `${where} is in '${actual.ns}' instead of '${expected.ns}'`;
  for (const name in expected.attrs) {
    if (name === "_any" || name === "xml:lang") continue;
    const value = actual.attrs[name];
    if (value === undefined) return `${where} has no ${name}`;
    if (!matchText(expected.attrs[name]!, value, captures)) {
      return `${where} has ${name}='${value}' instead of '${resolve(expected.attrs[name]!, captures)}'`;
    }
  }
  if (!("_any" in expected.attrs)) {
    for (const name in actual.attrs) {
      if (name !== "xml:lang" && !(name in expected.attrs)) {
        return `${where} has ${name}='${actual.attrs[name]}' too`;
      }
    }
  }
  return childrenDiffer(expected, actual, captures);
}

function childrenDiffer(expected: El, actual: El, captures: Captures): string | null {
  const where = `<${expected.name}>`;
  const items = expected.children
    .map((c) => isEl(c) ? c : c.trim())
    .filter((c) => c !== "");
  const open = items.includes("...");
  const wanted = items.filter(isEl);
  const found = elements(actual);
  if (wanted.length === 0 && found.length === 0) {
    if (open) return null;
    const text = textOf(expected);
    return matchText(text.trim(), textOf(actual).trim(), captures)
      ? null
      : `${where} says '${textOf(actual)}' instead of '${text}'`;
  }
  let at = 0;
  let loose = false;
  for (const item of items) {
    if (!isEl(item)) {
      loose ||= item === "...";
      continue;
    }
    let why: string | null = `${where} lacks <${item.name}>`;
    for (; at < found.length; at++) {
      const attempt = new Map(captures);
      why = difference(item, found[at]!, attempt);
      if (why === null) {
        for (const [k, v] of attempt) captures.set(k, v);
        break;
      }
      if (!loose) return why;
    }
    if (at >= found.length) return why ?? `${where} lacks <${item.name}>`;
    at++;
    loose = false;
  }
  if (at < found.length && !loose) return `${where} has <${found[at]!.name}> too`;
  return null;
}

function resolve(pattern: string, captures: Captures): string {
  return pattern.replace(/\{(\w+)\}/g, (all, name: string) => captures.get(name) ?? all);
}

/** See difference(). */
export function matchText(pattern: string, value: string, captures: Captures): boolean {
  if (!/\{\w+\}|\.\.\./.test(pattern)) return pattern === value;
  const names: string[] = [];
  const source = pattern.split(/(\{\w+\}|\.\.\.)/).map((part) => {
    if (part === "...") return "[^]*?";
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined) return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const known = captures.get(name);
    if (known !== undefined) return known.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    names.push(name);
    return "([^]+?)";
  }).join("");
  const hit = new RegExp(`^${source}$`).exec(value);
  if (hit === null) return false;
  names.forEach((name, i) => captures.set(name, hit[i + 1]!));
  return true;
}

/** The same, up to what FS54 says does not matter. */
export function sameXml(a: string | El, b: string | El): boolean {
  return difference(typeof a === "string" ? parseXml(a) : a, typeof b === "string" ? parseXml(b) : b) ===
    null;
}
