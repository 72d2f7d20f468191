/**
 * The directory as it was before the restart: what the store remembers, then what the configuration declares.
 */
import type { Log } from "../base/log.ts";
import { escapeAttribute } from "../xmpp/escape.ts";
import { canonicalJid } from "../xmpp/jid.ts";
import type { Resource } from "./application.ts";
import type { Directory } from "./directory.ts";
import type { ApplicationRow, Change, Snapshot } from "./store.ts";

/** Fills an empty directory. Rows that make no sense any more are left out with a warning. */
export function restore(directory: Directory, snapshot: Snapshot, log: Log): void {
  for (const name of snapshot.platforms) directory.platform(name);
  for (const row of snapshot.applications) directory.addApplication(row);
  for (const { address, jid } of snapshot.addresses) {
    const application = directory.applications.get(jid);
    if (application !== undefined) directory.setAddress(address, application);
  }
  for (const jid of snapshot.bans) directory.bans.add(jid);
  for (const row of snapshot.nodes) {
    if (directory.trustedDomain(row.jid)?.node.jid !== row.jid) {
      log.warn("a stored node is not trusted any more", { node: row.jid });
      continue;
    }
    const node = directory.nodeFor(row.jid);
    directory.enrolNode(node, row.platforms, row.weight, row.priority);
    node.javaNode = row.javaNode;
    node.state = row.state;
    node.blacklisted = row.blacklisted;
    node.consecutiveErrors = row.consecutiveErrors;
    directory.noteNode(node); // what enrolling noted is not what was stored
  }
  for (const { jid } of snapshot.clients) {
    const resource = resourceOf(directory, jid);
    const application = resource === null ? undefined : directory.applications.get(resource.bare);
    if (resource === null || directory.bans.has(resource.bare)) continue;
    if (application !== undefined) directory.registerResource(resource, application);
  }
  let calls = 0;
  for (const row of snapshot.calls) {
    const domain = directory.trustedDomain(row.domain);
    const parties = row.parties.map((jid) => resourceOf(directory, jid)).filter((r) => r !== null);
    if (domain === null || parties.length === 0) {
      log.warn("a stored call cannot be restored", { call: row.id, domain: row.domain });
      continue;
    }
    directory.restoreCall(row, domain, parties[0]!, parties.slice(1));
    calls++;
  }
  for (const row of snapshot.mixers) {
    const domain = directory.trustedDomain(row.domain);
    if (domain === null) {
      log.warn("a stored mixer cannot be restored", { mixer: row.name, domain: row.domain });
    } else directory.restoreMixer(row, domain, (jid) => resourceOf(directory, jid));
  }
  directory.quiesced = snapshot.settings["quiesced"] === "true";
  if (calls > 0 || snapshot.nodes.length > 0) {
    log.info("state restored", {
      applications: directory.applications.size,
      nodes: snapshot.nodes.length,
      resources: snapshot.clients.length,
      calls,
    });
  }
}

function resourceOf(directory: Directory, jid: string): Resource | null {
  const parts = canonicalJid(jid);
  if (parts === null || parts.resource === "") return null;
  return directory.resourceFor(parts.full, parts.bare, Buffer.from(escapeAttribute(parts.full)));
}

export interface Declared extends ApplicationRow {
  addresses: readonly string[];
}

/**
 * Applications that the configuration declares and the store does not have yet, as changes to commit and apply; where
 * both have one with other values the store wins, with a warning (DC41).
 */
export function undeclared(directory: Directory, declared: readonly Declared[], log: Log): Change[] {
  const changes: Change[] = [];
  for (const { addresses, ...row } of declared) {
    const known = directory.applications.get(row.jid);
    if (known === undefined) {
      changes.push({ kind: "application", row });
      for (const address of addresses) {
        const owner = directory.addresses.owner(address);
        if (owner === undefined) changes.push({ kind: "address", row: { address, jid: row.jid } });
        else {log.warn("an address of the configuration belongs to another application", {
            address,
            application: owner.jid,
          });}
      }
      continue;
    }
    const same = known.name === row.name && known.platform === row.platform &&
      known.permissions === row.permissions &&
      known.addresses.size === addresses.length && addresses.every((a) => known.addresses.has(a));
    if (!same) {
      log.warn("the store has this application with other values than the configuration: the store's stand", {
        application: row.jid,
      });
    }
  }
  return changes;
}

/** Applies administrative changes that have been committed. */
export function applyChanges(directory: Directory, changes: readonly Change[]): void {
  for (const change of changes) {
    if (change.kind === "application") directory.addApplication(change.row);
    else if (change.kind === "address") {
      const application = directory.applications.get(change.row.jid);
      if (application !== undefined) directory.setAddress(change.row.address, application);
    }
  }
}
