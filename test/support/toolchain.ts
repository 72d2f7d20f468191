/**
 * Where things are in this working tree, and which program is which.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

/** The working tree. */
export const ROOT = resolve(import.meta.dir, "../..");
/** Everything that was fetched and is not a package of package.json. */
export const TOOLCHAIN = join(ROOT, ".toolchain");
/** What `make build` writes. */
export const GATEWAY = join(ROOT, "dist/rayo-gateway");

/** The Bun that runs this very process: the pinned one. */
export const BUN = process.execPath;

/** The executable that `make build` made, or a sentence that says what to do. */
export function builtGateway(): string {
  if (!existsSync(GATEWAY)) throw new Error(`"${GATEWAY}" is not there: run "make build" first`);
  return GATEWAY;
}
