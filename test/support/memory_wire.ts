/**
 * A network in memory: what src/link/tcp.ts is on a machine, this is in a test or a whole simulated world.
 *
 * Time and chance are given, so a run repeats exactly. Bytes arrive in order, each write as one chunk or, with
 * `random`, cut at places nobody expects. A wire has a bounded buffer in each direction: who does not read makes the
 * other one block, as TCP does.
 */
import type { Clock } from "../../src/base/clock.ts";
import { fraction, type Random } from "../../src/base/random.ts";
import type { Connector, Wire, WireSink } from "../../src/link/link.ts";

export interface MemoryNetworkOptions {
  clock: Clock;
  /** One way. */
  latencyMs?: number;
  /** Bytes that may be under way in one direction before write() takes no more. */
  bufferBytes?: number;
  /** Given: chunks are cut into random pieces (or glued) and the latency varies by half. */
  random?: Random;
}

/** The accepting side: is told of the wire and returns where its bytes go (opened() is not called for it). */
export type Accept = (wire: MemoryWire) => WireSink;

export class MemoryNetwork implements Connector {
  readonly clock: Clock;
  readonly bufferBytes: number;
  readonly random: Random | undefined;
  latencyMs: number;
  /** `host:port` of every attempt to connect, oldest first. */
  readonly attempts: { address: string; at: number }[] = [];
  /** Connecting sides of all wires that are open. */
  readonly open = new Set<MemoryWire>();
  readonly #listening = new Map<string, Accept | "silent">();

  constructor(options: MemoryNetworkOptions) {
    this.clock = options.clock;
    this.latencyMs = options.latencyMs ?? 0;
    this.bufferBytes = options.bufferBytes ?? 1024 * 1024;
    this.random = options.random;
  }

  listen(host: string, port: number, accept: Accept): void {
    this.#listening.set(`${host}:${port}`, accept);
  }

  /** Later attempts are refused; wires that are open stay. */
  refuse(host: string, port: number): void {
    this.#listening.delete(`${host}:${port}`);
  }

  /** Later attempts neither open nor fail, as with a host that drops packets. */
  swallow(host: string, port: number): void {
    this.#listening.set(`${host}:${port}`, "silent");
  }

  connect(host: string, port: number, sink: WireSink): void {
    const address = `${host}:${port}`;
    this.attempts.push({ address, at: this.clock.now() });
    this.clock.after(2 * this.delay(), () => {
      const accept = this.#listening.get(address);
      if (accept === "silent") return;
      if (accept === undefined) return sink.closed("connection refused");
      const near = new MemoryWire(this, address), far = new MemoryWire(this, address);
      near.join(far, sink);
      far.join(near, accept(far));
      this.open.add(near);
      sink.opened(near);
    });
  }

  delay(): number {
    return this.random === undefined ? this.latencyMs : this.latencyMs * (0.5 + fraction(this.random));
  }
}

/** One end of a connection; what tests may do to it stands below what a link may. */
export class MemoryWire implements Wire {
  readonly address: string;
  /** Calls of write() that took something, and the bytes they took. */
  writes = 0;
  written = 0;
  readonly #network: MemoryNetwork;
  #peer!: MemoryWire;
  #sink!: WireSink;
  #closed = false;
  #ended = false;
  #blocked = false;
  #paused = false;
  #vanished = false;
  /** Bytes this side has written that the other has not been given. */
  #underWay = 0;
  /** Arrived, not yet given to the sink; null is the end of the stream. */
  #arrived: (Buffer | null)[] = [];
  /** Nothing may overtake what was written before. */
  #notBefore = 0;

  constructor(network: MemoryNetwork, address: string) {
    this.#network = network;
    this.address = address;
  }

  /** For the network alone. */
  join(peer: MemoryWire, sink: WireSink): void {
    this.#peer = peer;
    this.#sink = sink;
  }

  write(buf: Buffer, start: number, end: number): number {
    if (this.#closed || this.#ended) return -1;
    const bytes = Math.min(end - start, this.#network.bufferBytes - this.#underWay);
    if (bytes < end - start) this.#blocked = true;
    if (bytes <= 0) return 0;
    this.writes++;
    this.written += bytes;
    this.#underWay += bytes;
    this.#send(Buffer.from(buf.subarray(start, start + bytes)));
    return bytes;
  }

  end(): void {
    if (this.#closed || this.#ended) return;
    this.#ended = true;
    this.#send(null);
  }

  destroy(): void {
    if (this.#closed) return;
    if (!this.#vanished) this.#later(this.#peer, (peer) => peer.#close("connection reset"));
    this.#close("dropped by this side");
  }

  // ---- what a test may do

  get closed(): boolean {
    return this.#closed;
  }

  /** Text is written whole, whatever the buffer's bound; for scripted servers. */
  say(text: string): void {
    if (this.#closed || this.#ended) return;
    const bytes = Buffer.from(text);
    this.#underWay += bytes.length;
    this.#send(bytes);
  }

  /** This side stops reading: soon the other one cannot write. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#network.clock.after(0, () => this.#deliver());
  }

  /** The cable is cut: from now on nothing arrives on either side, and nobody is told. */
  vanish(): void {
    this.#vanished = true;
    this.#peer.#vanished = true;
  }

  // ---- inside

  #send(bytes: Buffer | null): void {
    if (bytes === null || this.#network.random === undefined) return this.#sendPiece(bytes);
    for (let at = 0; at < bytes.length;) {
      const size = Math.max(1, Math.floor(fraction(this.#network.random) * bytes.length));
      this.#sendPiece(bytes.subarray(at, at + size));
      at += size;
    }
  }

  #sendPiece(bytes: Buffer | null): void {
    this.#later(this.#peer, (peer) => {
      peer.#arrived.push(bytes);
      peer.#deliver();
    });
  }

  #later(peer: MemoryWire, run: (peer: MemoryWire) => void): void {
    const clock = this.#network.clock;
    this.#notBefore = Math.max(this.#notBefore, clock.now() + this.#network.delay());
    clock.after(this.#notBefore - clock.now(), () => {
      if (!this.#vanished) run(peer);
    });
  }

  #deliver(): void {
    while (!this.#paused && !this.#closed && this.#arrived.length > 0) {
      const bytes = this.#arrived.shift()!;
      if (bytes === null) {
        // Like a socket that does not stay half open: the end of the other side's stream ends ours.
        if (!this.#ended) {
          this.#later(this.#peer, (peer) => peer.#close("the other side closed the connection"));
        }
        return this.#close("the other side closed the connection");
      }
      this.#peer.#consumed(bytes.length);
      this.#sink.data(bytes);
    }
  }

  /** The other side has read: a blocked writer is told, a little later. */
  #consumed(bytes: number): void {
    this.#underWay -= bytes;
    if (!this.#blocked || this.#closed) return;
    this.#blocked = false;
    this.#network.clock.after(this.#network.delay(), () => {
      if (!this.#closed && !this.#vanished) this.#sink.drained();
    });
  }

  #close(why: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#arrived = [];
    this.#network.open.delete(this);
    this.#network.open.delete(this.#peer);
    this.#network.clock.after(0, () => this.#sink.closed(why));
  }
}
