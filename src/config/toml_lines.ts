/**
 * Finds the line on which each key of a TOML document stands, so that a wrong value can be pointed at (DC43).
 *
 * Bun.TOML gives values without positions. This reads only as much TOML as it takes to follow keys: headers,
 * dotted and quoted keys, inline tables, lists. It is given text that Bun.TOML has accepted, so it never
 * complains; on text that is not TOML it ends early and knows fewer lines.
 */
import { type KeyPath, keyText } from "./finding.ts";

/** Line (from 1) by key text, e.g. `nodes.static[1].jid`; the first mention of a key counts. */
export function keyLines(text: string): Map<string, number> {
  const reader = new Reader(text);
  reader.document();
  return reader.lines;
}

class Reader {
  readonly lines = new Map<string, number>();
  readonly #text: string;
  /** How many tables each `[[list]]` has so far. */
  readonly #counts = new Map<string, number>();
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    let table: KeyPath = [];
    for (;;) {
      this.#space(true);
      if (this.#at >= this.#text.length) return;
      const start = this.#at;
      if (this.#text[this.#at] === "[") table = this.#header();
      else this.#pair(table);
      if (this.#at === start) return; // nothing was understood
    }
  }

  /** `[a.b]` or `[[a.b]]`: the path of the table that begins here. */
  #header(): KeyPath {
    const list = this.#text.startsWith("[[", this.#at);
    this.#at += list ? 2 : 1;
    const line = this.#line;
    const names = this.#dotted();
    const path: (string | number)[] = [];
    names.forEach((name, i) => {
      path.push(name);
      const key = keyText(path);
      this.#mention(path, line);
      const last = i === names.length - 1;
      if (list && last) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
      const count = this.#counts.get(key);
      // Within a list of tables a header speaks of the table that was begun last.
      if (count !== undefined) path.push(count - 1);
    });
    this.#mention(path, line);
    this.#skip("]");
    if (list) this.#skip("]");
    return path;
  }

  #pair(table: KeyPath): void {
    const line = this.#line;
    const path: (string | number)[] = [...table];
    for (const name of this.#dotted()) {
      path.push(name);
      this.#mention(path, line);
    }
    this.#space(false);
    this.#skip("=");
    this.#space(false);
    this.#value(path);
  }

  #value(path: KeyPath): void {
    const c = this.#text[this.#at];
    if (c === '"' || c === "'") this.#string();
    else if (c === "[") this.#list(path);
    else if (c === "{") this.#inlineTable(path);
    else while (this.#at < this.#text.length && !/[,\]}#\n]/.test(this.#text[this.#at]!)) this.#at++;
  }

  #list(path: KeyPath): void {
    this.#at++;
    for (let i = 0;; i++) {
      this.#space(true);
      if (this.#at >= this.#text.length || this.#skip("]")) return;
      const start = this.#at;
      const item = [...path, i];
      this.#mention(item, this.#line);
      this.#value(item);
      this.#space(true);
      this.#skip(",");
      if (this.#at === start) return;
    }
  }

  #inlineTable(path: KeyPath): void {
    this.#at++;
    for (;;) {
      this.#space(true);
      if (this.#at >= this.#text.length || this.#skip("}")) return;
      const start = this.#at;
      this.#pair(path);
      this.#space(true);
      this.#skip(",");
      if (this.#at === start) return;
    }
  }

  #dotted(): string[] {
    const names: string[] = [];
    do {
      this.#space(false);
      const c = this.#text[this.#at];
      if (c === '"' || c === "'") names.push(this.#string());
      else {
        const start = this.#at;
        while (/[A-Za-z0-9_-]/.test(this.#text[this.#at] ?? "")) this.#at++;
        names.push(this.#text.slice(start, this.#at));
      }
      this.#space(false);
    } while (this.#skip("."));
    return names;
  }

  /** Moves behind a string of any of the four kinds; its escapes are resolved by Bun.TOML. */
  #string(): string {
    const start = this.#at;
    const quote = this.#text[start]!;
    const fence = this.#text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
    this.#at += fence.length;
    while (this.#at < this.#text.length && !this.#text.startsWith(fence, this.#at)) {
      if (quote === '"' && this.#text[this.#at] === "\\") this.#step();
      this.#step();
    }
    this.#at = Math.min(this.#text.length, this.#at + fence.length);
    // A long string may end in up to two quotes of its own: """say "hello"""""
    for (let n = 0; fence.length === 3 && n < 2; n++) this.#skip(quote);
    try {
      return String((Bun.TOML.parse(`x = ${this.#text.slice(start, this.#at)}`) as { x: unknown }).x);
    } catch {
      return "";
    }
  }

  #mention(path: KeyPath, line: number): void {
    const key = keyText(path);
    if (!this.lines.has(key)) this.lines.set(key, line);
  }

  /** Blanks; with `further` also line ends and comments. */
  #space(further: boolean): void {
    while (this.#at < this.#text.length) {
      const c = this.#text[this.#at]!;
      if (c === "#" && further) {
        while (this.#at < this.#text.length && this.#text[this.#at] !== "\n") this.#at++;
      } else if (c === " " || c === "\t" || c === "\r" || c === "\uFEFF" || (further && c === "\n")) {
        this.#step();
      } else return;
    }
  }

  #step(): void {
    if (this.#text[this.#at] === "\n") this.#line++;
    this.#at++;
  }

  #skip(c: string): boolean {
    if (this.#text[this.#at] !== c) return false;
    this.#at++;
    return true;
  }
}
