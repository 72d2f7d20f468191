/**
 * Nodes, applications and calls of the living gateway in the shapes of gateway.ts.
 */
import type { Application } from "../cluster/application.ts";
import { CALL_ACCEPTED, CALL_CONTROLLED, CALL_OUTBOUND } from "../cluster/call_table.ts";
import type { Directory } from "../cluster/directory.ts";
import type { Node } from "../cluster/node.ts";
import type { Mixer } from "../cluster/mixer.ts";
import type { ApplicationView, CallView, MixerView, NodeView, VerbView } from "./gateway.ts";

/** What they show of a node: its state (9.4), and why it is so. */
export function nodeView(node: Node): NodeView {
  const reasons: string[] = [];
  const byOperator = node.blacklisted && node.consecutiveErrors === 0;
  if (byOperator) reasons.push("blacklisted by an operator");
  else if (node.blacklisted) reasons.push(`${node.consecutiveErrors} consecutive failures`);
  if (node.state === "quiesced") reasons.push("the node takes no new calls");
  if (node.state === "unreachable") reasons.push("the node is gone");
  if (node.weight === 0) reasons.push("its weight is 0");
  return {
    jid: node.jid,
    platforms: node.platforms,
    weight: node.weight,
    priority: node.priority,
    state: node.state !== "available"
      ? node.state
      : byOperator
      ? "disabled"
      : node.blacklisted
      ? "ejected"
      : "available",
    reasons,
    consecutive_failures: node.consecutiveErrors,
    calls: node.calls,
    ejected_until: null,
    blacklisted: node.blacklisted,
  };
}

/** What they show of an application. */
export function applicationView(directory: Directory, application: Application): ApplicationView {
  return {
    jid: application.jid,
    app_id: application.appId,
    name: application.name,
    platform: application.platform,
    account_id: application.accountId,
    permissions: application.permissions,
    banned: directory.bans.has(application.jid),
    addresses: [...application.addresses],
    resources: application.resources.map((resource) => resource.jid),
  };
}

/** What the admin interfaces show of a call. */
export function callView(directory: Directory, slot: number): CallView {
  const { calls } = directory;
  const party = directory.partyOf(slot);
  const outbound = calls.has(slot, CALL_OUTBOUND);
  const up = outbound ? calls.has(slot, CALL_ACCEPTED) : calls.has(slot, CALL_CONTROLLED);
  return {
    id: calls.publicText(slot),
    node: directory.nodeOf(slot).jid,
    client: party?.jid ?? "",
    application: party?.bare ?? "",
    direction: outbound ? "outbound" : "inbound",
    state: up ? "active" : outbound ? "dialing" : "offered",
    started_at: new Date(calls.startedSeconds(slot) * 1000).toISOString(),
  };
}

/** What they show of a mixer: the name in its clients' letters, its calls by the ids clients know. */
export function mixerView(directory: Directory, mixer: Mixer): MixerView {
  const { calls, mixers } = directory;
  return {
    name: mixer.name,
    node: mixer.domain.node.jid,
    participants: mixers.slots(mixer).map((slot) => calls.publicText(slot)),
    active_verbs: mixer.verbs?.size ?? 0,
  };
}

/** The components that run on a mixer. */
export function verbViews(mixer: Mixer): VerbView[] {
  return [...mixer.verbs ?? []].map(([id, starter]) => ({ mixer: mixer.name, id, client: starter.jid }));
}
