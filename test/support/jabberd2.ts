/**
 * A real jabberd2 as a child process: its router, session manager and client connector, with its data in files.
 *
 * The process that is signalled is the router; the two others end when they lose it. No server-to-server part runs:
 * a test must never look a name up or reach beyond loopback.
 *
 * Its router gives every component the same secret, and hands stanzas out in the namespace `jabber:client`.
 */
import { Database } from "bun:sqlite";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  DEFAULT_HOST,
  type LiveServer,
  type LiveServerOptions,
  type Ports,
  splitAccount,
  startServer,
} from "./live_server.ts";
import { foldersInRoots, inRoots, JABBERD2_ROOTS, whyNoJabberd2 } from "./packages.ts";
import { esc } from "./xml.ts";

/** What the router's own parts log in to it with; components have another secret. */
const PARTS = { user: "jabberd", secret: "between the parts" };

/** The chains of its modules as the package ships them, without what keeps for the absent or asks components questions of its own. */
const CHAINS: Record<string, readonly string[]> = {
  "in-sess": ["validate", "roster", "iq-ping", "disco", "presence", "deliver"],
  "in-router": ["session", "validate", "presence"],
  "pkt-sm": ["iq-ping", "iq-version", "disco", "presence"],
  "pkt-user": ["roster", "presence", "disco", "deliver"],
  "pkt-router": ["session"],
  "user-load": ["active", "roster"],
  "user-create": ["active"],
  "user-delete": ["active", "roster"],
};

/** $1: the folder of the programs. The others come a moment later, since they knock once a second. */
const START = `
(sleep 0.1; exec "$1/jabberd2-sm" -c sm.xml) &
(sleep 0.1; exec "$1/jabberd2-c2s" -c c2s.xml) &
exec "$1/jabberd2-router" -c router.xml
`;

export async function startJabberd2(options: LiveServerOptions): Promise<LiveServer> {
  const hosts = options.hosts ?? [DEFAULT_HOST];
  return await startServer({
    kind: "jabberd2",
    prepare: (folder, ports) => prepare(folder, ports, hosts, options),
    ready: (ports) => [
      `[127.0.0.1, port=${ports.component}] listening for incoming connections`,
      `[127.0.0.1, port=${ports.c2s}] listening for connections`,
      ...hosts.map((host) => `[${host}] online`),
    ],
  });
}

/** "" when a jabberd2 runs here; else one sentence. Starts one, and ends it. */
export async function whyNoRunningJabberd2(): Promise<string> {
  const why = whyNoJabberd2();
  if (why !== "") return why;
  try {
    await (await startJabberd2({ components: { "component.test": "secret" } })).kill();
    return "";
  } catch (fault) {
    return `jabberd2 is there, but does not start: ${fault instanceof Error ? fault.message : fault}`;
  }
}

function prepare(folder: string, ports: Ports, hosts: readonly string[], options: LiveServerOptions) {
  const programs = inRoots(
    "/usr/sbin",
    JABBERD2_ROOTS.filter((root) => inRoots("/usr/sbin/jabberd2-router", [root])),
  );
  const modules = foldersInRoots("/usr/lib/*-linux-*/jabberd2", JABBERD2_ROOTS)[0];
  if (programs === null || modules === undefined) throw new Error(whyNoJabberd2());
  const secrets = [...new Set(Object.values(options.components))];
  if (secrets.length !== 1) throw new Error("jabberd2 has one secret for all components");

  const data = join(folder, "data");
  mkdirSync(data);
  const accounts = join(folder, "accounts.db");
  writeAccounts(accounts, hosts, options);
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write(
    "users.xml",
    `<users><user><name>${PARTS.user}</name><secret>${PARTS.secret}</secret></user></users>\n`,
  );
  write("filter.xml", "<filter/>\n");
  write("router.xml", routerFile(ports, secrets[0]!));
  write("sm.xml", sessionFile(ports, hosts, modules, data));
  write("c2s.xml", clientFile(ports, hosts, modules, accounts));
  const libraries = foldersInRoots("/usr/lib/*-linux-*", JABBERD2_ROOTS);
  return {
    command: ["/bin/sh", "-c", START, "jabberd2", programs],
    env: { LD_LIBRARY_PATH: [modules, ...libraries].join(":"), HOME: folder },
  };
}

function writeAccounts(file: string, hosts: readonly string[], options: LiveServerOptions): void {
  const database = new Database(file);
  try {
    database.run("CREATE TABLE authreg (username TEXT NOT NULL, realm TEXT NOT NULL, password TEXT)");
    for (const { jid, password } of options.users ?? []) {
      const { user, domain } = splitAccount(jid, hosts);
      database.run("INSERT INTO authreg VALUES (?, ?, ?)", [user, domain, password]);
    }
  } finally {
    database.close();
  }
}

const LOG = "<log type='stdout'/>";

function routerFile(ports: Ports, secret: string): string {
  return `<router><id>router</id>${LOG}
<local><ip>127.0.0.1</ip><port>${ports.component}</port><users>users.xml</users><secret>${
    esc(secret)
  }</secret></local>
<io><limits><bytes>0</bytes><connects>0</connects></limits></io>
<aci><acl type='all'><user>${PARTS.user}</user></acl><filter>filter.xml</filter></aci></router>
`;
}

/** How the other parts find the router; without it they end. */
function toRouter(ports: Ports): string {
  return `<router><ip>127.0.0.1</ip><port>${ports.component}</port><user>${PARTS.user}</user><pass>${PARTS.secret}</pass>
<retry><init>20</init><lost>0</lost><sleep>1</sleep></retry></router>`;
}

const identities = (hosts: readonly string[]) => hosts.map((host) => `<id>${esc(host)}</id>`).join("");

function sessionFile(ports: Ports, hosts: readonly string[], modules: string, data: string): string {
  const chains = Object.entries(CHAINS).map(([chain, names]) =>
    `<chain id='${chain}'>${names.map((name) => `<module>${name}</module>`).join("")}</chain>\n`
  );
  return `<sm><id>sm</id>${LOG}${toRouter(ports)}
<local>${identities(hosts)}</local>
<storage><path>${esc(modules)}</path><driver>fs</driver><fs><path>${esc(data)}</path></fs></storage>
<modules><path>${esc(modules)}</path>
${chains.join("")}</modules>
<user><auto-create/></user></sm>
`;
}

function clientFile(ports: Ports, hosts: readonly string[], modules: string, accounts: string): string {
  return `<c2s><id>c2s</id>${LOG}${toRouter(ports)}
<local>${identities(hosts)}<ip>127.0.0.1</ip><port>${ports.c2s}</port></local>
<io><limits><bytes>0</bytes><stanzas>0</stanzas><connects>0</connects><stanzasize>0</stanzasize></limits></io>
<authreg><path>${esc(modules)}</path><module>sqlite</module>
<mechanisms><sasl><plain/></sasl></mechanisms>
<sqlite><dbname>${
    esc(accounts)
  }</dbname><busy-timeout>2000</busy-timeout><password_type><plaintext/></password_type></sqlite></authreg></c2s>
`;
}
