/**
 * An XMPP party whose every byte is made by the published xmpp.js packages: nothing on its side is ours.
 *
 * It keeps what it receives, hands it out to those who wait for it, and can be cut off as by a pulled cable. What a
 * test writes itself are single stanzas, as text.
 */
import type { Socket } from "node:net";

/** An element as xmpp.js (ltx) has it. */
export interface XmppElement {
  name: string;
  attrs: Record<string, string | undefined>;
  children: (XmppElement | string)[];
  getChild(name: string, xmlns?: string): XmppElement | undefined;
  getChildText(name: string, xmlns?: string): string | null;
  text(): string;
  toString(): string;
}

/** What `client()` and `component()` return, as far as it is used here. */
export interface XmppEntity {
  readonly status: string;
  jid: { toString(): string } | null;
  socket: Socket | { socket: Socket } | null;
  reconnect: { stop(): void };
  /** What is asked of stanzas that come, one after the other; a client's answers to questions. */
  middleware?: { use(step: (context: { type: string }, next: () => Promise<unknown>) => unknown): void };
  readonly options: { service: string; domain: string; lang?: string };
  connect(service: string): Promise<unknown>;
  open(options: { domain: string; lang?: string | undefined }): Promise<unknown>;
  stop(): Promise<unknown>;
  write(text: string): Promise<void>;
  on(event: "stanza" | "element", listener: (element: XmppElement) => void): void;
  on(event: "online", listener: () => void): void;
  on(event: "error", listener: (error: Error & { condition?: string }) => void): void;
  on(event: "status", listener: (status: string) => void): void;
  removeAllListeners(): void;
}

/** How long a stanza that must come may take. Far above what any server needs: it bounds a test that fails. */
const WAIT_LIMIT_MS = 10_000;

export class StockPeer {
  /** In the order of arrival; never shortened, unless `remembers` is false: then empty. */
  readonly received: XmppElement[] = [];
  remembers = true;
  /** Told of each stanza as it comes. */
  onStanza: (stanza: XmppElement) => void = () => {};
  /** Told once when the stream has ended, by whomever. */
  onClosed: () => void = () => {};
  /** Stream errors and the like: the condition where there is one. */
  readonly errors: string[] = [];
  readonly #entity: XmppEntity;
  readonly #taken = new Set<XmppElement>();
  #watchers: (() => void)[] = [];
  #jid = "";

  constructor(entity: XmppEntity) {
    this.#entity = entity;
    // A test says itself when a party comes back.
    entity.reconnect.stop();
    entity.on("stanza", (stanza) => {
      if (this.remembers) this.received.push(stanza);
      this.onStanza(stanza);
      this.#wake();
    });
    entity.on("error", (error) => {
      this.errors.push(error.condition ?? error.message);
      this.#wake();
    });
    entity.on("status", (status) => {
      if (status === "disconnect") this.onClosed();
      this.#wake();
    });
  }

  /** Its address: full for a client, the domain for a component. */
  get jid(): string {
    return this.#jid;
  }

  get online(): boolean {
    return this.#entity.status === "online";
  }

  /** Rejects with the server's word (`not-authorized`, `conflict`, …) as message. */
  async start(): Promise<this> {
    const entity = this.#entity;
    const { service, domain, lang } = entity.options;
    try {
      // As its own start() does it; but that one leaves a rejected promise behind when the server says no at once.
      await new Promise<void>((resolve, reject) => {
        entity.on("online", resolve);
        entity.on("error", reject);
        entity.connect(service).then(() => entity.open({ domain, lang })).catch(reject);
      });
    } catch (fault) {
      const { condition, message } = fault as Error & { condition?: string };
      await this.cut();
      throw new Error(condition ?? message);
    }
    this.#jid = String(this.#entity.jid);
    return this;
  }

  /** One stanza (or several) as text, exactly as it goes over the wire. */
  async send(xml: string): Promise<void> {
    await this.#entity.write(xml);
  }

  /**
   * The first stanza, received already or later, that `matches` and that no earlier expect() took. Rejects with all
   * that came when it does not come.
   */
  async expect(what: string, matches: (stanza: XmppElement) => boolean): Promise<XmppElement> {
    const find = () => this.received.find((stanza) => !this.#taken.has(stanza) && matches(stanza));
    await this.#until(() => find() !== undefined, `no ${what}`);
    const stanza = find()!;
    this.#taken.add(stanza);
    return stanza;
  }

  /** Until the server has closed this stream; resolves to the stream error's condition, "" if there was none. */
  async closed(): Promise<string> {
    await this.#until(
      () => ["disconnect", "offline"].includes(this.#entity.status),
      "the stream is still open",
    );
    return this.errors[0] ?? "";
  }

  /** In order: `</stream:stream>`. */
  async stop(): Promise<void> {
    if (this.#entity.status !== "offline" && this.#entity.socket !== null) await this.#entity.stop();
  }

  /** As by a pulled cable: the server sees the connection reset, and nobody says goodbye. */
  async cut(): Promise<void> {
    const holder = this.#entity.socket;
    if (holder === null) return;
    const socket = "socket" in holder ? holder.socket : holder;
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    if (socket.destroyed) return;
    socket.resetAndDestroy();
    await closed;
  }

  async #until(done: () => boolean, failure: string): Promise<void> {
    if (done()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers = this.#watchers.filter((other) => other !== watch);
        const seen = this.received.map((stanza) => `\n  ${stanza}`).join("") || " nothing";
        reject(
          new Error(
            `${failure} at "${this.#jid}" after ${WAIT_LIMIT_MS} ms; errors: ${
              this.errors.join(", ") || "none"
            }; received:${seen}`,
          ),
        );
      }, WAIT_LIMIT_MS);
      const watch = () => {
        if (!done()) return;
        clearTimeout(timer);
        this.#watchers = this.#watchers.filter((other) => other !== watch);
        resolve();
      };
      this.#watchers.push(watch);
    });
  }

  #wake(): void {
    for (const watch of [...this.#watchers]) watch();
  }
}
