/**
 * The executable: arguments in, exit status out (spec 9.2). Answers go to stdout, logs and refusals to stderr.
 */
import { startApp } from "./app.ts";
import { parseCommandLine } from "./command_line.ts";
import { loadConfig } from "./config.ts";
import { findingLine } from "./config/finding.ts";
import { run } from "./run.ts";
import { LogSink, writeAnswer } from "./system/output.ts";
import { VERSION } from "./version.ts";

process.exit(await main(process.argv.slice(2)));

async function main(words: string[]): Promise<number> {
  const command = parseCommandLine(words);
  switch (command.do) {
    case "refuse":
      writeAnswer(command.problem, 2);
      return 2;
    case "help":
      return writeAnswer(command.text) ? 0 : 1;
    case "version":
      return writeAnswer(`rayo-gateway ${VERSION}\n`) ? 0 : 1;
    case "check":
      return check(command.config);
    case "run":
      return await runUntilStopped(command.config);
  }
}

/** DC43: every finding on stdout and status 1, or `ok`; what is only worth a warning goes to stderr. */
function check(file: string | undefined): number {
  const { findings, warnings } = loadConfig({ file, env: process.env, cwd: process.cwd() });
  writeAnswer(warnings.map((line) => `warning: ${line}\n`).join(""), 2);
  const told = writeAnswer(
    findings.length === 0 ? "ok\n" : findings.map((finding) => findingLine(finding) + "\n").join(""),
  );
  return told && findings.length === 0 ? 0 : 1;
}

async function runUntilStopped(file: string | undefined): Promise<number> {
  const sink = new LogSink();
  const status = await run({
    file,
    env: process.env,
    cwd: process.cwd(),
    version: VERSION,
    start: startApp,
    write: (line) => sink.write(line),
    leave: (status) => process.exit(status),
  });
  await sink.flush();
  return status;
}
