/**
 * A platform: a label that nodes list and applications have one of, and the choice among its nodes.
 *
 * A platform exists from the first node or application that names it and is never removed (spec 1.1).
 */
import { PriorityBalance } from "./balance/priority.ts";
import type { Node } from "./node.ts";

export class Platform {
  readonly name: string;
  /** In the order in which they named it. */
  readonly nodes: Node[] = [];
  readonly #balance = new PriorityBalance<Node>();
  #tried: readonly Node[] = [];
  readonly #usable = (node: Node): boolean => node.usable && !this.#tried.includes(node);

  constructor(name: string) {
    this.name = name;
  }

  /** The next node for a dial that has not been tried for it yet, or null (§3.2, §3.6). */
  pick(tried: readonly Node[]): Node | null {
    this.#tried = tried;
    return this.#balance.next(this.nodes, this.#usable);
  }
}
