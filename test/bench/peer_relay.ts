/**
 * What the gateway is measured against: bytes from one component stream to the other as they come, looked at by
 * nobody. It shakes hands for both domains and then only copies: the least that anything between two links can do.
 *
 * Arguments: port, first domain, second domain, secret.
 */
import { createHash } from "node:crypto";
import type { Socket } from "bun";

const [port, firstDomain, secondDomain, secret] = process.argv.slice(2) as [string, string, string, string];

interface End {
  socket: Socket<End> | null;
  domain: string;
  other: End | null;
  open: boolean;
  head: string;
  /** What `other`'s kernel buffer did not take. */
  waiting: Buffer[];
}

function write(end: End, chunk: Buffer): void {
  if (end.waiting.length > 0) {
    end.waiting.push(chunk);
    return;
  }
  const taken = Math.max(0, end.socket!.write(chunk, 0, chunk.length));
  if (taken < chunk.length) end.waiting.push(chunk.subarray(taken));
}

function drained(end: End): void {
  while (end.waiting.length > 0) {
    const chunk = end.waiting[0]!;
    const taken = Math.max(0, end.socket!.write(chunk, 0, chunk.length));
    if (taken < chunk.length) {
      end.waiting[0] = chunk.subarray(taken);
      return;
    }
    end.waiting.shift();
  }
}

function shakeHands(end: End, chunk: Buffer): void {
  end.head += chunk.toString("latin1");
  const id = /<stream:stream[^>]*\sid=['"]([^'"]+)['"]/.exec(end.head)?.[1];
  if (end.head.endsWith("<handshake/>")) end.open = true;
  else if (id !== undefined) {
    end.socket!.write(`<handshake>${createHash("sha1").update(id + secret).digest("hex")}</handshake>`);
    end.head = "";
  }
}

async function connect(end: End): Promise<void> {
  await Bun.connect<End>({
    hostname: "127.0.0.1",
    port: Number(port),
    socket: {
      open(socket) {
        socket.data = end;
        end.socket = socket;
        socket.setNoDelay(true);
        socket.write(
          `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${end.domain}'>`,
        );
      },
      data(_socket, chunk) {
        if (end.open) write(end.other!, chunk);
        else shakeHands(end, chunk);
      },
      drain: () => drained(end),
      close: () => process.exit(0),
    },
  });
}

const first: End = { socket: null, domain: firstDomain, other: null, open: false, head: "", waiting: [] };
const second: End = { socket: null, domain: secondDomain, other: first, open: false, head: "", waiting: [] };
first.other = second;
await Promise.all([connect(first), connect(second)]);
