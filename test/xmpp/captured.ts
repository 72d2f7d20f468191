/**
 * The stanzas recorded from FreeSWITCH and Prosody, one of each shape.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dir, "../support/captures");

/** Stanzas as they were on the wire, without stream headers; of those that differ in ids only, the first. */
export function capturedStanzas(): string[] {
  const byShape = new Map<string, string>();
  for (const file of readdirSync(FOLDER).sort()) {
    if (!file.endsWith(".xml")) continue;
    // The recordings put a comment in front of everything that was said.
    for (const said of readFileSync(join(FOLDER, file), "utf8").split(/<!--.*?-->/s)) {
      const body = said.trim().replace(/^(<\?xml[^>]*>)?\s*<stream:stream[^>]*>/, "").replace(
        "</stream:stream>",
        "",
      );
      for (const stanza of split(body)) {
        const shape = stanza.replace(/[0-9a-f-]{8,}|\d+/g, "0");
        if (!byShape.has(shape)) byShape.set(shape, stanza);
      }
    }
  }
  return [...byShape.values()];
}

/** Top elements of a text that is known to be simple: no element contains another of its own name. */
function* split(text: string): Generator<string> {
  for (let rest = text.trim(); rest !== "";) {
    const open = /^<([^\s/>]+)(?:[^>"']|"[^"]*"|'[^']*')*>/.exec(rest);
    if (open === null) return;
    const close = `</${open[1]!}>`;
    const end = open[0].endsWith("/>") ? open[0].length : rest.indexOf(close) + close.length;
    if (end < open[0].length) return;
    yield rest.slice(0, end);
    rest = rest.slice(end).trim();
  }
}
