/**
 * A media server: who it is, where its calls live, and whether it may get new dials.
 *
 * Three different things, kept apart: whether it announced itself or is static (who exists), what it said of
 * itself last (`state`), and whether failures or an operator took it out (`blacklisted`, §3.3).
 */

/** What the node said last (DC34), or that it is gone. */
export type NodeSays = "available" | "quiesced" | "unreachable";

export class Node {
  /** Small number, unique among nodes of this process. */
  readonly number: number;
  /** Domain, folded. */
  readonly jid: string;
  /** Its domain as bytes, ready for an attribute. */
  readonly wire: Buffer;
  platforms: string[] = [];
  weight: number;
  /** Lower is more important. */
  priority: number;
  /** It sent `node-info`: a Java node, which understands presence errors and `destroy-if-empty`. */
  javaNode = false;
  /** It said `chat` at least once, or is static: it is listed and may get dials. */
  enrolled = false;
  isStatic = false;
  state: NodeSays = "unreachable";
  blacklisted = false;
  consecutiveErrors = 0;
  /** Head of its list in the call table, -1: none. */
  callsHead = -1;
  calls = 0;
  /** Dials it has not answered yet: while there are some, events of unknown calls are held (DC20). */
  outstandingDials = 0;

  constructor(number: number, jid: string, weight: number, priority: number) {
    this.number = number;
    this.jid = jid;
    this.wire = Buffer.from(jid);
    this.weight = weight;
    this.priority = priority;
  }

  /** May it be picked for a dial? */
  get usable(): boolean {
    return this.enrolled && this.state === "available" && !this.blacklisted && this.weight > 0;
  }
}

/** A domain that a node's calls live at: its own or a sub-domain of it (G1). */
export class NodeDomain {
  readonly number: number;
  readonly text: string;
  readonly wire: Buffer;
  readonly node: Node;
  constructor(number: number, text: string, node: Node) {
    this.number = number;
    this.text = text;
    this.wire = Buffer.from(text);
    this.node = node;
  }
}
