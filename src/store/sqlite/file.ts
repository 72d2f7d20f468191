/**
 * The file a database lives in, before SQLite sees it: there, a regular file, and private (DC40).
 *
 * Never opens a file that exists: POSIX drops all of a process's locks on a file when any descriptor of it is
 * closed, so a mere look inside could let a second gateway in. Whether it is a database is SQLite's to say.
 */
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  lstatSync,
  openSync,
  realpathSync,
  type Stats,
  statSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { StoreFault } from "../../cluster/store.ts";
import { codeOf } from "./fault.ts";

const PRIVATE = 0o600;
/** https://www.sqlite.org/fileformat2.html section 1.3. */
const HEADER_BYTES = 100;

/** Where the file really is (links followed); made empty if it was not there. */
export function settle(path: string): string {
  const wanted = resolve(path);
  const found = lookAt(wanted);
  if (found === undefined) return create(wanted);
  const real = found.isSymbolicLink() ? follow(wanted) : wanted;
  const file = statSync(real);
  if (file.isDirectory()) {
    throw new StoreFault(`"${path}" is a directory; store.path must name a file`, false);
  }
  if (!file.isFile()) throw new StoreFault(`"${path}" is not a regular file`, false);
  if (file.size > 0 && file.size < HEADER_BYTES) { // SQLite takes a file of one byte for an empty one
    throw new StoreFault(`"${path}" is not an SQLite database; it was left as it is`, false);
  }
  accessSync(real, constants.R_OK | constants.W_OK);
  makePrivate(real, file);
  // Left by a crash or another program's visit; SQLite gives new ones the mode of the database.
  for (const suffix of ["-wal", "-shm", "-journal"]) {
    const beside = lookAt(real + suffix);
    if (beside?.isFile()) makePrivate(real + suffix, beside);
  }
  return real;
}

/** Tells a file that was removed or replaced while open: SQLite would go on writing into the one without a name. */
export function identity(path: string): string {
  const found = lookAt(path);
  return found === undefined ? "" : `${found.dev}:${found.ino}`;
}

function create(path: string): string {
  const directory = dirname(path);
  if (lookAt(directory) === undefined) {
    throw new StoreFault(`the directory "${directory}" of store.path does not exist`, false);
  }
  // Exclusive: should somebody else have made it meanwhile, it is not ours to close (see above).
  try {
    closeSync(openSync(path, "wx", PRIVATE));
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
  return path;
}

function follow(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    throw new StoreFault(`"${path}" is a symbolic link that leads nowhere`, false);
  }
}

function makePrivate(path: string, file: Stats): void {
  if ((file.mode & 0o777 & ~PRIVATE) !== 0) chmodSync(path, PRIVATE);
}

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
