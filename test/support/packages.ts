/**
 * Prosody, ejabberd and jabberd2 from the operating system's packages, without installing them (DC46).
 *
 * The packages are fetched and unpacked below `.toolchain`, and run from there: no maintainer script runs, no
 * service is enabled or started, no user is made, root is not needed, and deleting the folder undoes it all. What the
 * machine has installed already is not fetched; both places are searched.
 *
 * Run as a program (`bun test/support/packages.ts`) it sees to it that they are there. The exit status is 0 when
 * Prosody and ejabberd are, 1 when they are not and should be (root on a system with apt), and 0 with a sentence when
 * this user cannot have them here: the live tests are skipped then, and say the same. jabberd2 has a folder of its own
 * and is nobody's duty: not every system has its package, and nothing but its own tests asks for it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TOOLCHAIN } from "./toolchain.ts";

/** What is fetched together. */
interface Group {
  packages: readonly string[];
  /** Where it is unpacked. */
  folder: string;
  /** Package → a file of its own. */
  marks: Record<string, string>;
}

const SERVERS: Group = {
  packages: ["prosody", "ejabberd"],
  folder: join(TOOLCHAIN, "os"),
  marks: { prosody: "/usr/bin/prosody", ejabberd: "/usr/sbin/ejabberdctl" },
};

const JABBERD2: Group = {
  packages: ["jabberd2"],
  folder: join(TOOLCHAIN, "jabberd2"),
  marks: { jabberd2: "/usr/sbin/jabberd2-router" },
};
/** Why jabberd2 could not be fetched: it is not tried again at each `make`. */
const JABBERD2_REFUSED = join(TOOLCHAIN, "jabberd2.refused");

/** Says what was unpacked; is written last. */
const STAMP = "packages.txt";

/** Folders that look like a root of the file system, in the order they are searched. */
export const OS_ROOTS: readonly string[] = [SERVERS.folder, ""];
/** The same for jabberd2, so that the other servers never load a library that came with it. */
export const JABBERD2_ROOTS: readonly string[] = [JABBERD2.folder, ""];

/** The first of the roots in which `path` (from the root, with a slash) exists; null: nowhere. */
export function inRoots(path: string, roots = OS_ROOTS): string | null {
  for (const root of roots) {
    if (existsSync(root + path)) return root + path;
  }
  return null;
}

/** Folders `path` in all roots that have it; a `*` stands for one name's part. */
export function foldersInRoots(path: string, roots = OS_ROOTS): string[] {
  return roots.flatMap((root) =>
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

/** "" when the live tests can run; else one sentence with the command that helps. */
export function whyNoLiveServers(): string {
  return whyMissing(SERVERS);
}

/** The same for the tests that need jabberd2. */
export function whyNoJabberd2(): string {
  const why = whyMissing(JABBERD2);
  if (why === "" || !existsSync(JABBERD2_REFUSED)) return why;
  return `${why} (tried: ${
    readFileSync(JABBERD2_REFUSED, "utf8").trim()
  }; to try again remove "${JABBERD2_REFUSED}")`;
}

function whyMissing({ packages, marks, folder }: Group): string {
  const missing = packages.filter((name) => inRoots(marks[name]!, [folder, ""]) === null);
  if (missing.length === 0) return "";
  return `${missing.join(" and ")} not found: run "make packages", or as root ` +
    `"apt-get update && apt-get install --no-install-recommends ${missing.join(" ")}"`;
}

class FetchFault extends Error {
  override readonly name = "FetchFault";
}

function fetchPackages(group: Group): void {
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
      unpack(group, work, []);
    } catch (fault) {
      if (!(fault instanceof FetchFault)) throw fault;
      console.error(`The machine's package lists do not do (${fault.message}); fetching new ones…`);
      const own = ownLists(work);
      run(["apt-get", ...own, "-q", "update"]);
      unpack(group, work, own);
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

function unpack({ packages, folder }: Group, work: string, options: readonly string[]): void {
  // As root, apt would give the download to a user who may not write into our folder.
  const apt = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", ...options];
  const plan = run([...apt, "install", "--simulate", "--no-install-recommends", ...packages]);
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
  writeFileSync(join(root, STAMP), wanted.join("\n") + "\n");
  rmSync(folder, { recursive: true, force: true });
  renameSync(root, folder);
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
  const stamp = join(SERVERS.folder, STAMP);
  return existsSync(stamp) ? readFileSync(stamp, "utf8").trim().split("\n") : [];
}

/** "" when it is there now; else what went wrong. */
function seeTo(group: Group): string {
  if (whyMissing(group) === "") return "";
  try {
    fetchPackages(group);
    return whyMissing(group);
  } catch (fault) {
    if (!(fault instanceof FetchFault)) throw fault;
    return fault.message;
  }
}

if (import.meta.main) {
  const trouble = seeTo(SERVERS);
  if (trouble !== "") console.error(`Could not get ${SERVERS.packages.join(" and ")}: ${trouble}`);
  // Where the others cannot be had, neither can this; said once.
  if (trouble === "" && !existsSync(JABBERD2_REFUSED)) {
    const refused = seeTo(JABBERD2);
    if (refused !== "") writeFileSync(JABBERD2_REFUSED, refused + "\n");
  }
  if (whyNoJabberd2() !== "") console.error(`The tests with jabberd2 will be skipped: ${whyNoJabberd2()}`);
  const why = whyNoLiveServers();
  if (why !== "") {
    const must = process.getuid?.() === 0 && Bun.which("apt-get") !== null;
    console.error(must ? why : `The live tests will be skipped: ${why}`);
    process.exit(must ? 1 : 0);
  }
}
