/**
 * The pages beside REST and Jolokia: is it alive, is it ready, its meters, and a front page that names the rest.
 */

import type { Gateway } from "./gateway.ts";
import { METRICS_TYPE, metricsText } from "./metrics.ts";
import { json, type Route } from "./rest/route.ts";

/** Open to everybody: whoever restarts or balances gateways has no token (DC48). */
export const OPEN_PATHS: ReadonlySet<string> = new Set(["/livez", "/readyz"]);

export function pageRoutes(gateway: Gateway, version: string): Route[] {
  return [
    { path: "/livez", methods: { GET: { act: "read", run: () => json({ status: "alive" }) } } },
    { path: "/readyz", methods: { GET: { act: "read", run: () => readiness(gateway.unready()) } } },
    {
      path: "/metrics",
      methods: { GET: { act: "read", run: () => text(metricsText(gateway.meters()), METRICS_TYPE) } },
    },
    {
      path: "/",
      methods: { GET: { act: "read", run: () => text(frontPage(version), "text/plain; charset=utf-8") } },
    },
  ];
}

function readiness(reasons: string[]): Response {
  return reasons.length === 0
    ? json({ status: "ready", reasons })
    : json({ status: "unready", reasons }, 503);
}

function text(body: string, type: string): Response {
  return new Response(body, { headers: { "Content-Type": type, "Cache-Control": "no-store" } });
}

function frontPage(version: string): string {
  return `Rayo Gateway ${version}

  /livez                 the process runs
  /readyz                both links are up and the store answers; else 503 with the reasons
  /metrics               Prometheus
  /api/v1/status         name, uptime, links, store, counters
  /api/v1/platforms      /api/v1/nodes      /api/v1/applications    /api/v1/settings
  /api/v1/clients        /api/v1/calls      /api/v1/mixers
  /rayo/jmx/version      Jolokia, also at /jmx and /jolokia:
  /rayo/jmx/read/com.rayo.gateway:Type=Gateway
  /rayo/jmx/read/com.rayo.gateway:Type=GatewayStatistics
  /rayo/jmx/read/com.rayo.gateway:Type=Admin,name=Admin
`;
}
