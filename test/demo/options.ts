/**
 * What the demo can be asked for on its command line (`make run ARGS="…"`).
 */

export interface DemoOptions {
  /** FreeSWITCH-like nodes. */
  nodes: number;
  /** Java-like nodes. */
  javaNodes: number;
  /** Resources of the one application. */
  resources: number;
  /** Calls at once. */
  calls: number;
  /** Not 0: ends after that many calls, with a summary and an exit status. */
  once: number;
  server: "prosody" | "ejabberd";
  /** Of the HTTP server; 0: that of config.toml if it is free, else any. */
  port: number;
  help: boolean;
}

export const USAGE = `Usage: make run ARGS="[OPTION]…"

A real XMPP server, the gateway, simulated nodes and an application on loopback, with calls in both directions.
Ctrl-C ends everything.

  --nodes N        FreeSWITCH-like nodes (2)
  --java-nodes N   Java-like nodes (1)
  --resources N    resources of the application (2)
  --calls N        calls at once (12)
  --once [N]       end after N calls (40) with a summary; exit status 0 if all went well, else 1
  --server NAME    prosody or ejabberd (prosody)
  --port N         port of the gateway's HTTP server
  --help           show this
`;

const RANGES = {
  "--nodes": ["nodes", 0, 50],
  "--java-nodes": ["javaNodes", 0, 50],
  "--resources": ["resources", 1, 20],
  "--calls": ["calls", 1, 500],
  "--port": ["port", 1, 65535],
} as const;

/** The options, or one sentence about what is wrong with them. */
export function parseOptions(words: readonly string[]): DemoOptions | string {
  const options: DemoOptions = {
    nodes: 2,
    javaNodes: 1,
    resources: 2,
    calls: 12,
    once: 0,
    server: "prosody",
    port: 0,
    help: false,
  };
  const rest = words.flatMap((word) => word.startsWith("--") ? word.split(/=(.*)/s, 2) : [word]);
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--help" || word === "-h") options.help = true;
    else if (word === "--once") {
      options.once = 40;
      if (rest[0] === undefined || rest[0].startsWith("--")) continue;
      const count = whole(rest.shift(), 1, 100_000);
      if (count === null) return "--once needs a whole number from 1 to 100000, or nothing";
      options.once = count;
    } else if (word === "--server") {
      const name = rest.shift();
      if (name !== "prosody" && name !== "ejabberd") return '--server needs "prosody" or "ejabberd"';
      options.server = name;
    } else if (word in RANGES) {
      const [key, least, most] = RANGES[word as keyof typeof RANGES];
      const value = whole(rest.shift(), least, most);
      if (value === null) return `${word} needs a whole number from ${least} to ${most}`;
      options[key] = value;
    } else return `unknown option "${word}"`;
  }
  if (options.nodes + options.javaNodes === 0) return "at least one node is needed";
  return options;
}

function whole(word: string | undefined, least: number, most: number): number | null {
  if (word === undefined || !/^\d+$/.test(word)) return null;
  const value = Number(word);
  return value >= least && value <= most ? value : null;
}
