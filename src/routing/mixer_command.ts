/**
 * Commands to mixers and to components on them (IC9, IC10, FS36), and what answers say of mixers: joins that came true
 * or failed, components that began (IC2, IR2, IR3).
 *
 * Conforms: XEP-0327 §6.4, mixers and components on them: complete
 */
import type { Mixer } from "../cluster/mixer.ts";
import type { NodeDomain } from "../cluster/node.ts";
import type { Request } from "../cluster/request.ts";
import type { Resource } from "../cluster/application.ts";
import { attributeText } from "../xmpp/attributes.ts";
import { CLASS_COMMAND } from "../xmpp/outlet.ts";
import { NS_RAYO } from "../xmpp/namespaces.ts";
import { type Stanza, TYPE_RESULT } from "../xmpp/stanza.ts";
import type { StanzaErrorType } from "../xmpp/stanza_error.ts";
import { findChild, isChild } from "./children.ts";
import type { Exchange } from "./exchange.ts";
import { verbKey } from "./mixer_event.ts";
import { expectJoin, mixerJoined, settleMixer } from "./mixer_life.ts";
import { mixerOf } from "./mixer_name.ts";
import { lacksLetter } from "./ownership.ts";
import { mixerLacksLetter } from "./ownership.ts";
import { OK, payloadToNode } from "./payload.ts";
import type { ServedDomain } from "./served_domain.ts";
import { resourceBack } from "./watching.ts";

/** AH25: clients lose an event that comes in one segment with the `ref` it belongs to. */
const AFTER_REF_MS = 20;

/**
 * The IQ `s` from `sender` names no call of its own: is it for a mixer? False: there is none, for this sender, and
 * nothing was said.
 */
export function mixerCommand(ex: Exchange, s: Stanza, door: ServedDomain, sender: Resource | null): boolean {
  const { to, rewrite } = ex;
  const mixer = sender === null ? null : mixerOf(ex, to.local(), sender.bare);
  if (mixer === null || sender === null) return false;
  const no = (...args: [condition: string, type: StanzaErrorType, text?: string]) => {
    ex.refuse(s, door, ...args);
    return true;
  };
  if (isChild(s, 0, NS_RAYO, "exec")) return no("feature-not-implemented", "cancel"); // FS41
  if (ex.settings.ownership.commandsNeedLetters && lacksLetter(ex, s, sender)) {
    return no("not-authorized", "auth");
  }
  if (ex.settings.ownership.commandsNeedLetters && mixerLacksLetter(ex, s, sender)) {
    return no("not-authorized", "auth");
  }
  if (sender.missing) resourceBack(ex, sender);
  const owner = to.resourceStart < 0 ? undefined : mixer.verbs?.get(to.resource());
  if (owner !== undefined && owner !== sender) {
    // IC9; in a shared mixer another application's component does not even exist (DC23).
    return owner.bare === sender.bare
      ? no("conflict", "cancel")
      : no("item-not-found", "cancel", `Could not find rayo node for id [${to.local()}]`);
  }
  const outlet = ex.toNodes;
  if (!outlet.up) return no("remote-server-timeout", "wait"); // DC9
  if (s.idStart < 0) return no("bad-request", "modify", "An IQ needs an id");
  rewrite.begin(s);
  const { domain } = mixer;
  const refusal = payloadToNode(ex, s, domain.node, sender);
  ex.mixerWishes.length = 0; // a mixer is not joined to a mixer by its name
  if (refusal !== OK) return no(refusal.condition, refusal.type, refusal.text);
  const request = ex.requests.open(
    domain.node,
    sender,
    door.number,
    s.view,
    s.idStart,
    s.idEnd,
    s.toStart,
    s.toEnd,
    ex.settings.commandTimeoutMs,
  );
  if (request === null) return no("resource-constraint", "wait", "The requested resource is busy.");
  const idAt = rewrite.space(32);
  rewrite.scratchEnd = ex.requests.writeId(request, rewrite.scratch, idAt);
  rewrite.bytes(s.idStart, s.idEnd, rewrite.scratch, idAt, rewrite.scratchEnd);
  rewrite.bytes(s.fromStart, s.fromEnd, ex.self, 0, ex.self.length);
  const verb = to.resourceStart < 0 ? "" : `/${to.resource()}`;
  rewrite.text(s.toStart, s.toEnd, ex.escaped(`${mixer.nodeName}@${domain.text}${verb}`));
  if (!rewrite.send(outlet, CLASS_COMMAND)) {
    ex.meters.refused++;
    ex.requests.close(request);
    ex.directory.unhold(sender);
    return no("resource-constraint", "wait", "The requested resource is busy.");
  }
  ex.meters.toNodes++;
  request.mixer = { mixer, join: null };
  mixer.commands++;
  return true;
}

/** A join by `mixer-name` of call `slot` has left as `request` (IC2). */
export function joinSent(ex: Exchange, request: Request, slot: number): void {
  request.mixer = expectJoin(ex, slot, request.resource!);
}

/** The node's answer has been passed on. Its `unjoin`s are judged by their events alone (FS52). */
export function mixerAnswered(ex: Exchange, s: Stanza, domain: NodeDomain, request: Request): void {
  const { mixer, join } = request.mixer!;
  const { mixers } = ex.directory;
  ex.mixerAnswers = false;
  if (join === null) {
    mixer.commands--;
    if (s.type === TYPE_RESULT && !mixer.gone) noteVerb(ex, s, mixer, request.resource!, domain);
    return;
  }
  if (!join.live) return;
  if (s.type === TYPE_RESULT) mixerJoined(ex, join.mixer, join.slot);
  else {
    mixers.giveUp(join);
    settleMixer(ex, join.mixer);
  }
}

/** IR5: no answer; a `joined` may still come. */
export function mixerUnanswered(ex: Exchange, request: Request): void {
  const { mixer, join } = request.mixer!;
  if (join === null) mixer.commands--;
  else if (join.live) {
    ex.directory.mixers.giveUp(join);
    settleMixer(ex, join.mixer);
  }
}

/** IR2: a component has begun on the mixer; its id is the resource of the `ref`'s URI, or the `ref`'s id. */
function noteVerb(ex: Exchange, s: Stanza, mixer: Mixer, starter: Resource, domain: NodeDomain): void {
  const at = findChild(s, NS_RAYO, "ref");
  if (at < 0) return;
  const uri = attributeText(s.buf, s.childStart[at]!, "uri");
  const slash = uri === null ? -1 : uri.indexOf("/");
  const id = uri === null
    ? attributeText(s.buf, s.childStart[at]!, "id") ?? ""
    : slash < 0
    ? ""
    : uri.slice(slash + 1);
  if (id === "" || mixer.verbs?.has(id) === true) return;
  (mixer.verbs ??= new Map()).set(id, starter);
  starter.holds++;
  ex.directory.noteMixer(mixer);
  const early = ex.verbEvents.size === 0 ? null : ex.verbEvents.get(domain.node, verbKey(mixer, id));
  if (early !== null) ex.verbEvents.bind(early, 0, AFTER_REF_MS);
}
