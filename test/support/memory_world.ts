/**
 * A world for scenes without sockets: a FakeServer, a clock that only moves when told, and a gateway that whoever
 * makes the world knows how to start.
 */
import { type Random, seededRandom } from "../../src/base/random.ts";
import { type Attachment, FakeServer, type Manners } from "./fake_server.ts";
import { ManualClock } from "./manual_clock.ts";
import { MemoryConnector } from "./memory_connector.ts";
import type { Puppet } from "./peer.ts";
import type { Party, SceneWorld } from "./scene.ts";
import type { Given, Scene } from "./scene_text.ts";

/** What a gateway under test is built from. */
export interface Place {
  clock: ManualClock;
  random: Random;
  server: FakeServer;
  /** For its links; the component secret is `secret`. */
  connector: MemoryConnector;
  facts: SceneWorld["facts"];
}

export interface StartedGateway {
  operate(words: string[]): Promise<void>;
  stop(): Promise<void>;
}

export type StartGateway = (given: Given, place: Place) => Promise<StartedGateway>;

export const SCENE_FACTS = {
  external: "rayo.test",
  internal: "gateway.rayo.test",
  gw: "gateway.rayo.test/gateway",
} as const;

export class MemoryWorld implements SceneWorld {
  readonly name: string;
  readonly facts = SCENE_FACTS;
  readonly #manners: Manners;
  readonly #startGateway: StartGateway;
  #place: Place | null = null;
  #gateway: StartedGateway | null = null;
  readonly #attachments = new Map<string, Attachment>();

  constructor(startGateway: StartGateway, manners: Manners = "plain") {
    this.name = `in memory, ${manners}`;
    this.#manners = manners;
    this.#startGateway = startGateway;
  }

  /** Of the scene that is playing. */
  get place(): Place {
    if (this.#place === null) throw new Error("no scene is playing");
    return this.#place;
  }

  refuses(_scene: Scene): string {
    return "";
  }

  async start(given: Given): Promise<void> {
    const clock = new ManualClock();
    const random = seededRandom(1);
    const server = new FakeServer({
      clock,
      random,
      manners: this.#manners,
      components: { [this.facts.external]: "secret", [this.facts.internal]: "secret" },
      hosts: ["capulet.test", "montague.test"],
    });
    this.#place = { clock, random, server, connector: new MemoryConnector(server, clock), facts: this.facts };
    this.#gateway = await this.#startGateway(given, this.#place);
    await this.settle();
  }

  async attach(party: Party, peer: Puppet): Promise<void> {
    const known = this.#attachments.get(party.name);
    if (known !== undefined) return known.restore();
    const { server } = this.place;
    const way = party.kind === "client"
      ? server.attachClient(peer, party.jid)
      : server.attachNode(peer, party.jid);
    this.#attachments.set(party.name, way);
  }

  async detach(party: Party): Promise<void> {
    this.#attachments.get(party.name)?.drop();
  }

  /** Long enough for what is held a moment on purpose (AH25), too short for any time-out. */
  async settle(): Promise<void> {
    await this.place.clock.elapse(25);
  }

  async wait(ms: number): Promise<void> {
    await this.place.clock.elapse(ms);
  }

  async operate(words: string[]): Promise<void> {
    const done = this.#gateway!.operate(words);
    await this.settle();
    await done;
  }

  async stop(): Promise<void> {
    const stopped = this.#gateway?.stop();
    await this.place.clock.elapse(60_000);
    await stopped;
    this.#gateway = null;
    this.#attachments.clear();
  }
}
