/** The table of acts: the least role for each, on both faces (DC48). */

import { describe, expect, test } from "bun:test";
import { mayDo } from "../../src/admin/roles.ts";
import type { Token } from "../../src/admin/security.ts";
import { bearer, startRig, TOKENS } from "./admin_rig.ts";

const EXEC = "/jmx/exec/com.rayo.gateway:Type=Admin,name=Admin";
const READ = "/jmx/read/com.rayo.gateway:Type=GatewayStatistics/ErrorsCount";

describe("roles", () => {
  test("a role may do what a lesser one may", () => {
    expect(["viewer", "operator", "admin"].map((role) => mayDo(role as Token["role"], "read"))).toEqual([
      true,
      true,
      true,
    ]);
    expect(["viewer", "operator", "admin"].map((role) => mayDo(role as Token["role"], "ban"))).toEqual([
      false,
      true,
      true,
    ]);
    expect(["viewer", "operator", "admin"].map((role) => mayDo(role as Token["role"], "nodes"))).toEqual([
      false,
      false,
      true,
    ]);
  });

  const J = "/api/v1/applications/juliet%40capulet.lit";
  const json = (body: unknown) => ({
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
  });
  const ACTS: [
    least: Token["role"],
    method: string,
    path: string,
    init?: { body: string; headers: Record<string, string> },
  ][] = [
    ["viewer", "GET", "/"],
    ["viewer", "GET", "/metrics"],
    ["viewer", "GET", "/api/v1/status"],
    ["viewer", "GET", "/api/v1/settings"],
    ["viewer", "GET", "/jmx/version"],
    ["viewer", "GET", READ],
    ["viewer", "GET", "/jmx/exec/com.rayo.gateway:Type=Gateway/callInfo/c1"],
    ["viewer", "GET", EXEC + "/nope"],
    ["operator", "GET", EXEC + "/enableQuiesce"],
    ["operator", "GET", EXEC + "/enableQuiesce()"],
    ["operator", "GET", EXEC + "/disableQuiesce"],
    ["operator", "GET", EXEC + "/blacklist/staging/node1.shakespeare.lit/true"],
    ["operator", "GET", EXEC + "/ban/juliet@capulet.lit"],
    ["operator", "GET", EXEC + "/unban/juliet@capulet.lit"],
    ["admin", "GET", EXEC + "/registerApplication/a/b/c@d"],
    ["admin", "GET", EXEC + "/unregisterApplication/juliet@capulet.lit"],
    ["admin", "GET", EXEC + "/registerAddress/juliet@capulet.lit/sip:x"],
    ["admin", "GET", EXEC + "/unregisterAddress/sip:x"],
    ["admin", "GET", EXEC + "/removeNode/node1.shakespeare.lit"],
    ["admin", "GET", EXEC + "/maxDialRetries/4"],
    ["admin", "GET", "/jmx/exec/com.rayo.gateway:name=Admin,Type=Admin/maxDialRetries/4"],
    ["admin", "GET", EXEC + "/setLogLevel/com.rayo/info"],
    ["operator", "POST", J + "/ban"],
    ["operator", "POST", J + "/unban"],
    ["operator", "PATCH", "/api/v1/settings", json({ quiesce: true })],
    ["admin", "PATCH", "/api/v1/settings", json({ dial_attempts_max: 4 })],
    ["admin", "PATCH", "/api/v1/settings", json({ quiesce: true, log_level: "warn" })],
    ["admin", "POST", "/api/v1/applications", json({ jid: "c@d", platform: "p" })],
    ["admin", "DELETE", J],
    ["admin", "POST", J + "/addresses", json({ address: "sip:x" })],
    ["admin", "DELETE", J + "/addresses/tel%3A%2B15550100"],
    ["admin", "DELETE", "/api/v1/nodes/node1.shakespeare.lit"],
  ];
  for (const [least, method, path, init] of ACTS) {
    test(`${method} ${path} ${init?.body ?? ""}: ${least}`, async () => {
      await using rig = startRig({ tokens: TOKENS });
      for (const { role, token } of TOKENS) {
        const before = rig.gateway.acts.length;
        const headers = { ...init?.headers, ...bearer(token).headers };
        const response = await rig.get(path, { ...init, method, headers });
        await response.text();
        if (["viewer", "operator", "admin"].indexOf(role) >= ["viewer", "operator", "admin"].indexOf(least)) {
          expect(response.status).toBeLessThan(300);
          break;
        }
        expect(response.status).toBe(403);
        expect(response.headers.get("content-type")).toBe("application/problem+json");
        expect(rig.gateway.acts).toHaveLength(before);
      }
    });
  }
});
