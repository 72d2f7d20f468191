/**
 * Seeded worlds: clients, nodes, losses and restarts in any order. Whatever happens, every request has one answer, every
 * party hears one end of its calls and nothing after it, and nothing is left when all is over.
 */
import { describe, expect, test } from "bun:test";
import { fraction, type Random, seededRandom } from "../../src/base/random.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { attr, type El, elements } from "../support/xml.ts";
import { EXTERNAL, Rig, RowJournal } from "./rig.ts";

const CLIENTS = [
  "juliet@capulet.test/a",
  "juliet@capulet.test/b",
  "juliet@capulet.test/c",
  "romeo@montague.test/r",
];
const NODES = ["node1.test", "node2.test", "node3.test"];
const RETRIED = ["resource-constraint", "internal-server-error", "gone"];
const FINAL = ["bad-request", "conflict", "not-acceptable"];

interface Asked {
  id: string;
  node: string;
  call: string;
  dial: boolean;
  /** The `uri` that a dial asked for, its local part. */
  wanted: string;
}

interface Request {
  client: string;
  answers: number;
  /** Why no answer is owed: a restart, or a dialer that left (DL12). */
  excused: boolean;
  dial: boolean;
}

/** What one client heard of one call. */
interface Heard {
  ends: number;
  after: number;
  /** It left, or the gateway was started anew, meanwhile: an end may have been lost. */
  excused: boolean;
}

class World {
  readonly clock = new ManualClock();
  journal = new RowJournal();
  readonly random: Random;
  rig: Rig;
  readonly requests = new Map<string, Request>();
  readonly heard = new Map<string, Heard>();
  /** Calls that live at nodes, `id@node`. */
  readonly alive = new Set<string>();
  asked: Asked[] = [];
  readonly online = new Set<string>();
  readonly reachable = new Set<string>(NODES);
  readonly faults: string[] = [];
  /** Who was still waiting for an end when everything had ended. */
  unended: string[] = [];
  #serial = 0;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.rig = this.#start();
    this.rig.application("juliet@capulet.test", "sip:juliet@example.com");
    this.rig.application("romeo@montague.test", "sip:romeo@example.com");
    for (const node of NODES) this.rig.nodeChat(node);
    for (const client of CLIENTS) this.chat(client);
    this.listen();
  }

  #start(): Rig {
    return new Rig({ clock: this.clock, journal: this.journal, seed: this.random.u32() });
  }

  chance(share: number): boolean {
    return fraction(this.random) < share;
  }

  pick<T>(from: Iterable<T>): T | undefined {
    const all = [...from];
    return all[Math.floor(fraction(this.random) * all.length)];
  }

  chat(client: string): void {
    this.rig.chat(client);
    this.online.add(client);
  }

  // ── what the parties do ──────────────────────────────────────────────────────────────────────────────────────

  step(): void {
    const acts = [
      this.dial,
      this.dial,
      this.command,
      this.command,
      this.offer,
      this.offer,
      this.answerSomething,
      this.answerSomething,
      this.answerSomething,
      this.event,
      this.event,
      this.endSomething,
      this.pause,
      this.pause,
      this.rare,
    ];
    this.pick(acts)!.call(this);
    this.listen();
  }

  dial(): void {
    const client = this.pick(CLIENTS)!;
    const id = `q${this.#serial++}`;
    const uri = this.chance(0.5) ? ` uri='xmpp:u${this.#serial++}@${EXTERNAL}'` : "";
    this.requests.set(`${client} ${id}`, { client, answers: 0, excused: false, dial: true });
    this.rig.dial(id, client, uri);
  }

  command(): void {
    const client = this.pick(CLIENTS)!;
    const id = `q${this.#serial++}`;
    const call = this.pick(this.heard.keys())?.split(" ")[1] ?? "none";
    this.requests.set(`${client} ${id}`, { client, answers: 0, excused: false, dial: false });
    this.rig.command(id, call, this.pick(["answer", "accept", "hangup", "reject"])!, client);
  }

  offer(): void {
    const node = this.pick(this.reachable);
    if (node === undefined) return;
    const call = `o${this.#serial++}@${node}`;
    this.alive.add(call);
    this.rig.offer(
      call,
      this.pick(["sip:juliet@example.com", "sip:romeo@example.com", "sip:nobody@example.com"]),
    );
  }

  answerSomething(): void {
    const asked = this.pick(this.asked);
    if (asked === undefined) return;
    this.asked = this.asked.filter((a) => a !== asked);
    if (!this.reachable.has(asked.node)) return;
    if (asked.dial) this.answerDial(asked);
    else if (this.chance(0.8)) this.rig.result(asked.id, `${asked.call}@${asked.node}`);
    else this.rig.error(asked.id, asked.node, "item-not-found");
    // Some say it twice.
    if (this.chance(0.1) && !asked.dial) this.rig.result(asked.id, asked.node);
  }

  answerDial(asked: Asked): void {
    if (this.chance(0.2)) return this.rig.error(asked.id, asked.node, this.pick(RETRIED)!);
    if (this.chance(0.2)) return this.rig.error(asked.id, asked.node, this.pick(FINAL)!);
    if (this.chance(0.05)) return; // never answers
    const call = asked.wanted !== "" && this.chance(0.9) ? asked.wanted : `d${this.#serial++}`;
    const jid = `${call}@${asked.node}`;
    if (this.chance(0.3)) this.rig.event(jid, "ringing"); // overtakes the result (PX7)
    const over = this.chance(0.1);
    if (over) this.rig.end(jid);
    else this.alive.add(jid);
    this.rig.ref(asked.id, asked.node, call);
    if (this.chance(0.3)) this.rig.event(jid, "answered");
  }

  event(): void {
    const call = this.pick(this.alive);
    if (call !== undefined) this.rig.event(call, this.pick(["ringing", "answered", "started-speaking"])!);
  }

  endSomething(): void {
    const call = this.pick(this.alive);
    if (call === undefined) return;
    this.alive.delete(call);
    this.rig.end(call);
  }

  pause(): void {
    this.clock.advance(this.pick([5, 20, 100, 500, 3_000, 20_000])!);
  }

  rare(): void {
    const client = this.pick(CLIENTS)!, node = this.pick(NODES)!;
    switch (Math.floor(fraction(this.random) * 8)) {
      case 0:
        return this.leave(client);
      case 1:
        return this.rig.client(`<presence from='${client}' to='${EXTERNAL}'><show>dnd</show></presence>`);
      case 2:
      case 3:
        return this.chat(client);
      case 4:
        return this.lose(node);
      case 5:
        this.reachable.add(node);
        return this.rig.nodeChat(node);
      case 6:
        return this.flap();
      case 7:
        if (this.chance(0.4)) this.restart();
    }
  }

  leave(client: string): void {
    this.online.delete(client);
    for (const [key, heard] of this.heard) if (key.startsWith(`${client} `)) heard.excused = true;
    for (const request of this.requests.values()) {
      if (request.client === client && request.dial) request.excused = true;
    }
    this.rig.client(`<presence type='unavailable' from='${client}' to='${EXTERNAL}'/>`);
  }

  /** A node dies with all it has and all it was asked. */
  lose(node: string): void {
    this.reachable.delete(node);
    for (const call of this.alive) if (call.endsWith(`@${node}`)) this.alive.delete(call);
    this.asked = this.asked.filter((a) => a.node !== node);
    this.rig.node(`<presence type='unavailable' from='${node}' to='int.test'/>`);
  }

  flap(): void {
    const side = this.chance(0.5) ? "external" : "internal";
    this.listen();
    this.rig.down(side);
    this.clock.advance(this.pick([10, 1_000, 10_000])!);
    // What is sent to a link that is down waits, or is refused: no party hears it now.
    if (side === "internal") { for (let i = 0; i < 3; i++) this.pick([this.dial, this.command])!.call(this); }
    this.rig.up(side);
  }

  restart(): void {
    this.listen();
    this.rig.switchboard.stop();
    for (const request of this.requests.values()) if (request.answers === 0) request.excused = true;
    for (const heard of this.heard.values()) if (heard.ends === 0) heard.excused = true;
    // The old life's timers may still fire; what they note is nobody's.
    this.journal = this.journal.copy();
    this.rig = this.#start();
  }

  // ── what the parties hear ────────────────────────────────────────────────────────────────────────────────────

  listen(): void {
    for (const stanza of this.rig.toClients()) this.#client(stanza);
    for (const stanza of this.rig.toNodes()) this.#node(stanza);
  }

  #client(stanza: El): void {
    const to = attr(stanza, "to");
    if (stanza.name === "iq") {
      const request = this.requests.get(`${to} ${attr(stanza, "id")}`);
      if (request === undefined) {
        return void this.faults.push(`an answer nobody asked for: ${JSON.stringify(stanza)}`);
      }
      if (++request.answers > 1) this.faults.push(`answered twice: ${to} ${attr(stanza, "id")}`);
      const ref = elements(stanza).find((c) => c.name === "ref");
      if (ref !== undefined) this.#heardOf(to, attr(ref, "uri").slice("xmpp:".length));
      return;
    }
    if (attr(stanza, "type") === "error") return;
    const heard = this.#heardOf(to, attr(stanza, "from"));
    if (heard.ends > 0 && attr(stanza, "type") !== "unavailable") heard.after++;
    if (elements(stanza).some((c) => c.name === "end")) heard.ends++;
  }

  #heardOf(client: string, jid: string): Heard {
    const key = `${client} ${jid.split("@")[0]!}`;
    let heard = this.heard.get(key);
    if (heard === undefined) this.heard.set(key, heard = { ends: 0, after: 0, excused: false });
    return heard;
  }

  #node(stanza: El): void {
    const jid = attr(stanza, "to"), id = attr(stanza, "id");
    const [call = "", node = ""] = jid.includes("@") ? jid.split("@") : ["", jid];
    if (stanza.name !== "iq" || !this.reachable.has(node)) return;
    const payload = elements(stanza)[0]!;
    if (id.startsWith("gw-")) {
      // A hangup or reject of the gateway's own: most nodes obey.
      if (this.alive.delete(jid) && this.chance(0.8)) this.rig.end(jid);
      return;
    }
    const wanted = /^xmpp:(.*)@/.exec(attr(payload, "uri"))?.[1] ?? "";
    this.asked.push({ id, node, call, dial: payload.name === "dial", wanted });
  }

  // ── the end of it all ────────────────────────────────────────────────────────────────────────────────────────

  finish(): void {
    for (const side of ["external", "internal"] as const) this.rig.up(side);
    this.listen();
    for (const call of [...this.alive]) {
      this.alive.delete(call);
      this.rig.end(call);
    }
    for (let i = 0; i < 20; i++) {
      this.clock.advance(20_000);
      this.listen();
      for (const call of [...this.alive]) {
        this.alive.delete(call);
        this.rig.end(call);
      }
    }
    // Calls that only ended for nodes that died before they said so end with their clients.
    this.unended = [...this.heard].filter(([, h]) => h.ends === 0 && !h.excused).map(([key]) =>
      `no end: ${key}`
    );
    for (const client of CLIENTS) this.leave(client);
    this.clock.advance(200_000);
    this.listen();
    this.rig.switchboard.stop();
  }

  judge(): string[] {
    const faults = [...this.faults, ...this.unended];
    for (const [key, request] of this.requests) {
      if (request.answers === 0 && !request.excused) {
        faults.push(`never answered: ${key}${request.dial ? " (dial)" : ""}`);
      }
    }
    for (const [key, heard] of this.heard) {
      if (heard.ends > 1) faults.push(`${heard.ends} ends: ${key}`);
      if (heard.after > 0) faults.push(`heard after its end: ${key}`);
    }
    return [...faults, ...this.rig.leftovers()];
  }
}

describe("random worlds", () => {
  const first = Number(process.env.SEED ?? 1), count = process.env.SEED === undefined ? 150 : 1;
  for (let seed = first; seed < first + count; seed++) {
    test(`seed ${seed}`, () => {
      const world = new World(seed * 7919);
      for (let i = 0; i < 300; i++) world.step();
      world.finish();
      expect(world.judge()).toEqual([]);
    });
  }
});
