/**
 * What one measuring run is asked to do and what it answers: JSON between main.ts, which only compares, and
 * run.ts, a process of its own for every run so that no run inherits another one's heap, JIT state or sockets.
 */

export const EXTERNAL = "rayo.test";
export const INTERNAL = "rayo-int.test";
export const NODE = "node1.test";
export const APPLICATION = "app@apps.test";
export const CLIENT = `${APPLICATION}/r1`;
/** A mixer's events go to ten resources of the application, `r0` to `r9`; `CLIENT` is one of them. */
export const PARTICIPANTS = 10;
export const RECIPIENT_STEM = `${APPLICATION}/r`;
/** The domain a real server's second component stands for (the client's). */
export const CLIENT_DOMAIN = "apps.test";
export const GATEWAY_JID = `${INTERNAL}/gateway`;
export const SECRET = "bench-secret";

export type PeerKind = "gateway" | "forwarder" | "copier" | "relay" | "prosody" | "ejabberd";
export type StoreKind = "memory" | "sqlite";

export interface SteadyPlan {
  kind: "steady";
  peer: PeerKind;
  /** Live calls the stanzas are spread over. */
  calls: number;
  /** Stanzas to relay within the measured part, at most. */
  stanzas: number;
  /** The measured part ends by then. */
  secondsMax: number;
}

export interface PacedPlan {
  kind: "paced";
  peer: PeerKind;
  calls: number;
  stanzasPerSecond: number;
  seconds: number;
}

export interface WholeCallsPlan {
  kind: "calls";
  peer: PeerKind;
  store: StoreKind;
  /** Calls that exist at one time. */
  concurrent: number;
  /** A call is not hung up before it is this old. */
  holdMs: number;
  seconds: number;
}

export interface StartPlan {
  kind: "start";
  peer: PeerKind;
  store: StoreKind;
}

export interface XmlPlan {
  kind: "xml";
  seconds: number;
}

export interface MixersPlan {
  kind: "mixers";
  peer: PeerKind;
  mixers: number;
  seconds: number;
}

export interface EarlyPlan {
  kind: "early";
  peer: PeerKind;
  /** Events of unknown calls that are held at one time, one a call. */
  events: number;
  /** Measured rounds of so many events, so that small ones add up to a time that can be read. */
  rounds: number;
  /** For how long they are held: longer than filling takes, shorter than a dial waits. */
  holdMs: number;
}

export type Plan = SteadyPlan | PacedPlan | WholeCallsPlan | StartPlan | XmlPlan | MixersPlan | EarlyPlan;

/** Numbers by name; the unit ends the name. */
export type Numbers = Record<string, number>;

/** What run.ts prints. */
export type Report =
  | { numbers: Numbers }
  /** The thing to be measured is not on this machine, or not built. */
  | { absent: string }
  | { fault: string };

/** Something that is not there, as opposed to something that went wrong. */
export class Absent extends Error {
  override readonly name = "Absent";
}
