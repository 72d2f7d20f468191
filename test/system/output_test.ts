/**
 * Log lines and answers on their way out: all of them in order, or a bounded number and a word about the rest.
 */
import { afterAll, expect, test } from "bun:test";
import { closeSync, constants, mkdtempSync, openSync, read, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { LogSink, writeAnswer } from "../../src/system/output.ts";

const folder = mkdtempSync(join(tmpdir(), "rayo-output-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("every line, in order, written when flush resolves", async () => {
  const file = join(folder, "log");
  const fd = openSync(file, "w");
  const sink = new LogSink(fd);
  const lines = Array.from({ length: 5000 }, (_, i) => `line ${i} é\n`);
  for (const [i, line] of lines.entries()) {
    sink.write(line);
    if (i % 1000 === 0) await sink.flush();
  }
  await sink.flush();
  closeSync(fd);
  expect(readFileSync(file, "utf8")).toBe(lines.join(""));
});

test("a reader that does not read costs bounded memory and is told what it missed", async () => {
  const fifo = join(folder, "fifo");
  expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
  const fd = openSync(fifo, constants.O_RDWR);
  const sink = new LogSink(fd);
  const line = "x".repeat(1023) + "\n";
  for (let i = 0; i < 3000; i++) sink.write(line); // the first write takes one line, a mebibyte waits
  let text = "";
  const buffer = Buffer.alloc(65536);
  while (!text.endsWith("fast enough\n")) {
    const { bytesRead } = await promisify(read)(fd, buffer, 0, buffer.length, null);
    text += buffer.toString("latin1", 0, bytesRead);
  }
  await sink.flush();
  closeSync(fd);
  expect(text).toBe(line.repeat(1 + 1024) + "1975 log lines were dropped: nobody read them fast enough\n");
});

test("a descriptor that cannot be written ends nothing", async () => {
  const fd = openSync(join(folder, "log"), "r");
  const sink = new LogSink(fd);
  sink.write("lost\n");
  await sink.flush();
  writeAnswer("lost\n", fd);
  closeSync(fd);
  expect(readFileSync(join(folder, "log"), "utf8")).not.toContain("lost");
});
