/**
 * Whose presence is in question: resources that are asked by ping (XEP-0199) whether they are there (DC29, DC31), and
 * those that vanished without saying `dnd` and may come back without a word (AH20).
 *
 * State only; what follows from it is in routing/watching.ts. An answer is matched by the number in its id and by who
 * sends it, so a late one counts as well, and nobody can answer for another.
 */
import { DeadlineItem, type Deadlines } from "../base/deadlines.ts";

/** There as far as anybody knows; asked now and then once it has answered. */
export const WATCHED = 0;
/** Silent, bounced, or gone with its calls held: out of rotation, its calls wait for the grace time (DC29). */
export const MISSING = 1;
/** Its departure is over and done; it is taken back if it answers in time (AH20). */
export const AWAY = 2;

export class Watch extends DeadlineItem {
  readonly number: number;
  /** Canonical full JID. */
  readonly jid: string;
  readonly bare: string;
  /** The JID as it is written to its server. */
  readonly wire: Buffer;
  state = WATCHED;
  /** It answered a ping with a result once: from then on its silence tells something (DC31). */
  proven = false;
  /** It was in rotation when it went missing, and is again when it is back. */
  ready = false;
  /** A ping has no answer yet; clock milliseconds when it was sent. */
  asking = false;
  askedAt = 0;
  turn = 0;
  /** Clock milliseconds when the grace time or the return window ends. */
  until = 0;
  pauseMs = 0;

  constructor(number: number, jid: string, bare: string, wire: Buffer) {
    super();
    this.number = number;
    this.jid = jid;
    this.bare = bare;
    this.wire = wire;
  }
}

export class WatchTable {
  readonly #prefix: string;
  readonly #deadlines: Deadlines<Watch>;
  readonly #byJid = new Map<string, Watch>();
  readonly #byNumber = new Map<number, Watch>();
  #next = 0;
  #away = 0;

  /** `prefix`: what the ids of these pings begin with (9.5). */
  constructor(prefix: string, deadlines: Deadlines<Watch>) {
    this.#prefix = prefix;
    this.#deadlines = deadlines;
  }

  /** Resources that are asked back. */
  get away(): number {
    return this.#away;
  }

  get(jid: string): Watch | null {
    return this.#byJid.get(jid) ?? null;
  }

  all(): Watch[] {
    return [...this.#byJid.values()];
  }

  /** The watch of `jid`, made if there is none. */
  open(jid: string, bare: string, wire: Buffer): Watch {
    const known = this.#byJid.get(jid);
    if (known !== undefined) return known;
    const watch = new Watch(this.#next++, jid, bare, wire);
    this.#byJid.set(jid, watch);
    this.#byNumber.set(watch.number, watch);
    return watch;
  }

  setState(watch: Watch, state: number): void {
    if (watch.state === AWAY) this.#away--;
    if (state === AWAY) this.#away++;
    watch.state = state;
  }

  /** Expires `ms` milliseconds from now, whatever was left. */
  wait(watch: Watch, ms: number): void {
    this.#deadlines.remove(watch);
    this.#deadlines.add(watch, ms);
  }

  close(watch: Watch): void {
    this.setState(watch, WATCHED);
    this.#deadlines.remove(watch);
    this.#byJid.delete(watch.jid);
    this.#byNumber.delete(watch.number);
  }

  /** A new id for a ping of `watch`. */
  idFor(watch: Watch): string {
    return `${this.#prefix}${watch.number.toString(36)}.${(watch.turn++).toString(36)}`;
  }

  /** The watch whose ping had this id, or null. */
  match(id: string): Watch | null {
    if (!id.startsWith(this.#prefix)) return null;
    const number = parseInt(id.slice(this.#prefix.length), 36);
    return this.#byNumber.get(number) ?? null;
  }
}
