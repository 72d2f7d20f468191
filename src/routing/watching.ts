/**
 * Is the client still there? Bounces and silence, and what follows from them (PC10, PX11, DC29-DC32); resources that come
 * back without a word (AH20).
 *
 * Servers drop presence to a vanished resource silently (DC30), so a departure is learnt from the server's `unavailable`,
 * from a bounce, or from a ping. A ping leaves when it is time, and once when a resource goes missing, never because
 * a ping came back: whoever bounces or swallows everything costs a bounded number of stanzas, and no loop can start.
 *
 * Conforms: XEP-0199 §4.5, clients are asked whether they are there: complete
 * Conforms: XEP-0327 §6.2.2, the availability of controlling parties is monitored: complete
 */
import type { Resource } from "../cluster/application.ts";
import { AWAY, MISSING, type Watch, WATCHED } from "../cluster/watch.ts";
import { RETURNS_MAX } from "../base/limits.ts";
import { CLASS_ANSWER } from "../xmpp/outlet.ts";
import { type Stanza, TYPE_RESULT } from "../xmpp/stanza.ts";
import { readCondition } from "./condition.ts";
import { clientDeparted, offersLeft } from "./departure.ts";
import type { Exchange } from "./exchange.ts";
import { controllerLoss } from "./ownership.ts";

/** Between two pings of a client that answers. */
const ASK_EVERY_MS = 30_000;
/** A ping without an answer for so long is unanswered. */
const ANSWER_MS = 5_000;
/** Between two pings of a client whose calls wait for it. */
const ASK_MISSING_MS = 1_000;
/** Pauses of the return window double from the one to the other. */
const RETURN_PAUSE_MIN_MS = 1_000, RETURN_PAUSE_MAX_MS = 60_000;
/** Our own id, `gw-…`; a longer one is nobody's answer. */
const ID_BYTES_MAX = 64;

/** PC10, 7.4: what a server says of a party that it cannot reach. */
const BOUNCES: ReadonlySet<string> = new Set([
  "remote-server-not-found",
  "remote-server-timeout",
  "recipient-unavailable",
]);
/** Neither proves nor disproves anything of a client that never answered a ping (DC31). */
const NOT_THERE: ReadonlySet<string> = new Set([...BOUNCES, "service-unavailable", "item-not-found"]);

/** PC1: `resource` said `chat` and is in rotation; asked once, to learn whether its silence will mean something (DC31). */
export function resourceReady(ex: Exchange, resource: Resource): void {
  if (resource.missing) return resourceBack(ex, resource);
  const watch = ex.watches.open(resource.jid, resource.bare, resource.wire);
  if (watch.state !== WATCHED) ex.watches.setState(watch, WATCHED);
  ask(ex, watch, ANSWER_MS);
}

/** Whatever a missing resource says proves that it is there: its calls go on, and it is in rotation if it was. */
export function resourceBack(ex: Exchange, resource: Resource): void {
  const watch = ex.watches.get(resource.jid);
  if (!resource.missing || watch === null) return;
  resource.missing = false;
  resource.consecutiveErrors = 0;
  ex.watches.setState(watch, WATCHED);
  putIn(ex, watch);
  ex.watches.wait(watch, ASK_EVERY_MS);
  ex.directory.unhold(resource);
}

/** PC4: `jid` takes no calls any more and says so; it is not asked back. */
export function resourceQuiet(ex: Exchange, jid: string): void {
  const watch = ex.watches.get(jid);
  if (watch === null) return;
  if (watch.state === AWAY) return ex.watches.close(watch);
  const resource = ex.directory.resourceByJid(jid);
  watch.ready = false;
  if (resource === null) ex.watches.close(watch);
  else resourceBack(ex, resource);
}

/** PC7, PC8: its server says that `resource` is gone. Its calls wait for the grace time if they are to be held. */
export function resourceGone(ex: Exchange, resource: Resource): void {
  const watch = ex.watches.get(resource.jid);
  const ready = resource.registered || (resource.missing && watch?.ready === true);
  if (controllerLoss(ex, resource) === "hold" && resource.calls > 0) {
    if (!resource.missing) miss(ex, resource, ASK_MISSING_MS);
    return;
  }
  depart(ex, resource, ready);
}

/** PC10, PX11: what was sent to `resource` came back; it is out of rotation at once, but no call ends yet (DC29). */
export function resourceBounced(ex: Exchange, s: Stanza, resource: Resource): void {
  if (BOUNCES.has(readCondition(s).condition)) {
    if (!resource.missing && (resource.registered || resource.calls > 0)) miss(ex, resource, 0);
  } else if (resource.registered) resource.consecutiveErrors++; // six in a row are as good (§3.4)
}

/** A client's IQ result or error: of use only as the answer to a ping of ours; the rest is dropped (IC8). */
export function clientAnswer(ex: Exchange, s: Stanza): void {
  const length = s.idEnd - s.idStart;
  const watch = s.idStart < 0 || length > ID_BYTES_MAX
    ? null
    : ex.watches.match(s.buf.toString("utf8", s.idStart, s.idEnd));
  if (watch === null || watch.jid !== ex.from.full()) {
    ex.meters.unmatched++;
    return;
  }
  if (s.type === TYPE_RESULT) return there(ex, watch);
  if (watch.state !== WATCHED) return; // asked again when it is time
  const { condition } = readCondition(s);
  const resource = ex.directory.resourceByJid(watch.jid);
  watch.asking = false;
  if (resource !== null && (watch.proven ? NOT_THERE : BOUNCES).has(condition)) {
    miss(ex, resource, ASK_MISSING_MS);
  } else if (watch.proven) ex.watches.wait(watch, ASK_EVERY_MS);
  else ex.watches.close(watch); // it does not do pings: its silence will mean nothing
}

/** The link to the clients is up: whoever may have gone meanwhile is asked; servers restart without a word (DC9). */
export function askEverybody(ex: Exchange): void {
  const { directory, watches } = ex;
  for (let i = 0; i < directory.resourcesEnd; i++) {
    const resource = directory.resource(i);
    if (resource === null || resource.missing || (!resource.registered && resource.calls === 0)) continue;
    ask(ex, watches.open(resource.jid, resource.bare, resource.wire), ANSWER_MS);
  }
}

/** Time is up: for an answer, a pause, a grace time or a return window. */
export function watchExpired(ex: Exchange, watch: Watch): void {
  const { watches, directory } = ex;
  const now = ex.clock.now();
  if (!ex.toClients.up) {
    // DC9: nobody can answer now.
    watch.until += ASK_MISSING_MS;
    watch.asking = false;
    return watches.wait(watch, ASK_MISSING_MS);
  }
  const resource = directory.resourceByJid(watch.jid);
  if (watch.state === AWAY) {
    if (now >= watch.until || directory.bans.has(watch.bare)) return watches.close(watch);
    ask(ex, watch, Math.min(watch.pauseMs, watch.until - now));
    watch.pauseMs = Math.min(watch.pauseMs * 2, RETURN_PAUSE_MAX_MS);
    return;
  }
  if (resource === null || (!resource.registered && resource.calls === 0 && !resource.missing)) {
    return watches.close(watch);
  }
  if (watch.state === MISSING) {
    if (now >= watch.until) depart(ex, resource, watch.ready);
    else ask(ex, watch, Math.min(ASK_MISSING_MS, watch.until - now));
    return;
  }
  const unanswered = watch.asking && watch.askedAt >= ex.externalUpSince;
  if (!unanswered) ask(ex, watch, ANSWER_MS);
  else if (watch.proven) miss(ex, resource, 0);
  else watches.close(watch);
}

/** It answered with a result. */
function there(ex: Exchange, watch: Watch): void {
  const { directory } = ex;
  watch.proven = true;
  watch.asking = false;
  if (watch.state === AWAY) {
    ex.watches.setState(watch, WATCHED);
    putIn(ex, watch);
  } else if (watch.state === MISSING) {
    const resource = directory.resourceByJid(watch.jid);
    if (resource !== null) resourceBack(ex, resource);
  }
  ex.watches.wait(watch, ASK_EVERY_MS);
}

/** Back into rotation, if it was there and may be. */
function putIn(ex: Exchange, watch: Watch): void {
  const { directory } = ex;
  const application = directory.applications.get(watch.bare);
  if (!watch.ready || application === undefined || directory.bans.has(watch.bare)) return;
  watch.ready = false;
  const resource = directory.resourceFor(watch.jid, watch.bare, watch.wire);
  directory.registerResource(resource, application);
  ex.log.info("resource is back", { resource: watch.jid });
}

/** Out of rotation; its calls have the grace time. It is asked at once, or after `pauseMs`. */
function miss(ex: Exchange, resource: Resource, pauseMs: number): void {
  const { directory, watches } = ex;
  const { clientGraceMs } = ex.settings.ownership;
  const watch = watches.open(resource.jid, resource.bare, resource.wire);
  watches.setState(watch, MISSING);
  watch.ready = resource.registered;
  watch.until = ex.clock.now() + clientGraceMs;
  resource.missing = true;
  resource.holds++;
  directory.unregisterResource(resource);
  offersLeft(ex, resource, false);
  ex.log.warn("resource does not answer", { resource: resource.jid, calls: resource.calls });
  const wait = Math.min(ASK_MISSING_MS, clientGraceMs);
  if (pauseMs === 0) ask(ex, watch, wait);
  else watches.wait(watch, wait);
}

/** A departure, with all that follows; a resource that was `ready` for calls is asked back for a while (AH20). */
function depart(ex: Exchange, resource: Resource, ready: boolean): void {
  const { directory, watches } = ex;
  const { clientReturnMs } = ex.settings.ownership;
  const { jid, bare, wire } = resource;
  const wasMissing = resource.missing;
  resource.missing = false;
  clientDeparted(ex, resource);
  if (wasMissing) directory.unhold(resource);
  const asked = ready && clientReturnMs > 0 && watches.away < RETURNS_MAX &&
    directory.applications.has(bare) && !directory.bans.has(bare);
  if (!asked) {
    const watch = watches.get(jid);
    if (watch !== null) watches.close(watch);
    return;
  }
  const watch = watches.open(jid, bare, wire);
  watches.setState(watch, AWAY);
  watch.ready = true;
  watch.asking = false;
  watch.until = ex.clock.now() + clientReturnMs;
  watch.pauseMs = RETURN_PAUSE_MIN_MS;
  watches.wait(watch, Math.min(RETURN_PAUSE_MIN_MS, clientReturnMs));
}

/** XEP-0199: asks, and looks again in `ms` milliseconds. */
function ask(ex: Exchange, watch: Watch, ms: number): void {
  watch.asking = true;
  watch.askedAt = ex.clock.now();
  ex.watches.wait(watch, ms);
  if (!ex.toClients.up) return;
  const to = watch.wire.toString();
  const xml = `<iq type='get' id='${ex.watches.idFor(watch)}' from='${ex.external[0]!.wire}' to='${to}'>` +
    "<ping xmlns='urn:xmpp:ping'/></iq>";
  ex.say(ex.toClients, xml, CLASS_ANSWER);
}
