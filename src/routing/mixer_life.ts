/**
 * A mixer's beginning and end: it is there when a join succeeded (IC2), and whoever was told of it hears of its end
 * exactly once (PX6, PMX7, PMX8).
 *
 * Conforms: XEP-0327 §6.4, appearance, subscription and end of mixers: complete
 */
import type { Resource } from "../cluster/application.ts";
import type { Dial } from "../cluster/dial.ts";
import type { Mixer } from "../cluster/mixer.ts";
import type { Node } from "../cluster/node.ts";
import { escapeAttribute } from "../xmpp/escape.ts";
import { CLASS_COMMAND, CLASS_END } from "../xmpp/outlet.ts";
import type { Exchange } from "./exchange.ts";
import type { MixerWish } from "./mixer_name.ts";

/** The mixer that a join names from now on. */
function wished(ex: Exchange, wish: MixerWish, writer: Resource): Mixer {
  const { directory } = ex;
  const { nodeName, name, application, node } = wish;
  ex.mixers.add(node, nodeName);
  const mixer = directory.mixers.named(nodeName) ??
    directory.mixers.add(nodeName, name, application, directory.domainOf(node.jid, node));
  mixer.writtenBy(writer.jid, name);
  ex.mixerEnds.remove(mixer);
  return mixer;
}

/** A command with a join of call `slot` has left: what its answer will say. */
export function expectJoin(ex: Exchange, slot: number, writer: Resource) {
  const wish = ex.mixerWishes.pop()!;
  ex.mixerWishes.length = 0;
  const mixer = wished(ex, wish, writer);
  return { mixer, join: ex.directory.mixers.expect(mixer, slot, writer) };
}

/** A dial with nested joins has left. */
export function expectDialJoins(ex: Exchange, d: Dial): void {
  for (const wish of ex.mixerWishes.splice(0)) {
    d.joins.push(ex.directory.mixers.expect(wished(ex, wish, d.resource), -1, d.resource));
  }
}

/** The dial has made call `slot`, which will join. */
export function bindDialJoins(ex: Exchange, d: Dial, slot: number): void {
  for (const join of d.joins.splice(0)) ex.directory.mixers.bind(join, slot);
}

/** The dial has made no call at the node it was sent to. */
export function dropDialJoins(ex: Exchange, d: Dial): void {
  for (const join of d.joins.splice(0)) {
    ex.directory.mixers.giveUp(join);
    settleMixer(ex, join.mixer);
  }
}

/** A call's `joined`, or the result of its join. */
export function mixerJoined(ex: Exchange, mixer: Mixer, slot: number): void {
  if (mixer.gone) return;
  const { directory } = ex;
  const changed = directory.mixers.join(mixer, slot);
  const made = !mixer.made;
  mixerMade(ex, mixer);
  ex.mixerEnds.remove(mixer);
  if (changed && !made) directory.noteMixer(mixer);
}

/** It is there. */
export function mixerMade(ex: Exchange, mixer: Mixer): void {
  if (mixer.made || mixer.gone) return;
  mixer.made = true;
  ex.directory.mixers.total++;
  ex.mixers.add(mixer.domain.node, mixer.nodeName);
  ex.directory.noteMixer(mixer);
}

/** A call's `unjoined`. */
export function mixerLeft(ex: Exchange, mixer: Mixer, slot: number): void {
  if (ex.directory.mixers.leave(mixer, slot)) ex.directory.noteMixer(mixer);
  settleMixer(ex, mixer);
}

/** PX4: a call has ended, which is not in any mixer any more. */
export function leaveMixers(ex: Exchange, slot: number): void {
  for (const mixer of ex.directory.mixers.callGone(slot)) {
    ex.directory.noteMixer(mixer);
    settleMixer(ex, mixer);
  }
}

/** Nobody is in it and nobody is on the way: it ends, or was never there. */
export function settleMixer(ex: Exchange, mixer: Mixer): void {
  if (mixer.gone || mixer.members > 0 || mixer.expected > 0) return;
  if (!mixer.made) return forgetMixer(ex, mixer);
  if (mixer.deadlineQueue !== null) return;
  ex.mixerEnds.add(mixer, ex.settings.holdMs); // PMX8: the node's own `unavailable` may follow
  const { node } = mixer.domain;
  if (!node.javaNode || node.state === "unreachable") return;
  // PX6, JN9: a Java node keeps an empty mixer until it is told; FreeSWITCH does not know the word (FS36).
  const jid = escapeAttribute(`${mixer.nodeName}@${mixer.domain.text}`);
  const open = `<iq type='set' id='${ex.ownId()}' from='${ex.self}' to='${jid}'>`;
  ex.say(ex.toNodes, `${open}<destroy-if-empty xmlns='urn:xmpp:rayo:1'/></iq>`, CLASS_COMMAND);
}

/** PMX8: the node has said nothing of its end. */
export function mixerExpired(ex: Exchange, mixer: Mixer): void {
  if (mixer.gone || mixer.members > 0) return;
  sayMixerEnd(ex, mixer);
  concludeMixer(ex, mixer);
}

/** Everybody has been told: it is no more. A join under way keeps its name, for a new one. */
export function concludeMixer(ex: Exchange, mixer: Mixer): void {
  const { directory } = ex;
  const { nodeName, name, application, domain } = mixer;
  if (mixer.expected === 0 || mixer.members > 0) return forgetMixer(ex, mixer);
  const { letters } = mixer;
  const joins = directory.mixers.joinsOf(mixer);
  forgetMixer(ex, mixer);
  const again = directory.mixers.add(nodeName, name, application, domain);
  again.letters = letters;
  for (const join of joins) directory.mixers.moveTo(join, again);
}

function forgetMixer(ex: Exchange, mixer: Mixer): void {
  ex.mixerEnds.remove(mixer);
  ex.directory.removeMixer(mixer);
}

/** PN7: a node is gone or not listened to any more; its mixers end now. */
export function endMixersOf(ex: Exchange, node: Node): void {
  if (ex.directory.mixers.size === 0) return;
  for (const mixer of [...ex.directory.mixers.all()]) {
    if (mixer.domain.node !== node) continue;
    if (mixer.made) sayMixerEnd(ex, mixer);
    forgetMixer(ex, mixer);
  }
}

/** A resource has left: its filters die with it (DC27), and nothing more is said to it. */
export function leaveAudiences(ex: Exchange, resource: Resource): void {
  if (ex.directory.mixers.size === 0) return;
  for (const mixer of ex.directory.mixers.all()) {
    let changed = false;
    const drop = () => {
      ex.directory.unhold(resource);
      changed = true;
    };
    const at = mixer.told.indexOf(resource);
    if (at >= 0) {
      mixer.told.splice(at, 1);
      drop();
    }
    if (mixer.filters?.delete(resource)) drop();
    for (const [id, starter] of mixer.verbs ?? []) {
      if (starter !== resource) continue;
      const heir = heirOf(ex, mixer, resource);
      if (heir === null) mixer.verbs!.delete(id);
      else {
        mixer.verbs!.set(id, heir);
        heir.holds++;
      }
      drop();
    }
    if (mixer.letters?.delete(resource.jid)) changed = true;
    if (changed) ex.directory.noteMixer(mixer);
  }
}

/** Who has taken a call in the mixer over from `resource`, or shares it with it: its components are theirs now. */
function heirOf(ex: Exchange, mixer: Mixer, resource: Resource): Resource | null {
  const { directory } = ex;
  for (let at = mixer.head; at >= 0; at = directory.mixers.next(at)) {
    const party = directory.partyOf(directory.mixers.slotOf(at));
    if (party !== null && party !== resource && party.bare === resource.bare) return party;
  }
  return null;
}

/** After a restart: a mixer whose calls are all gone ends; those of a node that is gone, too. */
export function resumeMixers(ex: Exchange): void {
  for (const mixer of [...ex.directory.mixers.all()]) {
    ex.mixers.add(mixer.domain.node, mixer.nodeName);
    settleMixer(ex, mixer);
  }
}

/** An `unavailable` of the gateway's own making to whoever was told of the mixer (GAP 12, GAP 13). */
function sayMixerEnd(ex: Exchange, mixer: Mixer): void {
  const stamp = new Date(ex.clock.wall()).toISOString().replace(/\.\d+Z$/, "Z");
  for (const resource of mixer.told) {
    if (mixer.filtered(resource.bare)) continue;
    const from = escapeAttribute(`${mixer.nameFor(resource.jid)}@${ex.external[0]!.text}`);
    const xml = `<presence from='${from}' to='${resource.wire}' type='unavailable'>` +
      `<delay xmlns='urn:xmpp:delay' stamp='${stamp}'/></presence>`;
    ex.say(ex.toClients, xml, CLASS_END);
  }
}
