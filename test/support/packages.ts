/**
 * Prosody and ejabberd from the operating system's packages, without installing them (DC46).
 *
 * The packages are fetched and unpacked below `.toolchain/os`, and run from there: no maintainer script runs, no
 * service is enabled or started, no user is made, root is not needed, and deleting the folder undoes it all. What the
 * machine has installed already is not fetched; both places are searched.
 *
 * Run as a program (`bun test/support/packages.ts`) it sees to it that they are there. The exit status is 0 when they
 * are, 1 when they are not and should be (root on a system with apt), and 0 with a sentence when this user cannot
 * have them here: the live tests are skipped then, and say the same.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TOOLCHAIN } from "./toolchain.ts";

const PACKAGES = ["prosody", "ejabberd"] as const;

const UNPACKED = join(TOOLCHAIN, "os");
/** Says what was unpacked; is written last. */
const STAMP = join(UNPACKED, "packages.txt");

/** Folders that look like a root of the file system, in the order they are searched. */
export const OS_ROOTS: readonly string[] = [UNPACKED, ""];

/** The first of the roots in which `path` (from the root, with a slash) exists; null: nowhere. */
export function inRoots(path: string): string | null {
  for (const root of OS_ROOTS) {
    if (existsSync(root + path)) return root + path;
  }
  return null;
}

/** Folders `path` in all roots that have it; a `*` stands for one name's part. */
export function foldersInRoots(path: string): string[] {
  return OS_ROOTS.flatMap((root) =>
    expand(root === "" ? "/" : root, path.split("/").filter((part) => part !== ""))
  );
}

function expand(folder: string, parts: readonly string[]): string[] {
  const [part, ...rest] = parts;
  if (part === undefined) return [folder];
  if (!part.includes("*")) {
    const next = join(folder, part);
    return existsSync(next) ? expand(next, rest) : [];
  }
  if (!existsSync(folder)) return [];
  const glob = new Bun.Glob(part);
  return readdirSync(folder).filter((name) => glob.match(name)).sort().flatMap((name) =>
    expand(join(folder, name), rest)
  );
}

const MARKS: Record<(typeof PACKAGES)[number], string> = {
  prosody: "/usr/bin/prosody",
  ejabberd: "/usr/sbin/ejabberdctl",
};

/** "" when the live tests can run; else one sentence with the command that helps. */
export function whyNoLiveServers(): string {
  const missing = PACKAGES.filter((name) => inRoots(MARKS[name]) === null);
  if (missing.length === 0) return "";
  return `${missing.join(" and ")} not found: run "make packages", or as root ` +
    `"apt-get update && apt-get install --no-install-recommends ${missing.join(" ")}"`;
}

class FetchFault extends Error {
  override readonly name = "FetchFault";
}

function fetchPackages(): void {
  if (Bun.which("apt-get") === null || Bun.which("dpkg-deb") === null) {
    throw new FetchFault("this system has no apt-get");
  }
  const work = join(TOOLCHAIN, `os.${process.pid}`);
  // What an interrupted run left. The Makefile lets only one run at a time come here.
  for (const left of expand(TOOLCHAIN, ["os.*"])) rmSync(left, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  try {
    // The machine's own package lists first: nothing more to fetch. They may be empty or too old; then lists of our
    // own, beside the packages, so that nothing outside this working tree changes and root is not needed.
    try {
      unpack(work, []);
    } catch (fault) {
      if (!(fault instanceof FetchFault)) throw fault;
      console.error(`The machine's package lists do not do (${fault.message}); fetching new ones…`);
      const own = ownLists(work);
      run(["apt-get", ...own, "-q", "update"]);
      unpack(work, own);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function ownLists(work: string): string[] {
  const lists = join(work, "lists");
  const cache = join(work, "cache");
  mkdirSync(join(lists, "partial"), { recursive: true });
  mkdirSync(join(cache, "archives/partial"), { recursive: true });
  return ["-o", `Dir::State::Lists=${lists}`, "-o", `Dir::Cache=${cache}`, "-o", "Debug::NoLocking=1"];
}

function unpack(work: string, options: readonly string[]): void {
  // As root, apt would give the download to a user who may not write into our folder.
  const apt = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", ...options];
  const plan = run([...apt, "install", "--simulate", "--no-install-recommends", ...PACKAGES]);
  const wanted = [...plan.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+) /gm)].map(([, name, version]) =>
    `${name}=${version}`
  );
  if (wanted.length === 0) return;

  const archives = join(work, "archives");
  const root = join(work, "root");
  rmSync(archives, { recursive: true, force: true });
  rmSync(root, { recursive: true, force: true });
  mkdirSync(archives, { recursive: true });
  mkdirSync(root, { recursive: true });
  console.error(`Fetching ${wanted.length} packages for the live tests…`);
  run([...apt, "download", ...wanted], archives);
  for (const archive of readdirSync(archives)) {
    run(["dpkg-deb", "--extract", join(archives, archive), root]);
  }
  // Their documents only take room and time.
  rmSync(join(root, "usr/share/doc"), { recursive: true, force: true });
  rmSync(join(root, "usr/share/man"), { recursive: true, force: true });
  writeFileSync(join(root, "packages.txt"), wanted.join("\n") + "\n");
  rmSync(UNPACKED, { recursive: true, force: true });
  renameSync(root, UNPACKED);
}

function run(command: readonly string[], cwd?: string): string {
  const done = Bun.spawnSync([...command], {
    ...(cwd === undefined ? {} : { cwd }),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" },
  });
  if (done.exitCode === 0) return done.stdout.toString();
  const words = `${done.stdout}${done.stderr}`.trim().split("\n").slice(-3).join("; ");
  throw new FetchFault(`"${command.slice(0, 1)} ${command.at(-1)}" ended with ${done.exitCode}: ${words}`);
}

/** What was unpacked, one `name=version` a line; empty when everything is the machine's own. */
export function unpackedPackages(): string[] {
  return existsSync(STAMP) ? readFileSync(STAMP, "utf8").trim().split("\n") : [];
}

if (import.meta.main) {
  if (whyNoLiveServers() !== "") {
    try {
      fetchPackages();
    } catch (fault) {
      if (!(fault instanceof FetchFault)) throw fault;
      console.error(`Could not get ${PACKAGES.join(" and ")}: ${fault.message}`);
    }
  }
  const why = whyNoLiveServers();
  if (why !== "") {
    const must = process.getuid?.() === 0 && Bun.which("apt-get") !== null;
    console.error(must ? why : `The live tests will be skipped: ${why}`);
    process.exit(must ? 1 : 0);
  }
}
