/**
 * The tables of the SQLite file and the road from every older format to today's.
 *
 * The file says what it is: `application_id` names the program, `user_version` the format, so that another
 * program's database or a newer gateway's is refused instead of damaged. A format is never edited once it was
 * released; a change is a new entry at the end of the list.
 */
import type { Database } from "bun:sqlite";
import { StoreFault } from "../../cluster/store.ts";

/** "Rayo" in ASCII. */
export const APPLICATION_ID = 0x5261796f;

/** Entry n (from 0) turns format n into format n + 1. */
export const MIGRATIONS: readonly string[] = [
  // Rows without a natural order keep that of their rowid: an upsert leaves a row in its place.
  `
  CREATE TABLE application (
    jid TEXT NOT NULL UNIQUE, app_id TEXT NOT NULL, name TEXT NOT NULL, platform TEXT NOT NULL,
    account_id TEXT NOT NULL, permissions TEXT NOT NULL
  ) STRICT;
  CREATE TABLE address (address TEXT NOT NULL UNIQUE, jid TEXT NOT NULL) STRICT;
  CREATE INDEX address_by_jid ON address (jid);
  CREATE TABLE node (
    jid TEXT NOT NULL UNIQUE, platforms TEXT NOT NULL, weight REAL NOT NULL, priority REAL NOT NULL,
    java_node INTEGER NOT NULL, state TEXT NOT NULL, blacklisted INTEGER NOT NULL,
    consecutive_errors INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE client (jid TEXT NOT NULL UNIQUE, arrival INTEGER NOT NULL) STRICT;
  CREATE TABLE call (
    slot INTEGER PRIMARY KEY, domain TEXT NOT NULL, id TEXT NOT NULL, public_id TEXT NOT NULL,
    application TEXT NOT NULL, parties TEXT NOT NULL, controlled INTEGER NOT NULL, accepted INTEGER NOT NULL,
    outbound INTEGER NOT NULL, started_at REAL NOT NULL
  ) STRICT;
  CREATE TABLE ban (jid TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE platform (name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE setting (name TEXT NOT NULL UNIQUE, value TEXT NOT NULL) STRICT;
  `,
  // The lists of a mixer are JSON: they are only ever read and written together.
  `
  CREATE TABLE mixer (
    name TEXT NOT NULL UNIQUE, public_name TEXT NOT NULL, application TEXT NOT NULL, domain TEXT NOT NULL,
    participants TEXT NOT NULL, told TEXT NOT NULL, verbs TEXT NOT NULL, filters TEXT NOT NULL,
    letters TEXT NOT NULL
  ) STRICT;
  `,
];

/**
 * Brings the file to the newest format. To be called within a transaction, so that a migration that fails leaves
 * the file as it was; throws a StoreFault before it has written anything if the file is not ours to touch.
 */
export function migrate(db: Database, path: string, migrations: readonly string[] = MIGRATIONS): void {
  const application = pragma(db, "application_id");
  const format = pragma(db, "user_version");
  if (application !== APPLICATION_ID && !(application === 0 && format === 0 && isEmpty(db))) {
    throw new StoreFault(
      `"${path}" is the database of another program; set store.path to another file`,
      false,
    );
  }
  if (format > migrations.length) {
    throw new StoreFault(
      `"${path}" was written by a newer gateway (format ${format}, this one knows up to ${migrations.length})`,
      false,
    );
  }
  if (application === APPLICATION_ID && format === migrations.length) return;
  for (const step of migrations.slice(format)) db.run(step);
  // Neither pragma takes a bound value; both are numbers of our own.
  db.run(`PRAGMA application_id = ${APPLICATION_ID}`);
  db.run(`PRAGMA user_version = ${migrations.length}`);
}

function pragma(db: Database, name: "application_id" | "user_version"): number {
  return db.query<Record<string, number>, []>(`PRAGMA ${name}`).get()?.[name] ?? 0;
}

function isEmpty(db: Database): boolean {
  return db.query("SELECT 1 FROM sqlite_schema").get() === null;
}
