/**
 * A mixer: a conference at one node, known to clients by the letters they wrote and to its node by a name that, where
 * names are scoped, no other application can have (spec 1.1, RW6, AH11, FS35, FS55).
 */
import { DeadlineItem } from "../base/deadlines.ts";
import type { Resource } from "./application.ts";
import { foldId } from "./fold_id.ts";
import type { NodeDomain } from "./node.ts";

/** A join that was passed on and not yet heard of again: by it a mixer is spoken for before it is there (IC2, FS51). */
export interface ExpectedJoin {
  mixer: Mixer;
  /** The call that is to join; -1: the one that a dial is about to make. */
  slot: number;
  readonly resource: Resource;
  /** False once it has come true, failed, or its call has ended. */
  live: boolean;
}

/** What a request that concerns a mixer is about: a call's join, or (null) a command to the mixer itself. */
export interface MixerRequest {
  readonly mixer: Mixer;
  readonly join: ExpectedJoin | null;
}

export class Mixer extends DeadlineItem {
  /** Small number, reused after the mixer is forgotten. */
  readonly number: number;
  /** Local part at its node; lower case (FS55). */
  readonly nodeName: string;
  /** As the client wrote it who came first. */
  readonly name: string;
  /** Whose calls may be in it, a bare JID; "": anybody's (`mixers.scope = "shared"`). */
  readonly application: string;
  domain: NodeDomain;
  /** It is there: a join succeeded, or its node said so. Before, its name is only spoken for. */
  made = false;
  /** Calls in it. */
  members = 0;
  /** First of its members in the table; -1: none. */
  head = -1;
  /** Joins passed on and not yet heard of; null: none. */
  joins: Set<ExpectedJoin> | null = null;
  /** Commands to it that wait for an answer: their events may come first (PMX3). */
  commands = 0;
  /** Forgotten: who still names it finds nothing. */
  gone = false;
  /** Whoever was told of it: each hears of its end, once (PMX8). */
  readonly told: Resource[] = [];
  /** Components running on it, by id, and who started them (IR2); null: none yet. */
  verbs: Map<string, Resource> | null = null;
  /** Resources that want no more events of it (DC27); null: none. */
  filters: Set<Resource> | null = null;
  /** Full JID -> the name in its letters, where they are not those of `name` (DC16). */
  letters: Map<string, string> | null = null;

  constructor(number: number, nodeName: string, name: string, application: string, domain: NodeDomain) {
    super();
    this.number = number;
    this.nodeName = nodeName;
    this.name = name;
    this.application = application;
    this.domain = domain;
  }

  get expected(): number {
    return this.joins === null ? 0 : this.joins.size;
  }

  /** The name as `jid` wrote it (AH11). */
  nameFor(jid: string): string {
    return this.letters === null ? this.name : this.letters.get(jid) ?? this.name;
  }

  writtenBy(jid: string, name: string): void {
    if (name === this.nameFor(jid)) return;
    if (name === this.name) this.letters?.delete(jid);
    else (this.letters ??= new Map()).set(jid, name);
  }

  /** PM1, DC27: a filter acts for its application while whoever set it is online. */
  filtered(bare: string): boolean {
    if (this.filters === null) return false;
    for (const resource of this.filters) if (resource.registered && resource.bare === bare) return true;
    return false;
  }
}

/** Longest name that is passed on as it is; longer ones become a digest, so that the node's JID stays one. */
const STEM_MAX = 200;

/**
 * The name of mixer `name` of `application` (a bare JID) towards nodes: unique per application, lower case, of letters
 * `[a-z0-9._-]` (AH22, FS55). The tag at the end is the application's own, so no name that another one thinks of is
 * this one.
 */
export function scopedName(name: string, application: string): string {
  const folded = foldId(name);
  const plain = folded.length <= STEM_MAX && /^[a-z0-9._-]+$/.test(folded);
  return `${plain ? folded : `x${digest(folded)}`}.${digest(application)}`;
}

/** The public part of a scoped name, or null if it is not of this application. */
export function unscopedName(nodeName: string, application: string): string | null {
  const tag = `.${digest(application)}`;
  const folded = foldId(nodeName);
  return folded.length > tag.length && folded.endsWith(tag) ? folded.slice(0, -tag.length) : null;
}

/** Eight letters and digits of `text`, the same in every life of every gateway. */
function digest(text: string): string {
  let a = 0x811c9dc5, b = 0x9e3779b1;
  for (const byte of Buffer.from(text)) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b + byte, 0x85ebca6b) ^ (b >>> 13);
  }
  a ^= a >>> 15;
  const value = (Math.imul(a, 0x2c1b3c6d) >>> 0) + (Math.imul(b ^ (b >>> 16), 0xc2b2ae35) >>> 23) * 2 ** 32;
  return value.toString(36).padStart(8, "0");
}
