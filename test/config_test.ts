/**
 * The configuration: what is read, what is refused, and in which words (spec 9.2, 9.3, DC41-DC43, DC45).
 */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Config, loadConfig } from "../src/config.ts";
import { variableOf } from "../src/config/environment.ts";
import { findingLine } from "../src/config/finding.ts";
import { knownKeys, type Table, unknownKeys, valueAt } from "../src/config/keys.ts";
import { NOT_BUILT } from "../src/config/not_built.ts";
import { restartKeys } from "../src/config/reload.ts";
import { schema, schemaAt, shapeOf } from "../src/config/schema.ts";

const folder = mkdtempSync(join(tmpdir(), "rayo-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What no configuration can do without; the tests add lines below. */
const REQUIRED = `[gateway]
external_domain = "rayo.test"
internal_domain = "inside.test"
[xmpp.external]
secret = "outer-secret"
[xmpp.internal]
secret = "inner-secret"
`;
const LINES_BEFORE = REQUIRED.split("\n").length - 1;

function load(text: string, env: Record<string, string> = {}) {
  writeFileSync(join(folder, "config.toml"), text);
  return loadConfig({ file: "config.toml", env, cwd: folder });
}

/** REQUIRED and more; the findings as they are printed, line numbers counted from the first added line. */
function findings(added: string, env: Record<string, string> = {}): string[] {
  return load(REQUIRED + added, env).findings.map((finding) =>
    findingLine({
      ...finding,
      line: finding.line > LINES_BEFORE ? finding.line - LINES_BEFORE : finding.line,
    })
  );
}

function config(added = "", env: Record<string, string> = {}): Config {
  const loaded = load(REQUIRED + added, env);
  expect(loaded.findings.map(findingLine)).toEqual([]);
  return loaded.config!;
}

describe("defaults (spec 9.3)", () => {
  test("what is not said has the default of the table", () => {
    const { xmpp, applications, ...rest } = config("");
    expect(xmpp.internal).toEqual({
      transport: "component",
      host: "127.0.0.1",
      port: 5347,
      secret: "inner-secret",
    });
    expect(applications).toEqual([]);
    expect(rest).toEqual({
      gateway: {
        name: hostname(),
        externalDomain: ["rayo.test"],
        internalDomain: ["inside.test"],
        internalResource: "gateway",
      },
      nodes: {
        trusted: [],
        defaultPlatform: "default",
        defaultWeight: 10,
        defaultPriority: 1,
        graceMs: 20000,
        greetIntervalMs: 30000,
        static: [],
      },
      clients: { graceMs: 5000, returnWindowMs: 600000 },
      store: {
        adapter: "sqlite",
        path: join(folder, "rayo-gateway.db"),
        cassandra: {
          contactPoints: ["127.0.0.1"],
          port: 9042,
          localDatacenter: "datacenter1",
          keyspace: "rayo",
          replicationFactor: 3,
          caFile: undefined,
        },
      },
      balancing: {
        algorithm: "priority",
        failuresAllowed: 5,
        spill: "strict",
        slowStartMs: 0,
        ejectShareMax: 0.34,
      },
      dial: {
        attemptsMax: 3,
        deadlineMs: 50000,
        timeoutMs: 30000,
        retryConditions: [
          "service-unavailable",
          "gone",
          "internal-server-error",
          "remote-server-not-found",
          "remote-server-timeout",
          "resource-constraint",
        ],
      },
      commands: { timeoutMs: 55000 },
      offers: { mode: "one", timeoutMs: 4000 },
      events: { holdMs: 2000 },
      mixers: { scope: "application" },
      permissions: { dial: "", offer: "", join: "", mixer: "", component: "", message: "" },
      calls: { onControllerLoss: "hangup", siblingsMayCommand: false },
      admin: { listen: "127.0.0.1:8080", tokens: [], corsOrigins: [] },
      log: { level: "info", format: "text" },
      limits: { stanzaBytesMax: 524288 },
    });
  });

  test("static nodes and applications take theirs from other keys", () => {
    const { nodes, applications } = config(`[nodes]
default_platform = "staging"
default_weight = 7
[[nodes.static]]
jid = "FS1.Example.net"
[[nodes.static]]
jid = "fs2.example.net"
platforms = ["a", "b"]
weight = 1
priority = 2
[[applications]]
jid = "Juliet@Capulet.LIT"
`);
    expect(nodes.static).toEqual([
      { jid: "fs1.example.net", platforms: ["staging"], weight: 7, priority: 1 },
      { jid: "fs2.example.net", platforms: ["a", "b"], weight: 1, priority: 2 },
    ]);
    expect(applications).toEqual([{
      jid: "juliet@capulet.lit",
      name: "juliet@capulet.lit",
      platform: "staging",
      addresses: [],
      permissions: "",
      onControllerLoss: "hangup",
    }]);
  });

  test("domains: a string or a list, folded to lower case (DC5, G2)", () => {
    const { gateway, nodes } = load(
      REQUIRED.replace('"rayo.test"', '["Rayo.Test", "ÄPFEL.test"]') +
        '[nodes]\ntrusted = ["*.Example.NET", "*"]',
    ).config!;
    expect(gateway.externalDomain).toEqual(["rayo.test", "äpfel.test"]);
    expect(nodes.trusted).toEqual(["*.example.net", "*"]);
  });
});

describe("config.toml as shipped", () => {
  const text = readFileSync(join(import.meta.dir, "..", "config.toml"), "utf8");
  const KEY_LINE = /^# (\[\[?[a-z_.]+\]\]?$|[a-z_]+ = )/;
  const whole = text.split("\n").map((line) => KEY_LINE.test(line) ? line.slice(2) : line).join("\n");
  const tree = Bun.TOML.parse(whole) as Table;

  test("is right as it is", () => {
    const loaded = load(text);
    expect(loaded.findings.map(findingLine)).toEqual([]);
    expect(loaded.warnings.length).toBe(2); // the two example secrets
  });

  test("names every key of the schema and no other (DC41)", () => {
    expect(unknownKeys(tree)).toEqual([]);
    const missing: string[] = [];
    for (const path of knownKeys()) {
      if (valueAt(tree, path) === undefined) missing.push(path.join("."));
      const shape = shapeOf(schemaAt(path)!);
      if (shape.is !== "tables") continue;
      // A list of tables: all its items together name every key of an item.
      const items = valueAt(tree, path) as Table[] ?? [];
      for (const [name] of knownKeys(shape.item)) {
        if (!items.some((item) => name! in item)) missing.push(`${path.join(".")}[].${name}`);
      }
    }
    expect(missing).toEqual([]);
  });

  test("what is commented out is the default", () => {
    const active = Bun.TOML.parse(text) as Table;
    const output = load(REQUIRED).config as unknown as Record<string, unknown>;
    const WITHOUT_DEFAULT = /(^gateway\.name|_file|\.username|\.password|^nodes\.static|^admin\.tokens)$/;
    let compared = 0;
    for (const path of knownKeys()) {
      const key = path.join(".");
      if (valueAt(active, path) !== undefined || WITHOUT_DEFAULT.test(key)) continue;
      const camel = path.map((name) => name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase()));
      let value = valueAt(output, camel);
      if (key === "store.path") value = (value as string).slice(folder.length + 1);
      expect({ key, value: valueAt(tree, path) }).toEqual({ key, value });
      compared++;
    }
    expect(compared).toBeGreaterThan(35);
  });
});

describe("findings", () => {
  const cases: [name: string, added: string, expected: string[]][] = [
    ["an unknown key", "[nodes]\ntrused = []", [
      'config.toml:2: nodes.trused: unknown key, did you mean "trusted"',
    ]],
    ["an unknown key far from all", "[log]\nzzzzzzzzz = 1", ["config.toml:2: log.zzzzzzzzz: unknown key"]],
    ["an unknown section", "[balance]\nx = 1", [
      'config.toml:1: balance: unknown key, did you mean "balancing"',
    ]],
    [
      "an unknown key in a list of tables",
      "[[nodes.static]]\njid = 'a.b'\n[[nodes.static]]\njid = 'b.b'\nwieght = 1",
      [
        'config.toml:5: nodes.static[1].wieght: unknown key, did you mean "weight"',
      ],
    ],
    ["two unknown keys in one table", "[log]\nlevl = 1\nformt = 1", [
      'config.toml:2: log.levl: unknown key, did you mean "level"',
      'config.toml:3: log.formt: unknown key, did you mean "format"',
    ]],
    ["keys that JavaScript knows", "[log]\nconstructor = 1\n__proto__ = 2", [
      "config.toml:2: log.constructor: unknown key",
      "config.toml:3: log.__proto__: unknown key",
    ]],
    ["a wrong type", "[dial]\nattempts_max = '3'", [
      'config.toml:2: dial.attempts_max: "3" is not a whole number from 1 to 100',
    ]],
    ["a fraction", "[dial]\nattempts_max = 1.5", [
      "config.toml:2: dial.attempts_max: 1.5 is not a whole number from 1 to 100",
    ]],
    ["not a number", "[dial]\nattempts_max = nan", [
      "config.toml:2: dial.attempts_max: nan is not a whole number from 1 to 100",
    ]],
    ["out of range", "[limits]\nstanza_bytes_max = 16777217", [
      "config.toml:2: limits.stanza_bytes_max: 16777217 is not a whole number from 10000 to 16777216",
    ]],
    ["a word that is none of the words", "[log]\nlevel = 'verbose'", [
      'config.toml:2: log.level: "verbose" is not "debug", "info", "warn" or "error"',
    ]],
    ["a value where a table belongs", "nodes = 3", []],
    ["a date", "[offers]\ntimeout_ms = 2020-01-01", [
      "config.toml:2: offers.timeout_ms: a date or time is not a whole number of milliseconds from 100 to 3600000",
    ]],
    ["control characters in a value", '[log]\nlevel = "\\u001b[31mred\\u0085"', [
      'config.toml:2: log.level: "\\u001b[31mred\\u0085" is not "debug", "info", "warn" or "error"',
    ]],
    ["a domain that is not one", "[nodes]\ntrusted = ['ok.test', 'a..b', '*.', 'user@host', 'a b', 7]", [
      'config.toml:2: nodes.trusted[1]: "a..b" is not a domain, "*." and a domain, or "*"',
      'config.toml:2: nodes.trusted[2]: "*." is not a domain, "*." and a domain, or "*"',
      'config.toml:2: nodes.trusted[3]: "user@host" is not a domain, "*." and a domain, or "*"',
      'config.toml:2: nodes.trusted[4]: "a b" is not a domain, "*." and a domain, or "*"',
      'config.toml:2: nodes.trusted[5]: 7 is not a domain, "*." and a domain, or "*"',
    ]],
    ["a line of its own in a list", "[nodes]\ntrusted = [\n  'ok.test',\n  # no\n  'a..b',\n]", [
      'config.toml:5: nodes.trusted[1]: "a..b" is not a domain, "*." and a domain, or "*"',
    ]],
    ["a JID that is not bare", "[[applications]]\njid = 'a@b.test/r'", [
      'config.toml:2: applications[0].jid: "a@b.test/r" is not a bare JID such as "app@example.net" (no resource)',
    ]],
    [
      "JIDs that are none",
      "[[applications]]\njid='@b.test'\n[[applications]]\njid='a b@c.test'\n" +
      "[[applications]]\njid='a@b..c'\n[[applications]]\njid='a@b.test/'",
      [
        'config.toml:2: applications[0].jid: "@b.test" is not a bare JID such as "app@example.net" (no resource)',
        'config.toml:4: applications[1].jid: "a b@c.test" is not a bare JID such as "app@example.net" (no resource)',
        'config.toml:6: applications[2].jid: "a@b..c" is not a bare JID such as "app@example.net" (no resource)',
        'config.toml:8: applications[3].jid: "a@b.test/" is not a bare JID such as "app@example.net" (no resource)',
      ],
    ],
    ["a required key of an item", "[[applications]]\nname = 'x'", [
      'config.toml:1: applications[0].jid: is missing; give a bare JID such as "app@example.net" (no resource)',
    ]],
    [
      "an application twice, folded",
      "[[applications]]\njid = 'a@b.test'\n[[applications]]\njid = 'A@B.test'",
      [
        'config.toml:4: applications[1].jid: "a@b.test" is given twice',
      ],
    ],
    [
      "an address of two applications",
      "[[applications]]\njid = 'a@b.test'\naddresses = ['tel:1', 'tel:1']\n" +
      "[[applications]]\njid = 'c@b.test'\naddresses = ['tel:2', 'tel:1']",
      [
        'config.toml:3: applications[0].addresses[1]: "tel:1" is given twice',
        'config.toml:6: applications[1].addresses[1]: "tel:1" already belongs to "a@b.test"',
      ],
    ],
    ["a static node twice", "[[nodes.static]]\njid = 'n.test'\n[[nodes.static]]\njid = 'N.test'", [
      'config.toml:4: nodes.static[1].jid: "n.test" is given twice',
    ]],
    ["a platform twice", "[[nodes.static]]\njid = 'n.test'\nplatforms = ['a', 'a']", [
      'config.toml:3: nodes.static[0].platforms[1]: "a" is given twice',
    ]],
    ["no platform at all", "[[nodes.static]]\njid = 'n.test'\nplatforms = []", [
      "config.toml:3: nodes.static[0].platforms: an empty list is not a list of at least one platform name",
    ]],
    [
      "the gateway as its own node",
      "[nodes]\ntrusted = ['inside.test']\n[[nodes.static]]\njid = 'rayo.test'",
      [
        'config.toml:2: nodes.trusted[0]: "inside.test" is a domain of the gateway itself',
        'config.toml:4: nodes.static[0].jid: "rayo.test" is a domain of the gateway itself',
      ],
    ],
    ["a dial that times out after its deadline", "[dial]\ntimeout_ms = 2000\ndeadline_ms = 1000", [
      "config.toml:2: dial.timeout_ms: 2000 is more than dial.deadline_ms (1000), which holds for all attempts",
    ]],
    ["a condition that XMPP does not have", "[dial]\nretry_conditions = ['gone', 'busy']", [
      'config.toml:2: dial.retry_conditions[1]: "busy" is not a stanza error condition such as "service-unavailable"',
    ]],
    ["off loopback without tokens (DC45)", "[admin]\nlisten = '0.0.0.0:8080'", [
      'config.toml:2: admin.listen: "0.0.0.0:8080" can be reached from other machines; ' +
      "give admin.tokens, or listen on 127.0.0.1",
    ]],
    ["a listen address without port", "[admin]\nlisten = '127.0.0.1'", [
      'config.toml:2: admin.listen: "127.0.0.1" is not an address and a port such as "127.0.0.1:8080" or "[::1]:8080"',
    ]],
    ["a listen port that is none", "[admin]\nlisten = '127.0.0.1:65536'", [
      'config.toml:2: admin.listen: "127.0.0.1:65536" is not an address and a port such as "127.0.0.1:8080" ' +
      'or "[::1]:8080"',
    ]],
    ["an origin with a path", "[admin]\ncors_origins = ['https://a.test/']", [
      'config.toml:2: admin.cors_origins[0]: "https://a.test/" is not an origin such as "https://console.example.net"',
    ]],
    [
      "token names twice",
      "[admin]\ntokens = [{name='a',role='admin',token='1'}, {name='a',role='viewer',token='2'}]",
      [
        "config.toml:2: admin.tokens[1].name: the value (not shown) is given twice",
      ],
    ],
    ["a user name without password", "[store.cassandra]\nusername = 'u'", [
      "config.toml:2: store.cassandra.username: needs store.cassandra.password",
    ]],
    ["a password without user name", "[store.cassandra]\npassword = 'p'", [
      "config.toml:2: store.cassandra.password: needs store.cassandra.username",
    ]],
  ];
  for (const [name, added, expected] of cases) {
    if (expected.length > 0) test(name, () => expect(findings(added)).toEqual(expected));
  }

  test("a value where a table belongs", () => {
    expect(load(`nodes = 3\n${REQUIRED}`).findings.map(findingLine)).toEqual([
      "config.toml:1: nodes: 3 is not a table",
    ]);
  });

  test("the same domain inside and outside", () => {
    const text = REQUIRED.replace('"inside.test"', '["inside.test", "RAYO.test"]').replace(
      '"rayo.test"',
      '"Rayo.test"',
    );
    expect(load(text).findings.map(findingLine)).toEqual([
      'config.toml:3: gateway.internal_domain[1]: "rayo.test" is also in gateway.external_domain',
    ]);
    const single = REQUIRED.replace('"inside.test"', '"rayo.test"');
    expect(load(single).findings.map(findingLine)).toEqual([
      'config.toml:3: gateway.internal_domain: "rayo.test" is also in gateway.external_domain',
    ]);
  });

  test("what is required and missing", () => {
    expect(load("[xmpp.internal]\n[gateway]\ninternal_domain = []\n").findings.map(findingLine)).toEqual([
      // `[xmpp.external]` does not exist; `xmpp` was first mentioned in line 1.
      "config.toml:1: xmpp.external.secret: is missing; give a text of 1 to 1024 characters without control " +
      "characters (or secret_file, or RAYO_GATEWAY__XMPP__EXTERNAL__SECRET)",
      "config.toml:1: xmpp.internal.secret: is missing; give a text of 1 to 1024 characters without control " +
      "characters (or secret_file, or RAYO_GATEWAY__XMPP__INTERNAL__SECRET)",
      'config.toml:2: gateway.external_domain: is missing; give a domain such as "rayo.example.net", ' +
      "or a list of domains (or RAYO_GATEWAY__GATEWAY__EXTERNAL_DOMAIN)",
      'config.toml:3: gateway.internal_domain: an empty list is not a domain such as "rayo.example.net", ' +
      "or a list of domains",
    ]);
  });

  test("one run shows them all: values, relations, what is not built (DC43)", () => {
    const shown = findings(
      "[balancing]\nspill = 'proportional'\nslow_start_ms = 'x'\n[admin]\nlisten = '0.0.0.0:1'\n[dial]\ntimeout_ms = 60000\n[xy]\n",
      { RAYO_GATEWAY__LOG__LEVEL: "loud", RAYO_GATEWAY__NODES__TRUSTED: "a" },
    );
    expect(shown.map((line) => line.split(": ").slice(0, 2).join(": "))).toEqual([
      "config.toml:2: balancing.spill",
      "config.toml:3: balancing.slow_start_ms",
      "config.toml:5: admin.listen",
      "config.toml:7: dial.timeout_ms",
      "config.toml:8: xy",
      'RAYO_GATEWAY__NODES__TRUSTED: "a" is not a list of domains',
      'RAYO_GATEWAY__LOG__LEVEL: "loud" is not "debug", "info", "warn" or "error"',
    ]);
  });

  test("a wrong token list says nothing about listening", () => {
    const shown = findings("[admin]\nlisten = '0.0.0.0:1'\ntokens = ['x']");
    expect(shown).toEqual(["config.toml:3: admin.tokens[0]: a string is not a table"]);
  });

  test("no wrong value of any key throws, and each is told with its line", () => {
    const values = [
      "true",
      "-1.5",
      '""',
      "[]",
      "{ a = 1 }",
      "2020-01-01",
      "nan",
      "[[1]]",
      "'\\u0000'",
      "[{ x = 1 }]",
    ];
    let told = 0;
    for (const path of knownKeys()) {
      for (const value of values) {
        const section = path.slice(0, -1).join(".");
        const line = `${path.at(-1)} = ${value}`;
        const text = section === ""
          ? `${line}\n${REQUIRED}`
          : `[${section}]\n${line}\n${without(REQUIRED, section)}`;
        for (const finding of load(text).findings) {
          told++;
          if (finding.key === path.join(".")) {
            const lines = text.split("\n");
            expect(lines[finding.line - 1]).toBe(finding.problem.startsWith("is missing") ? lines[0] : line);
          }
        }
      }
    }
    expect(told).toBeGreaterThan(300);
  });
});

/** REQUIRED without one section, so that it can be written anew. */
function without(text: string, section: string): string {
  return text.split(/^(?=\[)/m).filter((part) => !part.startsWith(`[${section}]`)).join("");
}

describe("secrets are never shown (DC43)", () => {
  const places = [
    "[xmpp.external]\nsecret = hunter2",
    "[xmpp.external]\nsecret = 'hunter2\\nx'\nport = 1 hunter2",
    "xmpp = 'hunter2'",
    '[xmpp.external]\nsecret = "hunter2\\u0000"',
    "[xmpp.external]\nsecret = ['hunter2']",
    "[xmpp.external.secret]\nhunter = 'hunter2'",
    "[xmpp.external]\nsecret = { a = 'hunter2' }",
    "[admin]\ntokens = 'hunter2'",
    "[admin]\ntokens = ['hunter2']",
    "[admin]\ntokens = [{ name = 'hunter2', token = 'hunter2', role = 'hunter2' }]",
    "[[admin.tokens]]\nname='a'\nrole='admin'\ntoken='hunter2'\n[[admin.tokens]]\nname='b'\nrole='admin'\ntoken='hunter2'",
    "[store.cassandra]\npassword = 'hunter2'",
    "[xmpp.external]\npassword = 'hunter2'",
  ];
  for (const place of places) {
    test(JSON.stringify(place), () => {
      const { findings, warnings } = load(place);
      expect(findings.length).toBeGreaterThan(0);
      expect([...findings.map(findingLine), ...warnings].join("\n")).not.toContain("hunter2");
    });
  }
});

describe("values that are not built (DC41)", () => {
  const CANDIDATES = ["x", 7, true];
  for (const line of NOT_BUILT) {
    test(line.key, () => {
      const named = Array.isArray(line.values)
        ? line.values
        : CANDIDATES.filter((value) => typeof line.values !== "function" || line.values(value)).slice(0, 1);
      expect(named.length).toBeGreaterThan(0);
      for (const value of named) {
        const [list, key] = line.key.split("[].");
        const required = list === "applications" ? "jid = 'a@b.test'\n" : "jid = 'b.test'\n";
        const dot = line.key.lastIndexOf(".");
        const added = key !== undefined
          ? `[[${list}]]\n${required}${key} = ${JSON.stringify(value)}`
          : `[${line.key.slice(0, dot)}]\n${line.key.slice(dot + 1)} = ${JSON.stringify(value)}`;
        const section = line.key.slice(0, dot);
        const base = section.startsWith("xmpp.")
          ? without(REQUIRED, section) + added + "\nsecret = 's'"
          : REQUIRED + added;
        const shown = load(base).findings;
        expect(shown.map((finding) => finding.problem)).toContain(
          `${JSON.stringify(value)} is ${line.sentence}`,
        );
        expect(base.split("\n")[shown[0]!.line - 1]).toContain(`= ${JSON.stringify(value)}`);
      }
    });
  }
});

describe("warnings", () => {
  const cases: [added: string, expected: string][] = [
    ["[offers]\ntimeout_ms = 5000", "FS28"],
    ["[dial]\ndeadline_ms = 60000", "DC21"],
    ["[commands]\ntimeout_ms = 60000", "DC21"],
    ["[[admin.tokens]]\nname='a'\nrole='admin'\ntoken='short'", "shorter than 16"],
    ["[admin]\nlisten='0.0.0.0:1'\ntokens=[{name='a',role='admin',token='0123456789abcdef'}]", "TLS proxy"],
  ];
  for (const [added, expected] of cases) {
    test(expected, () => {
      const loaded = load(`${REQUIRED}${added}\n[nodes]\ntrusted = ['*']`);
      expect(loaded.findings).toEqual([]);
      expect(loaded.warnings.length).toBe(1);
      expect(loaded.warnings[0]).toContain(expected);
    });
  }

  test("a remote XMPP server (DC45)", () => {
    const { warnings } = load(REQUIRED + "[nodes]\ntrusted = ['*']", {
      RAYO_GATEWAY__XMPP__INTERNAL__HOST: "xmpp.test",
    });
    expect(warnings).toEqual([
      'RAYO_GATEWAY__XMPP__INTERNAL__HOST: the stream to "xmpp.test" is not encrypted; XEP-0114 belongs on one machine',
    ]);
  });

  test("nobody is trusted (GAP 2)", () => {
    expect(load(REQUIRED).warnings).toEqual([
      "config.toml: nodes.trusted: is empty and there is no [[nodes.static]]: no node will be listened to (GAP 2)",
    ]);
  });
});

describe("the environment (DC42)", () => {
  test("strings raw, everything else as in TOML", () => {
    const { xmpp, nodes, gateway, calls, balancing } = config("", {
      RAYO_GATEWAY__XMPP__EXTERNAL__PORT: "1_024",
      RAYO_GATEWAY__XMPP__EXTERNAL__SECRET: '"quoted" = raw',
      RAYO_GATEWAY__NODES__TRUSTED: '["a.test", "*.b.test"]',
      RAYO_GATEWAY__NODES__STATIC: '[{ jid = "c.test", weight = 3 }]',
      RAYO_GATEWAY__GATEWAY__EXTERNAL_DOMAIN: "One.test",
      RAYO_GATEWAY__GATEWAY__INTERNAL_DOMAIN: '["two.test", "three.test"]',
      RAYO_GATEWAY__CALLS__SIBLINGS_MAY_COMMAND: "false",
      RAYO_GATEWAY__BALANCING__EJECT_SHARE_MAX: "0.34",
      RAYO_GATEWAY_CONFIG: "not/this/one",
      RAYO_GATEWAY: "unrelated",
    });
    expect(xmpp.external.port).toBe(1024);
    expect(xmpp.external.secret).toBe('"quoted" = raw');
    expect(nodes.trusted).toEqual(["a.test", "*.b.test"]);
    expect(nodes.static).toEqual([{ jid: "c.test", platforms: ["default"], weight: 3, priority: 1 }]);
    expect(gateway.externalDomain).toEqual(["one.test"]);
    expect(gateway.internalDomain).toEqual(["two.test", "three.test"]);
    expect(calls.siblingsMayCommand).toBe(false);
    expect(balancing.ejectShareMax).toBe(0.34);
  });

  const wrong: [variable: string, value: string, expected: string][] = [
    ["RAYO_GATEWAY__XMPP__EXTERNAL__PORT", "abc", '"abc" is not a whole number from 1 to 65535'],
    ["RAYO_GATEWAY__XMPP__EXTERNAL__PORT", "1\ny = 2", '"1\\ny = 2" is not a whole number from 1 to 65535'],
    ["RAYO_GATEWAY__XMPP__EXTERNAL__PORT", "", '"" is not a whole number from 1 to 65535'],
    [
      "RAYO_GATEWAY__XMPP__EXTERNAL__PROT",
      "1",
      "unknown key, did you mean RAYO_GATEWAY__XMPP__EXTERNAL__PORT",
    ],
    [
      "RAYO_GATEWAY__xmpp__external__port",
      "1",
      "unknown key, did you mean RAYO_GATEWAY__XMPP__EXTERNAL__PORT",
    ],
    ["RAYO_GATEWAY__XMPP__EXTERNAL", "{}", "names a section, not a key of it"],
    ["RAYO_GATEWAY__", "", "unknown key"],
    ["RAYO_GATEWAY__LOG____PROTO__", "1", "unknown key"],
    [
      "RAYO_GATEWAY__XMPP__EXTERNAL__SECRET",
      "",
      "the value (not shown) is not a text of 1 to 1024 characters without control characters",
    ],
    [
      "RAYO_GATEWAY__NODES__STATIC",
      "[{ jid = 'a..b' }]",
      '[0].jid: "a..b" is not a domain such as "node1.example.net"',
    ],
  ];
  for (const [variable, value, expected] of wrong) {
    test(`${variable}=${JSON.stringify(value)}`, () => {
      expect(findings("", { [variable]: value })).toEqual([`${variable}: ${expected}`]);
    });
  }

  test("reaches every key", () => {
    for (const path of knownKeys()) {
      const shown = findings("", { [variableOf(path)]: "" });
      expect(shown.filter((line) => line.includes("unknown key"))).toEqual([]);
    }
    expect(schemaAt(["xmpp", "external", "port"])).not.toBeNull();
    expect(shapeOf(schema).is).toBe("table");
  });

  test("alone, without a file", () => {
    const env = {
      RAYO_GATEWAY__GATEWAY__EXTERNAL_DOMAIN: "a.test",
      RAYO_GATEWAY__GATEWAY__INTERNAL_DOMAIN: "b.test",
      RAYO_GATEWAY__XMPP__EXTERNAL__SECRET: "s",
      RAYO_GATEWAY__XMPP__INTERNAL__SECRET: "s",
    };
    const empty = mkdtempSync(join(folder, "empty-"));
    const options = { cwd: empty, systemFile: join(empty, "none.toml") };
    const loaded = loadConfig({ ...options, env });
    expect(loaded.findings).toEqual([]);
    expect(loaded.file).toBe("");
    const bare = loadConfig({ ...options, env: {} });
    expect(bare.findings.map(findingLine).at(-1)).toBe(
      `rayo-gateway: no configuration file: there is neither ./config.toml nor ${options.systemFile}`,
    );
    expect(bare.findings.length).toBe(5);
  });
});

describe("secrets in files (spec 9.3, DC42)", () => {
  const inner = join(folder, "etc");
  mkdirSync(inner);
  const text = REQUIRED.replace('secret = "outer-secret"', 'secret_file = "outer.secret"');
  const loadInner = (text: string, env: Record<string, string> = {}) => {
    writeFileSync(join(inner, "config.toml"), text);
    return loadConfig({ file: "etc/config.toml", env, cwd: folder });
  };

  test("relative to the configuration file, its line end taken off", () => {
    writeFileSync(join(inner, "outer.secret"), " from a file \r\n");
    expect(loadInner(text).config!.xmpp.external.secret).toBe(" from a file ");
  });

  test("password_file, token_file and ca_file", () => {
    writeFileSync(join(inner, "t"), "0123456789abcdef\n");
    const more = "[store.cassandra]\nusername='u'\npassword_file='t'\nca_file='ca.pem'\n" +
      "[[admin.tokens]]\nname='a'\nrole='viewer'\ntoken_file='t'";
    const { store, admin } = loadInner(REQUIRED + more).config!;
    expect(store.cassandra.password).toBe("0123456789abcdef");
    expect(store.cassandra.caFile).toBe(resolve(inner, "ca.pem"));
    expect(admin.tokens).toEqual([{ name: "a", role: "viewer", token: "0123456789abcdef" }]);
  });

  test("store.path is relative to the working directory", () => {
    expect(loadInner(REQUIRED).config!.store.path).toBe(join(folder, "rayo-gateway.db"));
  });

  test("what can be wrong with them", () => {
    const lines = (text: string) => loadInner(text).findings.map(findingLine);
    const at = "etc/config.toml:5: xmpp.external.secret_file: ";
    rmSync(join(inner, "outer.secret"));
    expect(lines(text)).toEqual([`${at}"outer.secret" cannot be read: no such file`]);
    writeFileSync(join(inner, "outer.secret"), "\n");
    expect(lines(text)).toEqual([`${at}"outer.secret" is empty`]);
    writeFileSync(join(inner, "outer.secret"), "x".repeat(70_000));
    expect(lines(text)).toEqual([`${at}"outer.secret" is too large for a secret`]);
    expect(lines(text.replace("outer.secret", "."))).toEqual([`${at}"." is not a file`]);
    expect(lines(text.replace("secret_file", 'secret = "x"\nsecret_file'))).toEqual([
      "etc/config.toml:6: xmpp.external.secret_file: secret is given as well; give only one of the two",
    ]);
    expect(lines(text.replace('"outer.secret"', "7"))).toContain(`${at}7 is not the path of a file`);
  });

  test("the environment's secret stands over the file's secret_file, and the other way round", () => {
    writeFileSync(join(inner, "other.secret"), "other");
    const over = loadInner(text, { RAYO_GATEWAY__XMPP__EXTERNAL__SECRET: "over" });
    expect(over.config!.xmpp.external.secret).toBe("over");
    const file = loadInner(REQUIRED, { RAYO_GATEWAY__XMPP__EXTERNAL__SECRET_FILE: "other.secret" });
    expect(file.config!.xmpp.external.secret).toBe("other");
  });
});

describe("which file (spec 9.2)", () => {
  test("--config, else $RAYO_GATEWAY_CONFIG, else ./config.toml, else the system's", () => {
    const cwd = mkdtempSync(join(folder, "which-"));
    const put = (name: string) =>
      writeFileSync(join(cwd, name), REQUIRED + `[nodes]\ntrusted=['*']\n[log]\nlevel = "${levels[name]}"`);
    const levels: Record<string, string> = {
      named: "debug",
      env: "warn",
      "config.toml": "error",
      system: "info",
    };
    for (const name in levels) put(name);
    const systemFile = join(cwd, "system");
    const env = { RAYO_GATEWAY_CONFIG: "env" };
    expect(loadConfig({ file: "named", env, cwd, systemFile }).config!.log.level).toBe("debug");
    expect(loadConfig({ env, cwd, systemFile }).config!.log.level).toBe("warn");
    expect(loadConfig({ env: {}, cwd, systemFile }).config!.log.level).toBe("error");
    rmSync(join(cwd, "config.toml"));
    expect(loadConfig({ env: {}, cwd, systemFile }).config!.log.level).toBe("info");
  });

  test("a named file that is not there, a directory, not text, too large", () => {
    const line = (file: string) => loadConfig({ file, env: {}, cwd: folder }).findings.map(findingLine);
    expect(line("nowhere.toml")).toEqual(["nowhere.toml: cannot be read: no such file"]);
    expect(line(".")).toEqual([".: cannot be read: it is a directory"]);
    writeFileSync(join(folder, "latin.toml"), Buffer.from([0x61, 0xe9]));
    expect(line("latin.toml")).toEqual(["latin.toml: is not UTF-8 text"]);
    writeFileSync(join(folder, "large.toml"), "#".repeat(1024 * 1024 + 1));
    expect(line("large.toml")).toEqual(["large.toml: is larger than 1048576 bytes"]);
  });
});

describe("reload (DC44)", () => {
  test("names the keys that need a restart, and only those", () => {
    const before = config("");
    expect(restartKeys(before, config(""))).toEqual([]);
    const live =
      "[nodes]\ntrusted=['*']\n[[nodes.static]]\njid='a.test'\n[[applications]]\njid='a@b.test'\n" +
      "[[admin.tokens]]\nname='a'\nrole='admin'\ntoken='x'\n[log]\nlevel='debug'";
    expect(restartKeys(before, config(live))).toEqual([]);
    const fixed =
      "[dial]\ntimeout_ms = 1000\n[admin]\nlisten = '127.0.0.1:1'\n[store.cassandra]\nca_file='x'";
    expect(restartKeys(before, config(fixed, { RAYO_GATEWAY__XMPP__EXTERNAL__SECRET: "x" }))).toEqual([
      "xmpp.external.secret",
      "store.cassandra.ca_file",
      "dial.timeout_ms",
      "admin.listen",
    ]);
  });
});
