/**
 * A world for scenes in which nothing is played but the parties' own words: a real XMPP server, the built gateway as a
 * child process, nodes as components of that server, clients as its ordinary users on `@xmpp/client`, an operator who
 * speaks HTTP.
 *
 * Nobody sleeps until "it should have arrived": every party asks the gateway something and waits for the answer, so
 * that whatever was under way before has come (settle). Only where the server itself keeps no order (DC6) there is a
 * pause, too.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { attachComponent, type ComponentAttachment } from "./component.ts";
import { type LiveGateway, startGateway } from "./live_gateway.ts";
import type { LiveServer, LiveServerOptions } from "./live_server.ts";
import { SCENE_FACTS } from "./memory_world.ts";
import { operateByHttp } from "./operator.ts";
import { bareJid, type Peer, Puppet, splitJid } from "./peer.ts";
import { removeFolder, temporaryFolder } from "./process.ts";
import { PARTIES, type Party, type SceneWorld } from "./scene.ts";
import { SCENE_SECRET, sceneConfiguration, sceneOverrides } from "./scene_config.ts";
import type { Given, Scene } from "./scene_text.ts";
import { stockClient } from "./stock_client.ts";
import { attr, type El, parseXml } from "./xml.ts";

const PASSWORD = "of all users";
const SECRET_OF_NODES = "of all nodes";

/** Times that a scene gives are short; on a machine that is busy with other things they are played so much slower. */
const SLOWER = 2;
/** How long an answer may take; it bounds a scene that fails. */
const ANSWER_LIMIT_MS = 10_000;
/** DC6: what took the other stream arrives out of order, but not as late as this. */
const DISORDER_MS = 30;
/** Until a server has usually seen that a connection is gone. */
const NOTICE_MS = 100;

/** What ejabberd 23.01 does not let through, by the titles of scenes. */
export const EJABBERD_REFUSALS: Record<string, string> = {
  "older Java nodes write CHAT": "ejabberd answers bad-request itself: no such <show/>",
  "so is a session": "ejabberd answers it itself, whomever a user asks",
};

/** A server on which the parties of all scenes have their places. */
export function sceneServerOptions(globalRoutes = false, secretOfNodes = SECRET_OF_NODES): LiveServerOptions {
  const nodes = PARTIES.filter((party) => party.kind === "node").map((party) => party.jid);
  const users = new Set(
    PARTIES.filter((party) => party.kind === "client").map((party) => bareJid(party.jid)),
  );
  const own = { [SCENE_FACTS.external]: SCENE_SECRET, [SCENE_FACTS.internal]: SCENE_SECRET };
  const others = Object.fromEntries(nodes.map((domain) => [domain, secretOfNodes]));
  return {
    components: globalRoutes ? own : { ...own, ...others },
    // The setting is one of the gateway's listener: what is addressed to a node must not come to the gateway.
    ...(globalRoutes ? { apart: others, globalRoutes } : {}),
    hosts: [...new Set([...users].map((jid) => splitJid(jid).domain))],
    users: [...users].map((jid) => ({ jid, password: PASSWORD })),
  };
}

/** A party's way to the server. */
interface Way {
  party: Party;
  send(xml: string): void;
  /** Without a word. */
  cut(): Promise<void>;
  /** In order. */
  leave(): Promise<void>;
}

export interface Stage {
  name: string;
  startServer(): Promise<LiveServer>;
  /** Whether the server keeps the order of stanzas between two parties (DC6). */
  ordered: boolean;
  /** Why nothing is played here, if so. Default: whatever keeps Prosody and ejabberd from running. */
  skip?: string;
  /** Where the server gives nodes no secret of their own. */
  secretOfNodes?: string;
  /** Why a scene cannot be played here, by its title. */
  refusals?: Record<string, string>;
}

/** One server for many scenes; each has a gateway of its own, and parties that come anew. */
export class LiveWorld implements SceneWorld {
  readonly facts = SCENE_FACTS;
  /** A server notices by itself, and when it likes, that a connection is gone. */
  readonly looks = 100;
  readonly #stage: Stage;
  #server!: LiveServer;
  readonly #ways = new Map<string, Way>();
  /** Questions of settle() that wait for their answers, by id. */
  readonly #asked = new Map<string, () => void>();
  #gateway: LiveGateway | null = null;
  #folder = "";
  #pace = 1;
  #questions = 0;
  #lastLog = "";

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  get name(): string {
    return this.#stage.name;
  }

  /** What the gateway of the last scene had to say, or of the one that is playing. */
  get log(): string {
    return this.#gateway?.log() ?? this.#lastLog;
  }

  refuses(scene: Scene): string {
    return this.#stage.refusals?.[scene.title] ?? "";
  }

  async open(): Promise<void> {
    this.#server = await this.#stage.startServer();
  }

  async close(): Promise<void> {
    await this.#server?.stop();
  }

  async start(given: Given): Promise<void> {
    this.#folder = temporaryFolder("scene");
    const configuration = join(this.#folder, "config.toml");
    writeFileSync(configuration, sceneConfiguration(given, this.facts));
    const timed = Object.keys(given.options).some((key) => key.endsWith("_ms"));
    this.#pace = timed ? SLOWER : 1;
    const options = Object.entries(given.options).map(([key, value]): [string, string] =>
      key.endsWith("_ms") ? [key, String(Number(value) * this.#pace)] : [key, value]
    );
    this.#gateway = await startGateway({
      external: this.#server,
      configuration,
      overrides: sceneOverrides(Object.fromEntries(options)),
    });
    try {
      await this.#gateway.ready();
    } catch (fault) {
      await this.stop();
      throw fault;
    }
  }

  async attach(party: Party, peer: Puppet): Promise<void> {
    const way = party.kind === "client" ? await this.#logIn(party, peer) : await this.#connect(party, peer);
    peer.send = (xml) => way.send(xml);
    this.#ways.set(party.name, way);
  }

  async detach(party: Party): Promise<void> {
    const way = this.#ways.get(party.name);
    this.#ways.delete(party.name);
    await way?.cut();
    await Bun.sleep(NOTICE_MS);
  }

  /**
   * What was under way when a party asks is before its answer: first on the way to the gateway, then on the way from
   * it. Both sides ask twice, since what one of them sent becomes a stanza for the other.
   */
  async settle(): Promise<void> {
    for (let round = 0; round < 2; round++) {
      await this.#ask("client");
      await this.#ask("node");
      if (!this.#stage.ordered) await Bun.sleep(DISORDER_MS);
    }
  }

  async wait(ms: number): Promise<void> {
    await Bun.sleep(ms * this.#pace);
    await this.settle();
  }

  operate(words: string[]): Promise<void> {
    return operateByHttp(this.#gateway!.url, words);
  }

  async stop(): Promise<void> {
    await this.#gateway?.stop();
    this.#lastLog = this.#gateway?.log() ?? "";
    await this.#gateway?.close();
    this.#gateway = null;
    await Promise.all([...this.#ways.values()].map((way) => way.leave()));
    this.#ways.clear();
    this.#asked.clear();
    removeFolder(this.#folder);
  }

  async #logIn(party: Party, peer: Puppet): Promise<Way> {
    const { resource } = splitJid(party.jid);
    const own = bareJid(party.jid);
    const client = await stockClient(this.#server, {
      jid: own,
      password: PASSWORD,
      resource,
      ownAnswers: true,
    });
    client.remembers = false;
    client.onStanza = (stanza) => {
      const heard = parseXml(String(stanza));
      // Its account's own presence, which every resource is told of, is the server's business.
      if (heard.name === "presence" && bareJid(attr(heard, "from")) === own) return;
      this.#hear(heard, peer);
    };
    await client.send("<presence/>");
    return {
      party,
      send: (xml) => void client.send(xml).catch(() => {}),
      cut: () => client.cut(),
      leave: () => client.stop().catch(() => client.cut()),
    };
  }

  async #connect(party: Party, puppet: Puppet): Promise<Way> {
    const { host, componentPort, apartPort } = this.#server;
    const peer: Peer = {
      send: () => {},
      receive: (stanza) => this.#hear(stanza, puppet),
      up() {},
      down() {},
    };
    const attachment: ComponentAttachment = attachComponent(peer, {
      host,
      port: this.#stage.ordered ? componentPort : apartPort,
      domain: party.jid,
      secret: this.#stage.secretOfNodes ?? SECRET_OF_NODES,
    });
    await attachment.ready;
    return {
      party,
      send: (xml) => peer.send(xml),
      async cut() {
        attachment.kill();
        await attachment.closed;
      },
      async leave() {
        attachment.close();
        await attachment.closed;
      },
    };
  }

  #hear(stanza: El, peer: Puppet): void {
    const answered = stanza.name === "iq" ? this.#asked.get(attr(stanza, "id")) : undefined;
    if (answered === undefined) peer.receive(stanza);
    else answered();
  }

  /** Everybody of that kind asks the gateway; a refusal is an answer, too. */
  async #ask(kind: Party["kind"]): Promise<void> {
    const to = kind === "client" ? this.facts.external : this.facts.internal;
    const ways = [...this.#ways.values()].filter((way) => way.party.kind === kind);
    await Promise.all(ways.map((way) => this.#answerTo(way, to)));
  }

  async #answerTo(way: Way, to: string): Promise<void> {
    const id = `settled-${++this.#questions}`;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#asked.set(id, resolve);
    const patience = setTimeout(
      () => reject(new Error(`${way.party.name} asked "${to}" and got no answer`)),
      ANSWER_LIMIT_MS,
    );
    way.send(
      `<iq type='get' id='${id}' from='${way.party.jid}' to='${to}'><ping xmlns='urn:xmpp:ping'/></iq>`,
    );
    try {
      await promise;
    } finally {
      clearTimeout(patience);
      this.#asked.delete(id);
    }
  }
}
