/**
 * Attaches a simulated peer to a real XMPP server, as an XEP-0114 component over TCP. It can be cut without a word
 * and can stop reading, as real ones do.
 */
import { createHash } from "node:crypto";
import type { Socket } from "bun";
import type { Peer } from "./peer.ts";
import { attr, child, type El, esc, firstChild, StreamReader } from "./xml.ts";

export interface ComponentOptions {
  host: string;
  port: number;
  domain: string;
  secret: string;
}

export interface ComponentAttachment {
  /** Resolves when the handshake is accepted; rejects with the stream error's condition. */
  readonly ready: Promise<void>;
  /** Why the stream ended. */
  readonly closed: Promise<string>;
  /** Cuts TCP at once, without `</stream:stream>`. */
  kill(): void;
  /** Ends the stream in order. */
  close(): void;
  pause(): void;
  resume(): void;
  /** Text that is not a stanza of the peer's: to be rude with. */
  write(text: string): void;
}

export function attachComponent(peer: Peer, options: ComponentOptions): ComponentAttachment {
  const { promise: ready, resolve: accept, reject: refuse } = Promise.withResolvers<void>();
  const { promise: closed, resolve: ended } = Promise.withResolvers<string>();
  ready.catch(() => {});
  let socket: Socket<undefined> | null = null;
  let rest = Buffer.alloc(0);
  let open = false;
  let why = "connection lost";

  const flush = () => {
    if (socket === null || rest.length === 0) return;
    const taken = socket.write(rest);
    if (taken > 0) rest = rest.subarray(taken);
  };
  const write = (text: string) => {
    rest = Buffer.concat([rest, Buffer.from(text)]);
    flush();
  };
  const stanza = (el: El) => {
    if (el.name === "error" && el.ns === "http://etherx.jabber.org/streams") {
      why = firstChild(el)?.name ?? "stream error";
      return;
    }
    if (open) return peer.receive(el);
    if (el.name !== "handshake") return;
    open = true;
    peer.send = write;
    accept();
    peer.up();
  };
  const reader = new StreamReader({
    open(root) {
      const token = createHash("sha1").update(attr(root, "id") + options.secret).digest("hex");
      write(`<handshake>${token}</handshake>`);
    },
    stanza,
    close: () => socket?.end(),
    fault(text) {
      why = `ill-formed: ${text}`;
      socket?.terminate();
    },
  });
  const end = () => {
    if (open) peer.down();
    open = false;
    refuse(new Error(why));
    ended(why);
  };
  Bun.connect({
    hostname: options.host,
    port: options.port,
    socket: {
      open(opened) {
        socket = opened;
        write(
          `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept'` +
            ` xmlns:stream='http://etherx.jabber.org/streams' to='${esc(options.domain)}'>`,
        );
      },
      data: (_, chunk) => reader.push(chunk),
      drain: flush,
      close: end,
      error() {},
    },
  }).catch((error) => {
    why = String(error);
    end();
  });
  return {
    ready,
    closed,
    write,
    kill() {
      why = "killed";
      socket?.terminate();
    },
    close() {
      why = "closed";
      write("</stream:stream>");
      socket?.end();
    },
    pause: () => socket?.pause(),
    resume: () => socket?.resume(),
  };
}

/** True for an error presence or IQ whose condition is one of those that servers bounce with. */
export function isBounce(stanza: El): boolean {
  const error = child(stanza, "error");
  return error !== undefined &&
    ["remote-server-not-found", "remote-server-timeout"].some((c) => child(error, c));
}
