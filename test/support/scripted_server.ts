/**
 * A component port that does what a test says, good or bad, on a wire in memory or on loopback TCP.
 *
 * It reads with regular expressions on purpose: nothing of the gateway's own reading stands behind its answers.
 * XEP-0114; the words of its errors are Prosody's.
 */
import { createHash } from "node:crypto";
import type { Wire, WireSink } from "../../src/link/link.ts";

export type Mode =
  | "good"
  /** Accepts TCP and says nothing. */
  | "silent"
  /** Opens its stream and never answers the handshake. */
  | "no-answer"
  | "conflict"
  | "host-unknown"
  | "wrong-namespace"
  | "no-id"
  /** Closes TCP as soon as it is opened, or once it has seen the handshake. */
  | "close-at-once"
  | "close-at-handshake"
  /** Something else listens on that port. */
  | "http";

export class ScriptedConnection {
  readonly wire: Wire;
  readonly id: string;
  /** Everything the gateway has sent after its handshake. */
  stanzas = "";
  /** Everything before. */
  opening = "";
  /** Chunks that held stanzas. */
  chunks = 0;
  headerSeen = false;
  /** In `stanzas`: pings before it have been brought back. */
  reflectedTo = 0;
  up = false;
  /** The gateway has closed its stream. */
  streamClosed = false;
  wireClosed = false;

  constructor(wire: Wire, id: string) {
    this.wire = wire;
    this.id = id;
  }

  say(text: string): void {
    const bytes = Buffer.from(text);
    const taken = this.wire.write(bytes, 0, bytes.length);
    if (taken >= 0 && taken < bytes.length) throw new Error("the scripted server is blocked");
  }

  streamError(condition: string, text = ""): void {
    const words = text === "" ? "" : `<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>${text}</text>`;
    this.say(
      `<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>${words}</stream:error></stream:stream>`,
    );
    this.wire.end();
  }
}

export class ScriptedServer {
  mode: Mode = "good";
  /** Brings IQs that a domain sends to itself back, as real servers do. */
  reflects = true;
  /** Answers `</stream:stream>` and closes. */
  closesInTurn = true;
  readonly secret: string;
  readonly connections: ScriptedConnection[] = [];
  /** Called for what each connection receives once it is up. */
  onStanzas: (text: string, connection: ScriptedConnection) => void = () => {};

  constructor(secret: string) {
    this.secret = secret;
  }

  get last(): ScriptedConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error("nobody has connected");
    return last;
  }

  /** For MemoryNetwork.listen() and listenTcp(). */
  readonly accept = (wire: Wire): WireSink => {
    const connection = new ScriptedConnection(wire, `id-${this.connections.length}&`);
    this.connections.push(connection);
    if (this.mode === "close-at-once") queueMicrotask(() => wire.end());
    return {
      opened() {},
      data: (chunk) => this.#data(connection, chunk.toString()),
      drained() {},
      closed: () => connection.wireClosed = true,
    };
  };

  #data(connection: ScriptedConnection, text: string): void {
    if (this.mode === "silent" || this.mode === "close-at-once") return;
    if (connection.up) return this.#stanzas(connection, text);
    connection.opening += text;
    if (!connection.headerSeen && /<stream:stream[^>]*>/.test(connection.opening)) {
      connection.headerSeen = true;
      this.#header(connection);
    }
    const handshake = /<handshake>(.*?)<\/handshake>/.exec(connection.opening);
    if (handshake !== null) this.#handshake(connection, handshake[1]!);
    if (connection.opening.includes("</stream:stream>")) this.#close(connection);
  }

  #header(connection: ScriptedConnection): void {
    const to = /<stream:stream[^>]* to=['"]([^'"]*)['"]/.exec(connection.opening)?.[1] ?? "";
    const content = this.mode === "wrong-namespace" ? "jabber:client" : "jabber:component:accept";
    // Prosody's headers before a host-unknown have no id either.
    const bare = this.mode === "no-id" || this.mode === "host-unknown";
    const id = bare ? "" : ` id='${connection.id.replace("&", "&amp;")}'`;
    if (this.mode === "http") {
      connection.say("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
      return connection.wire.end();
    }
    connection.say(
      `<?xml version='1.0'?><stream:stream xmlns='${content}' xmlns:stream='http://etherx.jabber.org/streams' from='${to}'${id}>`,
    );
    if (this.mode === "conflict" || this.mode === "host-unknown") {
      connection.streamError(this.mode, this.mode === "conflict" ? "Component already connected" : "");
    }
  }

  #handshake(connection: ScriptedConnection, digest: string): void {
    if (this.mode === "no-answer") return;
    if (this.mode === "close-at-handshake") return connection.wire.end();
    const right = createHash("sha1").update(connection.id + this.secret).digest("hex");
    if (digest !== right) {
      return connection.streamError("not-authorized", "Given token does not match calculated token");
    }
    connection.up = true;
    connection.say("<handshake/>");
  }

  #stanzas(connection: ScriptedConnection, text: string): void {
    connection.stanzas += text;
    connection.chunks++;
    if (this.reflects) {
      // Also those that came in pieces: each once it is whole.
      const fresh = connection.stanzas.slice(connection.reflectedTo);
      for (const match of fresh.matchAll(/<iq [^>]*id='gw-link-.*?<\/iq>/g)) {
        connection.say(match[0]);
        connection.reflectedTo = connection.stanzas.length - fresh.length + match.index + match[0].length;
      }
    }
    this.onStanzas(text, connection);
    if (connection.stanzas.endsWith("</stream:stream>")) this.#close(connection);
  }

  #close(connection: ScriptedConnection): void {
    connection.streamClosed = true;
    if (!this.closesInTurn) return;
    connection.wire.write(Buffer.from("</stream:stream>"), 0, 16);
    connection.wire.end();
  }
}

/** Listens on a free loopback port. */
export function listenTcp(accept: (wire: Wire) => WireSink): { port: number; stop(): void } {
  const listener = Bun.listen<{ sink: WireSink }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = {
          sink: accept({
            write: (buf, start, end) => socket.write(buf, start, end - start),
            end: () => void socket.shutdown(),
            destroy: () => void socket.terminate(),
          }),
        };
      },
      data: (socket, chunk) => socket.data.sink.data(chunk),
      drain: (socket) => socket.data.sink.drained(),
      close: (socket) => socket.data.sink.closed("closed"),
      error: (_socket, error) => {
        throw error;
      },
    },
  });
  return { port: listener.port, stop: () => listener.stop(true) };
}
