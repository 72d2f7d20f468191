/**
 * Scenes as text: what a protocol person reads and writes. This file knows the language, scene.ts runs it.
 *
 *     == PC6, PC1: title, begun by the rows of the specification that it shows ==
 *     given application juliet@capulet.test platform=default address=sip:juliet@example.com
 *     given node node1.test platforms=default
 *     given option mixers.scope=shared
 *     juliet> <presence to='{external}'><show>chat</show></presence>
 *     node1< <iq type='set' id='{n}' to='node1.test'><dial xmlns='urn:xmpp:rayo:1' .../></iq>
 *     node1> <iq type='result' id='{n}'/>
 *     juliet< nothing
 *     operator> quiesce on
 *     juliet leaves
 *     wait 5s
 *
 * `given` lines before a file's first scene hold for all its scenes. `-- words --` begins a piece that scenes of any
 * file use with `so far: words`.
 *
 * `name>` is what that party sends, `name<` what it must get next, `name<*` what it must have got among what waits; a line that begins with a blank goes on with the
 * one before; `#` begins a comment. In what is expected `{n}` catches a value or repeats it, `...` stands for anything
 * (in a value, for further attributes, for further children). `{error cancel conflict: text}` is an error element,
 * its text optional. An address that is left out is the usual one: a client's own, the node's domain, the gateway's.
 */

export type Step =
  | { kind: "send" | "expect" | "among"; line: number; party: string; xml: string }
  | { kind: "nothing"; line: number; party: string }
  | { kind: "leave" | "return" | "mute"; line: number; party: string }
  | { kind: "operator"; line: number; words: string[] }
  | { kind: "wait"; line: number; ms: number };

export interface Given {
  applications: { jid: string; name: string; platform: string; permissions: string; addresses: string[] }[];
  /** Nodes that the configuration names: they are greeted and asked (static). */
  nodes: { jid: string; platforms: string[]; weight: number; priority: number }[];
  /** Domains that may use the internal interface. */
  trusted: string[];
  /** Keys of config.toml. */
  options: Record<string, string>;
}

export interface Scene {
  file: string;
  line: number;
  /** Ids of the specification's rows. */
  rows: string[];
  title: string;
  given: Given;
  steps: Step[];
}

export class SceneFault extends Error {
  override readonly name = "SceneFault";
}

const STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas";

/** Pieces by their words, to be shared between files. */
export type Pieces = Map<string, Step[]>;

export function parseScenes(file: string, text: string, pieces: Pieces = new Map()): Scene[] {
  const scenes: Scene[] = [];
  const always = nothingGiven();
  let given = always;
  let steps: Step[] | null = null;
  for (const { line, words } of logicalLines(text)) {
    const head = /^== ([\w§., -]+?): (.*) ==$/.exec(words);
    const piece = /^-- (.*) --$/.exec(words);
    if (head !== null) {
      const rows = head[1]!.split(/,\s*/);
      given = structuredClone(always);
      steps = [];
      scenes.push({ file, line, rows, title: head[2]!, given, steps });
    } else if (piece !== null) {
      steps = [];
      pieces.set(piece[1]!, steps);
    } else if (words.startsWith("given ")) {
      give(given, words.slice("given ".length), `${file}:${line}`);
    } else if (steps === null) {
      throw new SceneFault(`${file}:${line} stands before the first scene`);
    } else if (words.startsWith("so far: ")) {
      const before = pieces.get(words.slice("so far: ".length));
      if (before === undefined) throw new SceneFault(`${file}:${line} no piece has these words: ${words}`);
      steps.push(...before);
    } else steps.push(step(words, file, line));
  }
  return scenes;
}

function nothingGiven(): Given {
  return { applications: [], nodes: [], trusted: [], options: {} };
}

function logicalLines(text: string): { line: number; words: string }[] {
  const lines: { line: number; words: string }[] = [];
  text.split("\n").forEach((raw, i) => {
    if (/^\s*(#|$)/.test(raw)) return;
    if (/^\s/.test(raw)) {
      const last = lines.at(-1);
      if (last !== undefined) last.words += ` ${raw.trim()}`;
    } else lines.push({ line: i + 1, words: raw.trimEnd() });
  });
  return lines;
}

function give(given: Given, words: string, where: string): void {
  const [what, name = "", ...rest] = words.split(/\s+/);
  const values = (key: string) =>
    rest.filter((r) => r.startsWith(`${key}=`)).map((r) => r.slice(key.length + 1));
  if (what === "application") {
    given.applications.push({
      jid: name,
      name: values("name")[0] ?? name,
      platform: values("platform")[0] ?? "default",
      permissions: values("permissions")[0] ?? "",
      addresses: values("address"),
    });
  } else if (what === "node") {
    given.nodes.push({
      jid: name,
      platforms: values("platforms")[0]?.split(",") ?? ["default"],
      weight: Number(values("weight")[0] ?? 10),
      priority: Number(values("priority")[0] ?? 1),
    });
  } else if (what === "trusted") given.trusted.push(name);
  else if (what === "option") {
    const at = words.indexOf("=");
    given.options[words.slice("option ".length, at)] = words.slice(at + 1);
  } else throw new SceneFault(`${where} nobody knows how to give '${what}'`);
}

function step(words: string, file: string, line: number): Step {
  const talk = /^([\w-]+)(<\*|<|>) (.*)$/s.exec(words);
  if (talk !== null) {
    const [, party = "", way, rest = ""] = talk;
    if (party === "operator") return { kind: "operator", line, words: rest.split(/\s+/) };
    if (rest === "nothing") return { kind: "nothing", line, party };
    const kind = way === ">" ? "send" : way === "<" ? "expect" : "among";
    return { kind, line, party, xml: expand(rest) };
  }
  // A word alone: what parties do, and time.
  const wait = /^wait (\d+)(ms|s)$/.exec(words);
  if (wait !== null) return { kind: "wait", line, ms: Number(wait[1]) * (wait[2] === "s" ? 1000 : 1) };
  const act = /^([\w-]+) (leaves|returns|goes silent)$/.exec(words);
  if (act !== null) {
    const kind = act[2] === "leaves" ? "leave" : act[2] === "returns" ? "return" : "mute";
    return { kind, line, party: act[1]! };
  }
  throw new SceneFault(`${file}:${line} cannot be read: ${words}`);
}

/** Shorthands to XML. */
function expand(text: string): string {
  return text
    .replace(/\{error (\w+) ([\w-]+)(?:: ([^{}]*(?:\{\w+\}[^{}]*)*))?\}/g, (_, type, condition, words) => {
      const said = words === undefined ? "..." : `<text xmlns='${STANZAS}'>${words}</text>`;
      return `<error type='${type}' ...><${condition} xmlns='${STANZAS}'/>${said}</error>`;
    })
    .replace(/<[^<>]*?\s\.\.\.\s*(\/?>)/g, (tag) => tag.replace(/\s\.\.\.\s*(\/?>)$/, " _any=''$1"));
}
