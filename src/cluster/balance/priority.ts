/**
 * Priority and weight over the nodes of one platform (§3.2, DC36, DC37).
 *
 * Only nodes of the best priority that has a usable node get dials; among them each gets its share by weight. Every entry
 * keeps a credit in units of weight: a turn adds its weight, and a credit of the largest weight buys a pick. That is
 * the table's `sum += weight/max; if sum >= hits + 1` with sum and hits folded into their difference, which keeps it
 * exact in whole numbers. A node that is out is skipped after its pick, so it does not return with a burst.
 *
 * Conforms: XEP-0349 §4.2, even distribution by priority and weight: complete
 */

/** What the algorithm reads of a node. */
export interface Weighted {
  readonly weight: number;
  readonly priority: number;
}

interface Entry<N> {
  node: N;
  weight: number;
  credit: number;
}

export class PriorityBalance<N extends Weighted> {
  #entries: Entry<N>[] = [];
  #current = 0;
  #max = 0;

  /**
   * The next node of `nodes` (list order) that `usable` accepts, or null. Nodes that joined, left or changed since
   * the last call are taken into account; credits survive a change of weight.
   */
  next(nodes: readonly N[], usable: (node: N) => boolean): N | null {
    this.#follow(nodes);
    let best = Infinity;
    for (const { node, weight } of this.#entries) {
      if (weight > 0 && node.priority < best && usable(node)) best = node.priority;
    }
    if (best === Infinity) return null;
    for (let inVain = 0;;) {
      if (this.#current >= this.#entries.length) this.#current = 0;
      const entry = this.#entries[this.#current++]!;
      if (entry.node.priority === best) {
        entry.credit += entry.weight;
        if (entry.credit >= this.#max) {
          entry.credit -= this.#max;
          if (usable(entry.node)) return entry.node;
        }
      }
      if (++inVain === this.#entries.length) {
        inVain = 0;
        this.#skipRounds(best, usable);
      }
    }
  }

  /** Brings the entries in step with the list: newcomers at the end, those gone dropped, weights re-read. */
  #follow(nodes: readonly N[]): void {
    const entries = this.#entries;
    let same = entries.length === nodes.length;
    for (let i = 0; same && i < entries.length; i++) {
      same = entries[i]!.node === nodes[i] && entries[i]!.weight === nodes[i]!.weight;
    }
    if (same) return;
    const listed = new Set(nodes);
    const known = new Set<N>();
    for (let i = 0; i < entries.length;) {
      const { node } = entries[i]!;
      if (listed.has(node)) {
        known.add(node);
        i++;
      } else {
        entries.splice(i, 1);
        if (i < this.#current) this.#current--;
      }
    }
    for (const node of nodes) if (!known.has(node)) entries.push({ node, weight: node.weight, credit: 0 });
    let max = 0;
    for (const entry of entries) max = Math.max(max, entry.weight = entry.node.weight);
    if (max !== this.#max && this.#max > 0) { for (const entry of entries) entry.credit *= max / this.#max; }
    this.#max = max;
  }

  /** After a round without a pick: all rounds that cannot pick anybody usable either are taken in one step. */
  #skipRounds(best: number, usable: (node: N) => boolean): void {
    let rounds = Infinity;
    for (const { node, weight, credit } of this.#entries) {
      if (node.priority !== best || weight <= 0 || !usable(node)) continue;
      rounds = Math.min(rounds, Math.ceil((this.#max - credit) / weight) - 1);
    }
    if (!(rounds > 0)) return;
    for (const entry of this.#entries) {
      if (entry.node.priority === best) entry.credit = (entry.credit + rounds * entry.weight) % this.#max;
    }
  }
}
