/**
 * A real ejabberd as a child process: its configuration, its accounts, its Erlang wherever it is.
 *
 * The Erlang node gets no name: then there is no port mapper daemon (epmd), which would stay behind, and nothing but
 * the two ports that are asked for listens. It cannot look names up: a stanza to a domain that is not there bounces
 * with `remote-server-not-found`, as in the world outside, but nothing leaves the machine.
 */
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
import { foldersInRoots, inRoots, whyNoLiveServers } from "./packages.ts";

/** Erlang's resolver: files only, and those empty. */
const NO_NAMES = `{resolv_conf, ""}.
{hosts_file, ""}.
{lookup, [file]}.
`;

/** Accounts are made after the ports are open: ejabberd itself says nothing about them. */
const ACCOUNTS_READY = "accounts are ready";

export async function startEjabberd(options: LiveServerOptions): Promise<LiveServer> {
  return await startServer({
    kind: "ejabberd",
    prepare: (folder, ports) => prepare(folder, ports, options),
    ready: (ports) => [
      ...[ports.component, ports.c2s, ...(options.apart === undefined ? [] : [ports.apart])].map((port) =>
        `Start accepting TCP connections at 127.0.0.1:${port} `
      ),
      ACCOUNTS_READY,
    ],
  });
}

function prepare(folder: string, ports: Ports, options: LiveServerOptions) {
  const runtime = foldersInRoots("/usr/lib/erlang/erts-*")[0];
  const erlang = runtime === undefined ? null : join(runtime, "..");
  const libraries = foldersInRoots("/usr/lib/*-linux-*");
  if (runtime === undefined || erlang === null || inRoots("/usr/sbin/ejabberdctl") === null) {
    throw new Error(whyNoLiveServers());
  }
  const database = join(folder, "database");
  mkdirSync(database);
  const configuration = join(folder, "ejabberd.yml");
  writeFileSync(configuration, configure(ports, options));

  const names = join(folder, "inetrc");
  writeFileSync(names, NO_NAMES);

  const hosts = options.hosts ?? [DEFAULT_HOST];
  const accounts = (options.users ?? []).map(({ jid, password }) => {
    const { user, domain } = splitAccount(jid, hosts);
    return `ok = ejabberd_auth:try_register(${binary(user)}, ${binary(domain)}, ${binary(password)})`;
  });
  accounts.push(`io:put_chars("${ACCOUNTS_READY}\\n")`);
  return {
    command: [
      join(runtime, "bin/erlexec"),
      "-noinput",
      // An idle scheduler sleeps instead of spinning: it shares the machine with what is tested.
      ...["+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none", "+K", "true"],
      ...["-mnesia", "dir", JSON.stringify(database)],
      ...["-s", "ejabberd"],
      ...["-eval", accounts.join(", ") + "."],
    ],
    env: {
      ROOTDIR: erlang,
      BINDIR: join(runtime, "bin"),
      EMU: "beam",
      PROGNAME: "erl",
      ERL_LIBS: [...foldersInRoots("/usr/lib/erlang/lib"), ...libraries].join(":"),
      LD_LIBRARY_PATH: libraries.join(":"),
      ERL_CRASH_DUMP_SECONDS: "0",
      ERL_INETRC: names,
      // What asks the C library all the same gets "not now" without a question going out.
      RES_OPTIONS: "attempts:0",
      ERL_FLAGS: "",
      ERL_AFLAGS: "",
      ERL_ZFLAGS: "",
      EJABBERD_CONFIG_PATH: configuration,
      EJABBERD_LOG_PATH: join(folder, "ejabberd.log"),
      HOME: folder,
    },
  };
}

function configure(ports: Ports, options: LiveServerOptions): string {
  const { components, apart = {}, globalRoutes = false } = options;
  const services = service(ports.component, components, globalRoutes) +
    (Object.keys(apart).length === 0 ? "" : service(ports.apart, apart, false));
  return `
hosts: ${JSON.stringify(options.hosts ?? [DEFAULT_HOST])}
loglevel: info
auth_method: internal
auth_password_format: plain
listen:
  - port: ${ports.c2s}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    starttls: false
${services}modules:
  mod_caps: {}
  mod_disco: {}
  mod_ping: {}
  mod_roster: {}
${options.streamManagement ? "  mod_stream_mgmt: {}" : ""}
${options.moreConfiguration ?? ""}
`;
}

/** A listener for components. */
function service(port: number, components: Record<string, string>, globalRoutes: boolean): string {
  const hosts = Object.entries(components).map(([domain, secret]) =>
    `      ${JSON.stringify(domain)}: {password: ${JSON.stringify(secret)}}`
  );
  return [
    `  - port: ${port}`,
    `    ip: "127.0.0.1"`,
    `    module: ejabberd_service`,
    `    global_routes: ${globalRoutes}`,
    ...(hosts.length === 0 ? [] : ["    hosts:", ...hosts]),
    "",
  ].join("\n");
}

/** An Erlang binary. */
function binary(text: string): string {
  return `<<${[...Buffer.from(text)].join(",")}>>`;
}
