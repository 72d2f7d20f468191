/**
 * Calls in both directions, so many at once: half of them come from the telephone network to a node, half are dialed
 * by a resource of the application. The application answers, plays something, and hangs up when it is over.
 */
import type { Clock, Timer } from "../../src/base/clock.ts";
import { fraction, type Random } from "../../src/base/random.ts";
import type { AppCall } from "../support/application.ts";
import { ModRayoNode } from "../support/mod_rayo_node.ts";
import { RAYO } from "../support/peer.ts";
import type { El } from "../support/xml.ts";
import type { DemoResource, World } from "./world.ts";

export interface Tally {
  started: number;
  inbound: number;
  outbound: number;
  /** Ended as they should. */
  done: number;
  failed: number;
}

export interface Pace {
  /** Calls at once. */
  calls: number;
  /** Calls in all; 0: no end. */
  once: number;
  /** How long the application plays: at least, and how much longer at most. */
  playMs: [number, number];
  clock: Clock;
  random: Random;
}

interface Underway {
  at: number;
  what: string;
  playing: boolean;
}

/** A call that takes longer has gone wrong: the gateway's own deadlines are all below. */
const CALL_LIMIT_MS = 60_000;
const BEAT_MS = 100;

export class Traffic {
  readonly tally: Tally = { started: 0, inbound: 0, outbound: 0, done: 0, failed: 0 };
  readonly #world: World;
  readonly #pace: Pace;
  /** By the call's id at the application, which is that at the node; a dial by the application's own until it has one. */
  readonly #underway = new Map<string, Underway>();
  #beat: Timer | null = null;
  #paused = false;

  constructor(world: World, pace: Pace) {
    this.#world = world;
    this.#pace = pace;
    for (const resource of world.resources) this.#script(resource);
  }

  get underway(): number {
    return this.#underway.size;
  }

  /** All calls that were asked for have ended. */
  get finished(): boolean {
    return this.#pace.once > 0 && this.tally.started >= this.#pace.once && this.underway === 0;
  }

  start(): void {
    this.#beat = this.#pace.clock.after(BEAT_MS, () => {
      this.#expire();
      // A few at a time: a flow, not a flood.
      for (let i = 0; i < 3 && this.#room(); i++) this.#startCall();
      this.start();
    });
  }

  /** No new calls; those under way go on. */
  pause(): void {
    this.#paused = true;
  }

  stop(): void {
    this.#beat?.cancel();
  }

  #room(): boolean {
    const { calls, once } = this.#pace;
    return !this.#paused && this.underway < calls && (once === 0 || this.tally.started < once);
  }

  #startCall(): void {
    this.tally.started++;
    if (this.tally.started % 2 === 0) this.#dial();
    else this.#ringIn();
  }

  #ringIn(): void {
    this.tally.inbound++;
    const { addresses } = this.#world.names;
    const node = this.#any(this.#world.nodes);
    const to = this.#any(addresses);
    const from = `sip:caller${this.tally.started}@example.net`;
    const { id } = node.peer.incomingCall({ to, from });
    this.#began(id, `call from ${from} to ${to} at ${node.domain}`);
  }

  #dial(): void {
    this.tally.outbound++;
    const { app } = this.#any(this.#world.resources);
    const to = `sip:callee${this.tally.started}@example.net`;
    const id: string = app.dial(to, (call, answer) => {
      if (call === null) {
        return this.#failed(id, answer === null ? "no answer to the dial" : "the dial was refused");
      }
      // The node has named it.
      const underway = this.#underway.get(id);
      if (call.id === id || underway === undefined) return;
      this.#underway.delete(id);
      this.#underway.set(call.id, underway);
    });
    this.#began(id, `call of ${app.jid} to ${to}`);
  }

  #began(id: string, what: string): void {
    this.#underway.set(id, { at: this.#pace.clock.now(), what, playing: false });
  }

  /** What a resource does with its calls. */
  #script(resource: DemoResource): void {
    const { app } = resource;
    app.onOffer = (call) => {
      // A Java node does not say `answered` when it was told to answer; a FreeSWITCH does, sooner or later.
      app.command(call, `<answer xmlns='${RAYO}'/>`, (answer) => {
        if (answer?.attrs["type"] === "result") this.#play(resource, call);
      });
    };
    app.onEvent = (call, event) => {
      if (event.name === "answered") this.#play(resource, call);
      else if (event.name === "complete") app.hangup(call);
      else if (event.name === "end") this.#ended(resource, call, event);
      // What a real application would do, too: its memory is not endless.
      app.received.length = 0;
    };
  }

  #play(resource: DemoResource, call: AppCall): void {
    const underway = this.#underway.get(call.id);
    if (underway === undefined || underway.playing || call.ended) return;
    underway.playing = true;
    const [least, more] = this.#pace.playMs;
    for (const { peer } of this.#world.nodes) {
      // The next thing played, wherever that is.
      if (peer instanceof ModRayoNode) peer.options.playMs = least + fraction(this.#pace.random) * more;
    }
    resource.app.play(call);
  }

  #ended(resource: DemoResource, call: AppCall, end: El): void {
    resource.app.calls.delete(call.id);
    const underway = this.#underway.get(call.id);
    if (underway === undefined) return;
    const reason = end.children.find((child): child is El => typeof child !== "string")?.name ?? "no reason";
    if (!underway.playing) return this.#failed(call.id, `ended early: ${reason}`);
    this.#underway.delete(call.id);
    this.tally.done++;
    resource.done++;
  }

  #expire(): void {
    const now = this.#pace.clock.now();
    for (const [id, { at }] of this.#underway) {
      if (now - at > CALL_LIMIT_MS) this.#failed(id, `not over after ${CALL_LIMIT_MS / 1000} s`);
    }
  }

  #failed(id: string, why: string): void {
    const underway = this.#underway.get(id);
    if (underway === undefined) return;
    this.#underway.delete(id);
    this.tally.failed++;
    this.#world.crossings.fault(`${underway.what}: ${why}`);
  }

  #any<T>(list: readonly T[]): T {
    return list[Math.floor(fraction(this.#pace.random) * list.length)]!;
  }
}
