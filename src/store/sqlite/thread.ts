/**
 * The gateway's end of the database thread: requests out, answers back, in order.
 *
 * The executable is built with two entry points, `src/main.ts src/store/sqlite/worker.ts`; their common folder
 * `src` becomes the root of the files inside it. Bun rewrites no worker URL at build time, so the two places
 * are told apart here.
 */
import { StoreFault } from "../../cluster/store.ts";
import type { Reply, Request } from "./worker.ts";

const COMPILED = import.meta.url.startsWith("file:///$bunfs/");
const WORKER = COMPILED
  ? new URL("file:///$bunfs/root/store/sqlite/worker.js")
  : new URL("./worker.ts", import.meta.url);

interface Waiting {
  resolve: () => void;
  reject: (fault: StoreFault) => void;
  rows: (piece: string) => void;
}

export class Thread {
  readonly #worker: Worker;
  /** Asked and not yet answered, oldest first: the thread answers in order. */
  readonly #waiting: Waiting[] = [];
  #ended: StoreFault | undefined;

  constructor() {
    this.#worker = new Worker(WORKER, { smol: true });
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#take(data);
    this.#worker.onerror = ({ message }) => this.#end(`the database thread failed: ${message}`);
    this.#worker.addEventListener("close", () => this.#end("the database thread ended"));
  }

  /** Resolves when the thread has done it; rejects with its StoreFault. */
  ask(request: Request, rows: (piece: string) => void = () => {}): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject, rows });
      this.#worker.postMessage(request);
    });
  }

  /** To be called when nothing is asked any more. */
  terminate(): void {
    this.#end("the store is closed");
    this.#worker.terminate();
  }

  #take(reply: Reply): void {
    if ("rows" in reply) return this.#waiting[0]?.rows(reply.rows);
    const asked = this.#waiting.shift();
    if (asked === undefined) return;
    if ("fault" in reply) asked.reject(new StoreFault(reply.fault, reply.retry));
    else asked.resolve();
  }

  #end(why: string): void {
    this.#ended ??= new StoreFault(why, false);
    for (const asked of this.#waiting.splice(0)) asked.reject(this.#ended);
  }
}
