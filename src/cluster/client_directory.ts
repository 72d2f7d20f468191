/**
 * The tenants' part of the directory: applications, their addresses, and the resources that are connected or still
 * named by calls and requests (spec 1.1, §3.4).
 */
import { EVER_SEEN_MAX } from "../base/limits.ts";
import { sameBytes } from "../base/bytes.ts";
import { AddressBook } from "./address.ts";
import { Application, Resource } from "./application.ts";
import { NameIndex } from "./name_index.ts";
import { NodeDirectory } from "./node_directory.ts";
import type { ApplicationRow } from "./store.ts";

/** §4.3: ever since start. */
export interface Totals {
  calls: number;
  clients: number;
  resources: number;
}

export class ClientDirectory extends NodeDirectory {
  readonly applications = new Map<string, Application>();
  readonly addresses = new AddressBook<Application>();
  readonly bans = new Set<string>();
  readonly totals: Totals = { calls: 0, clients: 0, resources: 0 };

  readonly #resources: (Resource | null)[] = [];
  readonly #freeResources: number[] = [];
  readonly #resourceIndex = new NameIndex();
  #lastFound: Resource | null = null;
  readonly #everBare = new Set<string>();
  readonly #everFull = new Set<string>();
  #clientOrder = 0;

  addApplication(row: ApplicationRow): Application {
    const application = new Application(row);
    this.applications.set(row.jid, application);
    this.platform(row.platform);
    return application;
  }

  /** Takes an application out with its addresses (D18) and resources (BUG 40); its running calls go on. */
  removeApplication(application: Application): void {
    for (const address of application.addresses) this.addresses.delete(address);
    for (const resource of [...application.resources]) this.unregisterResource(resource);
    this.applications.delete(application.jid);
  }

  setAddress(address: string, application: Application): void {
    this.addresses.owner(address)?.addresses.delete(address);
    this.addresses.set(address, application);
    application.addresses.add(address);
  }

  removeAddress(address: string): void {
    this.addresses.owner(address)?.addresses.delete(address);
    this.addresses.delete(address);
  }

  /** The resource with the full JID `buf[start, end)` (its bare part ends at `bareEnd`), or null if nobody knows it. */
  findResource(buf: Uint8Array, start: number, bareEnd: number, end: number): Resource | null {
    // One client says many things in a row.
    const last = this.#lastFound;
    if (
      last !== null && last.plain && last.wire.length === end - start &&
      this.#resources[last.number] === last &&
      sameBytes(buf, start, last.wire, 0, end - start)
    ) return last;
    const number = this.#resourceIndex.find(buf, start, bareEnd, end);
    return number < 0 ? null : this.#lastFound = this.#resources[number]!;
  }

  resourceByJid(jid: string): Resource | null {
    const slash = jid.indexOf("/");
    const number = this.#resourceIndex.findText(jid, foldLength(jid, slash));
    return number < 0 ? null : this.#resources[number]!;
  }

  /** One past the highest resource number in use: for walking all resources. */
  get resourcesEnd(): number {
    return this.#resources.length;
  }

  /** Everything known under a bare JID: registered resources and parties of calls. */
  resourcesOf(bare: string): Resource[] {
    return this.#resources.filter((resource) => resource !== null && resource.bare === bare) as Resource[];
  }

  resource(number: number): Resource | null {
    return number < 0 ? null : this.#resources[number]!;
  }

  /** The resource `jid` (canonical), made if it is new; `wire`: the JID as it is to be written to its server. */
  resourceFor(jid: string, bare: string, wire: Buffer): Resource {
    const known = this.resourceByJid(jid);
    if (known !== null) return known;
    const resource = new Resource(jid, bare, wire);
    resource.number = this.#freeResources.pop() ?? this.#resources.length;
    resource.application = this.applications.get(bare) ?? null;
    this.#resources[resource.number] = resource;
    this.#resourceIndex.set(jid, resource.number, foldLength(jid, bare.length));
    return resource;
  }

  /** PC1, PC12: the resource is in rotation from now on. Nothing happens if it was already (PC11). */
  registerResource(resource: Resource, application: Application): void {
    if (resource.registered) return;
    resource.registered = true;
    resource.application = application;
    resource.consecutiveErrors = 0;
    application.resources.push(resource);
    if (countNew(this.#everFull, resource.jid)) this.totals.resources++;
    if (countNew(this.#everBare, resource.bare)) this.totals.clients++;
    this.journal.note({ kind: "client", row: { jid: resource.jid, order: this.#clientOrder++ } });
  }

  /** The resource is out of rotation; its calls are not touched. Nothing happens if it was not in (PC5). */
  unregisterResource(resource: Resource): void {
    if (!resource.registered) return;
    resource.registered = false;
    const resources = resource.application!.resources;
    resources.splice(resources.indexOf(resource), 1);
    if (resources.length === 0) resource.application!.forgetLast();
    this.journal.note({ kind: "client-gone", jid: resource.jid });
    this.release(resource);
  }

  /** Forgets a resource that is not registered and that nothing names any more. */
  release(resource: Resource): void {
    if (resource.registered || resource.calls > 0 || resource.holds > 0) return;
    if (this.#resources[resource.number] !== resource) return;
    this.#resources[resource.number] = null;
    this.#freeResources.push(resource.number);
    this.#resourceIndex.delete(resource.jid, foldLength(resource.jid, resource.bare.length));
  }

  /** Gives back a hold taken by a request, a dial or an offer. */
  unhold(resource: Resource): void {
    resource.holds--;
    this.release(resource);
  }
}

/** Adds `name` to those ever seen; false if it was there, or the memory for it is full. */
function countNew(seen: Set<string>, name: string): boolean {
  if (seen.has(name) || seen.size >= EVER_SEEN_MAX) return false;
  seen.add(name);
  return true;
}

/** How many bytes of a JID's text are folded: those of its bare part. */
function foldLength(jid: string, bareLength: number): number {
  return bareLength < 0 ? -1 : Buffer.byteLength(jid.slice(0, bareLength));
}
