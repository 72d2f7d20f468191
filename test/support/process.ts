/**
 * A foreground child process that cannot outlive whoever started it, however that one ends (kill -9 included).
 *
 * Between the test and the server stands a four-line shell. It waits for a word on its standard input, which only
 * the test holds open: a signal's name is passed on to the server; the end of input (the test is gone) kills the
 * whole process group and removes the temporary folder. When the server ends first nobody listens any more, so that
 * the closing of that input is not taken for the test's end: the folder may be wanted. No pid files, no list of
 * processes to search by name.
 *
 * Everything the child says goes to a file, so that a chatty server never blocks and its words can be shown when it
 * fails.
 */
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** `$1` is the folder to remove; the command follows. The child is in the group whose leader is this shell. */
const WARDEN = `
dir=$1; shift; exec 3<&0
"$@" 3<&- </dev/null & child=$!
( trap '' TERM INT HUP; while read -r word; do kill -"$word" "$child" 2>/dev/null; done
  kill -KILL "$child" 2>/dev/null; rm -rf -- "$dir"; kill -KILL 0 ) <&3 >/dev/null 2>&1 & reader=$!
wait "$child"; status=$?; kill -KILL "$reader"; exit "$status"
`;

export type Signal = "TERM" | "INT" | "HUP" | "STOP" | "CONT" | "KILL";

export interface ChildOptions {
  /** Program and arguments. */
  command: readonly string[];
  /** Added to this process's environment; an empty text removes the variable. */
  env?: Record<string, string>;
  /** A folder of the child's own (see temporaryFolder); removed when it has ended. Its output goes to `child.log` in it. */
  folder: string;
  /** The folder stays when the child has ended, for the next one in it; whoever made it removes it. Default false. */
  keepFolder?: boolean;
}

export interface Child {
  /** Of the child's process group. */
  readonly pid: number;
  /** The process itself: what to look up in /proc. -1 when it has ended already. */
  childPid(): number;
  readonly ended: boolean;
  /** Resolves to the exit status (128 + n after signal n). */
  readonly exited: Promise<number>;
  signal(name: Signal): void;
  /** Everything said so far, standard output and error together; also after the folder is gone. */
  log(): string;
  /** The same from this byte on, while it runs: for those who follow a long log. */
  logFrom(byte: number): string;
  /** SIGTERM, and SIGKILL to all of the group when that did not help in `graceMs`; then the folder is removed. */
  stop(graceMs?: number): Promise<void>;
  /** SIGKILL to all of the group, now. */
  kill(): Promise<void>;
}

/** Makes an empty folder below the system's place for such things. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `rayo-${name}-`));
  folders.add(folder);
  return folder;
}

const running = new Set<ChildProcess>();
/** Folders to remove on the way out of this process. */
const folders = new Set<string>();

/** Removes a folder of temporaryFolder(). */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
}

export function startChild(options: ChildOptions): Child {
  return new ChildProcess(options);
}

class ChildProcess implements Child {
  readonly pid: number;
  readonly exited: Promise<number>;
  readonly #warden: Bun.Subprocess<"pipe", number, number>;
  readonly #folder: string;
  readonly #keepFolder: boolean;
  readonly #logFile: string;
  #lastWords: string | null = null;
  #status: number | null = null;

  constructor(options: ChildOptions) {
    const { command, folder } = options;
    this.#folder = folder;
    this.#keepFolder = options.keepFolder ?? false;
    this.#logFile = join(folder, "child.log");
    const env: Record<string, string | undefined> = { ...process.env };
    for (const [name, value] of Object.entries(options.env ?? {})) {
      if (value === "") delete env[name];
      else env[name] = value;
    }
    // A log of its own, also where an earlier child left one.
    rmSync(this.#logFile, { force: true });
    const output = openSync(this.#logFile, "a", 0o600);
    try {
      this.#warden = Bun.spawn(["/bin/sh", "-c", WARDEN, "warden", folder, ...command], {
        stdin: "pipe",
        stdout: output,
        stderr: output,
        env,
        cwd: folder,
        // A group of its own: Ctrl-C at the terminal reaches the test alone, which then ends its children in order.
        detached: true,
      });
    } finally {
      closeSync(output);
    }
    this.pid = this.#warden.pid;
    // One child is no reason for the test process to stay.
    this.#warden.unref();
    running.add(this);
    this.exited = this.#warden.exited.then((status) => {
      this.#status = status;
      this.#sweep();
      return status;
    });
  }

  get ended(): boolean {
    return this.#status !== null;
  }

  childPid(): number {
    if (this.ended) return -1;
    try {
      // The shell's children in order of birth: the server first, then the one that reads our words.
      const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, "utf8").trim().split(" ");
      return Number(children[0] || -1);
    } catch {
      return -1;
    }
  }

  signal(name: Signal): void {
    if (this.ended) return;
    this.#warden.stdin.write(`${name}\n`);
    this.#warden.stdin.flush();
  }

  log(): string {
    if (this.#lastWords !== null) return this.#lastWords;
    try {
      return readFileSync(this.#logFile, "utf8");
    } catch {
      return "";
    }
  }

  logFrom(byte: number): string {
    if (this.#lastWords !== null) return Buffer.from(this.#lastWords).subarray(byte).toString();
    const file = openSync(this.#logFile, "r");
    try {
      const rest = Buffer.alloc(Math.max(0, fstatSync(file).size - byte));
      return rest.subarray(0, readSync(file, rest, 0, rest.length, byte)).toString();
    } finally {
      closeSync(file);
    }
  }

  async stop(graceMs = 5000): Promise<void> {
    if (!this.ended) {
      // A stopped process does not notice SIGTERM before it goes on.
      this.signal("CONT");
      this.signal("TERM");
      let timer: Timer | undefined;
      const patience = new Promise<void>((resolve) => timer = setTimeout(resolve, graceMs));
      await Promise.race([this.exited, patience]);
      clearTimeout(timer);
    }
    await this.kill();
  }

  async kill(): Promise<void> {
    const server = this.childPid();
    this.killNow();
    await this.exited;
    // The shell may be gone first; until the server is, its ports are taken.
    if (server > 0) await eventually(() => !isAlive(server), 5000);
  }

  /** For the way out of this process, where nothing can be awaited. */
  killNow(): void {
    if (!this.ended) {
      try {
        process.kill(-this.pid, "SIGKILL");
      } catch {
        // It has just ended.
      }
    }
    this.#sweep();
  }

  #sweep(): void {
    this.#lastWords ??= this.log();
    running.delete(this);
    try {
      // The shell's reader is still there when the server ended by itself.
      process.kill(-this.pid, "SIGKILL");
    } catch {
      // Nobody is left in the group.
    }
    if (!this.#keepFolder) removeFolder(this.#folder);
  }
}

process.on("exit", () => {
  for (const child of running) child.killNow();
  for (const folder of folders) removeFolder(folder);
});

/**
 * Whether a process runs; one that has ended and was not waited for does not. All its threads are looked at: the first
 * may be gone while another still holds the sockets open.
 */
export function isAlive(pid: number): boolean {
  return threadsOf(pid).some((thread) => {
    try {
      return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8"));
    } catch {
      return false;
    }
  });
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Asks again and again until `probe` answers true; false when `limitMs` went by or `given up` says so. */
export async function eventually(
  probe: () => boolean | Promise<boolean>,
  limitMs: number,
  givenUp: () => boolean = () => false,
): Promise<boolean> {
  const end = performance.now() + limitMs;
  for (let pause = 5;; pause = Math.min(pause * 1.5, 100)) {
    if (await probe()) return true;
    if (givenUp() || performance.now() >= end) return false;
    await Bun.sleep(pause);
  }
}
