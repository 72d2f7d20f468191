/**
 * The simulated FreeSWITCH against recordings of a real one (captures/): it is fed what the recorded gateway said
 * and must say what the recorded node said. Ids come from the recording; stamps and lengths of audio may differ.
 *
 * What happened in the telephone network is not in a recording: incoming calls and far ends that hang up are taken
 * from the recorded offers and ends.
 *
 * Recordings that are not here, and why: a, o, g1 and the set-up files show server-to-server streams, which the
 * simulation has not (fake_server.ts stands for the XMPP server between); h2 and h3 show Prosody's part when a
 * component or node is down (fake_server_test.ts); j_c2s is a client's login at the node; k_two_nodes needs a
 * telephone call between two nodes; i_lostend (500 dials, one of them silent) and l_shutdown are
 * mod_rayo_node_test.ts.
 */
import { expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { ManualClock } from "./manual_clock.ts";
import type { CallReason } from "./mod_rayo_call.ts";
import { ModRayoNode, type ModRayoOptions } from "./mod_rayo_node.ts";
import { RAYO, splitJid } from "./peer.ts";
import { attr, child, difference, type El, elements, firstChild, parseXml, textOf, toXml } from "./xml.ts";

interface Entry {
  ms: number;
  fromGateway: boolean;
  stanza: El;
}

interface Recording {
  file: string;
  /** Recordings of the same run that go on where this one ends. */
  more?: string[];
  options?: Partial<ModRayoOptions>;
  /** JIDs that had said `chat` before this recording begins. */
  online?: string[];
  /** What is recorded later is left out. */
  untilMs?: number;
  /** Recorded stanzas that are not compared, with the reason. */
  except?: { why: string; is: (stanza: El) => boolean }[];
}

const GW = "gateway.rayo.test/gw", OTHER = "gateway.rayo.test/other";
const s2sChat = {
  why: "sent when a server-to-server stream comes up, which the simulation has not",
  is: (stanza: El) => stanza.name === "presence" && attr(stanza, "from") === "node1.rayo.test",
};

const RECORDINGS: Recording[] = [
  { file: "b_from", online: [], except: [s2sChat] },
  { file: "c_offer_loopback" },
  { file: "c_offer_redirect", online: [GW, OTHER] },
  { file: "c_offer_reject", online: [GW, OTHER] },
  { file: "c_offer_sip", online: [GW, OTHER] },
  { file: "c_offer_timeout", online: [GW, OTHER] },
  { file: "d_dial" },
  { file: "d_overtake" },
  { file: "e_dial_join" },
  { file: "e_join_calls", more: ["e_join_other_dcp"] },
  { file: "e_mixer" },
  { file: "f_liveness" },
  { file: "g2_dnd" },
  { file: "g2_unavailable" },
  { file: "g3_presence_error" },
  { file: "g4_two_dcps" },
  { file: "h_component" },
  { file: "i_limits" },
  { file: "j_idle", options: { idleMsMax: 4000 } },
  { file: "j_noclient" },
  { file: "m_keepalive" },
  { file: "n_direction", untilMs: 4100 }, // then a server-to-server stream is cut
  { file: "p_answer_output" },
  { file: "p_lag", options: { iqMs: 2 } }, // its gateway is quicker than the usual 20 ms
];

async function load(recording: Recording): Promise<Entry[]> {
  const all: Entry[] = [];
  for (const file of [recording.file, ...recording.more ?? []]) {
    all.push(...read(await Bun.file(new URL(`captures/${file}.xml`, import.meta.url)).text()));
  }
  return all.filter((entry) => entry.ms < (recording.untilMs ?? Infinity));
}

function read(text: string): Entry[] {
  const entries: Entry[] = [];
  for (const part of text.split(/^(?=<!-- \+)/m)) {
    const head = /^<!-- \+([\d.]+) (\S+) -->\n/.exec(part);
    if (head === null) continue;
    const body = part.slice(head[0].length).trim();
    if (!/^<(iq|presence|message)[\s>]/.test(body)) continue; // stream headers, dialback, notes
    entries.push({
      ms: Number(head[1]) * 1000,
      fromGateway: head[2]!.startsWith("GW>") || head[2]!.startsWith("C>"),
      stanza: parseXml(body),
    });
  }
  return entries;
}

/** What may differ is turned into a pattern. */
function pattern(stanza: El): El {
  const copy = parseXml(toXml(stanza));
  const walk = (el: El) => {
    if (el.name === "delay") el.attrs.stamp = "...";
    if (el.name === "recording") el.attrs.duration = "...";
    elements(el).forEach(walk);
  };
  walk(copy);
  return copy;
}

class Replay {
  readonly #clock = new ManualClock();
  readonly #ids: string[] = [];
  readonly node: ModRayoNode;
  #quiet = false;
  readonly said: { ms: number; stanza: El }[] = [];
  readonly #entries: Entry[];

  constructor(recording: Recording, entries: Entry[]) {
    this.#entries = entries;
    this.node = new ModRayoNode({
      domain: "node1.rayo.test",
      clock: this.#clock,
      random: seededRandom(1),
      announce: false,
      plan: () => this.#quiet ? {} : undefined,
      makeId: () => {
        const id = this.#ids.shift();
        if (id === undefined) throw new Error("the node made a call that was not recorded");
        return id;
      },
      ...recording.options,
    });
    this.node.send = (xml) => this.said.push({ ms: this.#clock.now(), stanza: parseXml(xml) });
    for (const jid of recording.online ?? [GW]) {
      this.node.receive(
        parseXml(`<presence from='${jid}' to='node1.rayo.test'><show>chat</show></presence>`),
      );
    }
  }

  run(): void {
    for (const entry of this.#entries) {
      this.#clock.advance(Math.max(0, entry.ms - this.#clock.now()));
      if (entry.fromGateway) this.#feed(entry.stanza);
      else this.#outside(entry.stanza);
    }
    this.#clock.advance(3000);
  }

  #feed(stanza: El): void {
    const id = attr(stanza, "id");
    const payload = firstChild(stanza);
    this.node.paused = false;
    if (payload?.name === "dial" && payload.attrs.uri === undefined) {
      const answer = this.#entries.find((e) =>
        !e.fromGateway && e.stanza.name === "iq" && attr(e.stanza, "id") === id
      );
      const ref = answer === undefined ? undefined : child(answer.stanza, "ref", RAYO);
      if (ref !== undefined) this.#ids.push(splitJid(attr(ref, "uri").slice("xmpp:".length)).local);
      this.node.paused = answer !== undefined && toXml(answer.stanza).includes("DESTINATION_OUT_OF_ORDER");
    }
    this.#quiet = payload?.name === "dial" && !this.#picksUp(id, payload);
    this.node.receive(stanza);
  }

  /** Whether the recorded far end of this dial did anything before the call ended. */
  #picksUp(id: string, payload: El): boolean {
    const own = splitJid(attr(payload, "uri").replace(/^xmpp:/, "")).local;
    const local = own === "" ? this.#ids.at(-1) : own;
    const since = this.#entries.findIndex((e) => e.fromGateway && attr(e.stanza, "id") === id);
    for (const { stanza } of this.#entries.slice(since)) {
      if (stanza.name !== "presence" || splitJid(attr(stanza, "from")).local !== local) continue;
      const end = child(stanza, "end", RAYO);
      return end === undefined || firstChild(end)?.attrs["platform-code"] !== "16";
    }
    return true;
  }

  /** The telephone network's part. */
  #outside(stanza: El): void {
    const local = splitJid(attr(stanza, "from")).local;
    const offer = child(stanza, "offer", RAYO);
    if (offer !== undefined && !this.#seen.has(local)) {
      this.#seen.add(local);
      const headers = Object.fromEntries(elements(offer).map((h) => [attr(h, "name"), attr(h, "value")]));
      this.node.incomingCall({ id: local, to: attr(offer, "to"), from: attr(offer, "from"), headers });
    }
    const call = this.node.calls.get(local);
    if (call === undefined) return;
    const how = child(stanza, "complete");
    if (how !== undefined && ["finish", "max-duration", "noinput"].includes(firstChild(how)?.name ?? "")) {
      this.node.finish(call, splitJid(attr(stanza, "from")).resource); // playing took less time than it says
    }
    const end = child(stanza, "end", RAYO);
    const reason = end === undefined ? undefined : firstChild(end);
    // Only what a far end or an administrator does; busy, timeout and the rest the simulation must know itself.
    const idle = reason?.name === "hungup" && this.node.options.idleMsMax < 10_000;
    if (reason?.attrs["platform-code"] !== "16" || idle) return;
    this.node.hangupFromFarEnd(call, { name: reason.name as CallReason["name"], code: 16 });
  }
  readonly #seen = new Set<string>();
}

/** Times are those of a busy machine: an answer may be this much off. */
const SLACK_MS = 2500;

test.each(RECORDINGS)("$file", async (recording) => {
  const entries = await load(recording);
  const replay = new Replay(recording, entries);
  replay.run();
  const left = [...replay.said];
  const missing: string[] = [];
  for (const entry of entries) {
    if (entry.fromGateway || recording.except?.some((e) => e.is(entry.stanza))) continue;
    const wanted = pattern(entry.stanza);
    const at = left.findIndex((s) =>
      Math.abs(s.ms - entry.ms) < SLACK_MS && difference(wanted, s.stanza) === null
    );
    if (at < 0) missing.push(`+${(entry.ms / 1000).toFixed(3)} ${toXml(entry.stanza)}`);
    else left.splice(at, 1);
  }
  expect({ missing, tooMuch: left.map((s) => `+${(s.ms / 1000).toFixed(3)} ${toXml(s.stanza)}`) })
    .toEqual({ missing: [], tooMuch: [] });
  expect(replay.node.violations).toEqual([]);
  expect(entries.some((e) => !e.fromGateway)).toBe(true);
});

test("nothing is said of a call after its end", async () => {
  for (const recording of RECORDINGS) {
    const replay = new Replay(recording, await load(recording));
    replay.run();
    const ended = new Set<string>();
    for (const { stanza } of replay.said) {
      const key = `${splitJid(attr(stanza, "from")).local} ${attr(stanza, "to")}`;
      if (stanza.name !== "presence") continue;
      if (child(stanza, "offer") !== undefined) ended.delete(key); // an id may be used again (FS49)
      if (child(stanza, "answered") !== undefined || child(stanza, "ringing") !== undefined) {
        ended.delete(key);
      }
      expect(ended.has(key) ? `${recording.file}: ${toXml(stanza)}` : "").toBe("");
      if (child(stanza, "end", RAYO) !== undefined) ended.add(key);
    }
  }
});

test("the notes in the recordings are not taken for stanzas", () => {
  const entries = read(
    "<!-- +1.0 NOTE -->\n<!-- <iq/> -->\n<!-- +1.5 GW>FS -->\n<iq id='1'>\n<text>a\n</text></iq>\n",
  );
  expect(entries.map((e) => [e.ms, e.fromGateway, textOf(firstChild(e.stanza)!)])).toEqual([[
    1500,
    true,
    "a\n",
  ]]);
});
