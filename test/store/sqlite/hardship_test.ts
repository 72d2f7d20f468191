/** What an SQLite store keeps when its process is killed or its disk is full (DC39, DC40): real processes, real limits. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { SqliteStore } from "../../../src/store/sqlite/store.ts";
import { temporaryFolder } from "../../support/process.ts";
import { faultOf } from "../fault_of.ts";
import { callRow } from "../rows.ts";

const CHILD = join(import.meta.dir, "child.ts");
const DEADLINE_MS = 30_000;

let folder: string;
let path: string;
let child: ReturnType<typeof start> | undefined;

beforeEach(() => {
  folder = temporaryFolder("store");
  path = join(folder, "gateway.db");
});
afterEach(async () => {
  child?.process.kill("SIGKILL");
  await child?.process.exited;
  child = undefined;
  rmSync(folder, { recursive: true });
});

function start(...command: string[]) {
  const process = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  return { process, lines: lines(process.stdout) };
}

async function* lines(from: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of from) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
  return undefined;
}

/** The next line that begins so. */
async function line(from: AsyncGenerator<string, undefined>, beginning: string): Promise<string> {
  for (;;) {
    const { value, done } = await from.next();
    if (done) throw new Error(`the child ended before it said "${beginning}"`);
    if (value.startsWith(beginning)) return value;
  }
}

test(
  "killed in the middle of writing: it opens at once, with all that was acknowledged and no half batch",
  async () => {
    for (const stopAt of [1, 20, 300]) {
      child = start(process.execPath, CHILD, "steady", path);
      const opened = await line(child.lines, "open");
      await line(child.lines, `acknowledged ${stopAt}`);
      // While it lives the file is its own, also for another process.
      const refused = await faultOf(new SqliteStore(path).open());
      expect(refused.message).toContain("is in use by another gateway");
      expect(refused.retry).toBe(false);

      child.process.kill("SIGKILL");
      let acknowledged = stopAt;
      for await (const said of child.lines) acknowledged = Number(said.split(" ")[1]);
      await child.process.exited;

      const store = new SqliteStore(path);
      const { calls } = await store.open();
      await store.close();
      expect(acknowledged).toBeGreaterThanOrEqual(stopAt);
      expect(calls.length).toBeGreaterThanOrEqual(2 * acknowledged);
      expect(calls.length % 2).toBe(0);
      expect(opened).toMatch(/^open \d+$/);
      calls.forEach((row, at) => expect(row).toEqual(callRow(at + 2, { id: `${(at + 2) >> 1}` })));
    }
  },
  DEADLINE_MS,
);

test("a full disk: writes fail and say so, nothing is lost, and later writes work again", async () => {
  // The kernel's own limit on a file's size; its signal is ignored, so that write() fails as it does on a full disk.
  const limited = "trap '' XFSZ; ulimit -S -f 1024; exec \"$@\"";
  child = start("bash", "-c", limited, "bash", process.execPath, CHILD, "full", path);
  await line(child.lines, "open 0");
  const [, written, retry, ...message] = (await line(child.lines, "full")).split(" ");
  expect(Number(written)).toBeGreaterThan(5);
  expect(retry).toBe("true");
  expect(message.join(" ")).toMatch(/^"[^"]+gateway\.db" cannot be /);
  expect(await line(child.lines, "still")).toContain("cannot be ");

  const lifted = Bun.spawnSync(["prlimit", "--pid", String(child.process.pid), "--fsize=unlimited"]);
  expect(lifted.exitCode).toBe(0);
  child.process.stdin.write("go on\n");
  child.process.stdin.flush();
  await line(child.lines, "written");
  await line(child.lines, "closed");

  const store = new SqliteStore(path);
  const { settings } = await store.open();
  await store.close();
  const expected = Array.from({ length: Number(written) + 1 }, (_, n) => [`a${n}`, `b${n}`]).flat();
  expect(Object.keys(settings)).toEqual(expected);
}, DEADLINE_MS);
