/**
 * Mixer names on their way: towards nodes lower case and, where they are scoped, the application's own; towards clients
 * in the letters they wrote (RW6, AH11, DC16, FS55).
 *
 * Conforms: XEP-0327 §6.4, names scoped to a security zone: complete
 */
import type { Resource } from "../cluster/application.ts";
import { foldId } from "../cluster/fold_id.ts";
import { type Mixer, scopedName, unscopedName } from "../cluster/mixer.ts";
import type { Node } from "../cluster/node.ts";
import { attributeText } from "../xmpp/attributes.ts";
import { canonicalJid } from "../xmpp/jid.ts";
import type { StanzaErrorType } from "../xmpp/stanza_error.ts";
import type { Exchange } from "./exchange.ts";

/** A join that is being passed on and the mixer it names: it is known from when the join has left. */
export interface MixerWish {
  readonly nodeName: string;
  readonly name: string;
  readonly application: string;
  readonly node: Node;
}

interface Refusal {
  condition: string;
  type: StanzaErrorType;
  text: string;
}

const BAD_NAME: Refusal = { condition: "bad-request", type: "modify", text: "Bad mixer name" };
/** IC2: the media of two nodes cannot meet (BUG 22). */
const ELSEWHERE: Refusal = {
  condition: "service-unavailable",
  type: "cancel",
  text: "The mixer is on another node",
};
const BUSY: Refusal = {
  condition: "resource-constraint",
  type: "wait",
  text: "The requested resource is busy.",
};
const TAKEN: Refusal = { condition: "conflict", type: "modify", text: "The name is taken" };

/** Whose mixers `bare` may see: its own, or (shared) anybody's. */
function zoneOf(ex: Exchange, bare: string): string {
  return ex.settings.mixersShared ? "" : bare;
}

function nodeNameOf(ex: Exchange, name: string, bare: string): string {
  return ex.settings.mixersShared ? foldId(name) : scopedName(name, bare);
}

/** What the `mixer-name` that `sender` wrote is called at `node`, or why it may not be passed on. */
export function mixerNameToNode(
  ex: Exchange,
  name: string,
  node: Node,
  sender: Resource,
  joins: boolean,
): string | Refusal {
  if (!isLocalpart(name)) return BAD_NAME;
  const { directory } = ex;
  const nodeName = nodeNameOf(ex, name, sender.bare);
  const application = zoneOf(ex, sender.bare);
  const known = directory.mixers.named(nodeName);
  if (known !== null) {
    if (known.application !== application) return TAKEN;
    if (known.domain.node !== node) return ELSEWHERE;
  } else if (joins && isCall(ex, name, nodeName, node, sender)) return TAKEN;
  else if (joins && directory.mixers.full) return BUSY;
  if (joins) ex.mixerWishes.push({ nodeName, name, application, node });
  return nodeName;
}

/** One local part cannot be a call and a mixer. */
function isCall(ex: Exchange, name: string, nodeName: string, node: Node, sender: Resource): boolean {
  const { directory } = ex;
  const atNode = Buffer.from(nodeName), own = Buffer.from(name);
  if (directory.findCall(atNode, 0, atNode.length, node) >= 0) return true;
  const slot = directory.calls.findPublic(own, 0, own.length);
  return slot >= 0 && directory.partyOf(slot)?.bare === sender.bare;
}

/** RFC 7622 §3.3.1: any other name has no JID that clients could speak to. */
function isLocalpart(name: string): boolean {
  const jid = canonicalJid(`${name}@d`);
  return jid !== null && jid.local !== "" && jid.domain === "d" && jid.resource === "";
}

/** The mixer that `bare` means by `name`, one of its calls being in it (IC10), or null: for it there is none. */
export function mixerOf(ex: Exchange, name: string, bare: string): Mixer | null {
  const { directory } = ex;
  if (directory.mixers.size === 0) return null;
  const mixer = directory.mixers.named(nodeNameOf(ex, name, bare));
  if (mixer === null || mixer.application !== zoneOf(ex, bare)) return null;
  for (let at = mixer.head; at >= 0; at = directory.mixers.next(at)) {
    if (directory.partyOf(directory.mixers.slotOf(at))?.bare === bare) return mixer;
  }
  return null;
}

/** The node of the mixer that the nested join at `tag` names, null if nobody has it yet (DC24). */
export function mixerNodeOf(ex: Exchange, buf: Buffer, tag: number, sender: Resource): Node | null {
  const name = attributeText(buf, tag, "mixer-name") ?? "";
  if (name === "") return null;
  return ex.directory.mixers.named(nodeNameOf(ex, name, sender.bare))?.domain.node ?? null;
}

/** PX5: the mixer `nodeName` of `slot`'s node, entered if a `joined` is the first that is heard of it. */
export function mixerOfJoined(ex: Exchange, slot: number, nodeName: string, enters: boolean): Mixer | null {
  const { directory } = ex;
  const known = directory.mixers.named(nodeName);
  const bare = directory.partyOf(slot)?.bare ?? "";
  if (known !== null) {
    const ours = known.domain.node === directory.nodeOf(slot) &&
      (known.application === "" || known.application === bare);
    return ours ? known : null;
  }
  if (!enters || directory.mixers.full) return null;
  const application = zoneOf(ex, bare);
  const name = application === "" ? nodeName : unscopedName(nodeName, bare) ?? nodeName;
  if (!isLocalpart(name) || !isLocalpart(nodeName)) return null;
  const domain = directory.domain(directory.calls.domain(slot));
  return directory.mixers.add(foldId(nodeName), name, application, domain);
}

/** The local part by which `listener` knows what is `nodeName` at `node`; `nodeName` itself if that is no mixer. */
export function mixerNameToClient(
  ex: Exchange,
  nodeName: string,
  node: Node,
  listener: Resource | null,
): string {
  const mixer = ex.directory.mixers.find(node, nodeName);
  if (mixer !== null) return mixer.nameFor(listener?.jid ?? "");
  return (listener === null ? null : unscopedName(nodeName, listener.bare)) ?? nodeName;
}
