/**
 * Dials that are under way (§2.6, §3.6): the request as it came, for another try elsewhere, and who was tried.
 */
import { DeadlineItem, type Deadlines } from "../base/deadlines.ts";
import type { Resource } from "./application.ts";
import type { ExpectedJoin } from "./mixer.ts";
import type { Node } from "./node.ts";
import { ID_DIAL, isDialId, OwnId, writeOwnId } from "./own_id.ts";

export class Dial extends DeadlineItem {
  readonly number: number;
  readonly resource: Resource;
  /** Number of the external domain that was asked. */
  readonly door: number;
  /** The client's stanza, able to stand alone. */
  readonly stanza: Buffer;
  /** What the client called the request and whom it asked, escaped: the answer says so again (DL11). */
  readonly id: string;
  readonly to: string;
  /** The local part of `dial/@uri` as the client wrote it; "": it gave none. */
  readonly publicId: string;
  /** What the node is told to call the call: `publicId` folded (FS55). */
  readonly nodeId: string;
  /** The node that has the other leg of a nested join (DC24), else null. */
  readonly onlyNode: Node | null;
  /** Clock milliseconds by which the client has its answer (DC21). */
  readonly endsAt: number;
  readonly tried: Node[] = [];
  /** Who is being asked now. */
  node: Node | null = null;
  /** Clock milliseconds when it was asked. */
  askedAt = 0;
  /** DL12: the client left; a result is hung up. */
  abandoned = false;
  /** Mixers that the call is to join once it is there, at the node being asked. */
  readonly joins: ExpectedJoin[] = [];

  constructor(
    number: number,
    resource: Resource,
    door: number,
    stanza: Buffer,
    id: string,
    to: string,
    publicId: string,
    nodeId: string,
    onlyNode: Node | null,
    endsAt: number,
  ) {
    super();
    this.number = number;
    this.resource = resource;
    this.door = door;
    this.stanza = stanza;
    this.id = id;
    this.to = to;
    this.publicId = publicId;
    this.nodeId = nodeId;
    this.onlyNode = onlyNode;
    this.endsAt = endsAt;
  }
}

export class DialTable {
  readonly #epoch: string;
  readonly #id = new OwnId();
  readonly #deadlines: Deadlines<Dial>;
  readonly #max: number;
  readonly #dials = new Map<number, Dial>();
  readonly #reserved = new Map<string, Dial>();
  #next = 0;

  /** `epoch`: see RequestTable; at most `max` dials at once. */
  constructor(epoch: string, deadlines: Deadlines<Dial>, max: number) {
    this.#epoch = epoch;
    this.#deadlines = deadlines;
    this.#max = max;
  }

  get size(): number {
    return this.#dials.size;
  }

  get full(): boolean {
    return this.#dials.size >= this.#max;
  }

  nextNumber(): number {
    return this.#next = (this.#next + 1) & 0x3fffffff;
  }

  /** DL13: the dial that is about to make a call of this id, or null. */
  reserving(nodeId: string): Dial | null {
    return this.#reserved.get(nodeId) ?? null;
  }

  add(dial: Dial): void {
    this.#dials.set(dial.number, dial);
    if (dial.nodeId !== "") this.#reserved.set(dial.nodeId, dial);
    dial.resource.holds++;
  }

  /** The dial is answered or given up. The caller gives the resource's hold back. */
  remove(dial: Dial): void {
    this.leave(dial);
    this.#dials.delete(dial.number);
    if (dial.nodeId !== "") this.#reserved.delete(dial.nodeId);
  }

  /** `node` is asked now and has `ms` milliseconds to answer. */
  ask(dial: Dial, node: Node, now: number, ms: number): void {
    dial.node = node;
    dial.askedAt = now;
    dial.tried.push(node);
    node.outstandingDials++;
    this.#deadlines.add(dial, ms);
  }

  /** The node asked last has answered or is not waited for any more. */
  leave(dial: Dial): void {
    if (dial.node === null) return;
    dial.node.outstandingDials--;
    dial.node = null;
    this.#deadlines.remove(dial);
  }

  /** Writes the id of the current attempt, `<epoch>-d<number>-<attempt>`; returns one past its end. */
  writeId(dial: Dial, out: Uint8Array, at: number): number {
    return writeOwnId(this.#epoch, ID_DIAL, dial.number, dial.tried.length, out, at);
  }

  /** The dial whose current attempt at `node` has the id `buf[start, end)`, or null. */
  match(buf: Uint8Array, start: number, end: number, node: Node): Dial | null {
    const id = this.#id;
    if (!isDialId(buf, start, end) || !id.read(buf, start, end, this.#epoch, ID_DIAL)) return null;
    const dial = this.#dials.get(id.number);
    if (dial === undefined || dial.node !== node) return null;
    return dial.tried.length === id.turn ? dial : null;
  }

  /** Every dial, for the loss of the link. */
  all(): Dial[] {
    return [...this.#dials.values()];
  }

  /** Dials of a client, for its departure (DL12). */
  ofResource(resource: Resource): Dial[] {
    return [...this.#dials.values()].filter((dial) => dial.resource === resource);
  }

  /** Dials that `node` has not answered, for its death. */
  atNode(node: Node): Dial[] {
    return node.outstandingDials === 0 ? [] : [...this.#dials.values()].filter((dial) => dial.node === node);
  }
}
