/**
 * One SQLite file, synchronously: open, read everything, apply a batch, close. Runs in the database thread.
 *
 * The file is held with SQLite's own exclusive lock for as long as it is open (DC40): the kernel frees it when the
 * process dies, however it dies. With that lock the WAL's index lives on the heap, so there is no -shm file.
 * WAL with synchronous=NORMAL: a crash of the process loses nothing that was acknowledged, a power loss at most what
 * came after the last checkpoint (DC39).
 *
 * Errors leave as StoreFault; a batch that failed has changed nothing.
 */
import { Database, type SQLQueryBindings, type Statement } from "bun:sqlite";
import {
  type AddressRow,
  type ApplicationRow,
  type CallRow,
  type Change,
  type ClientRow,
  type MixerRow,
  type NodeRow,
  type Snapshot,
  StoreFault,
} from "../../cluster/store.ts";
import { asFault } from "./fault.ts";
import { identity, settle } from "./file.ts";
import { migrate } from "./schema.ts";

/** 16 MiB of WAL between two checkpoints: fewer fsyncs than SQLite's 1000, still little to replay after a crash. */
const CHECKPOINT_PAGES = 4000;
/** What a burst made larger is given back. */
const WAL_BYTES_KEPT = 64 * 1024 * 1024;
/** Rows read at once: a million calls must not become one string. */
const PIECE_ROWS = 10_000;

export class SqliteDatabase {
  readonly #path: string;
  readonly #db: Database;
  readonly #identity: string;
  readonly #write: Statements;

  /** Throws a StoreFault; then nothing is left open. */
  constructor(path: string) {
    let db: Database | undefined;
    try {
      const file = settle(path);
      db = new Database(file, { readwrite: true, create: false });
      hold(db, path);
      this.#path = file;
      this.#db = db;
      this.#identity = identity(file);
      this.#write = prepare(db);
    } catch (error) {
      db?.close();
      throw asFault(error, path);
    }
  }

  /** Everything, in pieces of bounded size; a table may come in several. */
  *read(): Generator<Partial<Snapshot>> {
    try {
      yield* readSmallTables(this.#db);
      yield* readCalls(this.#db);
    } catch (error) {
      throw asFault(error, this.#path);
    }
  }

  /** All of the batch or nothing of it. */
  write(batch: readonly Change[]): void {
    if (identity(this.#path) !== this.#identity) {
      // The lock went with the file, and what we wrote would be gone with the last descriptor.
      throw new StoreFault(`"${this.#path}" was removed or replaced while it was open`, true);
    }
    try {
      this.#write.begin.run();
      for (const change of batch) apply(this.#write, change);
      this.#write.commit.run();
    } catch (error) {
      this.#rollback();
      throw asFault(error, this.#path);
    }
  }

  /** Empties the WAL into the file and lets go of it. Idempotent. */
  close(): void {
    for (const name in this.#write) this.#write[name as keyof Statements].finalize();
    this.#db.close();
  }

  #rollback(): void {
    // A full disk has often ended the transaction already.
    if (!this.#db.inTransaction) return;
    try {
      this.#write.rollback.run();
    } catch { /* the fault that brought us here is the one to tell */ }
  }
}

/** Locks, checks and migrates the file before anything else is written to it. */
function hold(db: Database, path: string): void {
  db.run("PRAGMA locking_mode = EXCLUSIVE");
  db.run("BEGIN EXCLUSIVE");
  try {
    migrate(db, path);
    db.run("COMMIT");
  } catch (error) {
    if (db.inTransaction) db.run("ROLLBACK");
    throw error;
  }
  const mode = db.query<{ journal_mode: string }, []>("PRAGMA journal_mode = WAL").get()?.journal_mode;
  if (mode !== "wal") throw new StoreFault(`"${path}" cannot be switched to write-ahead logging`, false);
  db.run("PRAGMA synchronous = NORMAL");
  db.run(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  db.run(`PRAGMA journal_size_limit = ${WAL_BYTES_KEPT}`);
}

type Statements = ReturnType<typeof prepare>;

function prepare(db: Database) {
  const sql = (text: string): Statement<unknown, SQLQueryBindings[]> => db.prepare(text);
  return {
    begin: sql("BEGIN IMMEDIATE"),
    commit: sql("COMMIT"),
    rollback: sql("ROLLBACK"),
    // Upserts, not REPLACE: a row that changes keeps its rowid, which is its place in the order.
    application: sql(
      `INSERT INTO application VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (jid) DO UPDATE
       SET app_id = ?2, name = ?3, platform = ?4, account_id = ?5, permissions = ?6`,
    ),
    applicationGone: sql("DELETE FROM application WHERE jid = ?"),
    addressesGone: sql("DELETE FROM address WHERE jid = ?"),
    address: sql("INSERT INTO address VALUES (?1, ?2) ON CONFLICT (address) DO UPDATE SET jid = ?2"),
    addressGone: sql("DELETE FROM address WHERE address = ?"),
    node: sql(
      `INSERT INTO node VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (jid) DO UPDATE
       SET platforms = ?2, weight = ?3, priority = ?4, java_node = ?5, state = ?6, blacklisted = ?7,
           consecutive_errors = ?8`,
    ),
    nodeGone: sql("DELETE FROM node WHERE jid = ?"),
    client: sql("INSERT INTO client VALUES (?1, ?2) ON CONFLICT (jid) DO UPDATE SET arrival = ?2"),
    clientGone: sql("DELETE FROM client WHERE jid = ?"),
    // The slot is the rowid, so here REPLACE is the upsert, and the cheapest one.
    call: sql("INSERT OR REPLACE INTO call VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    callGone: sql("DELETE FROM call WHERE slot = ?"),
    mixer: sql(
      `INSERT INTO mixer VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (name) DO UPDATE
       SET public_name = ?2, application = ?3, domain = ?4, participants = ?5, told = ?6, verbs = ?7,
           filters = ?8, letters = ?9`,
    ),
    mixerGone: sql("DELETE FROM mixer WHERE name = ?"),
    ban: sql("INSERT OR IGNORE INTO ban VALUES (?)"),
    banGone: sql("DELETE FROM ban WHERE jid = ?"),
    platform: sql("INSERT OR IGNORE INTO platform VALUES (?)"),
    setting: sql("INSERT INTO setting VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2"),
  };
}

function apply(on: Statements, change: Change): void {
  switch (change.kind) {
    case "call": {
      const { slot, domain, id, publicId, application, parties, controlled, accepted, outbound, startedAt } =
        change.row;
      const names = JSON.stringify(parties);
      on.call.run(slot, domain, id, publicId, application, names, controlled, accepted, outbound, startedAt);
      return;
    }
    case "call-gone": // the slot alone decides: after coalescing the id may be that of a call never stored
      on.callGone.run(change.slot);
      return;
    case "client":
      on.client.run(change.row.jid, change.row.order);
      return;
    case "client-gone":
      on.clientGone.run(change.jid);
      return;
    case "node": {
      const { jid, platforms, weight, priority, javaNode, state, blacklisted, consecutiveErrors } =
        change.row;
      const names = JSON.stringify(platforms);
      on.node.run(jid, names, weight, priority, javaNode, state, blacklisted, consecutiveErrors);
      return;
    }
    case "node-gone": // D3: its calls and its platforms' names stay
      on.nodeGone.run(change.jid);
      return;
    case "application": {
      const { jid, appId, name, platform, accountId, permissions } = change.row;
      on.application.run(jid, appId, name, platform, accountId, permissions);
      return;
    }
    case "application-gone": // D18: its addresses go with it, its clients and calls stay
      on.applicationGone.run(change.jid);
      on.addressesGone.run(change.jid);
      return;
    case "address": // D19, BUG 21: one owner at a time
      on.address.run(change.row.address, change.row.jid);
      return;
    case "address-gone":
      on.addressGone.run(change.address);
      return;
    case "mixer": {
      const { name, publicName, application, domain, participants, told, verbs, filters, letters } =
        change.row;
      const lists = [participants, told, verbs, filters, letters].map((list) => JSON.stringify(list));
      on.mixer.run(name, publicName, application, domain, ...lists);
      return;
    }
    case "mixer-gone":
      on.mixerGone.run(change.name);
      return;
    case "ban":
      on.ban.run(change.jid);
      return;
    case "ban-gone":
      on.banGone.run(change.jid);
      return;
    case "platform": // D8: never removed
      on.platform.run(change.name);
      return;
    case "setting":
      on.setting.run(change.name, change.value);
      return;
  }
}

function* readSmallTables(db: Database): Generator<Partial<Snapshot>> {
  yield {
    applications: db.query<ApplicationRow, []>(
      `SELECT jid, app_id AS appId, name, platform, account_id AS accountId, permissions
       FROM application ORDER BY rowid`,
    ).all(),
    addresses: db.query<AddressRow, []>("SELECT address, jid FROM address ORDER BY rowid").all(),
    nodes: db.query<StoredNode, []>(
      `SELECT jid, platforms, weight, priority, java_node AS javaNode, state, blacklisted,
              consecutive_errors AS consecutiveErrors FROM node ORDER BY rowid`,
    ).all().map((row): NodeRow => ({
      ...row,
      platforms: JSON.parse(row.platforms),
      javaNode: row.javaNode !== 0,
      blacklisted: row.blacklisted !== 0,
    })),
    clients: db.query<ClientRow, []>(`SELECT jid, arrival AS "order" FROM client ORDER BY rowid`).all(),
    mixers: db.query<StoredMixer, []>(
      `SELECT name, public_name AS publicName, application, domain, participants, told, verbs, filters, letters
       FROM mixer ORDER BY rowid`,
    ).all().map((row): MixerRow => ({
      ...row,
      participants: JSON.parse(row.participants),
      told: JSON.parse(row.told),
      verbs: JSON.parse(row.verbs),
      filters: JSON.parse(row.filters),
      letters: JSON.parse(row.letters),
    })),
    bans: db.query<{ jid: string }, []>("SELECT jid FROM ban ORDER BY rowid").all().map((row) => row.jid),
    platforms: db.query<{ name: string }, []>("SELECT name FROM platform ORDER BY rowid").all().map((row) =>
      row.name
    ),
    settings: Object.fromEntries(
      db.query<{ name: string; value: string }, []>("SELECT name, value FROM setting ORDER BY rowid").all()
        .map((row) => [row.name, row.value]),
    ),
  };
}

function* readCalls(db: Database): Generator<Partial<Snapshot>> {
  const piece = db.query<StoredCall, [number, number]>(
    `SELECT slot, domain, id, public_id AS publicId, application, parties, controlled, accepted, outbound,
            started_at AS startedAt FROM call WHERE slot > ? ORDER BY slot LIMIT ?`,
  );
  for (let last = Number.MIN_SAFE_INTEGER;;) {
    const rows = piece.all(last, PIECE_ROWS);
    if (rows.length === 0) return;
    last = rows[rows.length - 1]!.slot;
    yield {
      calls: rows.map((row): CallRow => ({
        ...row,
        parties: JSON.parse(row.parties),
        controlled: row.controlled !== 0,
        accepted: row.accepted !== 0,
        outbound: row.outbound !== 0,
      })),
    };
  }
}

type StoredNode =
  & Omit<NodeRow, "platforms" | "javaNode" | "blacklisted">
  & { platforms: string; javaNode: number; blacklisted: number };
type StoredCall =
  & Omit<CallRow, "parties" | "controlled" | "accepted" | "outbound">
  & { parties: string; controlled: number; accepted: number; outbound: number };
type StoredMixer =
  & Omit<MixerRow, "participants" | "told" | "verbs" | "filters" | "letters">
  & { participants: string; told: string; verbs: string; filters: string; letters: string };
