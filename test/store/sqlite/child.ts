/**
 * A process that writes to an SQLite store, for tests that kill it or take its disk away. Says one line per event.
 *
 *   child.ts steady FILE   batch after batch, each two calls that belong together; "acknowledged N" after each
 *   child.ts full FILE     until a write fails ("full N RETRY MESSAGE"), again ("still MESSAGE"), and once more after
 *                          a line on standard input ("written"); then closes and says "closed"
 */
import { SqliteStore } from "../../../src/store/sqlite/store.ts";
import { call, setting } from "../rows.ts";

const [mode = "", path = ""] = process.argv.slice(2);
const store = new SqliteStore(path);
const found = await store.open();
console.log(`open ${found.calls.length}`);

if (mode === "steady") {
  // Whoever started this holds our standard input: when it is gone, so are we.
  process.stdin.on("end", () => process.exit(1)).resume();
  for (let n = 1;; n++) {
    await store.write([call(2 * n, { id: `${n}` }), call(2 * n + 1, { id: `${n}` })]);
    console.log(`acknowledged ${n}`);
  }
}

const large = "x".repeat(10_000);
const put = (n: number) => store.write([setting(`a${n}`, large), setting(`b${n}`, large)]);
let n = 0;
for (;;) {
  const fault = await put(n).then(() => null, (error) => error);
  if (fault !== null) {
    console.log(`full ${n} ${fault.retry} ${fault.message}`);
    break;
  }
  n++;
}
console.log(`still ${await put(n).then(() => "written", (error) => error.message)}`);
for await (const _ of console) break;
await put(n);
console.log("written");
await store.close();
console.log("closed");
