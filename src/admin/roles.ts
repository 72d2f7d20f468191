/**
 * Who may do what: the one table behind REST and Jolokia. Every route and every MBean operation names an act;
 * the act names the least role that may do it. A role may do all that a lesser one may.
 *
 * Spec 9.3 (`admin.tokens`), DC45, DC48.
 */

export type Role = "viewer" | "operator" | "admin";

/** The acts, and the least role for each. */
export const ROLE_OF = {
  /** Every GET of REST, /metrics, the front page; Jolokia's read and version, and its operations that only tell. */
  read: "viewer",
  /** enableQuiesce, disableQuiesce; PATCH /settings with nothing but `quiesce`. */
  quiesce: "operator",
  /** blacklist. */
  blacklist: "operator",
  /** ban, unban; POST …/ban, …/unban. */
  ban: "operator",
  /** registerApplication, unregisterApplication, registerAddress, unregisterAddress; POST and DELETE of both. */
  applications: "admin",
  /** removeNode; DELETE /nodes/{jid}. */
  nodes: "admin",
  /** maxDialRetries, setLogLevel; PATCH /settings with `dial_attempts_max` or `log_level`. */
  settings: "admin",
} as const satisfies Record<string, Role>;

export type Act = keyof typeof ROLE_OF;

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

export function mayDo(role: Role, act: Act): boolean {
  return RANK[role] >= RANK[ROLE_OF[act]];
}
