/**
 * The version as people see it: package.json's, compiled into the executable.
 */
import manifest from "../package.json" with { type: "json" };

export const VERSION: string = manifest.version;
