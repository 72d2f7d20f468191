/**
 * What an operator says of who may have a call, and what becomes of it without them (spec 9.3: `offers.mode`, `calls`,
 * `clients`, `permissions`).
 *
 * Conforms: XEP-0349 §4.4, application permissions on what clients ask for: complete
 */
import type { Application, Resource } from "../cluster/application.ts";
import { attributeText, ElementCursor } from "../xmpp/attributes.ts";
import { NS_RAYO, NS_RAYO_EXT, NS_TROPO } from "../xmpp/namespaces.ts";
import type { Stanza } from "../xmpp/stanza.ts";
import type { Exchange } from "./exchange.ts";
import { attributeOf } from "./payload.ts";

/** `calls.on_controller_loss`. */
export type ControllerLoss = "hangup" | "handover" | "hold";

/** What an application may need a letter for. */
export type Permission = "dial" | "offer" | "join" | "mixer" | "component" | "message";

export interface OwnershipSettings {
  /** `offers.mode` is `all`. */
  offerToAll: boolean;
  siblingsMayCommand: boolean;
  /** What becomes of a call whose controlling party is gone, where its application does not say otherwise. */
  controllerLoss: ControllerLoss;
  /** By application, bare JID. Replaced as a whole when the configuration is read again. */
  controllerLossOf: ReadonlyMap<string, ControllerLoss>;
  clientGraceMs: number;
  /** How long a resource that vanished is asked whether it is back; 0: never. */
  clientReturnMs: number;
  /** The letter needed for each act; "": none. */
  permissions: Readonly<Record<Permission, string>>;
  /** A letter is asked for something that is done to calls: `join`, `mixer` or `component`. */
  commandsNeedLetters: boolean;
}

/** May `application` do `what`? Costs nothing where no letter is asked for. */
export function permitted(ex: Exchange, application: Application | null, what: Permission): boolean {
  const letter = ex.settings.ownership.permissions[what];
  return letter === "" || (application !== null && application.permissions.includes(letter));
}

/** What becomes of the calls that `resource` controls when it is gone. */
export function controllerLoss(ex: Exchange, resource: Resource): ControllerLoss {
  const { ownership } = ex.settings;
  return ownership.controllerLossOf.get(resource.bare) ?? ownership.controllerLoss;
}

/** Elements of the old core namespace that start no component (JN10). */
const TROPO_CORE: ReadonlySet<string> = new Set([
  ..."accept answer redirect reject hangup unjoin mute unmute hold unhold dtmf".split(" "),
]);

/**
 * Does the command `s` of `sender` to a call do what its application has no letter for? Joining is of two kinds, calls
 * and mixers; leaving is free. What is neither Rayo's core nor addressed to a component starts a component.
 */
export function lacksLetter(ex: Exchange, s: Stanza, sender: Resource): boolean {
  const { application } = sender;
  const ns = s.childNs[0];
  const core = ns === NS_RAYO || ns === NS_TROPO;
  const name = s.buf.toString("utf8", s.childNameStart[0]!, s.childNameEnd[0]!);
  if (core && name === "join") {
    const mixer = (attributeOf(s, 0, "mixer-name") ?? "") !== "";
    return !permitted(ex, application, mixer ? "mixer" : "join");
  }
  if (ns === NS_RAYO || ns === NS_RAYO_EXT || ex.to.resourceStart >= 0) return false;
  if (ns === NS_TROPO && TROPO_CORE.has(name)) return false;
  return !permitted(ex, application, "component");
}

/** The same of a command to a mixer, which needs the letter for mixers as well; stopping a component is free. */
export function mixerLacksLetter(ex: Exchange, s: Stanza, sender: Resource): boolean {
  if (ex.to.resourceStart >= 0) return false;
  return !permitted(ex, sender.application, "mixer") || lacksLetter(ex, s, sender);
}

const elements = new ElementCursor();

/** Does the dial `s` join what `application` may not join? */
export function dialLacksLetter(ex: Exchange, s: Stanza, application: Application): boolean {
  if (!permitted(ex, application, "dial")) return true;
  if (!ex.settings.ownership.commandsNeedLetters) return false;
  elements.ofChild(s, 0);
  while (elements.next()) {
    if (!elements.is(NS_RAYO, "join") && !elements.is(NS_TROPO, "join")) continue;
    const mixer = (attributeText(s.buf, elements.start, "mixer-name") ?? "") !== "";
    if (!permitted(ex, application, mixer ? "mixer" : "join")) return true;
  }
  return false;
}
