/**
 * The gateway's links connected to a FakeServer without TCP, for simulations: same bytes, same stream protocol,
 * time from the given clock.
 */
import type { Clock } from "../../src/base/clock.ts";
import type { Connector, Wire, WireSink } from "../../src/link/link.ts";
import { ComponentSession } from "./component_session.ts";
import type { FakeServer } from "./fake_server.ts";

export interface MemoryConnectorOptions {
  /** Time on the wire, each way. */
  latencyMs?: number;
  /** What the "kernel" takes from a side whose peer does not read. */
  windowBytes?: number;
  /** Cuts what arrives at the gateway into pieces of at most this size. */
  chunkBytes?: number;
}

export class MemoryConnector implements Connector {
  readonly #server: FakeServer;
  readonly #clock: Clock;
  readonly #options: Required<MemoryConnectorOptions>;
  readonly #wires = new Set<MemoryWire>();
  /** Nobody listens: connections are refused. */
  refusing = false;
  attempts = 0;

  constructor(server: FakeServer, clock: Clock, options: MemoryConnectorOptions = {}) {
    this.#server = server;
    this.#clock = clock;
    this.#options = {
      latencyMs: options.latencyMs ?? 0,
      windowBytes: options.windowBytes ?? 262_144,
      chunkBytes: options.chunkBytes ?? 65_536,
    };
  }

  connect(_host: string, _port: number, sink: WireSink): void {
    this.attempts++;
    if (this.refusing) {
      this.#clock.after(this.#options.latencyMs, () => sink.closed("connection refused"));
      return;
    }
    const wire = new MemoryWire(
      this.#server,
      this.#clock,
      this.#options,
      sink,
      () => this.#wires.delete(wire),
    );
    this.#wires.add(wire);
    this.#clock.after(this.#options.latencyMs, () => wire.open());
  }

  /** Wires whose stream asked for this domain. */
  wires(domain: string): MemoryWire[] {
    return [...this.#wires].filter((w) => w.session.name === domain);
  }

  /** Cuts them; both sides notice. */
  kill(domain?: string): void {
    for (const wire of [...this.#wires]) {
      if (domain === undefined || wire.session.name === domain) wire.cut("connection reset");
    }
  }
}

export class MemoryWire implements Wire {
  readonly session: ComponentSession;
  readonly #clock: Clock;
  readonly #options: Required<MemoryConnectorOptions>;
  readonly #sink: WireSink;
  readonly #forget: () => void;
  /** Bytes on their way to a server that has stopped reading. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #stalled = false;
  #blocked = false;
  #closed = false;
  /** Bytes vanish both ways and nobody is told. */
  dark = false;

  constructor(
    server: FakeServer,
    clock: Clock,
    options: Required<MemoryConnectorOptions>,
    sink: WireSink,
    forget: () => void,
  ) {
    this.#clock = clock;
    this.#options = options;
    this.#sink = sink;
    this.#forget = forget;
    this.session = new ComponentSession(server, {
      write: (text) => this.#toGateway(Buffer.from(text)),
      close: () => this.#clock.after(this.#options.latencyMs, () => this.cut("closed by the server")),
    });
  }

  open(): void {
    if (!this.#closed) this.#sink.opened(this);
  }

  write(buf: Buffer, start: number, end: number): number {
    if (this.#closed) return -1;
    let take = end - start;
    if (this.#stalled) {
      take = Math.min(take, this.#options.windowBytes - this.#heldBytes);
      if (take < end - start) this.#blocked = true;
      if (take === 0) return 0;
    }
    const copy = Buffer.from(buf.subarray(start, start + take));
    if (this.#stalled) {
      this.#held.push(copy);
      this.#heldBytes += take;
    } else if (!this.dark) {
      this.#clock.after(this.#options.latencyMs, () => this.#toServer(copy));
    }
    return take;
  }

  end(): void {
    this.#clock.after(this.#options.latencyMs, () => this.cut("closed"));
  }

  destroy(): void {
    this.cut("destroyed");
  }

  /** The server stops reading. */
  stall(): void {
    this.#stalled = true;
  }

  unstall(): void {
    this.#stalled = false;
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const chunk of held) this.#toServer(chunk);
    if (this.#blocked && !this.#closed) {
      this.#blocked = false;
      this.#clock.after(0, () => {
        if (!this.#closed) this.#sink.drained();
      });
    }
  }

  cut(why: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#forget();
    this.session.lost();
    this.#clock.after(0, () => this.#sink.closed(why));
  }

  #toServer(chunk: Buffer): void {
    if (this.#closed || this.dark) return;
    if (this.#stalled) {
      this.#held.push(chunk);
      this.#heldBytes += chunk.length;
    } else this.session.push(chunk);
  }

  #toGateway(bytes: Buffer): void {
    if (this.dark) return;
    for (let at = 0; at < bytes.length; at += this.#options.chunkBytes) {
      const piece = bytes.subarray(at, at + this.#options.chunkBytes);
      this.#clock.after(this.#options.latencyMs, () => {
        if (!this.#closed && !this.dark) this.#sink.data(piece);
      });
    }
  }
}
