/**
 * Where answers and log lines leave the process. A reader that went away (EPIPE) is no fault of ours and ends
 * nothing; a reader that does not read must not stop the data path.
 */
import { write, writeSync } from "node:fs";

/**
 * Writes all of `text` before it returns, so that nothing is lost at exit; for answers of a command. False when it
 * could not be written (a full disk); a reader that has read enough is no failure.
 */
export function writeAnswer(text: string, fd = 1): boolean {
  const bytes = Buffer.from(text);
  let start = 0;
  while (start < bytes.length) {
    try {
      start += writeSync(fd, bytes, start, bytes.length - start);
    } catch (error) {
      if (codeOf(error) !== "EAGAIN") return codeOf(error) === "EPIPE";
      Bun.sleepSync(5);
    }
  }
  return true;
}

const QUEUE_BYTES_MAX = 1024 * 1024;
/** A terminal or pipe in non-blocking mode that is full is asked again after this. */
const AGAIN_MS = 10;

/**
 * Log lines to a file descriptor, in order, one write at a time, never waited for. When the reader is a megabyte
 * behind, lines are dropped and their number is told as soon as there is room again.
 */
export class LogSink {
  readonly #fd: number;
  #queue: string[] = [];
  #queuedBytes = 0;
  #dropped = 0;
  #writing = false;
  #idle: (() => void)[] = [];

  constructor(fd = 2) {
    this.#fd = fd;
  }

  /** Takes one whole line, the line feed included. */
  write(line: string): void {
    if (this.#queuedBytes + line.length > QUEUE_BYTES_MAX) {
      this.#dropped++;
      return;
    }
    this.#queue.push(line);
    this.#queuedBytes += line.length;
    if (!this.#writing) this.#next();
  }

  /** Resolves when everything that was taken is written, or after `ms`: a stuck reader must not hold the exit. */
  flush(ms = 1000): Promise<void> {
    if (!this.#writing) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#idle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #next(): void {
    if (this.#dropped > 0 && this.#queue.length === 0) {
      this.#queue.push(`${this.#dropped} log lines were dropped: nobody read them fast enough\n`);
      this.#dropped = 0;
    }
    if (this.#queue.length === 0) {
      this.#writing = false;
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#writing = true;
    const bytes = Buffer.from(this.#queue.join(""));
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#put(bytes, 0);
  }

  #put(bytes: Buffer, start: number): void {
    write(this.#fd, bytes, start, bytes.length - start, null, (error, written) => {
      if (error !== null && codeOf(error) === "EAGAIN") setTimeout(() => this.#put(bytes, start), AGAIN_MS);
      else if (error === null && start + written < bytes.length) this.#put(bytes, start + written);
      else this.#next(); // written, or the reader is gone: the lines are lost, the gateway goes on
    });
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}
