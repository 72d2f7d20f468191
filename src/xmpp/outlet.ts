/**
 * What waits to be written to one link: stanzas as bytes, back to back, each with a class that says what may be
 * dropped first (DC9, DC10). Pure memory: a link takes bytes out, it never sees a socket.
 *
 * Usage on the data path, without a copy or an allocation:
 *   if (outlet.reserve(n, CLASS_EVENT)) { …write at most n bytes into outlet.buf from outlet.end… ; outlet.commit(newEnd, CLASS_EVENT); }
 */

/** Dropped first to last. */
export const CLASS_NEW = 0, CLASS_COMMAND = 1, CLASS_EVENT = 2, CLASS_ANSWER = 3, CLASS_END = 4;

/** The part of an outlet that routing sees. */
export interface OutletPort {
  buf: Buffer;
  /** Where the next stanza begins in `buf`. Changes with every reserve() and commit(). */
  end: number;
  /** The link's stream is open. */
  up: boolean;
  /** Makes room for `bytes` more; false: this stanza is refused (and counted) by the rule of DC10. */
  reserve(bytes: number, cls: number): boolean;
  /** What stands between the old `end` and `newEnd` is one whole stanza. */
  commit(newEnd: number, cls: number): void;
  /** True while new calls are to be refused (DC10). */
  congested(): boolean;
}
