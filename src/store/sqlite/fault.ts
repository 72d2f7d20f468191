/**
 * What SQLite and the file system say, as one sentence an operator can act on.
 */
import { StoreFault } from "../../cluster/store.ts";

/** SQLite's own result codes by their name, without the extension (`SQLITE_IOERR_WRITE` is `SQLITE_IOERR`). */
const SENTENCES: Record<string, [text: string, retry: boolean]> = {
  SQLITE_BUSY: ["is in use by another gateway", false],
  SQLITE_LOCKED: ["is in use by another gateway", false],
  SQLITE_NOTADB: ["is not an SQLite database; it was left as it is", false],
  SQLITE_CORRUPT: ["is damaged; restore it from a copy, or move it away to start with an empty one", false],
  SQLITE_FULL: ["cannot be written: the disk is full", true],
  SQLITE_READONLY: ["cannot be written: it is read-only", true],
  SQLITE_PERM: ["cannot be written: permission denied", true],
  SQLITE_CANTOPEN: ["or a file beside it cannot be opened", true],
  SQLITE_IOERR: ["cannot be read or written: input/output error", true],
  SQLITE_NOMEM: ["cannot be written: out of memory", true],
  ENOSPC: ["cannot be created: the disk is full", true],
  EDQUOT: ["cannot be created: the disk quota is used up", true],
  EROFS: ["cannot be written: the file system is read-only", true],
  EACCES: ["cannot be opened: permission denied", false],
  EPERM: ["cannot be made private (mode 0600): it belongs to another user", false],
  ENOTDIR: ["cannot be opened: a part of its path is not a directory", false],
  ELOOP: ["is a symbolic link that leads nowhere", false],
};

/** What SQLite or the file system said about `path`, as a sentence for the operator. */
export function asFault(error: unknown, path: string): StoreFault {
  if (error instanceof StoreFault) return error;
  const code = codeOf(error);
  const known = SENTENCES[code] ?? SENTENCES[code.split("_").slice(0, 2).join("_")];
  if (known !== undefined) {
    const [text, retry] = known;
    return new StoreFault(`"${path}" ${text} (${code})`, retry);
  }
  const said = error instanceof Error ? error.message : String(error);
  return new StoreFault(`"${path}" cannot be used: ${said}`, true);
}

/** The error's code, e.g. `SQLITE_FULL` or `EACCES`; "" if it has none. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "";
}
