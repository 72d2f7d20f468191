/**
 * Which local parts of a node are mixers and not calls, learnt from what passes by: a mixer's caps presence, a
 * `joined` that names it, a client's join. Presences of those that are not ours, or not any more,
 * are dropped silently (DC20).
 */
import type { Node } from "./node.ts";

/** Oldest names are forgotten beyond this. */
const NAMES_MAX = 65_536;

export class MixerNames {
  readonly #names = new Set<string>();

  add(node: Node, name: string): void {
    this.#names.add(`${node.number} ${name.toLowerCase()}`);
    if (this.#names.size > NAMES_MAX) this.#names.delete(this.#names.values().next().value!);
  }

  has(node: Node, name: string): boolean {
    return this.#names.size > 0 && this.#names.has(`${node.number} ${name.toLowerCase()}`);
  }
}
