/**
 * Log lines a person can read at three in the morning, or JSON for a machine; always to a sink that is given.
 *
 * Never holds a secret: callers pass JIDs, keys and reasons, not passwords, tokens or message bodies.
 */

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFormat = "text" | "json";

/** Values beside the sentence; shown as `name=value`. */
export type LogFields = Record<string, string | number | boolean>;

const RANK: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export class Log {
  level: LogLevel;
  format: LogFormat;
  readonly #write: (line: string) => void;
  readonly #wall: () => number;

  /** `write` gets whole lines, the line feed included. */
  constructor(
    write: (line: string) => void,
    wall: () => number,
    level: LogLevel = "info",
    format: LogFormat = "text",
  ) {
    this.#write = write;
    this.#wall = wall;
    this.level = level;
    this.format = format;
  }

  /** Ask before building an expensive debug line. */
  enabled(level: LogLevel): boolean {
    return RANK[level] >= RANK[this.level];
  }

  debug(text: string, fields?: LogFields): void {
    this.#line("debug", text, fields);
  }
  info(text: string, fields?: LogFields): void {
    this.#line("info", text, fields);
  }
  warn(text: string, fields?: LogFields): void {
    this.#line("warn", text, fields);
  }
  error(text: string, fields?: LogFields): void {
    this.#line("error", text, fields);
  }

  #line(level: LogLevel, text: string, fields?: LogFields): void {
    if (!this.enabled(level)) return;
    const time = new Date(this.#wall()).toISOString();
    if (this.format === "json") {
      this.#write(JSON.stringify({ time, level, text, ...fields }) + "\n");
      return;
    }
    let line = `${time} ${level.padEnd(5)} ${printable(text)}`;
    if (fields !== undefined) {
      for (const name in fields) {
        const value = String(fields[name]);
        line += ` ${name}=${/^[^\s"=]+$/.test(value) ? printable(value) : JSON.stringify(value)}`;
      }
    }
    this.#write(line + "\n");
  }
}

// deno-lint-ignore no-control-regex -- control characters are what this is about
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** A peer's bytes may be in a line: control characters must not forge another one or colour a terminal. */
function printable(text: string): string {
  return text.replace(UNPRINTABLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
