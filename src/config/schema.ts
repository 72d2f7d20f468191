/**
 * The shape of config.toml: every key of spec 9.3 with its kind and its default (DC41). What the keys mean stands
 * beside `Config` in ../config.ts and, for operators, in config.toml itself.
 *
 * Keys that end in `_file` beside a secret are resolved before this shape is applied (secret_files.ts).
 */
import * as v from "valibot";
import { hostname } from "node:os";
import * as kind from "./values.ts";
import type { KeyPath } from "./finding.ts";

/** DL8's five and FreeSWITCH's word for overload (spec 3.5). */
export const RETRY_CONDITIONS = [
  "service-unavailable",
  "gone",
  "internal-server-error",
  "remote-server-not-found",
  "remote-server-timeout",
  "resource-constraint",
] as const;

/** RFC 6120 §8.3.3. */
const STANZA_CONDITIONS = [
  ...RETRY_CONDITIONS,
  "bad-request",
  "conflict",
  "feature-not-implemented",
  "forbidden",
  "item-not-found",
  "jid-malformed",
  "not-acceptable",
  "not-allowed",
  "not-authorized",
  "policy-violation",
  "recipient-unavailable",
  "redirect",
  "registration-required",
  "subscription-required",
  "undefined-condition",
  "unexpected-request",
] as const;

const HOUR = 3_600_000;

/** A table; a table that is absent is read as an empty one, so that its defaults hold. */
function section<const E extends v.ObjectEntries>(entries: E) {
  const schema = v.object(entries, "a table");
  return v.optional(schema, () => ({} as v.InferInput<typeof schema>));
}

function link() {
  return section({
    transport: v.optional(kind.word("component", "s2s"), "component"),
    host: v.optional(kind.host(), "127.0.0.1"),
    port: v.optional(kind.whole(1, 65535), 5347),
    secret: kind.secret(),
    secret_file: v.optional(kind.path()),
  });
}

const weight = kind.whole(1, 1_000_000);
const priority = kind.whole(0, 1_000_000);
const names = (right: string, min = 0) => kind.list(kind.text(), right, min);
const controllerLoss = kind.word("hangup", "handover", "hold");

const staticNode = v.object({
  jid: kind.domain(),
  platforms: v.optional(names("a list of at least one platform name", 1)),
  weight: v.optional(weight),
  priority: v.optional(priority),
  calls_max: v.optional(kind.whole(1, 1_000_000)),
}, "a table");

const application = v.object({
  jid: kind.bareJid(),
  name: v.optional(kind.text()),
  platform: v.optional(kind.text()),
  addresses: v.optional(names("a list of addresses"), []),
  permissions: v.optional(kind.letters(), ""),
  on_controller_loss: v.optional(controllerLoss),
}, "a table");

const token = v.object({
  name: kind.text(),
  role: kind.word("viewer", "operator", "admin"),
  token: kind.token(),
  token_file: v.optional(kind.path()),
}, "a table");

export const schema = v.object({
  gateway: section({
    name: v.optional(kind.text(), () => hostname()),
    external_domain: kind.domains(),
    internal_domain: kind.domains(),
    internal_resource: v.optional(kind.resource(), "gateway"),
  }),
  xmpp: section({ external: link(), internal: link() }),
  nodes: section({
    trusted: v.optional(kind.list(kind.domainPattern(), "a list of domains"), []),
    default_platform: v.optional(kind.text(), "default"),
    default_weight: v.optional(weight, 10),
    default_priority: v.optional(priority, 1),
    grace_ms: v.optional(kind.ms(0, HOUR), 20_000),
    greet_interval_ms: v.optional(kind.ms(1_000, HOUR), 30_000),
    static: v.optional(kind.list(staticNode, "a list of tables, each [[nodes.static]]"), []),
  }),
  clients: section({
    grace_ms: v.optional(kind.ms(0, HOUR), 5_000),
    return_window_ms: v.optional(kind.ms(0, HOUR), 600_000),
  }),
  applications: v.optional(kind.list(application, "a list of tables, each [[applications]]"), []),
  store: section({
    adapter: v.optional(kind.word("memory", "sqlite", "cassandra"), "sqlite"),
    path: v.optional(kind.path(), "rayo-gateway.db"),
    cassandra: section({
      contact_points: v.optional(kind.list(kind.host(), "a list of at least one host", 1), ["127.0.0.1"]),
      port: v.optional(kind.whole(1, 65535), 9042),
      local_datacenter: v.optional(kind.text(), "datacenter1"),
      keyspace: v.optional(
        v.pipe(
          v.string("a keyspace name"),
          v.regex(/^[A-Za-z][A-Za-z0-9_]{0,47}$/, "1 to 48 letters, digits or _, a letter first"),
        ),
        "rayo",
      ),
      replication_factor: v.optional(kind.whole(1, 100), 3),
      username: v.optional(kind.text()),
      password: v.optional(kind.secret()),
      password_file: v.optional(kind.path()),
      ca_file: v.optional(kind.path()),
    }),
  }),
  balancing: section({
    algorithm: v.optional(kind.word("priority", "round_robin", "least_calls"), "priority"),
    failures_allowed: v.optional(kind.whole(1, 1_000_000), 5),
    spill: v.optional(kind.word("strict", "proportional"), "strict"),
    slow_start_ms: v.optional(kind.ms(0, HOUR), 0),
    eject_share_max: v.optional(kind.share(), 0.34),
  }),
  dial: section({
    attempts_max: v.optional(kind.whole(1, 100), 3),
    deadline_ms: v.optional(kind.ms(1_000, HOUR), 50_000),
    timeout_ms: v.optional(kind.ms(100, HOUR), 30_000),
    retry_conditions: v.optional(
      kind.list(
        v.picklist(STANZA_CONDITIONS, 'a stanza error condition such as "service-unavailable"'),
        "a list of stanza error conditions",
      ),
      () => [...RETRY_CONDITIONS],
    ),
  }),
  commands: section({
    timeout_ms: v.optional(kind.ms(100, HOUR), 55_000),
  }),
  offers: section({
    mode: v.optional(kind.word("one", "all"), "one"),
    timeout_ms: v.optional(kind.ms(100, HOUR), 4_000),
  }),
  events: section({
    hold_ms: v.optional(kind.ms(0, 60_000), 2_000),
  }),
  mixers: section({
    scope: v.optional(kind.word("application", "shared"), "application"),
  }),
  permissions: section({
    dial: v.optional(kind.letter(), ""),
    offer: v.optional(kind.letter(), ""),
    join: v.optional(kind.letter(), ""),
    mixer: v.optional(kind.letter(), ""),
    component: v.optional(kind.letter(), ""),
    message: v.optional(kind.letter(), ""),
  }),
  calls: section({
    on_controller_loss: v.optional(controllerLoss, "hangup"),
    siblings_may_command: v.optional(kind.yesOrNo(), false),
  }),
  admin: section({
    listen: v.optional(kind.listenAddress(), "127.0.0.1:8080"),
    tokens: v.optional(kind.list(token, "a list of tables { name, role, token }"), []),
    cors_origins: v.optional(kind.list(kind.origin(), "a list of origins"), []),
  }),
  log: section({
    level: v.optional(kind.word("debug", "info", "warn", "error"), "info"),
    format: v.optional(kind.word("text", "json"), "text"),
  }),
  limits: section({
    // RFC 6120 §13.12: 10,000 bytes at least; DC4: 16 MiB is where the stream itself ends.
    stanza_bytes_max: v.optional(kind.whole(10_000, 16_777_216), 524_288),
  }),
});

/** What a place in the shape holds: a table with known keys, a list of such tables, or a value. */
export type Shape =
  | { is: "table"; entries: Record<string, v.GenericSchema> }
  | { is: "tables"; item: v.GenericSchema }
  | { is: "value"; words: boolean; right: string };

/** Looks at one schema of the tree above. `words`: its values are strings, so an environment variable gives them raw. */
export function shapeOf(part: v.GenericSchema): Shape {
  const bare = unwrap(part);
  if (bare.entries !== undefined) return { is: "table", entries: bare.entries };
  if (bare.item !== undefined && unwrap(bare.item).entries !== undefined) {
    return { is: "tables", item: bare.item };
  }
  const words = bare.type === "string" || bare.type === "picklist" || bare.type === "union";
  return { is: "value", words, right: right(part) };
}

/** The schema at a path, or null where the shape has no such key. */
export function schemaAt(path: KeyPath): v.GenericSchema | null {
  let part: v.GenericSchema = schema;
  for (const step of path) {
    const shape = shapeOf(part);
    if (typeof step === "number") {
      if (shape.is !== "tables") return null;
      part = shape.item;
    } else {
      if (shape.is !== "table" || !Object.hasOwn(shape.entries, step)) return null;
      part = shape.entries[step]!;
    }
  }
  return part;
}

interface Bare {
  type: string;
  entries?: Record<string, v.GenericSchema>;
  item?: v.GenericSchema;
}

function unwrap(part: v.GenericSchema): Bare {
  let bare = part as v.GenericSchema & { wrapped?: v.GenericSchema };
  while (bare.type === "optional" && bare.wrapped !== undefined) bare = bare.wrapped;
  return bare as Bare;
}

/** What would be right there, in the schema's own words: what it says to a value that never is. */
function right(part: v.GenericSchema): string {
  const result = v.safeParse(part, Symbol());
  return result.success ? "a value" : result.issues[0].message;
}
