/**
 * The gateway's meters as Prometheus text, exposition format 0.0.4: one HELP and TYPE line a family, the lines of a
 * family together, label values escaped. Names begin with `rayo_gateway_` (9.4).
 */

import type { Meter } from "./gateway.ts";

export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** A meter's name with labels, escaped: what `Meter.name` wants. */
export function labelled(name: string, labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
}

export function metricsText(meters: readonly Meter[]): string {
  const families = new Map<string, { meter: Meter; lines: Map<string, string> }>();
  for (const meter of meters) {
    const brace = meter.name.indexOf("{");
    const bare = brace < 0 ? meter.name : meter.name.slice(0, brace);
    const name = "rayo_gateway_" + bare.replace(/[^a-zA-Z0-9_:]/g, "_");
    const labels = brace < 0 ? "" : wellFormed(meter.name.slice(brace));
    const family = families.get(name) ?? { meter, lines: new Map<string, string>() };
    families.set(name, family);
    // A series must not appear twice; the first reading stands.
    if (!family.lines.has(labels)) family.lines.set(labels, `${name}${labels} ${number(meter.value)}\n`);
  }
  let text = "";
  for (const [name, { meter, lines }] of families) {
    text += `# HELP ${name} ${meter.help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n`;
    text += `# TYPE ${name} ${meter.kind}\n`;
    for (const line of lines.values()) text += line;
  }
  return text;
}

const WELL_FORMED = /^\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*"(?:,(?!\})|(?=\})))*\}$/;

/** Labels as they must be; where a value was not escaped, it ends at the quote before the next name or the end. */
function wellFormed(labels: string): string {
  if (WELL_FORMED.test(labels)) return labels;
  const found: Record<string, string> = {};
  for (const [, key, value] of labels.matchAll(/([a-zA-Z_]\w*)="(.*?)"(?=,[a-zA-Z_]\w*="|\}$)/gs)) {
    found[key!] = value!;
  }
  return labelled("", found);
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function number(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}
