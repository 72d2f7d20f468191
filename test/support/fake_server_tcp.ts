/**
 * A FakeServer's component port on loopback, for gateways that run as a process of their own.
 */
import type { Socket, TCPSocketListener } from "bun";
import { ComponentSession } from "./component_session.ts";
import type { FakeServer } from "./fake_server.ts";

interface Connection {
  session: ComponentSession;
  /** Bytes the kernel did not take yet. */
  rest: Buffer;
  closing: boolean;
}

export class ComponentPort {
  readonly #listener: TCPSocketListener<Connection>;
  readonly #sockets = new Set<Socket<Connection>>();

  constructor(server: FakeServer, port = 0) {
    this.#listener = Bun.listen<Connection>({
      hostname: "127.0.0.1",
      port,
      socket: {
        open: (socket) => {
          const connection: Connection = {
            rest: Buffer.alloc(0),
            closing: false,
            session: new ComponentSession(server, {
              write: (text) => {
                connection.rest = Buffer.concat([connection.rest, Buffer.from(text)]);
                flush(socket, connection);
              },
              close: () => {
                connection.closing = true;
                flush(socket, connection);
              },
            }),
          };
          socket.data = connection;
          this.#sockets.add(socket);
        },
        data: (socket, chunk) => socket.data.session.push(chunk),
        drain: (socket) => flush(socket, socket.data),
        close: (socket) => {
          this.#sockets.delete(socket);
          socket.data.session.lost();
        },
        error() {},
      },
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Open streams of a domain. */
  sessions(domain: string): ComponentSession[] {
    return [...this.#sockets].map((s) => s.data.session).filter((s) =>
      s.name === domain && s.state === "open"
    );
  }

  /** Cuts the TCP connections of a domain's streams, or all. */
  kill(domain?: string): void {
    for (const socket of [...this.#sockets]) {
      if (domain === undefined || socket.data.session.name === domain) socket.terminate();
    }
  }

  /** The server stops (or goes on) reading that domain's streams: the gateway's writes will block. */
  pause(domain: string, on: boolean): void {
    for (const socket of this.#sockets) {
      if (socket.data.session.name !== domain) continue;
      if (on) socket.pause();
      else socket.resume();
    }
  }

  stop(): void {
    this.#listener.stop(true);
    this.kill();
  }
}

function flush(socket: Socket<Connection>, connection: Connection): void {
  if (connection.rest.length > 0) {
    const taken = socket.write(connection.rest);
    if (taken > 0) connection.rest = connection.rest.subarray(taken);
  }
  if (connection.closing && connection.rest.length === 0) socket.end();
}
