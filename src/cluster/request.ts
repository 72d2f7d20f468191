/**
 * What is being waited for: commands forwarded to nodes. Each has an id of the gateway's own towards the node (DC2),
 * and remembers what its client called it and whom it asked (IR1).
 *
 * Records are pooled and their texts live in shared slabs: an outstanding command costs no allocation. The id on
 * the wire is `<epoch>-c<number>-<turn>`: the epoch tells answers to an earlier life, the turn those to an earlier
 * request in the same place.
 */
import { copySeeingQuotes, viewOf } from "../base/bytes.ts";
import { DeadlineItem, type Deadlines } from "../base/deadlines.ts";
import type { Resource } from "./application.ts";
import type { MixerRequest } from "./mixer.ts";
import type { Node } from "./node.ts";
import { ID_COMMAND, OwnId, writeOwnId } from "./own_id.ts";

/** Texts longer than this together live in a buffer of their own. */
const CELL_BYTES = 160;
const CELLS_PER_SLAB = 512;

export class Request extends DeadlineItem {
  readonly number: number;
  turn = 0;
  open = false;
  node: Node | null = null;
  resource: Resource | null = null;
  /** The client's own `id` and the `to` it wrote, raw attribute bytes, back to back in `texts`. */
  texts: Buffer;
  idStart = 0;
  idEnd = 0;
  toStart = 0;
  toEnd = 0;
  /** Number of the external domain that was asked (answers come from there, DC6). */
  door = 0;
  /** Set if the answer says something of a mixer. */
  mixer: MixerRequest | null = null;
  /** Slot of the call in which it starts a component, -1: it starts none; and the hash that tells that call. */
  startsIn = -1;
  callHash = 0;
  readonly cell: Buffer;
  readonly cellView: DataView;
  readonly cellStart: number;

  constructor(number: number, cell: Buffer, cellView: DataView, cellStart: number) {
    super();
    this.number = number;
    this.texts = this.cell = cell;
    this.cellView = cellView;
    this.cellStart = cellStart;
  }
}

export class RequestTable {
  /** `r` and 8 characters that no other life of this gateway uses. */
  readonly epoch: string;
  readonly #id = new OwnId();
  readonly #deadlines: Deadlines<Request>;
  readonly #all: Request[] = [];
  readonly #free: Request[] = [];
  #slab = Buffer.alloc(0);
  #slabView = viewOf(this.#slab);
  readonly #max: number;

  /** At most `max` requests are outstanding at once. */
  constructor(epoch: string, deadlines: Deadlines<Request>, max: number) {
    this.epoch = epoch;
    this.#deadlines = deadlines;
    this.#max = max;
  }

  get outstanding(): number {
    return this.#all.length - this.#free.length;
  }

  /**
   * Opens a request whose client wrote the attribute values `id` = `[idStart, idEnd)` and `to` = `[toStart, toEnd)`
   * under `view`; null when too many are outstanding. Its deadline runs.
   */
  open(
    node: Node,
    resource: Resource,
    door: number,
    view: DataView,
    idStart: number,
    idEnd: number,
    toStart: number,
    toEnd: number,
    timeoutMs: number,
  ): Request | null {
    const request = this.#free.pop() ?? this.#create();
    if (request === null) return null;
    const idLength = idEnd - idStart, toLength = toEnd - toStart;
    let at = request.cellStart;
    let texts = request.cellView;
    if (idLength + toLength > CELL_BYTES) {
      request.texts = Buffer.allocUnsafeSlow(idLength + toLength);
      texts = viewOf(request.texts);
      at = 0;
    }
    request.idStart = at;
    request.idEnd = request.toStart = at + idLength;
    request.toEnd = at + idLength + toLength;
    const idQuotes = copySeeingQuotes(view, idStart, idEnd, texts, at);
    const toQuotes = copySeeingQuotes(view, toStart, toEnd, texts, at + idLength);
    if (idQuotes || toQuotes) keepQuoted(request);
    request.open = true;
    request.node = node;
    request.resource = resource;
    request.door = door;
    resource.holds++;
    this.#deadlines.add(request, timeoutMs);
    return request;
  }

  /** Closes a request: answered, timed out or given up. Its record may be reused at once. */
  close(request: Request): void {
    this.#deadlines.remove(request);
    request.open = false;
    request.turn = (request.turn + 1) & 0xffffff;
    request.node = null;
    request.mixer = null;
    request.startsIn = -1;
    request.texts = request.cell;
    this.#free.push(request);
  }

  /** Writes the id that the node is to see at `at`; returns one past its end. */
  writeId(request: Request, out: Uint8Array, at: number): number {
    return writeOwnId(this.epoch, ID_COMMAND, request.number, request.turn, out, at);
  }

  /** The open request that an answer of `node` with the id `buf[start, end)` belongs to, or null. */
  match(buf: Uint8Array, start: number, end: number, node: Node): Request | null {
    const id = this.#id;
    if (!id.read(buf, start, end, this.epoch, ID_COMMAND)) return null;
    const request = this.#all[id.number];
    if (request === undefined || !request.open || request.turn !== id.turn) return null;
    return request.node === node ? request : null;
  }

  /** All open requests, for the loss of the link. */
  allOpen(): Request[] {
    return this.#all.filter((request) => request.open);
  }

  /** All open requests to `node`, for its death. */
  ofNode(node: Node): Request[] {
    return this.#all.filter((request) => request.open && request.node === node);
  }

  #create(): Request | null {
    const number = this.#all.length;
    if (number >= this.#max) return null;
    const inSlab = number % CELLS_PER_SLAB;
    if (inSlab === 0) {
      this.#slab = Buffer.allocUnsafeSlow(CELL_BYTES * CELLS_PER_SLAB);
      this.#slabView = viewOf(this.#slab);
    }
    const request = new Request(number, this.#slab, this.#slabView, inSlab * CELL_BYTES);
    this.#all.push(request);
    return request;
  }
}

/**
 * The client's texts have quotes in them, which may not be those the node's answer puts around its attributes: they
 * are kept escaped.
 */
function keepQuoted(request: Request): void {
  const escaped = (start: number, end: number) =>
    request.texts.toString("utf8", start, end).replaceAll("'", "&apos;").replaceAll('"', "&quot;");
  const id = Buffer.from(escaped(request.idStart, request.idEnd));
  const to = Buffer.from(escaped(request.toStart, request.toEnd));
  request.texts = Buffer.concat([id, to]);
  request.idStart = 0;
  request.idEnd = request.toStart = id.length;
  request.toEnd = id.length + to.length;
}
