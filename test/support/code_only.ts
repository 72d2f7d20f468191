/**
 * A TypeScript source with its comments and the insides of its strings blanked, every other character in its place.
 * Enough for rules about words: it tells a regular expression from a division by what stands before it.
 */

/** Same length and same lines as `source`. */
export function codeOnly(source: string): string {
  return new Blanker(source).run();
}

/** After these a `/` begins a regular expression. */
const BEFORE_REGEX =
  /(?:^|[=(,;:!&|?{}[\]+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|delete|await|yield))\s*$/;

class Blanker {
  readonly #source: string;
  #out = "";
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  run(): string {
    this.#code(false);
    return this.#out;
  }

  /** Reads code to the end, or to the `}` that closes a template's `${`. */
  #code(inTemplate: boolean): void {
    let depth = 0;
    while (this.#at < this.#source.length) {
      const c = this.#source[this.#at]!;
      const two = this.#source.slice(this.#at, this.#at + 2);
      if (two === "//") this.#blankTo(this.#find("\n", 2));
      else if (two === "/*") this.#blankTo(this.#find("*/", 2) + 2);
      else if (c === '"' || c === "'") this.#quoted(c);
      else if (c === "`") this.#template();
      else if (c === "/" && BEFORE_REGEX.test(this.#out.slice(-200))) this.#regex();
      else {
        if (c === "{") depth++;
        if (c === "}" && depth-- === 0 && inTemplate) return;
        this.#keep();
      }
    }
  }

  #quoted(quote: string): void {
    this.#keep();
    while (
      this.#at < this.#source.length && this.#source[this.#at] !== quote && this.#source[this.#at] !== "\n"
    ) {
      if (this.#source[this.#at] === "\\") this.#blank();
      this.#blank();
    }
    if (this.#at < this.#source.length) this.#keep();
  }

  #template(): void {
    this.#keep();
    while (this.#at < this.#source.length && this.#source[this.#at] !== "`") {
      if (this.#source.startsWith("${", this.#at)) {
        this.#keep();
        this.#keep();
        this.#code(true);
        this.#keep();
        continue;
      }
      if (this.#source[this.#at] === "\\") this.#blank();
      this.#blank();
    }
    if (this.#at < this.#source.length) this.#keep();
  }

  #regex(): void {
    this.#keep();
    let inClass = false;
    while (this.#at < this.#source.length && this.#source[this.#at] !== "\n") {
      const c = this.#source[this.#at];
      if (c === "/" && !inClass) break;
      if (c === "[") inClass = true;
      if (c === "]") inClass = false;
      if (c === "\\") this.#blank();
      this.#blank();
    }
    if (this.#source[this.#at] === "/") this.#keep();
  }

  #find(text: string, skip: number): number {
    const at = this.#source.indexOf(text, this.#at + skip);
    return at === -1 ? this.#source.length : at;
  }

  #blankTo(end: number): void {
    while (this.#at < Math.min(end, this.#source.length)) this.#blank();
  }

  #blank(): void {
    if (this.#at >= this.#source.length) return;
    this.#out += this.#source[this.#at] === "\n" ? "\n" : " ";
    this.#at++;
  }

  #keep(): void {
    this.#out += this.#source[this.#at] ?? "";
    this.#at++;
  }
}
