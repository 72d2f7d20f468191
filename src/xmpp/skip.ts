/**
 * Finds the end of a stanza that is over a soft limit (DC4) in a few bytes of memory, whatever its size and depth.
 *
 * It counts nesting and knows the outlines of markup, so it cannot be led astray by quotes or CDATA; it does not
 * match names, look into attributes or resolve prefixes: nobody will see this stanza. What would break the stream
 * for every reader (comments, processing instructions, `<` in a tag, forbidden characters) still does.
 */
import { APOS, BANG, BRACKET_END, CONTROL, GT, LT, QUESTION, QUOT, SLASH } from "./chars.ts";
import { CUT, type Trouble } from "./trouble.ts";

const TEXT = 0,
  AFTER_LT = 1,
  START_TAG = 2,
  VALUE = 3,
  AFTER_SLASH = 4,
  END_TAG = 5,
  AFTER_BANG = 6,
  CDATA = 7;

const CDATA_OPEN = Buffer.from("[CDATA[");

export class Skip {
  private depth = 0;
  private state = TEXT;
  private quote = 0;
  /** How much of `[CDATA[`, or of the `]]` in front of a `>`, was seen. */
  private matched = 0;

  constructor(private readonly trouble: Trouble) {}

  /** `depth` elements are open, and the next byte is not inside markup. */
  begin(depth: number): void {
    this.depth = depth;
    this.state = TEXT;
  }

  /** Reads `buf[start, end)`: one past the stanza's last byte, or CUT, or FAULT. */
  run(buf: Buffer, start: number, end: number): number {
    let state = this.state;
    for (let i = start; i < end; i++) {
      const c = buf[i]!;
      if (CONTROL[c] === 1) return this.trouble.illFormed("a character that XML does not allow", i);
      switch (state) {
        case TEXT:
          if (c === LT) state = AFTER_LT;
          break;
        case AFTER_LT:
          if (c === SLASH) state = END_TAG;
          else if (c === BANG) {
            state = AFTER_BANG;
            this.matched = 0;
          } else if (c === QUESTION) {
            return this.trouble.fault("restricted-xml", "a processing instruction", i);
          } else if (c === LT || c === GT) return this.trouble.illFormed("a < that begins nothing", i);
          else state = START_TAG;
          break;
        case START_TAG:
          if (c === APOS || c === QUOT) {
            state = VALUE;
            this.quote = c;
          } else if (c === SLASH) state = AFTER_SLASH;
          else if (c === GT) {
            this.depth++;
            state = TEXT;
          } else if (c === LT) return this.trouble.illFormed("a < inside a tag", i);
          break;
        case VALUE:
          if (c === this.quote) state = START_TAG;
          else if (c === LT) return this.trouble.illFormed("a < in an attribute value", i);
          break;
        case AFTER_SLASH:
          if (c !== GT) return this.trouble.illFormed("a / inside a tag", i);
          if (this.depth === 0) return i + 1;
          state = TEXT;
          break;
        case END_TAG:
          if (c === LT) return this.trouble.illFormed("a < inside a tag", i);
          if (c !== GT) break;
          if (--this.depth === 0) return i + 1;
          state = TEXT;
          break;
        case AFTER_BANG:
          if (c !== CDATA_OPEN[this.matched]) {
            return c === 0x2d || (c >= 0x41 && c <= 0x5a)
              ? this.trouble.fault("restricted-xml", "a comment or a markup declaration", i)
              : this.trouble.illFormed("<! that begins nothing", i);
          }
          if (++this.matched === CDATA_OPEN.length) {
            state = CDATA;
            this.matched = 0;
          }
          break;
        default: // CDATA
          if (c === BRACKET_END) this.matched++;
          else if (c === GT && this.matched >= 2) state = TEXT;
          else this.matched = 0;
      }
    }
    this.state = state;
    return CUT;
  }
}
