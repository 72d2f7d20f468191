/**
 * How the parts of the framer tell one another that they cannot go on, without throwing and without objects.
 *
 * A scan returns a position (positive) or one of the codes below; the words that belong to a code wait in the one
 * Trouble object that all parts of a framer share.
 */
import type { StreamFault } from "./framer.ts";

/** The bytes end in the middle of something: come again with more. */
export const CUT = -1;
/** The stream has to end (RFC 6120 §4.9.3). */
export const FAULT = -2;
/** This stanza breaks a soft limit and is to be skipped (DC4). */
export const SOFT = -3;

export class Trouble {
  condition: StreamFault["condition"] = "not-well-formed";
  text = "";
  /** The offending byte. */
  at = 0;

  fault(condition: StreamFault["condition"], text: string, at: number): number {
    this.condition = condition;
    this.text = text;
    this.at = at;
    return FAULT;
  }

  /** Ill-formed by the rules of XML or of its namespaces: by far the most frequent fault. */
  illFormed(text: string, at: number): number {
    return this.fault("not-well-formed", text, at);
  }

  soft(why: string): number {
    this.text = why;
    return SOFT;
  }
}
