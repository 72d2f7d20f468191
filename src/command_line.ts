/**
 * What the words on the command line ask for (spec 9.2). Pure: reads no file, writes nothing.
 */
import { nearest } from "./config/nearest.ts";

export type Command =
  | { do: "run" | "check"; config: string | undefined }
  | { do: "version" }
  | { do: "help"; text: string }
  /** Not understood: exit status 2. */
  | { do: "refuse"; problem: string };

const COMMANDS = ["run", "check", "version", "help"] as const;
type CommandName = (typeof COMMANDS)[number];

const OPTIONS: Record<CommandName, readonly string[]> = {
  run: ["--config", "--help"],
  check: ["--config", "--help"],
  version: ["--help"],
  help: ["--help"],
};

const LOOKUP = `  --config FILE   the configuration; else $RAYO_GATEWAY_CONFIG, else ./config.toml,
                  else /etc/rayo-gateway/config.toml
  -h, --help      show this

Every key of the configuration can be overridden by an environment variable:
RAYO_GATEWAY__XMPP__EXTERNAL__PORT=5348
`;

const HELP: Record<CommandName, string> = {
  run: `Usage: rayo-gateway [run] [--config FILE]

Runs the gateway until SIGTERM or SIGINT; a second one ends it at once. SIGHUP reads the configuration again:
trusted and static nodes, applications, tokens and log change at once, other keys need a restart.
Logs go to stderr. Exit status: 0 stopped as asked, 1 could not start or failed, 2 wrong usage.

${LOOKUP}`,
  check: `Usage: rayo-gateway check [--config FILE]

Prints everything that is wrong with the configuration, with line and key, and exits with status 1; or prints ok.
Contacts nobody.

${LOOKUP}`,
  version: `Usage: rayo-gateway version

Prints the version.
`,
  help: `Usage: rayo-gateway [COMMAND] [OPTIONS]

Turns many Rayo media servers into one cluster.

  run       run the gateway (what it does without a command)
  check     say what is wrong with the configuration
  version   print the version
  help      show this, or the help of a command: rayo-gateway help check

${LOOKUP}`,
};

/** `words`: what follows the program's name. */
export function parseCommandLine(words: readonly string[]): Command {
  if (words[0] === "--version") return { do: "version" };
  const first = words[0];
  const named = first !== undefined && !first.startsWith("-");
  if (named && !isCommand(first)) {
    return refuse(`unknown command ${JSON.stringify(first)}`, nearest(first, COMMANDS));
  }
  const name: CommandName = named && isCommand(first) ? first : "run";
  const rest = named ? words.slice(1) : words;
  if (name === "help") return parseHelp(rest);

  let config: string | undefined;
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i]!;
    // `rayo-gateway --help` is about the program, `rayo-gateway run --help` about the command.
    if (word === "--help" || word === "-h") return { do: "help", text: HELP[named ? name : "help"] };
    const [option, given] = word.startsWith("--") && word.includes("=") ? split(word) : [word, undefined];
    if (option !== "--config" || !OPTIONS[name].includes(option)) {
      if (!word.startsWith("-")) return refuse(`unexpected argument ${JSON.stringify(word)}`, null);
      return refuse(`unknown option ${JSON.stringify(option)}`, nearest(option, OPTIONS[name]));
    }
    const value = given ?? rest[++i];
    if (value === undefined || value === "") return refuse("--config needs the name of a file", null);
    if (config !== undefined) return refuse("--config is given twice", null);
    config = value;
  }
  return name === "version" ? { do: "version" } : { do: name, config };
}

function parseHelp(rest: readonly string[]): Command {
  const topic = rest.find((word) => word !== "--help" && word !== "-h");
  if (topic === undefined) return { do: "help", text: HELP.help };
  if (topic.startsWith("-")) {
    return refuse(`unknown option ${JSON.stringify(topic)}`, nearest(topic, OPTIONS.help));
  }
  if (!isCommand(topic)) return refuse(`unknown command ${JSON.stringify(topic)}`, nearest(topic, COMMANDS));
  return { do: "help", text: HELP[topic] };
}

function isCommand(word: string): word is CommandName {
  return (COMMANDS as readonly string[]).includes(word);
}

function split(word: string): [string, string] {
  const at = word.indexOf("=");
  return [word.slice(0, at), word.slice(at + 1)];
}

function refuse(what: string, near: string | null): Command {
  const hint = near === null ? "" : `, did you mean ${JSON.stringify(near)}`;
  return { do: "refuse", problem: `rayo-gateway: ${what}${hint}\nSee rayo-gateway help\n` };
}
