/**
 * What each value alone cannot tell: keys that contradict each other, and settings that are allowed but worth a
 * warning. Sees the configuration after the schema, in the file's own names.
 */
import type { InferOutput } from "valibot";
import { isLoopback } from "../admin/listen.ts";
import type { KeyPath } from "./finding.ts";
import { valueText } from "./finding.ts";
import type { schema } from "./schema.ts";
import { splitListen } from "./values.ts";

type Shaped = InferOutput<typeof schema>;

export interface Relation {
  /** The key that the finding names. */
  path: KeyPath;
  /** The other keys it depends on: while one of these is wrong in itself, nothing can be said. */
  on: readonly KeyPath[];
  problem: string;
}

/** Contradictions: the gateway does not start. */
export function contradictions(config: Shaped): Relation[] {
  return [
    ...domains(config),
    ...nodes(config),
    ...applications(config),
    ...times(config),
    ...cassandra(config),
    ...admin(config),
  ];
}

const EXTERNAL: KeyPath = ["gateway", "external_domain"];
const INTERNAL: KeyPath = ["gateway", "internal_domain"];

function domains({ gateway }: Shaped): Relation[] {
  const { external_domain: external, internal_domain: internal } = gateway;
  return [
    ...repeated(external, EXTERNAL, (at) => [...EXTERNAL, at]),
    ...repeated(internal, INTERNAL, (at) => [...INTERNAL, at]),
    // Clients and nodes are told apart by the domain they speak to.
    ...internal.flatMap((domain, i) =>
      external.includes(domain)
        ? [{
          path: [...INTERNAL, i],
          on: [EXTERNAL],
          problem: `${quoted(domain)} is also in gateway.external_domain`,
        }]
        : []
    ),
  ];
}

function nodes(config: Shaped): Relation[] {
  const { trusted, static: nodes } = config.nodes;
  const own = [...config.gateway.external_domain, ...config.gateway.internal_domain];
  const found = [
    ...repeated(trusted, ["nodes", "trusted"], (at) => ["nodes", "trusted", at]),
    ...repeated(nodes.map((node) => node.jid), ["nodes", "static"], (at) => ["nodes", "static", at, "jid"]),
  ];
  nodes.forEach((node, i) => {
    const path = ["nodes", "static", i, "jid"];
    if (own.includes(node.jid)) {
      const problem = `${quoted(node.jid)} is a domain of the gateway itself`;
      found.push({ path, on: [EXTERNAL, INTERNAL], problem });
    }
    if (node.platforms !== undefined) {
      found.push(...repeated(node.platforms, path, (at) => ["nodes", "static", i, "platforms", at]));
    }
  });
  trusted.forEach((domain, i) => {
    if (!own.includes(domain)) return;
    const problem = `${quoted(domain)} is a domain of the gateway itself`;
    found.push({ path: ["nodes", "trusted", i], on: [EXTERNAL, INTERNAL], problem });
  });
  return found;
}

function applications({ applications }: Shaped): Relation[] {
  const found = repeated(
    applications.map((application) => application.jid),
    ["applications"],
    (at) => ["applications", at, "jid"],
  );
  const owners = new Map<string, number>();
  applications.forEach((application, i) => {
    application.addresses.forEach((address, j) => {
      const owner = owners.get(address);
      if (owner === undefined) {
        owners.set(address, i);
        return;
      }
      // One address belongs to one application (spec 1.1).
      const whose = owner === i ? "is given twice" : `already belongs to ${quoted(applications[owner]!.jid)}`;
      const path = ["applications", i, "addresses", j];
      const on = owner === i ? [] : [["applications", owner, "jid"]];
      found.push({ path, on, problem: `${quoted(address)} ${whose}` });
    });
  });
  return found;
}

function times({ dial }: Shaped): Relation[] {
  const found = repeated(
    dial.retry_conditions,
    ["dial", "retry_conditions"],
    (at) => ["dial", "retry_conditions", at],
  );
  if (dial.timeout_ms > dial.deadline_ms) {
    const problem =
      `${dial.timeout_ms} is more than dial.deadline_ms (${dial.deadline_ms}), which holds for all attempts`;
    found.push({ path: ["dial", "timeout_ms"], on: [["dial", "deadline_ms"]], problem });
  }
  return found;
}

function cassandra({ store }: Shaped): Relation[] {
  const { username, password } = store.cassandra;
  const path = (name: string) => ["store", "cassandra", name];
  if (username !== undefined && password === undefined) {
    return [{ path: path("username"), on: [path("password")], problem: "needs store.cassandra.password" }];
  }
  if (username === undefined && password !== undefined) {
    return [{ path: path("password"), on: [path("username")], problem: "needs store.cassandra.username" }];
  }
  return [];
}

function admin({ admin }: Shaped): Relation[] {
  const found = [
    ...repeated(
      admin.tokens.map((token) => token.name),
      ["admin", "tokens"],
      (at) => ["admin", "tokens", at, "name"],
    ),
    ...repeated(
      admin.tokens.map((token) => token.token),
      ["admin", "tokens"],
      (at) => ["admin", "tokens", at, "token"],
    ),
  ];
  const listen = splitListen(admin.listen);
  if (listen !== null && !isLoopback(listen.host.toLowerCase()) && admin.tokens.length === 0) {
    // Spec 9.3: off loopback it refuses to start without credentials.
    const problem = `${
      quoted(admin.listen)
    } can be reached from other machines; give admin.tokens, or listen on 127.0.0.1`;
    found.push({ path: ["admin", "listen"], on: [["admin", "tokens"]], problem });
  }
  return found;
}

/** Allowed, but an operator should know (DC45 and the peers' own time-outs). */
export function warnings(config: Shaped): Omit<Relation, "on">[] {
  const found: Omit<Relation, "on">[] = [];
  const warn = (path: KeyPath, problem: string) => found.push({ path, problem });
  for (const side of ["external", "internal"] as const) {
    const { host, secret } = config.xmpp[side];
    if (secret.startsWith("change-me")) {
      warn(["xmpp", side, "secret"], "is the example of the shipped config.toml");
    }
    if (!isLoopback(host.toLowerCase())) {
      warn(
        ["xmpp", side, "host"],
        `the stream to ${quoted(host)} is not encrypted; XEP-0114 belongs on one machine`,
      );
    }
  }
  const listen = splitListen(config.admin.listen);
  if (listen !== null && !isLoopback(listen.host.toLowerCase())) {
    warn(
      ["admin", "listen"],
      `${quoted(config.admin.listen)} speaks HTTP without TLS; put a TLS proxy before it`,
    );
  }
  config.admin.tokens.forEach((token, i) => {
    if (token.token.length < 16) warn(["admin", "tokens", i, "token"], "is shorter than 16 characters");
  });
  if (config.offers.timeout_ms >= 5_000) {
    const problem =
      `${config.offers.timeout_ms} is not below the 5000 ms that FreeSWITCH waits for a command (FS28)`;
    warn(["offers", "timeout_ms"], problem);
  }
  if (config.dial.deadline_ms >= 60_000) {
    const problem =
      `${config.dial.deadline_ms} is not below the 60000 ms that clients wait for an answer (DC21)`;
    warn(["dial", "deadline_ms"], problem);
  }
  if (config.commands.timeout_ms >= 60_000) {
    const problem =
      `${config.commands.timeout_ms} is not below the 60000 ms that clients wait for an answer (DC21)`;
    warn(["commands", "timeout_ms"], problem);
  }
  // A number that asks for nothing new must not keep a gateway from starting; that it waits for its use is said.
  if (config.nodes.grace_ms !== 20_000) {
    const problem = `${config.nodes.grace_ms} has no effect yet: no node is asked whether it is there`;
    warn(["nodes", "grace_ms"], problem);
  }
  if (config.nodes.trusted.length === 0 && config.nodes.static.length === 0) {
    warn(
      ["nodes", "trusted"],
      "is empty and there is no [[nodes.static]]: no node will be listened to (GAP 2)",
    );
  }
  return found;
}

/** One finding for each item that stood there before. */
function repeated(items: readonly string[], list: KeyPath, pathOf: (at: number) => KeyPath): Relation[] {
  const found: Relation[] = [];
  const seen = new Set<string>();
  items.forEach((item, i) => {
    if (seen.has(item)) {
      found.push({ path: pathOf(i), on: [list], problem: `${valueText(item, pathOf(i))} is given twice` });
    }
    seen.add(item);
  });
  return found;
}

function quoted(text: string): string {
  return valueText(text, []);
}
