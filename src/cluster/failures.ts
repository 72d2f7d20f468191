/**
 * Counting a node's failures and taking it out of rotation (§3.3, DC38).
 */
import type { Directory } from "./directory.ts";
import type { Node } from "./node.ts";

/**
 * One more failure in a row; at `allowed` the node is taken out, unless it is the last usable one of a platform
 * (DC38). A node that is out already is not counted on: an operator's word must not come to look like failures.
 */
export function nodeFailed(directory: Directory, node: Node, allowed: number): void {
  if (node.blacklisted) return;
  node.consecutiveErrors++;
  if (node.consecutiveErrors >= allowed && !isLast(directory, node)) node.blacklisted = true;
  directory.noteNode(node);
}

/**
 * The node has done what it was asked: failures are forgotten, and the blacklist that came of them. What an operator
 * has taken out (no failures, §3.3) stays out: a dial that was under way at the time says nothing against that.
 */
export function nodeSucceeded(directory: Directory, node: Node): void {
  if (node.consecutiveErrors === 0) return;
  node.blacklisted = false;
  node.consecutiveErrors = 0;
  directory.noteNode(node);
}

/** True if some platform of the node would have no usable node without it. */
function isLast(directory: Directory, node: Node): boolean {
  return node.platforms.some((name) =>
    !directory.platform(name).nodes.some((other) => other !== node && other.usable)
  );
}
