/**
 * One component stream (XEP-0114) of the load generator, from either end: as the XMPP server that a gateway, a
 * forwarder or a relay connects to, or as a component of a real server.
 *
 * Writes are gathered and leave with one system call; what the kernel does not take waits for `drain`.
 */
import { createHash } from "node:crypto";
import type { TCPSocketListener } from "bun";
import { EXTERNAL, INTERNAL, SECRET } from "./plan.ts";

const FIRST_BYTES = 1 << 20;

/** What a line needs of a socket; all of it that a test has to stand in for. */
export interface Outgoing {
  /** Bytes taken: fewer while the kernel is full, negative once closed. */
  write(buf: Buffer, start: number, length: number): number;
}

/** An open stream: what comes in goes to `receive`, what goes out is written into `out` from `end`. */
export class Line {
  out: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  end = 0;
  receive: (chunk: Buffer) => void = () => {};
  lost: (why: string) => void = () => {};
  readonly #socket: Outgoing;
  #blocked = false;

  constructor(socket: Outgoing) {
    this.#socket = socket;
  }

  /** Room for `bytes` more in `out`. */
  reserve(bytes: number): void {
    if (this.end + bytes <= this.out.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.out.length * 2, this.end + bytes));
    this.out.copy(larger, 0, 0, this.end);
    this.out = larger;
  }

  text(text: string): void {
    this.reserve(text.length);
    this.end += this.out.write(text, this.end, "latin1");
  }

  flush(): void {
    if (this.#blocked || this.end === 0) return;
    const taken = this.#socket.write(this.out, 0, this.end);
    if (taken < 0) return;
    if (taken < this.end) {
      this.#blocked = true;
      this.out.copy(this.out, 0, taken, this.end);
    }
    this.end -= taken;
  }

  drained(): void {
    this.#blocked = false;
    this.flush();
  }
}

/** What the socket knows: text until the stream is open, then its line. */
interface Talk {
  head: string;
  domain: string;
  line: Line | null;
}

const HEADER =
  "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'";

/** Plays the server. `opened` is called once for each domain whose component has shaken hands. */
export function listen(opened: (domain: string, line: Line) => void): TCPSocketListener<Talk> {
  const streamId = "bench1";
  return Bun.listen<Talk>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = { head: "", domain: "", line: null };
        socket.setNoDelay(true);
      },
      data(socket, chunk) {
        const talk = socket.data;
        if (talk.line !== null) {
          talk.line.receive(chunk);
          return;
        }
        talk.head += chunk.toString("latin1");
        if (talk.domain === "") {
          const header = /<stream:stream[^>]*\sto=['"]([^'"]+)['"][^>]*>/.exec(talk.head);
          if (header === null) return;
          talk.domain = header[1]!;
          talk.head = talk.head.slice(header.index + header[0].length);
          socket.write(`<?xml version='1.0'?>${HEADER} id='${streamId}' from='${talk.domain}'>`);
        }
        const handshake = /<handshake[^>]*>\s*([0-9a-f]*)\s*<\/handshake>/.exec(talk.head);
        if (handshake === null) return;
        const known = talk.domain === EXTERNAL || talk.domain === INTERNAL;
        if (!known || handshake[1] !== createHash("sha1").update(streamId + SECRET).digest("hex")) {
          socket.end(
            "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
          );
          return;
        }
        const line = new Line(socket);
        talk.line = line;
        socket.write("<handshake/>");
        opened(talk.domain, line);
        const rest = talk.head.slice(handshake.index + handshake[0].length);
        if (rest !== "") line.receive(Buffer.from(rest, "latin1"));
      },
      drain(socket) {
        socket.data.line?.drained();
      },
      close(socket) {
        socket.data.line?.lost(`the component of ${socket.data.domain} closed its stream`);
      },
      error(socket, error) {
        socket.data.line?.lost(error.message);
      },
    },
  });
}

/** Plays a component of a real server. */
export function connect(port: number, domain: string, secret: string): Promise<Line> {
  return new Promise((resolve, reject) => {
    Bun.connect<Talk>({
      hostname: "127.0.0.1",
      port,
      socket: {
        open(socket) {
          socket.data = { head: "", domain: "", line: null };
          socket.setNoDelay(true);
          socket.write(`<?xml version='1.0'?>${HEADER} to='${domain}'>`);
        },
        data(socket, chunk) {
          const talk = socket.data;
          if (talk.line !== null) {
            talk.line.receive(chunk);
            return;
          }
          talk.head += chunk.toString("latin1");
          if (talk.domain === "") {
            const header = /<stream:stream[^>]*\sid=['"]([^'"]+)['"][^>]*>/.exec(talk.head);
            if (header === null) return;
            talk.domain = domain;
            talk.head = talk.head.slice(header.index + header[0].length);
            const digest = createHash("sha1").update(header[1]! + secret).digest("hex");
            socket.write(`<handshake>${digest}</handshake>`);
          }
          if (/<stream:error/.test(talk.head)) {
            reject(new Error(`the server refused ${domain}: ${talk.head}`));
            return;
          }
          const done = /<handshake\s*(\/>|>\s*<\/handshake>)/.exec(talk.head);
          if (done === null) return;
          talk.line = new Line(socket);
          resolve(talk.line);
        },
        drain(socket) {
          socket.data.line?.drained();
        },
        close(socket) {
          const why = `the server closed the stream of ${domain}`;
          socket.data.line?.lost(why);
          reject(new Error(why));
        },
        error(socket, error) {
          socket.data.line?.lost(error.message);
          reject(error);
        },
      },
    }).catch(reject);
  });
}
