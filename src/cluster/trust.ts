/**
 * Which domains may speak as nodes (GAP 2, DC8), and which node a domain belongs to (G1).
 *
 * `node1.example.net` trusts that domain and its sub-domains, which are one node; `*.example.net` trusts every
 * sub-domain of example.net as a node of its own, but not example.net; `*` trusts all.
 *
 * Conforms: XEP-0349 §4.4, membership of the cluster: complete
 */

export class Trust {
  readonly #patterns: readonly string[];
  readonly #statics: ReadonlySet<string>;

  /** Patterns and static node domains, folded. */
  constructor(patterns: readonly string[], statics: Iterable<string>) {
    this.#patterns = patterns;
    this.#statics = new Set(statics);
  }

  /** The domain of the node that `domain` belongs to, or null if nobody trusts it. `known`: is that a known node? */
  nodeOf(domain: string, known: (domain: string) => boolean): string | null {
    let trusted = false;
    for (let suffix = domain, wild = false; suffix !== ""; suffix = parent(suffix), wild = true) {
      const named = this.#statics.has(suffix) || this.#patterns.includes(suffix);
      if (named) return suffix;
      if (wild && this.#patterns.includes(`*.${suffix}`)) trusted = true;
    }
    if (!trusted && !this.#patterns.includes("*")) return null;
    for (let suffix = domain; suffix !== ""; suffix = parent(suffix)) if (known(suffix)) return suffix;
    return domain;
  }
}

/** `b.c` of `a.b.c`; "" of a single label. */
function parent(domain: string): string {
  const dot = domain.indexOf(".");
  return dot < 0 ? "" : domain.slice(dot + 1);
}
