/**
 * URIs inside payloads: towards nodes they name the node's domain, towards clients the external one (§2.7). Only
 * elements of Rayo's core namespace, only the attributes listed there (RW8); everything else is passed untouched.
 *
 * Conforms: XEP-0327 §5.2, addresses on both sides: complete
 * Conforms: XEP-0327 §6.3, joins of calls within a security zone: complete
 */
import type { Resource } from "../cluster/application.ts";
import { foldId } from "../cluster/fold_id.ts";
import type { Dial } from "../cluster/dial.ts";
import type { Node, NodeDomain } from "../cluster/node.ts";
import { AttributeCursor, attributeText, ElementCursor } from "../xmpp/attributes.ts";
import { isText, sameBytes } from "../base/bytes.ts";
import { decodeAttribute, decodeInto, escapeAttribute } from "../xmpp/escape.ts";
import { JidView, splitJid } from "../xmpp/jid.ts";
import { NS_RAYO } from "../xmpp/namespaces.ts";
import type { Stanza } from "../xmpp/stanza.ts";
import type { StanzaErrorType } from "../xmpp/stanza_error.ts";
import { isChild } from "./children.ts";
import { mixerNameToClient, mixerNameToNode, mixerNodeOf } from "./mixer_name.ts";
import type { Exchange } from "./exchange.ts";

/** Why a payload cannot be passed on. */
export interface Refusal {
  condition: string;
  type: StanzaErrorType;
  text: string;
}

/** Nothing against it. */
export const OK: Refusal = { condition: "", type: "cancel", text: "" };

const NOT_ALLOWED: Refusal = { condition: "not-allowed", type: "cancel", text: "" };
/** FreeSWITCH's own words (FS33). */
const LEG_GONE: Refusal = { condition: "service-unavailable", type: "cancel", text: "b-leg is gone" };

const SCHEME = "xmpp:";
const SLASH = 0x2f;
const attributes = new AttributeCursor();
const elements = new ElementCursor();
const uri = new JidView();
/** A URI's JID after decoding; longer ones are passed as they are. */
const decoded = Buffer.allocUnsafeSlow(4096);

/** The decoded value of attribute `name` of child `i` (which may be absent: -1), or null. */
export function attributeOf(s: Stanza, i: number, name: string): string | null {
  return i < 0 ? null : attributeText(s.buf, s.childStart[i]!, name);
}

/** Reads the value under `attributes` as a JID with or without `xmpp:` into `uri`; false: it is none. */
function readUri(): boolean {
  const { buf, escaped } = attributes;
  let start = attributes.valueStart, end = attributes.valueEnd;
  let bytes = buf;
  if (escaped) {
    if (end - start > decoded.length) return false;
    end = decodeInto(buf, start, end, decoded, 0);
    bytes = decoded;
    start = 0;
  }
  if (end - start > SCHEME.length && isText(bytes, start, start + SCHEME.length, SCHEME)) {
    start += SCHEME.length;
  }
  return splitJid(bytes, start, end, uri);
}

// ── towards nodes ──────────────────────────────────────────────────────────────────────────────────────────

/**
 * Adds the translations that child 0 of `s` needs on its way to `node` to `ex.rewrite`; what `sender` may not join
 * is refused (IC11, IC12).
 */
export function payloadToNode(ex: Exchange, s: Stanza, node: Node, sender: Resource): Refusal {
  if (isChild(s, 0, NS_RAYO, "join") || isChild(s, 0, NS_RAYO, "unjoin")) {
    ex.mixerWishes.length = 0;
    return joinToNode(ex, s.buf, s.childStart[0]!, node, sender, isChild(s, 0, NS_RAYO, "join"));
  }
  if (!isChild(s, 0, NS_RAYO, "dial")) return OK;
  ex.mixerWishes.length = 0;
  if (attributes.find(s.buf, s.childStart[0]!, "uri") && readUri()) {
    const id = foldId(uri.local());
    ex.rewrite.text(
      attributes.valueStart,
      attributes.valueEnd,
      escapeAttribute(`${SCHEME}${id}@${node.jid}`),
    );
  }
  elements.ofChild(s, 0);
  while (elements.next()) {
    if (!elements.is(NS_RAYO, "join")) continue;
    const refusal = joinToNode(ex, s.buf, elements.start, node, sender, true);
    if (refusal !== OK) return refusal;
  }
  return OK;
}

/** RW2, RW5, RW6: the other leg of a join (`joins`) or unjoin, by `call-uri` or `call-id`, and its mixer. */
function joinToNode(
  ex: Exchange,
  buf: Buffer,
  tag: number,
  node: Node,
  sender: Resource,
  joins: boolean,
): Refusal {
  const refusal = legToNode(ex, buf, tag, node, sender);
  if (refusal !== OK || !present(buf, tag, "mixer-name")) return refusal;
  const { valueStart, valueEnd } = attributes;
  const name = mixerNameToNode(ex, attributeText(buf, tag, "mixer-name")!, node, sender, joins);
  if (typeof name !== "string") return name;
  ex.rewrite.text(valueStart, valueEnd, escapeAttribute(name));
  return OK;
}

function legToNode(ex: Exchange, buf: Buffer, tag: number, node: Node, sender: Resource): Refusal {
  const { directory } = ex;
  if (present(buf, tag, "call-uri")) {
    const slot = publicCall(ex);
    const refusal = otherLeg(ex, slot, node, sender);
    if (refusal !== OK) return refusal;
    // FS53: nested in a dial only the form with the scheme works.
    ex.rewrite.text(attributes.valueStart, attributes.valueEnd, `${SCHEME}${ex.callJid(slot)}`);
    return OK;
  }
  const id = attributeText(buf, tag, "call-id") ?? "";
  if (id === "") return OK;
  const bytes = Buffer.from(id);
  const slot = directory.calls.findPublic(bytes, 0, bytes.length);
  const refusal = otherLeg(ex, slot, node, sender);
  if (refusal !== OK) return refusal;
  attributes.find(buf, tag, "call-id");
  ex.rewrite.text(attributes.valueStart, attributes.valueEnd, escapeAttribute(directory.calls.id(slot)));
  return OK;
}

/** Goes to attribute `name` of the tag at `tag`; an empty one says as little as none. */
function present(buf: Buffer, tag: number, name: string): boolean {
  return attributes.find(buf, tag, name) && attributes.valueEnd > attributes.valueStart;
}

/**
 * The call that the value under `attributes` names as clients name calls; -1: none. A URI of a node's own domain is none
 * either (G4): passed on, it would join calls that nobody here has looked at (IC11).
 */
function publicCall(ex: Exchange): number {
  if (!readUri() || uri.localStart < 0 || ex.served(uri)?.external !== true) return -1;
  return ex.directory.calls.findPublic(uri.buf, uri.localStart, uri.localEnd);
}

function otherLeg(ex: Exchange, slot: number, node: Node, sender: Resource): Refusal {
  if (slot < 0) return LEG_GONE;
  if (ex.directory.partyOf(slot)?.bare !== sender.bare) return NOT_ALLOWED; // IC11, DC23
  return ex.directory.nodeOf(slot) === node ? OK : LEG_GONE; // IC12
}

export interface WantedDial {
  refusal: Refusal;
  /** Local part of `dial/@uri` as the client wrote it; "" without one. */
  publicId: string;
  /** The node of a nested join's other leg, or null. */
  onlyNode: Node | null;
}

/** What a client's dial asks for beyond "some node": its own call URI (DL13), a call to join (DC24). */
export function readDial(ex: Exchange, s: Stanza, sender: Resource): WantedDial {
  const wanted: WantedDial = { refusal: OK, publicId: "", onlyNode: null };
  const { buf } = s;
  if (attributes.find(buf, s.childStart[0]!, "uri")) {
    // The words are FreeSWITCH's (FS30, FS49).
    if (!readUri()) return { ...wanted, refusal: badUri("Bad uri") };
    if (uri.localStart < 0) return { ...wanted, refusal: badUri("Bad uri (missing node)") };
    if (ex.served(uri)?.external !== true) return { ...wanted, refusal: badUri("Bad uri (invalid domain)") };
    wanted.publicId = uri.local();
  }
  elements.ofChild(s, 0);
  while (elements.next()) {
    if (!elements.is(NS_RAYO, "join")) continue;
    const slot = legOf(ex, buf, elements.start);
    if (slot === NO_LEG) {
      const home = mixerNodeOf(ex, buf, elements.start, sender);
      if (home === null) continue;
      if ((wanted.onlyNode ?? home) !== home) return { ...wanted, refusal: LEG_GONE };
      wanted.onlyNode = home; // the conference is there, and nowhere else
      continue;
    }
    if (slot < 0) return { ...wanted, refusal: LEG_GONE };
    if (ex.directory.partyOf(slot)?.bare !== sender.bare) return { ...wanted, refusal: NOT_ALLOWED };
    const node = ex.directory.nodeOf(slot);
    if (node.state === "unreachable" || (wanted.onlyNode ?? node) !== node) {
      return { ...wanted, refusal: LEG_GONE };
    }
    wanted.onlyNode = node;
  }
  return wanted;
}

/** A join that names no call. */
const NO_LEG = -2;

/** The call that the join at `tag` names; -1: an unknown one. */
function legOf(ex: Exchange, buf: Buffer, tag: number): number {
  const { calls } = ex.directory;
  if (present(buf, tag, "call-uri")) return publicCall(ex);
  const id = attributeText(buf, tag, "call-id") ?? "";
  if (id === "") return NO_LEG;
  const bytes = Buffer.from(id);
  return calls.findPublic(bytes, 0, bytes.length);
}

function badUri(text: string): Refusal {
  return { condition: "bad-request", type: "modify", text };
}

// ── towards clients ────────────────────────────────────────────────────────────────────────────────────────

/**
 * Adds the translations that the Rayo children of `s` need on their way to a client to `ex.rewrite`: RW3, RW4, and
 * the echo in a node's error (RW9), where `dial` says by which letters the client knows its call and `listener` those of
 * mixers (RW6). `ex.from` is the sender.
 */
export function payloadToClient(
  ex: Exchange,
  s: Stanza,
  node: Node,
  dial: Dial | null,
  listener: Resource,
): void {
  for (let i = 0; i < s.childCount; i++) {
    if (s.childNs[i] !== NS_RAYO) continue;
    const start = s.childStart[i]!;
    if (isChild(s, i, NS_RAYO, "ref")) {
      if (!uriToClient(ex, s.buf, start, "uri", dial, listener)) addUri(ex, s, i, node, listener);
    } else if (isChild(s, i, NS_RAYO, "dial")) {
      uriToClient(ex, s.buf, start, "uri", dial, listener);
      elements.ofChild(s, i);
      while (elements.next()) {
        if (!elements.is(NS_RAYO, "join")) continue;
        uriToClient(ex, s.buf, elements.start, "call-uri", dial, listener);
        nameToClient(ex, s.buf, elements.start, node, listener);
      }
    } else {
      const isUri = uriToClient(ex, s.buf, start, "call-uri", dial, listener);
      nameToClient(ex, s.buf, start, node, listener, isUri);
    }
  }
}

/** RW6, and FS24: at clean-up a mixer's name may stand in `call-uri`. */
function nameToClient(
  ex: Exchange,
  buf: Buffer,
  tag: number,
  node: Node,
  listener: Resource,
  hasUri = false,
): void {
  if (!attributes.find(buf, tag, "mixer-name")) {
    if (!hasUri || ex.directory.mixers.size === 0 || !attributes.find(buf, tag, "call-uri")) return;
    if (readUri() && uri.localStart >= 0) return;
  }
  const name = decodeAttribute(buf, attributes.valueStart, attributes.valueEnd);
  const known = mixerNameToClient(ex, name, node, listener);
  if (known !== name) ex.rewrite.text(attributes.valueStart, attributes.valueEnd, escapeAttribute(known));
}

/** Translates one attribute if it is there and names a node's domain; true if it is there. */
function uriToClient(
  ex: Exchange,
  buf: Buffer,
  tag: number,
  name: string,
  dial: Dial | null,
  listener: Resource,
): boolean {
  if (!attributes.find(buf, tag, name)) return false;
  // A mixer has another name towards clients, so what it says of itself is looked at below.
  if (dial === null && !ex.mixerAnswers && namesSender(ex, buf)) return true;
  if (!readUri() || uri.localStart < 0) return true; // FS24: it may be a mixer's name
  const domain = ex.directory.findDomain(uri.buf, uri.domainStart, uri.domainEnd);
  if (domain === null && !ex.directory.trusts(uri.domain())) return true;
  const door = ex.external[0]!;
  // Only where some call's public id is not its node's does it matter which call this is.
  const ask = domain !== null && (dial !== null || ex.directory.calls.anyPublicId);
  const slot = ask ? ex.directory.findCall(uri.buf, uri.localStart, uri.localEnd, domain.node) : -1;
  const local = mixerLocal(ex, slot, domain, listener);
  const known = local !== null ? Buffer.from(local) : slot >= 0 ? ex.directory.calls.publicId(slot) : null;
  const letters = slot < 0 && dial !== null && dial.nodeId !== "" && foldId(uri.local()) === dial.nodeId;
  if (known === null && !letters && !attributes.escaped) {
    ex.rewrite.bytes(uri.domainStart, uri.domainEnd, door.wire, 0, door.wire.length);
    return true;
  }
  const shown = known !== null ? Buffer.from(known).toString() : letters ? dial.publicId : uri.local();
  const scheme = isText(buf, attributes.valueStart, attributes.valueStart + SCHEME.length, SCHEME)
    ? SCHEME
    : "";
  const resource = uri.resourceStart < 0 ? "" : `/${uri.resource()}`;
  ex.rewrite.text(
    attributes.valueStart,
    attributes.valueEnd,
    escapeAttribute(`${scheme}${shown}@${door.text}${resource}`),
  );
  return true;
}

/** The local part for the mixer under `uri`, which is no call's; null: it is none. */
function mixerLocal(
  ex: Exchange,
  slot: number,
  domain: NodeDomain | null,
  listener: Resource,
): string | null {
  const { mixers } = ex.directory;
  if (slot >= 0 || domain === null || mixers.size === 0) return null;
  return mixers.find(domain.node, uri.local())?.nameFor(listener.jid) ?? null;
}

/**
 * The hot form: a component's `ref` names the call that answers (FS23), so only the domain changes, and where it
 * stands is known. False: not that form.
 */
function namesSender(ex: Exchange, buf: Buffer): boolean {
  const { from, directory } = ex;
  const { valueStart, valueEnd } = attributes;
  const start = valueStart + SCHEME.length, end = start + from.bareEnd - from.start;
  if (from.buf !== buf || from.localStart < 0 || end > valueEnd || directory.calls.anyPublicId) return false;
  if (end !== valueEnd && buf[end] !== SLASH) return false;
  if (!isText(buf, valueStart, start, SCHEME) || !sameBytes(buf, start, buf, from.start, end - start)) {
    return false;
  }
  const { wire } = ex.external[0]!;
  ex.rewrite.bytes(end - (from.domainEnd - from.domainStart), end, wire, 0, wire.length);
  if (end !== valueEnd && !attributes.escaped) {
    ex.refStart = end + 1;
    ex.refEnd = valueEnd;
  }
  return true;
}

/** AH6: a `ref` with an `id` alone (Java nodes) gets a `uri` beside it; the `id` stays. */
function addUri(ex: Exchange, s: Stanza, i: number, node: Node, listener: Resource): void {
  const id = attributeOf(s, i, "id");
  if (id === null) return;
  const { from, directory } = ex;
  const external = ex.external[0]!.text;
  let text: string;
  if (from.localStart < 0) {
    text = `${publicOf(ex, id, node)}@${external}`;
  } else {
    const slot = directory.findCall(from.buf, from.localStart, from.localEnd, node);
    text = `${
      slot < 0 ? mixerNameToClient(ex, from.local(), node, listener) : directory.calls.publicText(slot)
    }@${external}/${id}`;
  }
  const at = s.childNameEnd[i]!;
  ex.rewrite.text(at, at, ` uri='${escapeAttribute(SCHEME + text)}'`);
}

function publicOf(ex: Exchange, id: string, node: Node): string {
  const bytes = Buffer.from(id);
  const slot = ex.directory.findCall(bytes, 0, bytes.length, node);
  return slot < 0 ? id : ex.directory.calls.publicText(slot);
}

export interface CallRef {
  id: string;
  domain: NodeDomain;
}

/** The call that a dial's result names: by `uri`, which wins, or by `id` (DL7); null: none, or another node's. */
export function readRef(ex: Exchange, s: Stanza, node: Node): CallRef | null {
  let at = -1;
  for (let i = 0; i < s.childCount && at < 0; i++) if (isChild(s, i, NS_RAYO, "ref")) at = i;
  if (at < 0) return null;
  if (attributes.find(s.buf, s.childStart[at]!, "uri")) {
    if (!readUri() || uri.localStart < 0) return null;
    const id = uri.local();
    const domain = ex.directory.findDomain(uri.buf, uri.domainStart, uri.domainEnd) ??
      ex.directory.trustedDomain(uri.domain());
    return domain !== null && domain.node === node ? { id, domain } : null;
  }
  const id = attributeOf(s, at, "id");
  if (id === null) return null;
  const jid = Buffer.from(`${id}@${node.jid}`);
  if (!splitJid(jid, 0, jid.length, uri) || uri.localStart < 0) return null;
  return { id, domain: ex.directory.domainOf(node.jid, node) };
}
