/**
 * Who started which component (IC9, PX8), kept only for calls that have had more than one controlling party: on every
 * other call the answer is its one party, and nothing needs to be remembered.
 *
 * A component that is not listed was started before the call changed hands and belongs to who controlled it first.
 * Not stored: after a restart the controlling party has them all. Whoever is named here is among the call's parties,
 * which keeps it known.
 */
import type { Resource } from "./application.ts";

/** Of one call; beyond it a component counts as started by the first party. */
const COMPONENTS_MAX = 4_096;

interface Shared {
  first: Resource;
  readonly owners: Map<string, Resource>;
}

export class ComponentOwners {
  readonly #calls = new Map<number, Shared>();

  /** Calls with more than one controlling party so far. */
  get size(): number {
    return this.#calls.size;
  }

  slots(): Iterable<number> {
    return this.#calls.keys();
  }

  /** Call `slot`, which `first` has controlled alone, changes hands. */
  share(slot: number, first: Resource): void {
    if (!this.#calls.has(slot)) this.#calls.set(slot, { first, owners: new Map() });
  }

  add(slot: number, component: string, owner: Resource): void {
    const call = this.#calls.get(slot);
    if (call !== undefined && call.owners.size < COMPONENTS_MAX) call.owners.set(component, owner);
  }

  /** Who started `component`; null: the call has had one controlling party only. */
  of(slot: number, component: string): Resource | null {
    const call = this.#calls.get(slot);
    return call === undefined ? null : call.owners.get(component) ?? call.first;
  }

  /** The component has ended. */
  delete(slot: number, component: string): void {
    this.#calls.get(slot)?.owners.delete(component);
  }

  /** What `before` had started on this call is `after`'s from now on. */
  inherit(slot: number, before: Resource, after: Resource): void {
    const call = this.#calls.get(slot);
    if (call === undefined) return;
    if (call.first === before) call.first = after;
    for (const [component, owner] of call.owners) if (owner === before) call.owners.set(component, after);
  }

  /** The call is no more. */
  forget(slot: number): void {
    this.#calls.delete(slot);
  }
}
