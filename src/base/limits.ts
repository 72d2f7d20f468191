/**
 * Every limit of the gateway in one place, each with its reason; relations between them are checked below.
 */

/**
 * What may wait for one link. Seconds of a busy link's traffic: long enough for a server's restart, short enough
 * that two full outlets do not threaten a small machine (DC10).
 */
export const OUTLET_BYTES_MAX = 64 * 1024 * 1024;

// ---- XMPP as bytes (DC4): what one peer may make us hold or do. The first three are in config or meant to be. ----

/** A larger stanza is skipped; Prosody's own limit for components, so nothing larger should arrive (DC4). */
export const STANZA_BYTES_MAX = 524_288;

/** A larger stanza ends the stream: even skipping needs an end (DC4). */
export const STANZA_BYTES_HARD_MAX = 16 * 1024 * 1024;

/** Elements below a stanza's top element; the deepest Rayo payload seen (SSML in a prompt) has fewer than 16. */
export const STANZA_DEPTH_MAX = 64;

/** Attributes of one element; a Rayo command has at most 15. Bounds the search for duplicates too. */
export const ATTRIBUTES_MAX = 64;

/** Bytes of one element or attribute name; the longest that the XEPs define has 28. */
export const NAME_BYTES_MAX = 256;

/** Prefixes that a stanza has declared and that are in force at one place; bounds what looking one up may cost. */
export const PREFIXES_IN_FORCE_MAX = 64;

/** Prefixes declared on a stream header: one bit each in the framer's set of those a stanza used. */
export const HEADER_PREFIXES_MAX = 30;

/** XML declaration, white space and opening tag of a stream; those of real servers stay below 400 bytes. */
export const HEADER_BYTES_MAX = 16 * 1024;

/** One character reference, `&` and `;` included: leading zeros must not make it endless. */
export const REFERENCE_BYTES_MAX = 64;

/** How much of an offending piece of XML a log line may show. */
export const SAMPLE_CHARACTERS_MAX = 40;

/** A buffer for stanzas that a chunk cut is given back once it has grown beyond this. */
export const CARRY_BYTES_KEPT = 64 * 1024;

// ---- What is under way (routing) ----

/** Commands waiting for a node's answer; beyond it a command is refused with `resource-constraint`. About 400 B each. */
export const REQUESTS_MAX = 262_144;

/** Dials waiting for an answer; each keeps its stanza for another try. */
export const DIALS_MAX = 65_536;

/** Events held for dials whose result has not come (PX7). */
export const EARLY_BYTES_MAX = 16 * 1024 * 1024;

/** Conferences at once, those included that a join under way has only spoken for. About 750 B each, and 29 a call in it. */
export const MIXERS_MAX = 262_144;

/** Calls remembered as told to hang up lately (DC20). */
export const HANGUP_LOG_MAX = 65_536;

/** Vanished resources that are asked whether they are back (AH20); about 400 B and fifteen pings each. */
export const RETURNS_MAX = 16_384;

/** Distinct JIDs counted as "ever registered" (§4.3); beyond it the two totals stand still rather than grow memory. */
export const EVER_SEEN_MAX = 1_000_000;
