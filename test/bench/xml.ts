/**
 * The price of understanding a stanza, without sockets: Rayo Gateway's framer with its checks and a rewrite of `to`,
 * `from` and `id`, against `@xmpp/xml` that parses into a tree, changes the same and serialises.
 *
 * Both get the same stanzas in 64 KiB chunks, cut where it happens, and must make the same of them.
 */
import * as limits from "../../src/base/limits.ts";
import { Framer, type FramerSink } from "../../src/xmpp/framer.ts";
import type { Stanza } from "../../src/xmpp/stanza.ts";
import { exchangeTexts } from "./exchange.ts";
import { CLIENT, type Numbers, type XmlPlan } from "./plan.ts";

const CHUNK_BYTES = 64 * 1024;
const CALLS = 500;
const HEADER =
  "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='bench'>";
const NEW_FROM = "gateway.test/rewritten";
const NEW_ID = "0123456789";

const stanzas = Array.from({ length: CALLS }, (_, call) => exchangeTexts(call, 1)).flat();
const corpus = Buffer.from(stanzas.join(""));

function chunks(): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < corpus.length; at += CHUNK_BYTES) parts.push(corpus.subarray(at, at + CHUNK_BYTES));
  return parts;
}

/** One of the two ways: eats chunks, counts stanzas and bytes it would have sent. */
interface Way {
  push(chunk: Buffer): void;
  count: number;
  bytes: number;
  /** What it made of the stanzas since the last call, with one kind of quote. */
  output(): string;
}

class ByBytes implements Way, FramerSink {
  count = 0;
  bytes = 0;
  readonly #out = Buffer.alloc(4 * CHUNK_BYTES);
  #end = 0;
  readonly #to = Buffer.from(CLIENT);
  readonly #from = Buffer.from(NEW_FROM);
  readonly #id = Buffer.from(NEW_ID);
  readonly #framer = new Framer(this, {
    stanzaBytesMax: limits.STANZA_BYTES_MAX,
    stanzaBytesHardMax: limits.STANZA_BYTES_HARD_MAX,
    depthMax: limits.STANZA_DEPTH_MAX,
    attributesMax: limits.ATTRIBUTES_MAX,
    nameBytesMax: limits.NAME_BYTES_MAX,
  });

  constructor() {
    this.#framer.push(Buffer.from(HEADER));
  }
  push(chunk: Buffer): void {
    this.#end = 0;
    this.#framer.push(chunk);
  }
  output(): string {
    return this.#out.toString("utf8", 0, this.#end);
  }
  header(): void {}
  closed(): void {}
  skipped(_stanza: Stanza, why: string): void {
    throw new Error(why);
  }
  fault(fault: { text: string }): void {
    throw new Error(fault.text);
  }

  /** Copies the stanza, with three values replaced in the order in which they stand. */
  stanza(it: Stanza): void {
    const start = this.#end;
    let copied = it.start, end = start;
    let to = it.toStart, from = it.fromStart, id = it.idStart;
    const none = it.end;
    if (to < 0) to = none;
    if (from < 0) from = none;
    if (id < 0) id = none;
    for (;;) {
      const first = Math.min(to, from, id);
      if (first === none) break;
      end += it.buf.copy(this.#out, end, copied, first);
      if (first === to) {
        end += this.#to.copy(this.#out, end);
        copied = it.toEnd;
        to = none;
      } else if (first === from) {
        end += this.#from.copy(this.#out, end);
        copied = it.fromEnd;
        from = none;
      } else {
        end += this.#id.copy(this.#out, end);
        copied = it.idEnd;
        id = none;
      }
    }
    end += it.buf.copy(this.#out, end, copied, it.end);
    this.#end = end;
    this.count++;
    this.bytes += end - start;
  }
}

interface Tree {
  attrs: Record<string, string>;
  toString(): string;
}
interface TreeParser {
  on(event: "element", run: (tree: Tree) => void): void;
  on(event: "error", run: (error: Error) => void): void;
  write(text: string): void;
}

class ByTree implements Way {
  count = 0;
  bytes = 0;
  #texts: string[] = [];
  readonly #parser: TreeParser;

  constructor(parser: TreeParser) {
    this.#parser = parser;
    parser.on("error", (error) => {
      throw error;
    });
    parser.on("element", (tree) => {
      tree.attrs["to"] = CLIENT;
      tree.attrs["from"] = NEW_FROM;
      if (tree.attrs["id"] !== undefined) tree.attrs["id"] = NEW_ID;
      const text = tree.toString();
      this.count++;
      this.bytes += text.length;
      this.#texts.push(text);
    });
    parser.write(HEADER);
  }
  push(chunk: Buffer): void {
    this.#texts = [];
    this.#parser.write(chunk.toString("utf8"));
  }
  output(): string {
    return this.#texts.join("").replaceAll('"', "'");
  }
}

/** CPU nanoseconds a stanza, all threads of this process. */
function time(way: Way, seconds: number): number {
  const parts = chunks();
  const pass = (until: number) => {
    do {
      for (const part of parts) way.push(part);
    } while (performance.now() < until);
  };
  pass(performance.now() + seconds * 400);
  const count = way.count, cpu = process.cpuUsage();
  pass(performance.now() + seconds * 1000);
  const used = process.cpuUsage(cpu);
  return (used.user + used.system) * 1000 / (way.count - count);
}

export async function xml(plan: XmlPlan): Promise<Numbers> {
  // The package has no types of its own.
  const { Parser } = await import("@xmpp/xml" as string) as { Parser: new () => TreeParser };
  const bytes = new ByBytes(), tree = new ByTree(new Parser());
  let byBytes = "", byTree = "";
  for (const part of chunks()) {
    bytes.push(part);
    tree.push(part);
    byBytes += bytes.output();
    byTree += tree.output();
  }
  if (byBytes !== byTree) {
    throw new Error("the framer and @xmpp/xml make different stanzas of the same bytes");
  }
  if (bytes.count !== stanzas.length) throw new Error(`${bytes.count} stanzas of ${stanzas.length} came out`);
  const gateway = time(bytes, plan.seconds), peer = time(tree, plan.seconds);
  return { nanoseconds: gateway, peerNanoseconds: peer, stanzaBytes: corpus.length / stanzas.length };
}
