/** Children must not outlive the test that started them, whatever happens to it. */
import { afterEach, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { eventually, isAlive, startChild, temporaryFolder } from "./process.ts";
import { BUN } from "./toolchain.ts";

const SUPPORT = import.meta.dir;
const cleanup: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

function child(command: string[]) {
  const folder = temporaryFolder("process");
  const started = startChild({ command, folder });
  cleanup.push(() => started.kill());
  return { folder, started };
}

test("what a child says is kept, its status is told, and its folder goes", async () => {
  const { folder, started } = child(["/bin/sh", "-c", "echo out; echo err >&2; exit 7"]);
  expect(await started.exited).toBe(7);
  expect(started.log()).toBe("out\nerr\n");
  expect(existsSync(folder)).toBe(false);
  expect(started.childPid()).toBe(-1);
});

test("stop() lets a child end in order", async () => {
  const { started } = child([
    "/bin/sh",
    "-c",
    "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done",
  ]);
  await eventually(() => started.log() !== "", 10_000);
  await started.stop();
  expect(started.log()).toBe("ready\nbye\n");
});

test("stop() ends a child that does not listen, and one that stands still", async () => {
  const deaf = child(["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"]).started;
  const still =
    child(["/bin/sh", "-c", "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done"])
      .started;
  await eventually(() => deaf.log() !== "" && still.log() !== "", 10_000);
  const pid = deaf.childPid();
  expect(isAlive(pid)).toBe(true);
  await deaf.stop(50);
  expect(isAlive(pid)).toBe(false);
  still.signal("STOP");
  await still.stop();
  expect(still.log()).toBe("ready\nbye\n");
});

for (const signal of ["SIGKILL", "SIGINT", "SIGTERM"] as const) {
  test(`a test that ends by ${signal} takes its children and their folders with it`, async () => {
    const program = `
      import { startChild, temporaryFolder } from ${JSON.stringify(join(SUPPORT, "process.ts"))};
      const folder = temporaryFolder("process");
      const child = startChild({ folder, command: ["/bin/sh", "-c", "trap '' TERM INT; echo ready; while :; do sleep 0.05; done"] });
      while (child.log() === "") await Bun.sleep(5);
      console.log(JSON.stringify({ folder, shell: child.pid, child: child.childPid() }));
      await Bun.sleep(60_000);`;
    const test = Bun.spawn([BUN, "-e", program], { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    cleanup.push(() => test.kill("SIGKILL"));
    const reader = test.stdout.getReader();
    const { value } = await reader.read();
    const { folder, shell, child } = JSON.parse(new TextDecoder().decode(value)) as {
      folder: string;
      shell: number;
      child: number;
    };
    expect(isAlive(shell) && isAlive(child) && existsSync(folder)).toBe(true);
    test.kill(signal);
    await test.exited;
    expect(await eventually(() => !isAlive(shell) && !isAlive(child) && !existsSync(folder), 10_000)).toBe(
      true,
    );
  });
}
