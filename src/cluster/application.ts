/**
 * A tenant and its connected resources (spec 1.1); round robin over the resources (§3.4).
 */

/** Consecutive errors beyond which a resource gets no offers (§3.4: six failures). */
const RESOURCE_ERRORS_ALLOWED = 5;

/** A full JID the gateway knows: registered by `chat`, or still a party of calls and requests. */
export class Resource {
  /** Small number, reused after the resource is forgotten. */
  number = -1;
  /** Canonical full JID: bare part folded, resource exact. */
  readonly jid: string;
  readonly bare: string;
  /** The JID as the server wrote it, escaped for an attribute in either quote. */
  readonly wire: Buffer;
  /** `wire` is `jid` to the letter: comparing bytes with it is comparing the JID. */
  readonly plain: boolean;
  application: Application | null = null;
  registered = false;
  /** It does not answer, or its calls are held for it: whatever it says proves that it is back (DC29). */
  missing = false;
  consecutiveErrors = 0;
  /** Head of its list in the call table (calls it controls or was offered last), -1: none. */
  callsHead = -1;
  calls = 0;
  /** Requests, dials and offers that still name it. */
  holds = 0;
  /** The last fan-out that saw it: each resource hears a mixer's event once (PMX4). */
  heard = 0;

  constructor(jid: string, bare: string, wire: Buffer) {
    this.jid = jid;
    this.bare = bare;
    this.wire = wire;
    this.plain = wire.equals(Buffer.from(jid));
  }
}

export class Application {
  /** Bare JID, folded. */
  readonly jid: string;
  appId: string;
  name: string;
  platform: string;
  accountId: string;
  permissions: string;
  readonly addresses = new Set<string>();
  /** Registered resources in arrival order. */
  readonly resources: Resource[] = [];
  #last: Resource | null = null;
  /** Where `#last` stood: a hint that saves the search. */
  #lastAt = -1;

  constructor(
    row: {
      jid: string;
      appId: string;
      name: string;
      platform: string;
      accountId: string;
      permissions: string;
    },
  ) {
    this.jid = row.jid;
    this.appId = row.appId;
    this.name = row.name;
    this.platform = row.platform;
    this.accountId = row.accountId;
    this.permissions = row.permissions;
  }

  /**
   * The next resource for an offer, or null: the one after the last picked in today's list, the first if that one has
   * left; those that keep failing and those in `except` are skipped (§3.4).
   */
  pick(except: readonly Resource[] = []): Resource | null {
    const { resources } = this;
    if (this.#last !== null && resources[this.#lastAt] !== this.#last) {
      this.#lastAt = resources.indexOf(this.#last);
    }
    for (let step = 1; step <= resources.length; step++) {
      const at = (this.#lastAt + step) % resources.length;
      const resource = resources[at]!;
      if (resource.consecutiveErrors > RESOURCE_ERRORS_ALLOWED || except.includes(resource)) continue;
      this.#last = resource;
      this.#lastAt = at;
      return resource;
    }
    return null;
  }

  /** Forgets who was picked last, as for an application nobody is connected to any more. */
  forgetLast(): void {
    this.#last = null;
    this.#lastAt = -1;
  }
}
