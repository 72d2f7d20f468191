/**
 * Runs scenes (scene_text.ts) against any world that can play one: the gateway in memory, or through a real server.
 *
 * Strict at the end: whatever a party got and the scene does not mention makes it fail. The gateway's own noise,
 * greetings of nodes and probes with ids that begin with `gw-` (spec 9.5), is answered by the parties as real ones
 * would, and need not be mentioned.
 */
import { Puppet, splitJid } from "./peer.ts";
import { type Given, type Scene, SceneFault, type Step } from "./scene_text.ts";
import { attr, type Captures, child, difference, type El, esc, parseXml, textOf, toXml } from "./xml.ts";

export interface Party {
  name: string;
  kind: "client" | "node";
  /** A client's full JID, a node's domain. */
  jid: string;
}

/** Who the scenes are about. */
export const PARTIES: readonly Party[] = [
  { name: "juliet", kind: "client", jid: "juliet@capulet.test/balcony" },
  { name: "juliet2", kind: "client", jid: "juliet@capulet.test/orchard" },
  { name: "nurse", kind: "client", jid: "nurse@capulet.test/kitchen" },
  { name: "romeo", kind: "client", jid: "romeo@montague.test/garden" },
  { name: "node1", kind: "node", jid: "node1.test" },
  { name: "node2", kind: "node", jid: "node2.test" },
  { name: "node3", kind: "node", jid: "node3.test" },
  { name: "stranger", kind: "node", jid: "stranger.test" },
];

export interface SceneWorld {
  /** For the names of tests. */
  readonly name: string;
  /** What `{external}`, `{internal}` and `{gw}` (the gateway's JID towards nodes) stand for. */
  readonly facts: { external: string; internal: string; gw: string };
  /** How often to look again for what has not come, a moment later each time. Default: what settled has come. */
  readonly looks?: number;
  /** Why it cannot play this scene; "" if it can. */
  refuses(scene: Scene): string;
  /** A gateway with just this configuration, its links up. */
  start(given: Given): Promise<void>;
  /** Sets `peer.send` and feeds it; a client is logged in, a node's domain reachable. */
  attach(party: Party, peer: Puppet): Promise<void>;
  /** Its way is cut without a word of its own; a client's server says so if it ever sent directed presence. */
  detach(party: Party): Promise<void>;
  /** Until what is on its way has arrived. */
  settle(): Promise<void>;
  /** Lets so much time pass. */
  wait(ms: number): Promise<void>;
  /** `quiesce on`, `ban JID`, `unban JID`, `blacklist PLATFORM NODE on`, `address JID URI`, … */
  operate(words: string[]): Promise<void>;
  stop(): Promise<void>;
}

const LOOK_AGAIN_MS = 50;

interface Actor {
  party: Party;
  peer: Puppet;
  waiting: El[];
  noise: El[];
  /** Answers no probes. */
  silent: boolean;
}

export async function runScene(scene: Scene, world: SceneWorld): Promise<void> {
  await world.start(scene.given);
  const play = new Play(scene, world);
  try {
    await play.run();
  } finally {
    await world.stop();
  }
}

class Play {
  readonly #scene: Scene;
  readonly #world: SceneWorld;
  readonly #actors = new Map<string, Actor>();
  readonly #captures: Captures;
  readonly #transcript: string[] = [];

  constructor(scene: Scene, world: SceneWorld) {
    this.#scene = scene;
    this.#world = world;
    this.#captures = new Map(Object.entries(world.facts));
  }

  async run(): Promise<void> {
    for (const step of this.#scene.steps) {
      if ("party" in step && !this.#actors.has(step.party)) await this.#enter(step.party, step.line);
    }
    await this.#world.settle();
    for (const step of this.#scene.steps) await this.#step(step);
    await this.#world.settle();
    for (const actor of this.#actors.values()) {
      this.#empty(actor, this.#scene.steps.at(-1)?.line ?? this.#scene.line);
    }
  }

  async #enter(name: string, line: number): Promise<void> {
    const party = PARTIES.find((p) => p.name === name);
    if (party === undefined) throw this.#fault(line, `nobody is called '${name}'`);
    const actor: Actor = { party, peer: new Puppet(), waiting: [], noise: [], silent: false };
    actor.peer.onStanza = (stanza) => this.#hear(actor, stanza);
    this.#actors.set(name, actor);
    await this.#world.attach(party, actor.peer);
  }

  #hear(actor: Actor, stanza: El): void {
    this.#transcript.push(`${actor.party.name}< ${toXml(stanza)}`);
    const probe = stanza.name === "iq" && attr(stanza, "type") === "get" &&
      attr(stanza, "id").startsWith("gw-");
    const show = child(stanza, "show");
    const greeting = actor.party.kind === "node" && stanza.name === "presence" && show !== undefined &&
      textOf(show) === "chat";
    if (!probe && !greeting) return void actor.waiting.push(stanza);
    actor.noise.push(stanza);
    if (probe && !actor.silent) actor.peer.send(probeAnswer(stanza));
  }

  async #step(step: Step): Promise<void> {
    switch (step.kind) {
      case "wait":
        return await this.#world.wait(step.ms);
      case "operator":
        this.#transcript.push(`operator> ${step.words.join(" ")}`);
        await this.#world.operate(step.words.map((w) => this.#fill(w)));
        return await this.#world.settle();
    }
    const actor = this.#actors.get(step.party)!;
    switch (step.kind) {
      case "send":
        this.#send(actor, step);
        return await this.#world.settle();
      case "expect":
      case "among":
        return await this.#expect(actor, step);
      case "nothing":
        await this.#world.settle();
        return this.#empty(actor, step.line);
      case "leave":
        this.#transcript.push(`${step.party} leaves`);
        await this.#world.detach(actor.party);
        return await this.#world.settle();
      case "return":
        this.#transcript.push(`${step.party} returns`);
        await this.#world.attach(actor.party, actor.peer);
        return await this.#world.settle();
      case "mute":
        actor.silent = true;
    }
  }

  #send(actor: Actor, step: { xml: string; line: number }): void {
    const stanza = this.#read(this.#fill(step.xml), step.line);
    stanza.attrs.from ??= actor.party.jid;
    if (actor.party.kind === "node") stanza.attrs.to ??= this.#world.facts.gw;
    const xml = toXml(stanza);
    this.#transcript.push(`${actor.party.name}> ${xml}`);
    actor.peer.send(xml);
  }

  async #expect(actor: Actor, step: { kind: string; xml: string; line: number }): Promise<void> {
    const wanted = this.#read(step.xml, step.line);
    wanted.attrs.to ??= actor.party.jid;
    if (actor.party.kind === "node") wanted.attrs.from ??= this.#world.facts.gw;
    let why = this.#take(actor, wanted, step.kind === "among");
    // What came instead of it stays wrong, however long one waits.
    const mayCome = () => actor.waiting.length === 0 || step.kind === "among";
    for (let look = 0; why !== null && mayCome() && look < (this.#world.looks ?? 0); look++) {
      await this.#world.wait(LOOK_AGAIN_MS);
      why = this.#take(actor, wanted, step.kind === "among");
    }
    if (why === null) return;
    throw this.#fault(step.line, `${actor.party.name}: ${why}\n  expected ${toXml(wanted)}`);
  }

  /** Takes it out of what waits; why it is not there, or null. */
  #take(actor: Actor, wanted: El, among: boolean): string | null {
    let why = "nothing came";
    const candidates = among ? actor.waiting.length : Math.min(1, actor.waiting.length);
    for (let i = 0; i < candidates; i++) {
      const differs = this.#differs(wanted, actor.waiting[i]!);
      if (differs === null) {
        actor.waiting.splice(i, 1);
        return null;
      }
      if (i === 0) why = differs;
    }
    const aside = actor.noise.findIndex((stanza) => this.#differs(wanted, stanza) === null);
    if (aside < 0) return why;
    actor.noise.splice(aside, 1);
    return null;
  }

  #differs(wanted: El, stanza: El): string | null {
    const attempt = new Map(this.#captures);
    const why = difference(wanted, stanza, attempt);
    if (why === null) { for (const [name, value] of attempt) this.#captures.set(name, value); }
    return why;
  }

  #empty(actor: Actor, line: number): void {
    const first = actor.waiting[0];
    if (first !== undefined) throw this.#fault(line, `${actor.party.name} also got ${toXml(first)}`);
  }

  #fill(text: string): string {
    return text.replace(/\{(\w+)\}/g, (all, name: string) => {
      const value = this.#captures.get(name);
      return value === undefined ? all : esc(value);
    });
  }

  #read(xml: string, line: number): El {
    try {
      return parseXml(xml);
    } catch (error) {
      throw this.#fault(line, String(error));
    }
  }

  #fault(line: number, why: string): SceneFault {
    const tail = this.#transcript.slice(-12).map((t) => `    ${t}`).join("\n");
    return new SceneFault(
      `${this.#scene.file}:${line} ${this.#scene.rows.join(", ")}: ${why}\n  heard so far:\n${tail}`,
    );
  }
}

/** As FreeSWITCH does: the domain answers pings, a call does not understand them but is there (FS46, FS47). */
function probeAnswer(probe: El): string {
  const from = attr(probe, "to");
  const head = `id='${esc(attr(probe, "id"))}' from='${esc(from)}' to='${esc(attr(probe, "from"))}'`;
  const parts = splitJid(from);
  if (parts.local === "" || parts.resource !== "") return `<iq type='result' ${head}/>`;
  return `<iq type='error' ${head}><error type='modify'>` +
    `<feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`;
}
