/** What the tests of a link stand on: a network in memory, a scripted server, a sink that remembers. */
import type { Clock } from "../../src/base/clock.ts";
import { Log } from "../../src/base/log.ts";
import { seededRandom } from "../../src/base/random.ts";
import { ComponentLink, type ComponentLinkOptions } from "../../src/link/component.ts";
import type { Link, LinkSink } from "../../src/link/link.ts";
import type { FramerLimits } from "../../src/xmpp/framer.ts";
import type { Stanza } from "../../src/xmpp/stanza.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { MemoryNetwork, type MemoryNetworkOptions, type MemoryWire } from "../support/memory_wire.ts";
import { ScriptedServer } from "../support/scripted_server.ts";

export const LIMITS: FramerLimits = {
  stanzaBytesMax: 65_536,
  stanzaBytesHardMax: 1_048_576,
  depthMax: 32,
  attributesMax: 64,
  nameBytesMax: 256,
};

export class RecordingSink implements LinkSink {
  readonly stanzas: string[] = [];
  readonly skippedWhy: string[] = [];
  readonly downs: string[] = [];
  ups = 0;
  onStanza: (stanza: Stanza, link: Link) => void = () => {};
  onUp: (link: Link) => void = () => {};

  stanza(stanza: Stanza, link: Link): void {
    this.stanzas.push(stanza.buf.toString("utf8", stanza.start, stanza.end));
    this.onStanza(stanza, link);
  }
  skipped(_stanza: Stanza, why: string): void {
    this.skippedWhy.push(why);
  }
  up(link: Link): void {
    this.ups++;
    this.onUp(link);
  }
  down(_link: Link, why: string): void {
    this.downs.push(why);
  }
}

export interface Rig {
  clock: ManualClock;
  network: MemoryNetwork;
  server: ScriptedServer;
  sink: RecordingSink;
  link: ComponentLink;
  /** Log lines, the date cut off. */
  lines: string[];
  /** The connecting side of the wire that is open. */
  wire(): MemoryWire;
}

export const HOST = "xmpp.test", PORT = 5347, DOMAIN = "rayo.test", SECRET = "pęk kluczy";

/** A link to a scripted server in memory, not started. */
export function rig(
  options: Partial<ComponentLinkOptions> = {},
  network: Partial<MemoryNetworkOptions> = {},
): Rig {
  const clock = new ManualClock();
  const net = new MemoryNetwork({ clock, ...network });
  const server = new ScriptedServer(SECRET);
  net.listen(HOST, PORT, server.accept);
  const sink = new RecordingSink();
  const lines: string[] = [];
  const link = makeLink({ clock, connector: net, sink, log: logTo(lines, clock), ...options });
  return { clock, network: net, server, sink, link, lines, wire: () => [...net.open][0]! };
}

export function makeLink(
  options: Partial<ComponentLinkOptions> & Pick<ComponentLinkOptions, "clock" | "connector" | "sink" | "log">,
): ComponentLink {
  return new ComponentLink({
    side: "external",
    domain: DOMAIN,
    host: HOST,
    port: PORT,
    secret: SECRET,
    limits: LIMITS,
    random: seededRandom(7),
    ...options,
  });
}

export function logTo(lines: string[], clock: Clock): Log {
  return new Log((line) => lines.push(line.slice(25, -1)), () => clock.wall());
}

/** An event of about 240 bytes. */
export function event(n: number): string {
  const name = String(n).padStart(8, "0");
  return `<presence from='call-${name}@rayo.test/${"x".repeat(100)}' to='juliet@capulet.lit/balcony'>` +
    `<ringing xmlns='urn:xmpp:rayo:1'><header name='X' value='${name}'/></ringing></presence>`;
}
