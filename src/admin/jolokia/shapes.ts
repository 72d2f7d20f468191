/**
 * The composites of §4.1 with the original's JSON keys, made from the gateway's views.
 */

import type { ApplicationView, CallView, Gateway, MixerView, NodeView, VerbView } from "../gateway.ts";
import type { Json } from "./bean.ts";

/** A node may carry a million calls; a console shows the first. */
const NODE_CALLS_MAX = 1000;

/** `platforms` holds them, unlike the original's empty list (BUG 25). Nobody asks DNS here: `ipAddress` is null. */
export function nodeShape(gateway: Gateway, node: NodeView): Json {
  return {
    hostname: node.jid,
    ipAddress: null,
    platforms: node.platforms,
    priority: node.priority,
    weight: node.weight,
    consecutiveErrors: node.consecutive_failures,
    blacklisted: node.blacklisted,
    calls: gateway.callsOfNode(node.jid, NODE_CALLS_MAX).map(callShape),
  };
}

export function applicationShape(application: ApplicationView): Json {
  return {
    JID: application.jid,
    accountId: application.account_id,
    appId: application.app_id,
    name: application.name,
    permissions: application.permissions,
    platform: application.platform,
    resource: resourceOf(application.jid),
    resources: resourceNames(application),
  };
}

export function callShape(call: CallView): Json {
  return { callId: call.id, clientJid: call.client, rayoNode: call.node };
}

export function mixerShape(mixer: MixerView): Json {
  return {
    activeVerbs: mixer.active_verbs,
    name: mixer.name,
    participants: mixer.participants,
    rayoNode: mixer.node,
  };
}

export function verbShape(verb: VerbView): Json {
  return { appId: verb.client, mixerName: verb.mixer, verbId: verb.id };
}

/** In arrival order (D27): the resource's name alone, as the original's store keeps it. */
export function resourceNames(application: ApplicationView): string[] {
  return application.resources.map(resourceOf);
}

/** Text after the first `/`, the whole JID when it is bare (§1.1). */
function resourceOf(jid: string): string {
  return jid.slice(jid.indexOf("/") + 1);
}
