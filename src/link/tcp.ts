/**
 * TCP as links know it (Wire, Connector), on Bun's sockets. Nothing here knows XMPP or keeps bytes.
 *
 * Bun does not cork: every write() is one system call, which is why links write once per batch.
 */
import type { Socket } from "bun";
import type { Connector, Wire, WireSink } from "./link.ts";

export const tcpConnector: Connector = {
  connect(host, port, sink) {
    const once = closeOnce(sink);
    Bun.connect<undefined>({
      hostname: host,
      port,
      data: undefined,
      socket: {
        open: (socket) => {
          // Stanzas are written in batches: waiting for more (Nagle) only adds latency.
          socket.setNoDelay(true);
          sink.opened(new TcpWire(socket));
        },
        data: (_socket, chunk) => sink.data(chunk),
        drain: () => sink.drained(),
        close: (_socket, error) => once(words(error)),
        error: (socket, error) => {
          once(words(error));
          socket.terminate();
        },
        connectError: (_socket, error) => once(words(error)),
      },
    }).catch((error) => once(words(error)));
  },
};

class TcpWire implements Wire {
  readonly #socket: Socket<undefined>;

  constructor(socket: Socket<undefined>) {
    this.#socket = socket;
  }

  write(buf: Buffer, start: number, end: number): number {
    // Always three arguments: with an offset alone Bun throws a RangeError.
    return this.#socket.write(buf, start, end - start);
  }

  end(): void {
    // Not end(): that closes both directions, and the peer's last words would be lost.
    this.#socket.shutdown();
  }

  destroy(): void {
    this.#socket.terminate();
  }
}

/** A refused connection is told by a callback and by the promise, a broken one by error and close. */
function closeOnce(sink: WireSink): (why: string) => void {
  let told = false;
  return (why) => {
    if (told) return;
    told = true;
    // Also a name that cannot even be looked up is told after connect() has returned.
    queueMicrotask(() => sink.closed(why));
  };
}

/** What the operating system's codes mean to an operator. */
const CODE_WORDS: Record<string, string> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by the server",
  ENOTFOUND: "the host name cannot be resolved",
  EAI_AGAIN: "the host name cannot be resolved at the moment",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  ETIMEDOUT: "the connection timed out",
  EPIPE: "the server closed the connection",
  EMFILE: "too many open files",
};

function words(error: unknown): string {
  if (error === undefined || error === null) return "the server closed the connection";
  const { code, message } = error as { code?: unknown; message?: unknown };
  return (typeof code === "string" ? CODE_WORDS[code] ?? code : undefined) ?? String(message ?? error);
}
