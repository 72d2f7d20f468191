/**
 * The built executable as an operator meets it: in a hostile directory, with wrong configurations, without its
 * server, beside another gateway, on a full disk, told to reload (spec 9.2, DC39-DC45).
 */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { VERSION } from "../src/version.ts";
import type { AppCall } from "./support/application.ts";
import { freePort, LOOPBACK } from "./support/ports.ts";
import { type Child, eventually, removeFolder, startChild, temporaryFolder } from "./support/process.ts";
import { ADDRESS, APPLICATION, Site } from "./support/site.ts";
import { builtGateway } from "./support/toolchain.ts";

setDefaultTimeout(60_000);

const BASE = `[gateway]
external_domain = "rayo.example.test"
internal_domain = "rayo-internal.example.test"
[xmpp]
external = { secret = "of the clients' side", port = PORT }
internal = { secret = "of the nodes' side", port = PORT }
[admin]
listen = "127.0.0.1:0"
[nodes]
trusted = ["*.nodes.example.test"]
`;

const folders: string[] = [];
const children: Child[] = [];
let site: Site | null = null;

afterEach(async () => {
  for (const child of children.splice(0)) await child.kill();
  await site?.stop();
  site = null;
  for (const folder of folders.splice(0)) removeFolder(folder);
});

function folder(): string {
  const made = temporaryFolder("executable");
  folders.push(made);
  return made;
}

/** A configuration in a folder of its own; `more` is laid under it. */
async function configured(more = ""): Promise<string> {
  const at = folder();
  writeFileSync(join(at, "config.toml"), BASE.replaceAll("PORT", String(await freePort())) + more);
  return at;
}

/** Runs to its end. */
function ask(cwd: string, words: string[], env: Record<string, string> = {}) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([builtGateway(), ...words], {
    cwd,
    env: { PATH: process.env["PATH"]!, ...env },
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  return { status: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** Runs on, its log in the folder. */
function run(cwd: string, env: Record<string, string> = {}, before: string[] = []): Child {
  const child = startChild({
    command: [...before, builtGateway(), "run"],
    env,
    folder: cwd,
    keepFolder: true,
  });
  children.push(child);
  return child;
}

async function said(child: Child, text: string): Promise<void> {
  if (
    await eventually(
      () => child.log().includes(text),
      20_000,
      () => child.ended && !child.log().includes(text),
    )
  ) {
    return;
  }
  throw new Error(`it never said ${JSON.stringify(text)}, but:\n${child.log()}`);
}

describe("in a hostile directory", () => {
  test("nothing of it is loaded: no .env, no bunfig.toml, no package.json", async () => {
    const at = await configured();
    writeFileSync(join(at, "evil.ts"), "console.log('EVIL'); console.error('EVIL');\n");
    writeFileSync(join(at, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
    writeFileSync(join(at, "package.json"), '{"name": "evil", "imports": {"hono": "./evil.ts"}}\n');
    writeFileSync(join(at, "tsconfig.json"), '{"compilerOptions": {"paths": {"*": ["./evil.ts"]}}}\n');
    mkdirSync(join(at, "node_modules/hono"), { recursive: true });
    writeFileSync(join(at, "node_modules/hono/index.js"), "console.log('EVIL');\n");
    for (const name of [".env", ".env.local", ".env.production"]) {
      writeFileSync(join(at, name), "RAYO_GATEWAY__LOG__LEVEL=EVIL\n");
    }
    expect(ask(at, ["version"])).toEqual({ status: 0, stdout: `rayo-gateway ${VERSION}\n`, stderr: "" });
    expect(ask(at, ["check"])).toEqual({ status: 0, stdout: "ok\n", stderr: "" });
    const child = run(at);
    await said(child, "started version=");
    child.signal("TERM");
    expect(await child.exited).toBe(0);
    expect(child.log()).not.toContain("EVIL");
  });

  test("a debugger in the environment is told of", async () => {
    const at = await configured();
    const child = run(at, { BUN_INSPECT: `ws://${LOOPBACK}:${await freePort()}/x` });
    await said(child, "BUN_INSPECT is set");
    child.signal("TERM");
    expect(await child.exited).toBe(0);
  });
});

describe("what stops it from starting: one sentence, status 1", () => {
  const cases: [name: string, more: string, env: Record<string, string>, told: string][] = [
    [
      "off loopback without tokens (DC45)",
      "",
      { RAYO_GATEWAY__ADMIN__LISTEN: "0.0.0.0:0" },
      "can be reached from other machines",
    ],
    [
      "an unknown key",
      "[log]\nlevle = 'info'\n",
      {},
      'config.toml:12: log.levle: unknown key, did you mean "level"',
    ],
    ["what is not built", "[store]\nadapter = 'cassandra'\n", {}, '"cassandra" is not built yet'],
    ["no such directory", "", { RAYO_GATEWAY__STORE__PATH: "no/such.db" }, "of store.path does not exist"],
    [
      "a file that is no database",
      "",
      { RAYO_GATEWAY__STORE__PATH: "config.toml" },
      "is not an SQLite database; it was left as it is",
    ],
  ];
  for (const [name, more, env, told] of cases) {
    test(name, async () => {
      const at = await configured(more);
      const before = readFileSync(join(at, "config.toml"), "utf8");
      const { status, stdout, stderr } = ask(at, ["run"], env);
      expect([status, stdout, stderr.trim().split("\n").length]).toEqual([1, "", 1]);
      expect(stderr).toContain(told);
      expect(readFileSync(join(at, "config.toml"), "utf8")).toBe(before);
    });
  }

  test("the admin port is taken", async () => {
    const at = await configured();
    const taken = Bun.listen({ hostname: LOOPBACK, port: 0, socket: { data() {} } });
    const { status, stderr } = ask(at, ["run"], { RAYO_GATEWAY__ADMIN__LISTEN: `${LOOPBACK}:${taken.port}` });
    taken.stop(true);
    expect(status).toBe(1);
    expect(stderr).toContain(`cannot start: admin.listen "${LOOPBACK}:${taken.port}" cannot be used`);
    // The store was closed in order: the next one gets it.
    expect(readdirSync(at)).not.toContain("rayo-gateway.db-wal");
  });

  test("another gateway has the file (DC40), which goes on undisturbed", async () => {
    const at = await configured();
    const first = run(at);
    await said(first, "started version=");
    const { status, stderr } = ask(at, ["run"]);
    expect(status).toBe(1);
    expect(stderr).toContain('rayo-gateway.db" is in use by another gateway');
    expect(first.ended).toBe(false);
    first.signal("TERM");
    expect(await first.exited).toBe(0);
  });
});

describe("its server", () => {
  test("is not there: the gateway waits, says so once and is not ready", async () => {
    const at = await configured();
    const child = run(at);
    await said(child, "internal link is down");
    const url = /admin=(http:\S+)/.exec(child.log())![1]!;
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(503);
    expect(((await ready.json()) as { reasons: string[] }).reasons.length).toBe(2);
    child.signal("TERM");
    expect(await child.exited).toBe(0);
    expect(child.log().split("external link is down").length).toBe(2);
  });

  test("has another secret: it is told which key to look at", async () => {
    site = new Site();
    const at = await configured();
    const port = String(site.port.port);
    const child = run(at, {
      RAYO_GATEWAY__XMPP__EXTERNAL__PORT: port,
      RAYO_GATEWAY__XMPP__EXTERNAL__SECRET: "wrong",
      RAYO_GATEWAY__XMPP__INTERNAL__PORT: port,
    });
    await said(child, "internal link is up");
    await said(child, "external link is down");
    expect(child.log()).toContain("xmpp.external.secret");
    expect(child.log()).not.toContain("wrong");
    child.signal("TERM");
    expect(await child.exited).toBe(0);
  });

  test("goes away and comes back: the links do, too, and calls go on", async () => {
    site = new Site();
    const node = site.freeswitch("fs1");
    const client = site.client("one");
    await site.start([node]);
    await site.acquainted(node, client);
    const { url } = site.gateway;
    site.port.kill();
    await site.until("both links have fallen", async () =>
      (await fetch(`${url}/readyz`)).status === 503 ||
      site!.gateway.log().includes("internal link is down"));
    await site.gateway.ready();
    const far = node.incomingCall({ to: ADDRESS, from: "sip:caller@example.test" });
    await site.until(
      "a call is answered",
      () => client.calls.get(far.id)?.events.includes("answered") === true,
    );
    expect(site.violations()).toEqual([]);
  });
});

test("a full disk: the gateway stays up, calls go on from memory, and are stored when there is room again (DC40)", async () => {
  site = new Site();
  const node = site.freeswitch("fs1");
  const client = site.client("one");
  const gateway = await site.start([node]);
  await site.acquainted(node, client);
  // The kernel's own limit on a file's size: write() fails as it does on a full disk.
  const limit = (bytes: string) =>
    Bun.spawnSync(["prlimit", "--pid", String(gateway.childPid()), `--fsize=${bytes}`]).exitCode;
  expect(limit("131072:unlimited")).toBe(0);
  const address = (n: number) =>
    site!.ask("POST", `/api/v1/applications/${encodeURIComponent(APPLICATION)}/addresses`, {
      address: `sip:${n}@example.test`,
    });
  let taken = 0;
  while (taken < 1000 && await address(taken) === 201) taken++;
  expect(taken).toBeLessThan(1000);
  const ready = await fetch(`${gateway.url}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining("the store fails")]);
  expect((await fetch(`${gateway.url}/livez`)).status).toBe(200);

  const far = node.incomingCall({ to: ADDRESS, from: "sip:caller@example.test" });
  await site.until(
    "a call is answered all the same",
    () => client.calls.get(far.id)?.events.includes("answered") === true,
  );
  expect((await site.get<{ store: object }>("/api/v1/status")).store).toMatchObject({ ok: false });

  expect(limit("unlimited")).toBe(0);
  await gateway.ready();
  await site.stored();
  await gateway.kill();
  gateway.start();
  await gateway.ready();
  const { items } = await site.get<{ items: { id: string }[] }>("/api/v1/calls");
  expect(items.map(({ id }) => id)).toEqual([far.id]);
  const { addresses } = await site.get<{ addresses: string[] }>(
    `/api/v1/applications/${encodeURIComponent(APPLICATION)}`,
  );
  // The shipped configuration's two, and those that were acknowledged; what was refused is not there.
  expect(addresses.length).toBe(2 + taken);
  expect(site.violations()).toEqual([]);
});

describe("SIGHUP (DC44)", () => {
  interface Listed {
    items: { jid: string; state: string }[];
  }

  test("takes over nodes, applications, tokens and log; refuses the rest by name; a wrong file changes nothing", async () => {
    site = new Site();
    const at = folder();
    const file = join(at, "config.toml");
    const base = BASE.replaceAll("PORT", String(site.port.port));
    writeFileSync(file, base);
    await site.start([], {}, file);
    const { gateway } = site;
    const java = site.java("java1");
    java.announce();
    const nodes = async () => (await site!.get<Listed>("/api/v1/nodes")).items;
    await site.until("the Java node is listed", async () => (await nodes()).length === 1);

    // A wrong file.
    writeFileSync(file, base + "[log]\nlevel = 'loud'\n");
    gateway.reload();
    await site.until("it is refused", () => gateway.log().includes("the old one stays in force"));
    expect(gateway.log()).toContain('config.toml:12: log.level: "loud" is not');
    expect((await nodes()).length).toBe(1);

    // A new application and debug lines; a key that needs a restart is named, each time anew.
    const next = base + `[[applications]]
jid = "${APPLICATION}"
addresses = ["${ADDRESS}"]
[log]
level = "debug"
[dial]
attempts_max = 2
`;
    for (const times of [1, 2]) {
      writeFileSync(file, next);
      gateway.reload();
      await site.until(
        "it is reloaded",
        () => gateway.log().split("configuration reloaded").length === times + 1,
      );
      expect(gateway.log().split("not reloaded: dial.attempts_max: a change needs a restart").length).toBe(
        times + 1,
      );
    }
    await site.until(
      "the application is there",
      async () => (await site!.get<Listed>("/api/v1/applications")).items[0]?.jid === APPLICATION,
    );
    expect(await site.get("/api/v1/settings")).toMatchObject({ log_level: "debug", dial_attempts_max: 3 });

    const client = site.client("one", { ownUris: false });
    client.ready();
    await site.until(
      "the client is listed",
      async () => (await site!.get<Listed>("/api/v1/clients")).items.length === 1,
    );
    let call: AppCall | null = null;
    client.dial("sip:far@example.test", (answered) => call = answered);
    await site.until("a call is up", () => call?.events.includes("answered") === true);

    // Nobody trusts the node any more, so its call ends; whoever asks needs a token.
    const token = "a-token-of-sixteen-letters";
    writeFileSync(
      file,
      next.replace('"*.nodes.example.test"', "").replace(
        "[nodes]",
        `tokens = [{ name = "ops", role = "viewer", token = "${token}" }]\n[nodes]`,
      ),
    );
    gateway.reload();
    await site.until(
      "a token is needed",
      async () => (await fetch(`${gateway.url}/api/v1/nodes`)).status === 401,
    );
    const headers = { Authorization: `Bearer ${token}` };
    const seen = await fetch(`${gateway.url}/api/v1/nodes`, { headers });
    expect(seen.status).toBe(200);
    await site.until("the client hears of the end", () => call!.ended);
    await site.until("and so does the node", () => java.calls.size === 0);
    const heard = site.server.log.length;
    java.announce();
    await site.until(
      "the node is not listened to",
      () => gateway.log().includes("stanza from an untrusted domain domain=java1.nodes.example.test"),
    );
    expect(site.server.log.slice(heard).filter(({ target }) => target === java.domain)).toEqual([]);
    expect((await fetch(`${gateway.url}/livez`)).status).toBe(200);
    expect(site.violations()).toEqual([]);
  });
});
