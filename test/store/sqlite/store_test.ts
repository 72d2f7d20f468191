/** The SQLite store: the contract, its file, its lock and its formats (DC39, DC40). */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { StoreFault } from "../../../src/cluster/store.ts";
import { APPLICATION_ID, migrate, MIGRATIONS } from "../../../src/store/sqlite/schema.ts";
import { SqliteStore } from "../../../src/store/sqlite/store.ts";
import { temporaryFolder } from "../../support/process.ts";
import { storeContract } from "../contract.ts";
import { faultOf } from "../fault_of.ts";
import {
  address,
  application,
  applicationRow,
  call,
  callRow,
  EMPTY,
  mixer,
  mixerRow,
  setting,
} from "../rows.ts";

storeContract("sqlite", () => {
  const folder = temporaryFolder("store");
  return Promise.resolve({
    store: () => new SqliteStore(join(folder, "gateway.db")),
    dispose: () => Promise.resolve(rmSync(folder, { recursive: true })),
  });
});

describe("the SQLite file", () => {
  let folder: string;
  let path: string;
  const opened: SqliteStore[] = [];

  beforeEach(() => {
    folder = temporaryFolder("store");
    path = join(folder, "gateway.db");
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    rmSync(folder, { recursive: true });
  });

  function storeAt(where = path): SqliteStore {
    const store = new SqliteStore(where);
    opened.push(store);
    return store;
  }

  const refusal = (where = path): Promise<StoreFault> => faultOf(storeAt(where).open());

  const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);

  test("is private, and so is what lies beside it; there is no -shm (DC40)", async () => {
    const store = storeAt();
    await store.open();
    await store.write([call(1)]);
    expect(mode(path)).toBe("600");
    expect(mode(`${path}-wal`)).toBe("600");
    expect(existsSync(`${path}-shm`)).toBe(false);
    await store.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  test("is made private if it was not", async () => {
    await storeAt().open();
    await opened[0]!.close();
    chmodSync(path, 0o644);
    await storeAt().open();
    expect(mode(path)).toBe("600");
  });

  test("lets one gateway in at a time, by any name, and the next one afterwards", async () => {
    const first = storeAt();
    await first.open();
    await first.write([call(1)]);
    symlinkSync(path, join(folder, "link.db"));
    for (const name of [path, join(folder, "link.db")]) {
      const fault = await refusal(name);
      expect(fault.message).toBe(`"${name}" is in use by another gateway (SQLITE_BUSY)`);
      expect(fault.retry).toBe(false);
    }
    await first.write([call(2)]); // unharmed by the attempts
    await first.close();
    expect((await storeAt().open()).calls.map((row) => row.slot)).toEqual([1, 2]);
  });

  test("of two that start together on nothing, one gets it", async () => {
    const results = await Promise.allSettled([storeAt().open(), storeAt().open()]);
    expect(results.map((result) => result.status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  test("may be reached through a symbolic link, and lies where it leads", async () => {
    mkdirSync(join(folder, "data"));
    const real = join(folder, "data", "real.db");
    writeFileSync(real, "");
    symlinkSync(real, path);
    const store = storeAt();
    await store.open();
    await store.write([call(1)]);
    await store.close();
    expect((await storeAt(real).open()).calls).toEqual([callRow(1)]);
    expect(mode(real)).toBe("600");
  });

  test.each([
    ["a directory", (at: string) => mkdirSync(at), "is a directory"],
    ["a link that leads nowhere", (at: string) => symlinkSync(`${at}-gone`, at), "leads nowhere"],
    ["a link in a circle", (at: string) => symlinkSync(at, at), "leads nowhere"],
    ["a named pipe", (at: string) => Bun.spawnSync(["mkfifo", at]), "is not a regular file"],
  ])("a path that is %s is refused", async (_, make, words) => {
    make(path);
    const fault = await refusal();
    expect(fault.message).toContain(words);
    expect(fault.message).toContain(path);
    expect(fault.retry).toBe(false);
  });

  test("a missing directory is told, not made", async () => {
    const fault = await refusal(join(folder, "no", "gateway.db"));
    expect(fault.message).toBe(`the directory "${join(folder, "no")}" of store.path does not exist`);
    expect(existsSync(join(folder, "no"))).toBe(false);
    writeFileSync(join(folder, "file"), "");
    expect((await refusal(join(folder, "file", "gateway.db"))).message).toContain("not a directory");
  });

  test.each([
    ["one byte", "x"],
    ["a short text", "hello\n"],
    ["a long text", "All the world's a stage\n".repeat(2000)],
    ["almost a header", "SQLite format 3\0" + "\0".repeat(84) + "junk".repeat(5000)],
  ])("a file of %s is refused and left as it is", async (_, content) => {
    writeFileSync(path, content);
    const fault = await refusal();
    expect(fault.message).toContain(path);
    expect(fault.message).toMatch(/is not an SQLite database|is damaged/);
    expect(fault.retry).toBe(false);
    expect(readFileSync(path, "latin1")).toBe(content);
  });

  test("an empty file is as good as none", async () => {
    writeFileSync(path, "");
    expect(await storeAt().open()).toEqual(EMPTY);
  });

  test("another program's database is refused and left as it is", async () => {
    const foreign = [
      ["CREATE TABLE recipes (name TEXT)"],
      ["PRAGMA application_id = 1234"],
      ["PRAGMA user_version = 1", "CREATE TABLE call (slot INTEGER PRIMARY KEY)"],
    ];
    for (const statements of foreign) {
      rmSync(path, { force: true });
      const db = new Database(path);
      for (const statement of statements) db.run(statement);
      db.close();
      const before = readFileSync(path);
      const fault = await refusal();
      expect(fault.message).toContain("is the database of another program");
      expect(fault.retry).toBe(false);
      expect(readFileSync(path).equals(before)).toBe(true);
    }
  });

  test("a newer gateway's file is refused and left as it is; an older one's is brought up to date", async () => {
    const store = storeAt();
    await store.open();
    await store.write([application("a@b.lit"), address("tel:+1", "a@b.lit"), call(1)]);
    await store.close();

    // Tomorrow's gateway takes over: a format that renames a column's content and adds a table.
    const tomorrow = [
      ...MIGRATIONS,
      "CREATE TABLE extra (x INTEGER) STRICT; UPDATE application SET name = 'migrated'",
    ];
    const db = new Database(path);
    db.transaction(() => migrate(db, path, tomorrow)).exclusive();
    expect(db.query("SELECT count(*) AS n FROM extra").get()).toEqual({ n: 0 });
    expect(db.query("SELECT jid, name FROM application").all()).toEqual([{
      jid: "a@b.lit",
      name: "migrated",
    }]);
    db.transaction(() => migrate(db, path, tomorrow)).exclusive(); // nothing left to do
    db.close();

    const before = readFileSync(path);
    const fault = await refusal();
    const formats = `(format ${MIGRATIONS.length + 1}, this one knows up to ${MIGRATIONS.length})`;
    expect(fault.message).toBe(`"${path}" was written by a newer gateway ${formats}`);
    expect(fault.retry).toBe(false);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("a file of format 1, from before mixers were kept, is brought up to date with all that it has", async () => {
    const db = new Database(path);
    db.transaction(() => migrate(db, path, MIGRATIONS.slice(0, 1))).exclusive();
    db.run("INSERT INTO application VALUES ('a@b.lit', '7', 'Balcony', 'staging', 'a1', 'suc')");
    db.close();
    const store = storeAt();
    const found = await store.open();
    expect([found.applications, found.mixers]).toEqual([[applicationRow("a@b.lit")], []]);
    await store.write([mixer("ball.x7")]);
    await store.close();
    expect((await storeAt().open()).mixers).toEqual([mixerRow("ball.x7")]);
  });

  test("the oldest file there can be, marked but empty, is migrated by open() and keeps its mark", async () => {
    const db = new Database(path);
    db.run(`PRAGMA application_id = ${APPLICATION_ID}`);
    db.close();
    const store = storeAt();
    expect(await store.open()).toEqual(EMPTY);
    await store.write([application("a@b.lit")]);
    await store.close();
    expect((await storeAt().open()).applications).toEqual([applicationRow("a@b.lit")]);
  });

  test("a migration that fails leaves the file as it was", async () => {
    const store = storeAt();
    await store.open();
    await store.write([call(1)]);
    await store.close();
    const db = new Database(path);
    const broken = [...MIGRATIONS, "DELETE FROM call", "INSERT INTO nowhere VALUES (1)"];
    expect(() => db.transaction(() => migrate(db, path, broken)).exclusive()).toThrow("nowhere");
    db.close();
    expect((await storeAt().open()).calls).toEqual([callRow(1)]);
  });

  test("removed or replaced while open: writes fail, and are good again once it is back", async () => {
    const store = storeAt();
    await store.open();
    await store.write([setting("a", "1")]);
    renameSync(path, `${path}.away`);
    const fault = await faultOf(store.write([setting("b", "2")]));
    expect(fault.message).toContain("was removed or replaced while it was open");
    expect(fault.retry).toBe(true);
    writeFileSync(path, "somebody else's");
    expect((await faultOf(store.write([setting("b", "2")]))).message).toContain("removed or replaced");
    renameSync(`${path}.away`, path);
    await store.write([setting("c", "3")]);
    await store.close();
    expect((await storeAt().open()).settings).toEqual({ a: "1", c: "3" });
  });

  test("a batch with a row that cannot be stored changes nothing, and the next one is fine", async () => {
    const store = storeAt();
    await store.open();
    const bad = [call(1), call(2, { startedAt: Number.NaN }), call(3)];
    expect((await faultOf(store.write(bad))).message).toContain("started_at");
    await store.write([call(4)]);
    await store.close();
    expect((await storeAt().open()).calls).toEqual([callRow(4)]);
  });

  test("opening it twice with one object is refused", async () => {
    const store = storeAt();
    await store.open();
    expect((await faultOf(store.open())).message).toBe(`"${path}" is open already`);
    await store.write([call(1)]);
  });

  test("100,000 calls load (the time is told, not judged)", async () => {
    const store = storeAt();
    await store.open();
    for (let from = 0; from < 100_000; from += 10_000) {
      await store.write(Array.from({ length: 10_000 }, (_, n) => call(from + n)));
    }
    await store.close();
    const start = performance.now();
    const found = await storeAt().open();
    console.log(`100,000 calls loaded in ${Math.round(performance.now() - start)} ms`);
    expect(found.calls).toHaveLength(100_000);
    expect(found.calls[99_999]).toEqual(callRow(99_999));
  });
});
