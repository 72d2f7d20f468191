/**
 * Runs the tests, a folder of test/ at a time, each in a process of its own, and closes with `N passed, N failed`.
 *
 * The figures come from the junit reports, not from what is printed. A folder whose process crashed, ran into its
 * limit, ran no test or failed outside of any test counts as one failure more: silence is not success.
 *
 * Usage: bun test/support/run_tests.ts [folder or file below test/]…
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { whyNoLiveServers } from "./packages.ts";
import { BUN, ROOT } from "./toolchain.ts";

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

/** Live tests start servers; on a slow machine that takes its time. A test that needs longer hangs. */
const TEST_LIMIT_MS = 60_000;
/** For all tests of a folder together. */
const FOLDER_LIMIT_MS = 600_000;

/** Everything below test/ that holds tests, what is quick first. */
export function suites(testFolder: string): string[] {
  const last = ["scene", "simulation", "live"];
  const rank = (name: string) => last.indexOf(name);
  const names = readdirSync(testFolder).filter((name) => holdsTests(join(testFolder, name)));
  return names.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

function holdsTests(path: string): boolean {
  if (!statSync(path).isDirectory()) return path.endsWith("_test.ts");
  return readdirSync(path).some((name) => holdsTests(join(path, name)));
}

/** The sums of a junit report. */
export function totalsOf(report: string): Totals {
  const totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  // Names of tests are attribute values, in which `<` is escaped: these can only be elements.
  for (const testcase of report.split(/<testcase\b/).slice(1)) {
    if (/<(failure|error)\b/.test(testcase)) totals.failed++;
    else if (/<skipped\b/.test(testcase)) totals.skipped++;
    else totals.passed++;
  }
  return totals;
}

/** What a suite's process and its report say together. */
export function verdict(report: string | null, status: number): Totals & { trouble: string } {
  const totals = report === null ? { passed: 0, failed: 0, skipped: 0 } : totalsOf(report);
  let trouble = "";
  if (status !== 0 && totals.failed === 0) trouble = `ended with status ${status}`;
  else if (totals.passed + totals.failed + totals.skipped === 0) trouble = "ran no test";
  if (trouble !== "") totals.failed++;
  return { ...totals, trouble };
}

/** `12 passed, 0 failed`, and what was skipped, if anything was. */
export function closingLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed` + (skipped > 0 ? `, ${skipped} skipped` : "");
}

async function runSuite(path: string, reportFile: string): Promise<Totals & { trouble: string }> {
  const suite = Bun.spawn(
    [BUN, "test", `--timeout=${TEST_LIMIT_MS}`, "--reporter=junit", `--reporter-outfile=${reportFile}`, path],
    {
      cwd: ROOT,
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      timeout: FOLDER_LIMIT_MS,
      killSignal: "SIGKILL",
    },
  );
  const status = await suite.exited;
  let report: string | null = null;
  try {
    report = readFileSync(reportFile, "utf8");
  } catch {
    // The process did not live to write it; verdict() counts that.
  }
  return verdict(report, status);
}

async function main(words: readonly string[]): Promise<number> {
  const testFolder = join(ROOT, "test");
  const chosen = words.length > 0 ? words : suites(testFolder);
  // Of this run alone: another one may be under way beside it.
  const reports = mkdtempSync(join(tmpdir(), "rayo-junit-"));
  const sum: Totals = { passed: 0, failed: 0, skipped: 0 };
  const troubles: string[] = [];
  // With "./" in front it is a path; without, Bun would take every file whose name contains it.
  for (const [index, name] of chosen.entries()) {
    const result = await runSuite(`./test/${name}`, join(reports, `${index}.xml`));
    sum.passed += result.passed;
    sum.failed += result.failed;
    sum.skipped += result.skipped;
    if (result.trouble !== "") troubles.push(`test/${name} ${result.trouble}`);
    else if (result.failed > 0) troubles.push(`test/${name}: ${result.failed} failed`);
  }
  rmSync(reports, { recursive: true, force: true });
  const skip = whyNoLiveServers();
  if (skip !== "") console.log(`Live tests on real servers were skipped: ${skip}`);
  for (const line of troubles) console.log(line);
  console.log(closingLine(sum));
  return sum.failed === 0 && sum.passed > 0 ? 0 : 1;
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)));
