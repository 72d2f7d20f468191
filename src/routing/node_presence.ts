/**
 * What a node says of itself (spec 2.3, rows PN): enrolled, not to be dialled for now, or gone.
 *
 * Conforms: XEP-0349 §4.2, nodes that are ready and nodes that are not: complete
 */
import type { NodeDomain } from "../cluster/node.ts";
import { NS_RAYO_CLUSTER } from "../xmpp/namespaces.ts";
import { ElementCursor, textOf } from "../xmpp/attributes.ts";
import { type Stanza, TYPE_ERROR, TYPE_NONE, TYPE_UNAVAILABLE } from "../xmpp/stanza.ts";
import { findChild } from "./children.ts";
import { nodeDeparted } from "./departure.ts";
import type { Exchange } from "./exchange.ts";
import type { ServedDomain } from "./served_domain.ts";
import { showOf } from "./show.ts";

/** More platforms than this in one node-info are not read. */
const PLATFORMS_MAX = 256;

export function nodePresence(ex: Exchange, s: Stanza, domain: NodeDomain, door: ServedDomain): void {
  const { directory } = ex;
  const { node } = domain;
  if (s.type === TYPE_ERROR) {
    ex.meters.ignored++; // a bounce; answering it would loop
    return;
  }
  if (s.type === TYPE_UNAVAILABLE) {
    // PN7; said twice it changes nothing.
    const there = node.enrolled && node.state !== "unreachable";
    if (there || node.calls > 0 || node.outstandingDials > 0) nodeDeparted(ex, node);
    return;
  }
  if (s.type !== TYPE_NONE) {
    ex.refusePresence(s, door, "bad-request", "cancel", "Could not map request."); // PN8
    return;
  }
  const show = showOf(s);
  if (show === "") {
    ex.meters.ignored++; // PN6, DC34
    return;
  }
  if (show !== "chat") {
    // PN4, PN5: no new dials; its calls go on.
    if (node.enrolled && node.state !== "quiesced") {
      directory.setNodeState(node, "quiesced");
      ex.log.info("node takes no new calls", { node: node.jid, show });
    }
    return;
  }
  const { platforms, weight, priority, found } = nodeInfo(s);
  node.javaNode = found;
  if (directory.enrolNode(node, platforms, weight, priority)) {
    ex.log.info("node is available", {
      node: node.jid,
      platforms: node.platforms.join(","),
      weight: node.weight,
      priority: node.priority,
    });
  }
  ex.greet(node); // DC33
}

interface NodeInfo {
  found: boolean;
  platforms: string[];
  weight: number | null;
  priority: number | null;
}

/** The Java node's `node-info` (JN3); what cannot be read as a number counts as absent (PN1). */
function nodeInfo(s: Stanza): NodeInfo {
  const at = findChild(s, NS_RAYO_CLUSTER, "node-info");
  const told: NodeInfo = { found: at >= 0, platforms: [], weight: null, priority: null };
  if (at < 0) return told;
  const cursor = new ElementCursor();
  cursor.ofChild(s, at);
  while (cursor.next()) {
    const name = s.buf.toString("utf8", cursor.nameStart, cursor.nameEnd);
    const value = textOf(s.buf, cursor.tagEnd, cursor.end).trim();
    if (name === "platform" && value !== "" && told.platforms.length < PLATFORMS_MAX) {
      told.platforms.push(value);
    } else if (name === "weight") told.weight = wholeNumber(value, 65_535);
    else if (name === "priority") told.priority = wholeNumber(value, 0x7fff_ffff);
  }
  return told;
}

function wholeNumber(text: string, max: number): number | null {
  if (!/^\d{1,10}$/.test(text)) return null;
  const value = Number(text);
  return value <= max ? value : null;
}
