/**
 * Says where a text stops being TOML. Bun.TOML tells what is wrong but not where, so the place is found by asking
 * it about ever shorter beginnings of the text: the shortest one with the same complaint ends at the place.
 */

export interface TomlFault {
  /** From 1. */
  line: number;
  /** From 1, in characters. */
  column: number;
  /** Never holds a value: an unquoted secret must not be shown. */
  problem: string;
}

/** Null when the text is TOML. */
export function tomlFault(text: string): TomlFault | null {
  const problem = complaint(text);
  if (problem === null) return null;
  let from = 0;
  let end: number;
  // A beginning that was cut inside a list complains as well, perhaps in the same words; so what was found counts
  // only if every longer beginning (cut at line ends) complains alike, else the place is further down.
  for (;;) {
    end = shortest(text, from, problem);
    const later = firstUnlike(text, end, problem);
    if (later === null) break;
    from = later;
  }
  const place = Math.max(0, end - 1);
  const before = text.slice(0, place);
  const line = before.split("\n").length;
  return { line, column: place - (before.lastIndexOf("\n") + 1) + 1, problem };
}

/** The smallest `end` above `from` with the complaint `problem`, if that changes only once in between. */
function shortest(text: string, from: number, problem: string): number {
  let low = from;
  let high = text.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (complaint(text.slice(0, middle)) === problem) high = middle;
    else low = middle;
  }
  return high;
}

function firstUnlike(text: string, end: number, problem: string): number | null {
  const CHECKED_MAX = 200;
  let at = end;
  for (let n = 0; n < CHECKED_MAX; n++) {
    at = text.indexOf("\n", at);
    if (at === -1) return null;
    if (complaint(text.slice(0, at)) !== problem) return at;
    at++;
  }
  return null;
}

function complaint(text: string): string | null {
  try {
    Bun.TOML.parse(text);
    return null;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const sentence = message.replace(/^TOML Parse error: /, "").replace(
      /^(Strings must be quoted): .*$/s,
      "$1",
    )
      .replace(/\(0x0[ad]\)/i, "the end of the line");
    return sentence.charAt(0).toLowerCase() + sentence.slice(1);
  }
}
