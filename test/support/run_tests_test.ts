/** The figures that `make test` closes with must not be kinder than the tests were. */
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closingLine, suites, totalsOf, verdict } from "./run_tests.ts";
import { BUN } from "./toolchain.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="4"><testsuite name="x" tests="4">
<testcase name="a &lt;failure /&gt; in a name" classname="x" time="0.1" />
<testcase name="b"><failure type="AssertionError" /></testcase>
<testcase name="c"><skipped /></testcase>
<testcase name="d" />
</testsuite></testsuites>`;

test("a report's testcases are counted by their outcome", () => {
  expect(totalsOf(REPORT)).toEqual({ passed: 2, failed: 1, skipped: 1 });
  expect(closingLine(totalsOf(REPORT))).toBe("2 passed, 1 failed, 1 skipped");
  expect(closingLine({ passed: 3, failed: 0, skipped: 0 })).toBe("3 passed, 0 failed");
});

test("a process that crashed, ran nothing or failed outside of a test is a failure", () => {
  const good = REPORT.replace(/.*name="b".*\n/, "");
  expect(verdict(good, 0)).toMatchObject({ passed: 2, failed: 0, trouble: "" });
  expect(verdict(good, 1)).toMatchObject({ failed: 1, trouble: "ended with status 1" });
  expect(verdict(null, 137)).toMatchObject({ failed: 1, trouble: "ended with status 137" });
  expect(verdict(null, 0)).toMatchObject({ failed: 1, trouble: "ran no test" });
  expect(verdict(REPORT, 1)).toMatchObject({ failed: 1, trouble: "" });
});

test("the reports that this Bun writes are understood", () => {
  const folder = mkdtempSync(join(tmpdir(), "rayo-report-"));
  try {
    writeFileSync(
      join(folder, "x_test.ts"),
      `import { expect, test } from "bun:test";
       test("good <failure>", () => expect(1).toBe(1));
       test("bad", () => expect(1).toBe(2));
       test.skip("skipped", () => {});`,
    );
    const file = join(folder, "report.xml");
    const done = Bun.spawnSync(
      [BUN, "test", "--reporter=junit", `--reporter-outfile=${file}`, "./x_test.ts"],
      { cwd: folder },
    );
    expect(done.exitCode).toBe(1);
    const report = Bun.spawnSync(["cat", file]).stdout.toString();
    expect(verdict(report, done.exitCode)).toEqual({ passed: 1, failed: 1, skipped: 1, trouble: "" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("every folder with tests is a suite, the slow ones last", () => {
  const folder = mkdtempSync(join(tmpdir(), "rayo-suites-"));
  try {
    for (const name of ["live", "xmpp", "scene/deep", "bench"]) {
      mkdirSync(join(folder, name), { recursive: true });
    }
    for (
      const name of [
        "live/a_test.ts",
        "xmpp/a_test.ts",
        "scene/deep/a_test.ts",
        "tidy_test.ts",
        "bench/main.ts",
      ]
    ) {
      writeFileSync(join(folder, name), "");
    }
    expect(suites(folder)).toEqual(["tidy_test.ts", "xmpp", "scene", "live"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
