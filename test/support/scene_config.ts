/**
 * What a scene gives, as an operator would write it: config.toml and overrides from the environment.
 */
import type { Given } from "./scene_text.ts";

/** The secret of both component streams. */
export const SCENE_SECRET = "secret";

/** The text of config.toml: domains, nodes, applications. */
export function sceneConfiguration(given: Given, facts: { external: string; internal: string }): string {
  const text = (value: string) => JSON.stringify(value);
  const lines = [
    "[gateway]",
    `external_domain = ${text(facts.external)}`,
    `internal_domain = ${text(facts.internal)}`,
    `[xmpp.external]\nsecret = ${text(SCENE_SECRET)}`,
    `[xmpp.internal]\nsecret = ${text(SCENE_SECRET)}`,
    "[nodes]",
    `trusted = ${JSON.stringify(given.trusted)}`,
    ...given.nodes.map((n) =>
      `[[nodes.static]]\njid = ${text(n.jid)}\nplatforms = ${JSON.stringify(n.platforms)}\n` +
      `weight = ${n.weight}\npriority = ${n.priority}`
    ),
    ...given.applications.map((a) =>
      `[[applications]]\njid = ${text(a.jid)}\nname = ${text(a.name)}\nplatform = ${text(a.platform)}\n` +
      `permissions = ${text(a.permissions)}\naddresses = ${JSON.stringify(a.addresses)}`
    ),
  ];
  return lines.join("\n") + "\n";
}

/** `dial.timeout_ms` → `DIAL__TIMEOUT_MS` (DC42). */
export function sceneOverrides(options: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key.toUpperCase().replaceAll(".", "__"), value]),
  );
}
