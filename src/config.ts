/**
 * The configuration: what the gateway is told to be. Read once at start and again on SIGHUP; never changed by the
 * gateway itself.
 *
 * `loadConfig` reads config.toml, lays the environment over it and says everything that is wrong at once, each with
 * its line and key (spec 9.2, 9.3, DC41-DC43, DC45). It contacts nobody. The shape is in config/schema.ts.
 */
import { dirname, resolve } from "node:path";
import * as v from "valibot";
import { camel } from "./config/camel.ts";
import { applyEnvironment, type Environment, variableOf } from "./config/environment.ts";
import { findConfigFile, readConfigText, SYSTEM_FILE } from "./config/file.ts";
import {
  type Finding,
  findingLine,
  type KeyPath,
  keyText,
  sortFindings,
  valueText,
} from "./config/finding.ts";
import { type Table, unknownKeys, valueAt } from "./config/keys.ts";
import { notBuilt } from "./config/not_built.ts";
import { contradictions, type Relation, warnings } from "./config/relations.ts";
import { repair } from "./config/repair.ts";
import { schema, schemaAt, shapeOf } from "./config/schema.ts";
import { resolveSecretFiles } from "./config/secret_files.ts";
import { tomlFault } from "./config/toml_fault.ts";
import { keyLines } from "./config/toml_lines.ts";

/** One XEP-0114 stream's server (`xmpp.external`, `xmpp.internal`). */
export interface LinkConfig {
  /** Only `component` is built. Default `component`. */
  transport: "component" | "s2s";
  /** The XMPP server. Default `127.0.0.1`. */
  host: string;
  /** Its component port. Default 5347. */
  port: number;
  /** The shared secret; required. */
  secret: string;
}

/** A node that never announces itself (FS16). */
export interface StaticNode {
  /** Domain, folded. */
  jid: string;
  /** Default: `nodes.default_platform` alone. */
  platforms: string[];
  /** Default: `nodes.default_weight`. */
  weight: number;
  /** Lower is better. Default: `nodes.default_priority`. */
  priority: number;
}

/** An application declared in the file: registered at start if absent (DC41). */
export interface DeclaredApplication {
  /** Bare JID, folded. */
  jid: string;
  /** Default: the JID. */
  name: string;
  /** Default: `nodes.default_platform`. */
  platform: string;
  /** Exact texts, each of one application only. Default none. */
  addresses: string[];
  /** One-letter features, e.g. "suc". Default "". */
  permissions: string;
  /** Default: `calls.on_controller_loss`. */
  onControllerLoss: ControllerLoss;
}

export type ControllerLoss = "hangup" | "handover" | "hold";

/** Who may use the admin interface. */
export interface AdminToken {
  name: string;
  role: "viewer" | "operator" | "admin";
  /** Bearer token, or password of basic auth. */
  token: string;
}

/** Times are milliseconds where the name ends in `Ms`, sizes bytes where it says `Bytes`. */
export interface Config {
  gateway: {
    /** This gateway in its cluster. Default: the host's name. */
    name: string;
    /** Folded; at least one; the first is the one written (G2). */
    externalDomain: string[];
    /** Folded; at least one; the first is the one written (G2). None is also external. */
    internalDomain: string[];
    /** Towards nodes the gateway is `<internalDomain[0]>/<internalResource>` (DC1). Default `gateway`. */
    internalResource: string;
  };
  xmpp: { external: LinkConfig; internal: LinkConfig };
  nodes: {
    /** Folded: a domain, `*.` and a domain, or `*` (DC8). Default none. */
    trusted: string[];
    /** For nodes without `node-info` (PN2). Default `default`. */
    defaultPlatform: string;
    /** Default 10. */
    defaultWeight: number;
    /** Default 1. */
    defaultPriority: number;
    /** Silence after which a node's calls are given up (DC29). Default 20,000. */
    graceMs: number;
    /** Static nodes are greeted again (DC33). Default 30,000. */
    greetIntervalMs: number;
    static: StaticNode[];
  };
  clients: {
    /** Silence after which a client's calls are given up (DC29); how long `hold` holds them. Default 5,000. */
    graceMs: number;
    /** How long a resource that vanished is asked whether it is back (AH20); 0: never. Default 600,000. */
    returnWindowMs: number;
  };
  applications: DeclaredApplication[];
  store: {
    /** Default `sqlite`. */
    adapter: "memory" | "sqlite" | "cassandra";
    /** Absolute; in the file relative to the working directory (DC42). Default `rayo-gateway.db`. */
    path: string;
    cassandra: {
      /** Default 127.0.0.1. */
      contactPoints: string[];
      /** Default 9042. */
      port: number;
      /** Default `datacenter1`. */
      localDatacenter: string;
      /** Default `rayo`. */
      keyspace: string;
      /** Default 3. */
      replicationFactor: number;
      username?: string | undefined;
      password?: string | undefined;
      /** Absolute. */
      caFile?: string | undefined;
    };
  };
  balancing: {
    /** Default `priority` (spec 3.2). */
    algorithm: "priority" | "round_robin" | "least_calls";
    /** Consecutive failures that take a node out (spec 3.3). Default 5. */
    failuresAllowed: number;
    /** Default `strict`: a worse priority only when no better node is usable. */
    spill: "strict" | "proportional";
    /** How long a new or returned node grows into its weight. Default 0: at once. */
    slowStartMs: number;
    /** Largest share of a platform's nodes ejected for failing, 0 to 1. Default 0.34. */
    ejectShareMax: number;
  };
  dial: {
    /** Nodes tried for one dial, the first included. Default 3. */
    attemptsMax: number;
    /** For all attempts together (DC21). Default 50,000. */
    deadlineMs: number;
    /** A node that has not answered a dial by then has failed it (DL10). Default 30,000; at most `deadlineMs`. */
    timeoutMs: number;
    /** Conditions of a node's error that send the dial to another node (DL8). */
    retryConditions: string[];
  };
  commands: {
    /** For a node's answer to any other command (IR5). Default 55,000. */
    timeoutMs: number;
  };
  offers: {
    /** Default `one`: one resource at a time, round robin. */
    mode: "one" | "all";
    /** For the whole offer (DC19). Default 4,000: FreeSWITCH waits 5,000 (FS28). */
    timeoutMs: number;
  };
  events: {
    /** How long an event of a still unknown call or verb is held (PX7, PMX3). Default 2,000. */
    holdMs: number;
  };
  mixers: {
    /** Default `application`: a mixer name belongs to its application. */
    scope: "application" | "shared";
  };
  /** The letter an application's permissions must contain to do that; "" (default): everybody may. */
  permissions: {
    dial: string;
    offer: string;
    join: string;
    mixer: string;
    component: string;
    message: string;
  };
  calls: {
    /** What becomes of a call whose controlling resource is gone. Default `hangup` (PC7). */
    onControllerLoss: ControllerLoss;
    /** Another resource of the same application may take a call over. Default false. */
    siblingsMayCommand: boolean;
  };
  admin: {
    /** `address:port`; port 0: any free one. Off loopback only with tokens (DC45). Default `127.0.0.1:8080`. */
    listen: string;
    tokens: AdminToken[];
    /** Web origins that browsers may call from (DC49). Default none. */
    corsOrigins: string[];
  };
  log: {
    /** Default `info`. */
    level: "debug" | "info" | "warn" | "error";
    /** Default `text`. */
    format: "text" | "json";
  };
  limits: {
    /** A larger stanza is skipped and answered `policy-violation` (DC4). Default 524,288. */
    stanzaBytesMax: number;
  };
}

export interface LoadOptions {
  /** The file to read, as the operator named it; without it the places of spec 9.2 are tried. */
  file?: string | undefined;
  env: Environment;
  /** The working directory. */
  cwd: string;
  /** The last place to look. */
  systemFile?: string;
}

export interface Loaded {
  /** Null when there are findings. */
  config: Config | null;
  /** The file that was read, as it is shown; "" when there was none. */
  file: string;
  findings: Finding[];
  /** Whole lines, as findings are shown. */
  warnings: string[];
}

/** Everything about a file that findings need. */
interface Place {
  file: string;
  lines: Map<string, number>;
  /** Keys that came from the environment, and the variable. */
  variables: Map<string, string>;
}

/** Reads, checks and completes the configuration. Never throws for what an operator can get wrong. */
export function loadConfig(options: LoadOptions): Loaded {
  const file = findConfigFile(options);
  const place: Place = { file, lines: new Map(), variables: new Map() };
  const findings: Finding[] = [];
  const refuse = (path: KeyPath, problem: string) => findings.push(locate(place, path, problem));

  let tree: Table = {};
  if (file !== "") {
    const text = readConfigText(resolve(options.cwd, file));
    if (text.problem !== null) return failed(place, [{ ...BLANK, source: file, problem: text.problem }]);
    const fault = tomlFault(text.text);
    if (fault !== null) return failed(place, [{ ...BLANK, ...fault, source: file }]);
    tree = Bun.TOML.parse(text.text) as Table;
    place.lines = keyLines(text.text);
  }

  const { applied, faults } = applyEnvironment(tree, options.env);
  for (const fault of faults) findings.push({ ...BLANK, source: fault.variable, problem: fault.problem });
  for (const { path, variable } of applied) place.variables.set(keyText(path), variable);

  for (const unknown of unknownKeys(tree)) {
    refuse(
      unknown.path,
      `unknown key${unknown.nearest === null ? "" : `, did you mean "${unknown.nearest}"`}`,
    );
  }
  for (const fault of resolveSecretFiles(tree, resolve(options.cwd, file))) refuse(fault.path, fault.problem);
  for (const { path, value, sentence } of notBuilt(tree)) {
    refuse(path, `${valueText(value, path)} is ${sentence}`);
  }

  const parsed = v.safeParse(schema, tree);
  const broken: KeyPath[] = [];
  for (const issue of parsed.issues ?? []) {
    const path = shownPath(tree, (issue.path ?? []).map((step) => step.key as string | number));
    broken.push(path);
    refuse(path, issueText(tree, path, issue.message));
  }
  if (broken.length > 0 && file === "") {
    const problem = `no configuration file: there is neither ./config.toml nor ${
      options.systemFile ?? SYSTEM_FILE
    }`;
    findings.push({ ...BLANK, source: "rayo-gateway", problem });
  }

  // What contradicts what is said even while other keys are wrong: one run of `check` shows everything.
  const shaped = parsed.success ? parsed.output : repair(tree, broken);
  const sound = (relation: Relation) =>
    ![relation.path, ...relation.on].some((path) => touches(path, broken));
  for (const relation of shaped === null ? [] : contradictions(shaped)) {
    if (sound(relation)) refuse(shownPath(tree, relation.path), relation.problem);
  }
  if (findings.length > 0 || !parsed.success) return failed(place, findings);

  return {
    config: complete(parsed.output, options.cwd, file),
    file,
    findings: [],
    warnings: sortFindings(warnings(parsed.output).map(({ path, problem }) => locate(place, path, problem)))
      .map(findingLine),
  };
}

const BLANK: Finding = { source: "", line: 0, column: 0, key: "", problem: "" };

function failed(place: Place, findings: Finding[]): Loaded {
  return { config: null, file: place.file, findings: sortFindings(findings), warnings: [] };
}

/** Names the environment variable or the line a key came from; a missing key is at the table it is missing from. */
function locate(place: Place, path: KeyPath, problem: string): Finding {
  for (let length = path.length; length > 0; length--) {
    const key = keyText(path.slice(0, length));
    const variable = place.variables.get(key);
    if (variable !== undefined) {
      return { ...BLANK, source: variable, key: keyText(path.slice(length)), problem };
    }
    const line = place.lines.get(key);
    if (line !== undefined) return { source: place.file, line, column: 0, key: keyText(path), problem };
  }
  return { ...BLANK, source: place.file === "" ? "rayo-gateway" : place.file, key: keyText(path), problem };
}

/** The schema reads one string as a list of one; the operator wrote no list. */
function shownPath(tree: Table, path: KeyPath): KeyPath {
  const list = path.slice(0, -1);
  return typeof path.at(-1) === "number" && !Array.isArray(valueAt(tree, list)) ? list : path;
}

function issueText(tree: Table, path: KeyPath, message: string): string {
  const value = valueAt(tree, path);
  const part = schemaAt(path);
  const shape = part === null ? null : shapeOf(part);
  if (value !== undefined) {
    // Where a table belongs a string may be anything, a secret too.
    const hidden = typeof value === "string" && shape !== null && shape.is !== "value";
    return `${hidden ? "a string" : valueText(value, path)} is not ${message}`;
  }
  const right = shape?.is === "value" ? shape.right : message;
  const ways: string[] = [];
  const names = path.filter((step) => typeof step === "string");
  if (schemaAt([...path.slice(0, -1), `${path.at(-1)}_file`]) !== null) ways.push(`${path.at(-1)}_file`);
  if (names.length === path.length) ways.push(variableOf(names));
  return `is missing; give ${right}${ways.length === 0 ? "" : ` (or ${ways.join(", or ")})`}`;
}

/** True where one of the paths leads through the other. */
function touches(path: KeyPath, broken: readonly KeyPath[]): boolean {
  return broken.some((other) => {
    const length = Math.min(path.length, other.length);
    return path.slice(0, length).every((step, i) => step === other[i]);
  });
}

/** Defaults that depend on other keys, and paths made absolute. */
function complete(shaped: v.InferOutput<typeof schema>, cwd: string, file: string): Config {
  const config = camel(shaped);
  const { nodes, calls, store } = config;
  return {
    ...config,
    nodes: {
      ...nodes,
      static: nodes.static.map((node) => ({
        jid: node.jid,
        platforms: node.platforms ?? [nodes.defaultPlatform],
        weight: node.weight ?? nodes.defaultWeight,
        priority: node.priority ?? nodes.defaultPriority,
      })),
    },
    applications: config.applications.map((application) => ({
      ...application,
      name: application.name ?? application.jid,
      platform: application.platform ?? nodes.defaultPlatform,
      onControllerLoss: application.onControllerLoss ?? calls.onControllerLoss,
    })),
    store: {
      ...store,
      path: resolve(cwd, store.path),
      cassandra: {
        ...store.cassandra,
        caFile: store.cassandra.caFile === undefined
          ? undefined
          : resolve(cwd, dirname(file), store.cassandra.caFile),
      },
    },
  };
}
