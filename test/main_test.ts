/**
 * The executable's face: words, answers, exit statuses, signals (spec 9.2, DC43, DC44).
 */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCommandLine } from "../src/command_line.ts";
import { VERSION } from "../src/version.ts";

const folder = mkdtempSync(join(tmpdir(), "rayo-main-"));
const ROOT = join(import.meta.dir, "..");
const MAIN = join(ROOT, "src", "main.ts");
const RUN_CHILD = join(import.meta.dir, "support", "run_child.ts");
const GOOD = `[gateway]
external_domain = "rayo.test"
internal_domain = "inside.test"
[xmpp]
external = { secret = "a" }
internal = { secret = "b" }
[nodes]
trusted = ["*"]
`;
const good = join(folder, "good.toml");
const bad = join(folder, "bad.toml");
writeFileSync(good, GOOD);
writeFileSync(bad, GOOD + "trused = []\ngrace_ms = -1\n");

const children = new Set<Bun.Subprocess>();
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

describe("the command line", () => {
  const cases: [words: string[], expected: object][] = [
    [[], { do: "run", config: undefined }],
    [["run"], { do: "run", config: undefined }],
    [["--config", "x"], { do: "run", config: "x" }],
    [["--config=x=y"], { do: "run", config: "x=y" }],
    [["run", "--config", "--odd"], { do: "run", config: "--odd" }],
    [["check", "--config", "x"], { do: "check", config: "x" }],
    [["version"], { do: "version" }],
    [["--version"], { do: "version" }],
    [["chekc"], refused('unknown command "chekc", did you mean "check"')],
    [["frobnicate"], refused('unknown command "frobnicate"')],
    [["run", "--confg", "x"], refused('unknown option "--confg", did you mean "--config"')],
    [["run", "--config-file=secret"], refused('unknown option "--config-file", did you mean "--config"')],
    [["-x"], refused('unknown option "-x"')],
    [["--config"], refused("--config needs the name of a file")],
    [["--config="], refused("--config needs the name of a file")],
    [["check", "--config", "a", "--config", "b"], refused("--config is given twice")],
    [["check", "file.toml"], refused('unexpected argument "file.toml"')],
    [["version", "--config", "x"], refused('unknown option "--config"')],
    [["help", "chekc"], refused('unknown command "chekc", did you mean "check"')],
  ];
  for (const [words, expected] of cases) {
    test(JSON.stringify(words), () => expect(parseCommandLine(words)).toMatchObject(expected));
  }

  const helps: [words: string[], begin: string][] = [
    [["help"], "Usage: rayo-gateway [COMMAND]"],
    [["--help"], "Usage: rayo-gateway [COMMAND]"],
    [["-h"], "Usage: rayo-gateway [COMMAND]"],
    [["help", "check"], "Usage: rayo-gateway check"],
    [["check", "--help"], "Usage: rayo-gateway check"],
    [["run", "--config", "x", "-h"], "Usage: rayo-gateway [run]"],
    [["version", "--help"], "Usage: rayo-gateway version"],
  ];
  for (const [words, begin] of helps) {
    test(JSON.stringify(words), () => {
      const command = parseCommandLine(words);
      expect(command.do === "help" && command.text.startsWith(begin) && command.text.endsWith("\n")).toBe(
        true,
      );
    });
  }

  function refused(problem: string) {
    return { do: "refuse", problem: `rayo-gateway: ${problem}\nSee rayo-gateway help\n` };
  }
});

describe("answers and exit statuses", () => {
  const main = (words: string[], env: Record<string, string> = {}) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, MAIN, ...words], {
      cwd: folder,
      env: { PATH: process.env["PATH"]!, ...env },
    });
    return { status: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
  };

  test("version", () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(VERSION).toBe(manifest.version);
    expect(main(["version"])).toEqual({
      status: 0,
      stdout: `rayo-gateway ${manifest.version}\n`,
      stderr: "",
    });
  });

  test("help goes to stdout, refusals to stderr", () => {
    const help = main(["help"]);
    expect([help.status, help.stderr]).toEqual([0, ""]);
    expect(help.stdout).toContain("RAYO_GATEWAY__XMPP__EXTERNAL__PORT");
    const refused = main(["--confg"]);
    expect([refused.status, refused.stdout]).toEqual([2, ""]);
    expect(refused.stderr).toContain('did you mean "--config"');
  });

  test("check: ok, or every finding and status 1 (DC43)", () => {
    expect(main(["check", "--config", good])).toEqual({ status: 0, stdout: "ok\n", stderr: "" });
    expect(main(["check"], { RAYO_GATEWAY_CONFIG: "bad.toml" })).toEqual({
      status: 1,
      stdout: 'bad.toml:9: nodes.trused: unknown key, did you mean "trusted"\n' +
        "bad.toml:10: nodes.grace_ms: -1 is not a whole number of milliseconds from 0 to 3600000\n",
      stderr: "",
    });
    const overridden = main(["check", "--config", good], { RAYO_GATEWAY__OFFERS__TIMEOUT_MS: "6000" });
    expect([overridden.status, overridden.stdout]).toEqual([0, "ok\n"]);
    expect(overridden.stderr).toStartWith("warning: RAYO_GATEWAY__OFFERS__TIMEOUT_MS: 6000 is not below");
  });

  test("check: a syntax error has line and column", () => {
    writeFileSync(join(folder, "syntax.toml"), "[gateway]\nname = gw1\n");
    expect(main(["check", "--config", "syntax.toml"])).toEqual({
      status: 1,
      stdout: "syntax.toml:2:8: strings must be quoted\n",
      stderr: "",
    });
  });

  test("run refuses a wrong configuration on stderr", () => {
    const refused = main(["run", "--config", bad]);
    expect([refused.status, refused.stdout, refused.stderr.trim().split("\n").length]).toEqual([1, "", 2]);
  });

  test("a reader that went away is no failure (EPIPE), a full disk is", async () => {
    const child = Bun.spawn([
      "bash",
      "-c",
      `"$0" "$1" help | true; echo "\${PIPESTATUS[0]}"; "$0" "$1" help >/dev/full; echo "status $?"`,
      process.execPath,
      MAIN,
    ], {
      stdout: "pipe",
      stderr: "pipe",
    });
    expect(await child.stdout.text()).toBe("0\nstatus 1\n");
    expect(await child.stderr.text()).toBe("");
  });
});

/** A process around a scripted app, and its log lines as they come. */
function runChild(behaviour: string, file = good) {
  const child = Bun.spawn([process.execPath, RUN_CHILD, file], {
    cwd: folder,
    env: { PATH: process.env["PATH"]!, RUN_CHILD: behaviour },
    stdout: "pipe",
    stderr: "pipe",
  });
  children.add(child);
  const reader = child.stderr.getReader();
  const decoder = new TextDecoder();
  let seen = "";
  return {
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    status: async () => {
      const status = await child.exited;
      children.delete(child);
      return status;
    },
    /** Reads on until `text` appears; fails at the end of the log. */
    async until(text: string): Promise<void> {
      while (!seen.includes(text)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`the log ended without ${JSON.stringify(text)}:\n${seen}`);
        seen += decoder.decode(value, { stream: true });
      }
    },
    async rest(): Promise<string> {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return seen;
        seen += decoder.decode(value, { stream: true });
      }
    },
  };
}

describe("a life (DC44)", () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`${signal}: an orderly stop, status 0`, async () => {
      const child = runChild("");
      await child.until("started");
      child.kill(signal);
      expect(await child.status()).toBe(0);
      const log = await child.rest();
      expect(log).toContain(`stopping signal=${signal}`);
      expect(log.indexOf("streams closed")).toBeLessThan(log.indexOf("stopped"));
    });

    test(`a second ${signal}: at once, status ${signal === "SIGTERM" ? 143 : 130}`, async () => {
      const child = runChild("hang");
      await child.until("started");
      child.kill(signal);
      await child.until("stopping");
      child.kill(signal);
      expect(await child.status()).toBe(signal === "SIGTERM" ? 143 : 130);
    });
  }

  test("a signal while starting is not lost", async () => {
    const child = runChild("slow-start");
    await child.until("starting slowly");
    child.kill("SIGTERM");
    expect(await child.status()).toBe(0);
    expect(await child.rest()).toContain("streams closed");
  });

  test("SIGHUP reads the file again; a wrong one changes nothing", async () => {
    const file = join(folder, "reloaded.toml");
    writeFileSync(file, GOOD);
    const child = runChild("", file);
    await child.until("started");
    writeFileSync(file, GOOD + "[log]\nlevel = 'loud'\n");
    child.kill("SIGHUP");
    await child.until("the old one stays in force findings=1");
    await child.until('log.level: "loud" is not');
    writeFileSync(file, GOOD.replace('secret = "a"', 'secret = "a", port = 1') + "[log]\nformat = 'json'\n");
    child.kill("SIGHUP");
    await child.until("not reloaded: xmpp.external.port needs a restart");
    await child.until('"text":"configuration reloaded"');
    child.kill("SIGTERM");
    expect(await child.status()).toBe(0);
    expect(await child.rest()).toContain('"text":"stopped"');
  });

  const ends: [behaviour: string, status: number, told: string][] = [
    ["refuse", 1, "cannot start: the store is locked by another gateway"],
    ["end", 3, "ended status=3"],
  ];
  for (const [behaviour, status, told] of ends) {
    test(`${behaviour}: status ${status}`, async () => {
      const child = runChild(behaviour);
      expect(await child.status()).toBe(status);
      expect(await child.rest()).toContain(told);
    });
  }

  test("a stop that fails: status 1", async () => {
    const child = runChild("stop-fails");
    await child.until("started");
    child.kill("SIGTERM");
    expect(await child.status()).toBe(1);
    expect(await child.rest()).toContain("stopped in disorder: the disk is full");
  });

  test("what nobody caught is logged and ends nothing", async () => {
    const child = runChild("throw,reject");
    await child.until("a bug: thrown by a timer");
    await child.until("a bug, in a promise: nobody waits for this");
    child.kill("SIGTERM");
    expect(await child.status()).toBe(0);
    expect(await child.rest()).toContain("streams closed");
  });
});
