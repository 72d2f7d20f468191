/**
 * The price of understanding a stanza, without sockets: Rayo Gateway's framer with all its checks and its rewriting
 * of `to`, `from` and `id`, against `@xmpp/xml` that parses into a tree, changes the same and serialises.
 *
 * Both get the same stanzas in 64 KiB chunks, cut where it happens, and must make the same of them.
 */
import * as limits from "../../src/base/limits.ts";
import { Rewrite } from "../../src/routing/rewrite.ts";
import { Framer, type FramerSink } from "../../src/xmpp/framer.ts";
import type { Stanza } from "../../src/xmpp/stanza.ts";
import { exchangeTexts } from "./exchange.ts";
import { CLIENT, type Numbers, type XmlPlan } from "./plan.ts";

const CHUNK_BYTES = 64 * 1024;
const CALLS = 500;
const WARM_SHARE = 0.4;
const SLICES = 10;
const HEADER =
  "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='bench'>";
const NEW_FROM = "gateway.test/rewritten";
const NEW_ID = "0123456789";
const TO = Buffer.from(CLIENT), FROM = Buffer.from(NEW_FROM), ID = Buffer.from(NEW_ID);

const stanzas = Array.from({ length: CALLS }, (_, call) => exchangeTexts(call, 1)).flat();
const corpus = Buffer.from(stanzas.join(""));

function chunks(): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < corpus.length; at += CHUNK_BYTES) parts.push(corpus.subarray(at, at + CHUNK_BYTES));
  return parts;
}

/** One of the two ways: eats chunks, counts stanzas. */
interface Way {
  push(chunk: Buffer): void;
  count: number;
  /** What it made of the stanzas since the last call, with one kind of quote. */
  output(): string;
}

class ByBytes implements Way, FramerSink {
  count = 0;
  readonly #out = Buffer.alloc(4 * CHUNK_BYTES);
  #end = 0;
  readonly #rewrite = new Rewrite();
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

  stanza(it: Stanza): void {
    const rewrite = this.#rewrite;
    rewrite.begin(it);
    if (it.toStart >= 0) rewrite.bytes(it.toStart, it.toEnd, TO, 0, TO.length);
    if (it.fromStart >= 0) rewrite.bytes(it.fromStart, it.fromEnd, FROM, 0, FROM.length);
    if (it.idStart >= 0) rewrite.bytes(it.idStart, it.idEnd, ID, 0, ID.length);
    this.#end = rewrite.writeTo(this.#out, this.#end);
    this.count++;
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

/** What one way has cost so far. */
class Cost {
  #microseconds = 0;
  #count = 0;
  readonly #way: Way;
  readonly #parts = chunks();

  constructor(way: Way) {
    this.#way = way;
  }

  /** CPU of all threads of this process: compiler and garbage collector belong to the way that makes them work. */
  run(seconds: number): void {
    const way = this.#way;
    const count = way.count, cpu = process.cpuUsage(), until = performance.now() + seconds * 1000;
    do {
      for (const part of this.#parts) way.push(part);
    } while (performance.now() < until);
    const used = process.cpuUsage(cpu);
    this.#microseconds += used.user + used.system;
    this.#count += way.count - count;
  }
  forget(): void {
    this.#microseconds = this.#count = 0;
  }
  get nanoseconds(): number {
    return this.#microseconds * 1000 / this.#count;
  }
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
  const gateway = new Cost(bytes), peer = new Cost(tree);
  for (const way of [gateway, peer]) {
    way.run(plan.seconds * WARM_SHARE);
    way.forget();
  }
  // In turns, so that both meet the same machine.
  for (let slice = 0; slice < SLICES; slice++) {
    for (const way of [gateway, peer]) way.run(plan.seconds / SLICES);
  }
  return {
    nanoseconds: gateway.nanoseconds,
    peerNanoseconds: peer.nanoseconds,
    stanzaBytes: corpus.length / stanzas.length,
  };
}
