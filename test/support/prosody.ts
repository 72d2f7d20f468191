/**
 * A real Prosody as a child process: its configuration, its accounts, its libraries wherever they are.
 *
 * No server-to-server module is loaded: a test must never look a name up or reach beyond loopback.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
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

export async function startProsody(options: LiveServerOptions): Promise<LiveServer> {
  return await startServer({
    kind: "prosody",
    prepare: (folder, ports) => prepare(folder, ports, options),
    ready: (ports) => [ports.component, ports.c2s].map((port) => `on [127.0.0.1]:${port}\n`),
  });
}

function prepare(folder: string, ports: Ports, options: LiveServerOptions) {
  const script = inRoots("/usr/bin/prosody");
  const sources = inRoots("/usr/lib/prosody");
  if (script === null || sources === null) throw new Error(whyNoLiveServers());
  const data = join(folder, "data");
  mkdirSync(data);

  // The start script names its folders as they are after installation, in lines made to be changed.
  const places: Record<string, string> = {
    CFG_SOURCEDIR: sources,
    CFG_CONFIGDIR: folder,
    CFG_PLUGINDIR: `${sources}/modules/`,
    CFG_DATADIR: data,
  };
  const text = readFileSync(script, "utf8");
  const main = join(folder, "prosody.lua");
  writeFileSync(
    main,
    text.replace(/^(CFG_\w+)=.*$/gm, (line, name) => places[name] ? `${name}=${quote(places[name])};` : line),
  );

  // "#!/usr/bin/env lua5.4": the Lua that its compiled modules fit.
  const version = /^#!.*lua(\d\.\d)/.exec(text)?.[1] ?? "5.4";
  const lua = inRoots(`/usr/bin/lua${version}`);
  if (lua === null) throw new Error(`lua${version} not found, which "${script}" needs`);

  const configuration = join(folder, "prosody.cfg.lua");
  writeFileSync(configuration, configure(folder, data, ports, options));
  const hosts = options.hosts ?? [DEFAULT_HOST];
  for (const { jid, password } of options.users ?? []) {
    const { user, domain } = splitAccount(jid, hosts);
    const accounts = join(data, encoded(domain), "accounts");
    mkdirSync(accounts, { recursive: true });
    writeFileSync(join(accounts, `${encoded(user)}.dat`), `return { ["password"] = ${quote(password)} };\n`);
  }

  const libraries = foldersInRoots("/usr/lib/*-linux-*");
  return {
    command: [lua, main, "-F", "--config", configuration],
    env: {
      LD_LIBRARY_PATH: libraries.join(":"),
      LUA_PATH:
        foldersInRoots(`/usr/share/lua/${version}`).map((at) => `${at}/?.lua;${at}/?/init.lua;`).join("") +
        ";",
      LUA_CPATH: libraries.map((at) => `${at}/lua/${version}/?.so;`).join("") + ";",
      LUA_INIT: "",
      HOME: folder,
    },
  };
}

function configure(folder: string, data: string, ports: Ports, options: LiveServerOptions): string {
  const hosts = (options.hosts ?? [DEFAULT_HOST]).map((domain) => `VirtualHost ${quote(domain)}\n`);
  const components = Object.entries(options.components).map(([domain, secret]) =>
    `Component ${quote(domain)}\n  component_secret = ${quote(secret)}\n`
  );
  return `
run_as_root = true
data_path = ${quote(data)}
certificates = ${quote(folder)}
pidfile = ${quote(join(folder, "prosody.pid"))}
log = { { levels = { min = "info" }, to = "console", timestamps = "%H:%M:%S" } }
interfaces = { "127.0.0.1" }
component_interfaces = { "127.0.0.1" }
component_ports = { ${ports.component} }
c2s_ports = { ${ports.c2s} }
c2s_direct_tls_ports = {}
legacy_ssl_ports = {}
http_ports = {}
https_ports = {}
modules_enabled = { "disco", "ping", "roster", "saslauth"${options.streamManagement ? ', "smacks"' : ""} }
modules_disabled = { "s2s", "tls" }
authentication = "internal_plain"
allow_unencrypted_plain_auth = true
c2s_require_encryption = false
component_conflict_resolve = ${quote(options.componentConflictResolve ?? "kick_new")}
${options.moreConfiguration ?? ""}
${hosts.join("")}${components.join("")}`;
}

/** A Lua string. */
function quote(text: string): string {
  // JSON's escapes are Lua's but for the four-digit ones, which no domain, path or password here needs.
  return JSON.stringify(text);
}

/** How Prosody writes names in its data folder. */
function encoded(name: string): string {
  return name.replace(
    /[^a-z0-9]/gi,
    (char) => [...Buffer.from(char)].map((byte) => "%" + byte.toString(16).padStart(2, "0")).join(""),
  );
}
