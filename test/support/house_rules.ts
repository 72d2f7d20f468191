/**
 * The law of the house as functions over sources, so that nobody has to remember it: floors, words, names, purpose.
 * Each rule gets one file and returns its complaints. tidy_test.ts runs them over the tree and over canaries.
 */
import { posix } from "node:path";
import { codeOnly } from "./code_only.ts";

export interface SourceFile {
  /** From the top of the repository: `src/xmpp/framer.ts`. */
  path: string;
  source: string;
}

export type Rule = (file: SourceFile) => string[];

/**
 * Rule zero: any rule may be broken by a file that says why, `tidy: long because it is one table`.
 */
export function excused(rule: string, file: SourceFile): boolean {
  return new RegExp(`tidy: ${rule} because \\S+ \\S+`).test(file.source);
}

/** The floor of each folder of src; what stands in src itself is on the top floor. */
const FLOORS: Record<string, number> = {
  base: 0,
  xmpp: 1,
  cluster: 2,
  routing: 3,
  link: 4,
  store: 4,
  admin: 4,
  system: 4,
  config: 5,
};
const TOP = 5;
const ADAPTERS = 4;

/** A floor-4 folder that may import another one, and why: none so far. */
const NEIGHBOURS: Record<string, readonly string[]> = {};

const LINES_MAX = 400;

/** Hidden from the rules' own view, so that this file may name what it forbids. */
const word = (...parts: string[]) => parts.join("");

/** Imports go to the same folder or to a lower floor; adapters meet in app.ts only; src never imports from test. */
export const floors: Rule = (file) => {
  const folder = folderOf(file.path);
  if (folder === null) return [];
  if (folder !== "" && FLOORS[folder] === undefined) return [`src/${folder}/ has no floor: give it one`];
  const floor = floorOf(folder);
  return imports(file).filter((name) => name.startsWith(".")).flatMap((name) => {
    const target = posix.normalize(posix.join(posix.dirname(file.path), name));
    if (target === "package.json") return floor === TOP ? [] : ["only the top floor reads package.json"];
    const other = folderOf(target);
    if (other === null) return [`imports ${target}, which is outside src`];
    if (other === folder || floorOf(other) < floor || (floor === TOP && floorOf(other) === TOP)) return [];
    if (NEIGHBOURS[folder]?.includes(other)) return [];
    return [`imports ${target} from floor ${floorOf(other)}, being on floor ${floor}`];
  });
};

/** Native checks and digests of bytes that are given: no I/O, and no chance (that is asked for by the word). */
const PURE = ["node:buffer", "node:crypto"];

/** Below the adapters there is no package and nothing of the operating system. */
export const packages: Rule = (file) => {
  const folder = folderOf(file.path);
  const outside = imports(file).filter((name) => !name.startsWith("."));
  if (folder === null || floorOf(folder) >= ADAPTERS) return [];
  return outside.filter((name) => !PURE.includes(name)).map((name) =>
    `imports ${name} below floor ${ADAPTERS}`
  );
};

/** What src takes from the registry is a runtime dependency of package.json. */
export function declaredPackages(dependencies: readonly string[]): Rule {
  return (file) => {
    if (folderOf(file.path) === null) return [];
    return imports(file).filter((name) => !/^(?:\.|node:|bun$|bun:)/.test(name))
      .filter((name) => !dependencies.some((known) => name === known || name.startsWith(known + "/")))
      .map((name) => `imports ${name}, which is no dependency in package.json`);
  };
}

/** Relative imports carry their ending, as Bun and Deno both want it. */
export const endings: Rule = (file) =>
  imports(file).filter((name) => name.startsWith(".") && !/\.(?:ts|json|html|css|js)$/.test(name))
    .map((name) => `imports ${name} without its ending`);

const OUTSIDE_WORLD: [pattern: RegExp, name: string][] = [
  [/\bDate\.now\b/, "Date.now"],
  [/\bnew Date\(\s*\)/, "new Date()"],
  [/\bperformance\.now\b/, "performance.now"],
  [/\bset(?:Timeout|Interval|Immediate)\b/, "a timer"],
  [/\bMath\.random\b/, "Math.random"],
  [/\b(?:randomUUID|randomBytes|randomInt|randomFill(?:Sync)?|getRandomValues)\b/, "chance"],
  [/(?<![.\w])process\./, "process"],
  [/(?<![.\w])Bun\b/, "Bun"],
  [/(?<![.\w])fetch\(/, "fetch"],
];
/** These two are the door: what they give is handed to everyone else. */
const DOORS = ["src/base/clock.ts", "src/base/random.ts"];
/** Single words that a file may use, and why. */
const ALLOWED: Record<string, readonly string[]> = {
  // Seeds the hash, so that peers cannot choose names that collide; no result depends on it.
  "src/base/bytes.ts": ["chance"],
};

/** Below the adapters time, chance and the host come as arguments, so that a simulation can own them. */
export const outsideWorld: Rule = (file) => {
  const folder = folderOf(file.path);
  if (folder === null || floorOf(folder) >= ADAPTERS || DOORS.includes(file.path)) return [];
  const code = codeOnly(file.source);
  return OUTSIDE_WORLD.filter(([pattern, name]) => pattern.test(code) && !ALLOWED[file.path]?.includes(name))
    .map(([, name]) => `uses ${name} below floor ${ADAPTERS}`);
};

/** The sentence runs to its end: routing neither waits nor throws. */
export const routingWords: Rule = (file) => {
  if (folderOf(file.path) !== "routing") return [];
  const found = codeOnly(file.source).match(/(?<![.\w])(?:await|async|throw|try)\b(?!\s*\??:)/g) ?? [];
  return [...new Set(found)].map((name) => `says ${name} in routing`);
};

/** Everything that is said goes through Log or is an answer. */
export const noConsole: Rule = (file) =>
  folderOf(file.path) !== null && /(?<![.\w])console\./.test(codeOnly(file.source)) ? ["uses console"] : [];

/** A reader learns in the first lines what a file is for. */
export const purpose: Rule = (file) => {
  const match = /^(?:#!.*\n)?\/\*\*\s*\n?\s*\*?\s*([^\n]*)/.exec(file.source);
  if (match === null) return ["does not begin with its purpose: /** … */"];
  return match[1]!.length < 20 ? ["its purpose is no sentence"] : [];
};

/** Long files hide what they do; some have a reason. */
export const long: Rule = (file) => {
  if (folderOf(file.path) === null) return [];
  const lines = file.source.trimEnd().split("\n").length;
  return lines > LINES_MAX ? [`has ${lines} lines, more than ${LINES_MAX}`] : [];
};

/** One name for one thing, and it stands where the thing stands. */
export const exportsPlain: Rule = (file) => {
  const code = codeOnly(file.source);
  const found: string[] = [];
  if (/^\s*export\s+default\b/m.test(code) || /\bas default\b/.test(code)) found.push("has a default export");
  if (/^\s*export\s+(?:type\s+)?(?:\*|\{[^}]*\}\s*from)/m.test(code)) {
    found.push("exports again what another file exports");
  }
  return found;
};

/** Work that is promised is not done. */
export const promises: Rule = (file) => {
  const pattern = new RegExp(`\\b(?:${[word("TO", "DO"), word("FIX", "ME"), word("X", "XX")].join("|")})\\b`);
  return pattern.test(file.source) ? ["promises work instead of doing it"] : [];
};

/** The repository runs anywhere. */
export const machinePaths: Rule = (file) => {
  const match = /(?<![\w.\])}*-])\/(?:work|home|root|tmp|Users)(?![\w-])/.exec(file.source);
  return match === null ? [] : [`names a path of one machine: ${match[0]}`];
};

export const names: Rule = (file) =>
  file.path.split("/").every((part) => /^[a-z0-9]+(?:_[a-z0-9]+)*(?:\.d)?(?:\.ts)?$/.test(part))
    ? []
    : ["its path is not snake_case"];

const DOCUMENTED = ["xmpp", "cluster", "routing", "link", "store"];

/** What another folder calls says what it does. */
export const docstrings: Rule = (file) => {
  if (!DOCUMENTED.includes(folderOf(file.path) ?? "")) return [];
  const lines = file.source.split("\n");
  const code = codeOnly(file.source).split("\n");
  return code.flatMap((line, i) => {
    const match = /^export (?:async )?(?:abstract )?(?:function\*?|class) (\w+)/.exec(line);
    if (match === null) return [];
    const above = (lines[i - 1] ?? "").trim();
    if (isMainExport(match[1]!, file.path)) return []; // the file's purpose is its description
    // The second and later signatures of an overloaded function need no word of their own.
    if (above.endsWith("*/") || above.startsWith("//") || new RegExp(`function ${match[1]}\\b`).test(above)) {
      return [];
    }
    return [`exports ${match[1]} without a word on what it does`];
  });
};

/** The class or function that the file is named after: `ComponentLink` in component.ts, `nodePresence` in node_presence.ts. */
function isMainExport(name: string, path: string): boolean {
  const plain = posix.basename(path, ".ts").replaceAll("_", "");
  const isClass = /^[A-Z]/.test(name);
  return isClass ? name.toLowerCase().includes(plain) : name.toLowerCase() === plain;
}

/** Exports of src that no other line of the tree mentions. */
export function unusedExports(files: readonly SourceFile[]): string[] {
  const counts = new Map<string, number>();
  for (const file of files) {
    for (const name of codeOnly(file.source).match(/[A-Za-z_$][\w$]*/g) ?? []) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return files.filter((file) => folderOf(file.path) !== null).flatMap((file) => {
    const pattern =
      /^export (?:async |abstract |declare )*(?:function\*?|class|const|let|type|interface|enum) ([\w$]+)/gm;
    return [...codeOnly(file.source).matchAll(pattern)].map((match) => match[1]!)
      .filter((name) => counts.get(name) === 1)
      .map((name) => `${file.path}: nothing uses its export ${name}`);
  });
}

/** What a file imports, types included, in order. */
export function imports(file: SourceFile): string[] {
  const code = codeOnly(file.source);
  const found: string[] = [];
  for (const match of code.matchAll(/(?<![.\w])(?:from|import)\s*\(?\s*(["'])/g)) {
    const start = match.index + match[0].length;
    found.push(file.source.slice(start, code.indexOf(match[1]!, start)));
  }
  return found;
}

/** "" for src itself, `xmpp` for everything in src/xmpp, null outside src. */
function folderOf(path: string): string | null {
  const parts = path.split("/");
  if (parts[0] !== "src") return null;
  return parts.length > 2 ? parts[1]! : "";
}

function floorOf(folder: string): number {
  return folder === "" ? TOP : FLOORS[folder] ?? TOP;
}
