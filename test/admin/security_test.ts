/** The door: credentials, origins, hosts (DC45, DC48, DC49). */

import { describe, expect, test } from "bun:test";
import type { Token } from "../../src/admin/security.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { basic, bearer, rawRequest, startRig, TOKENS } from "./admin_rig.ts";

const EXEC = "/jmx/exec/com.rayo.gateway:Type=Admin,name=Admin";
const READ = "/jmx/read/com.rayo.gateway:Type=GatewayStatistics/ErrorsCount";

describe("tokens", () => {
  test("once there are any, loopback needs them too; /livez and /readyz do not", async () => {
    await using rig = startRig({ tokens: TOKENS });
    for (
      const path of [
        "/",
        "/metrics",
        "/api/v1/status",
        "/api/v1/nope",
        "/jmx",
        "/jolokia/version",
        READ,
        EXEC + "/enableQuiesce",
      ]
    ) {
      const response = await rig.get(path);
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toBe(
        'Bearer realm="rayo-gateway", Basic realm="rayo-gateway", charset="UTF-8"',
      );
      expect(response.headers.get("content-type")).toBe("application/problem+json");
    }
    for (const path of ["/livez", "/readyz"]) expect((await rig.get(path)).status).toBe(200);
    expect(rig.gateway.acts).toEqual([]);
  });

  test("bearer, and basic under any user name; a token may hold a colon", async () => {
    await using rig = startRig({ tokens: TOKENS });
    for (
      const init of [
        bearer("admin:secret"),
        basic("admin:secret"),
        basic("admin:secret", ""),
        basic("viewer-secret", "eve"),
      ]
    ) {
      expect((await rig.get("/api/v1/status", init)).status).toBe(200);
      expect((await rig.get(READ, init)).status).toBe(200);
    }
  });

  const WRONG = [
    "Bearer nope",
    "Bearer viewer-secre",
    "Bearer viewer-secrets",
    "Bearer VIEWER-SECRET",
    "Bearer",
    "Bearer ",
    "viewer-secret",
    "Digest viewer-secret",
    "Basic",
    "Basic ???",
    "Basic " + btoa("viewer-secret"),
    "Basic " + btoa("viewer-secret:"),
    "Basic " + btoa("eve:nope"),
  ];
  for (const authorization of WRONG) {
    test(`${authorization} is 401`, async () => {
      await using rig = startRig({ tokens: TOKENS });
      const response = await rig.get("/api/v1/status", { headers: { Authorization: authorization } });
      expect(response.status).toBe(401);
      expect(response.headers.get("www-authenticate")).toContain("Bearer");
    });
  }

  test("neither answers nor the log hold what was sent", async () => {
    await using rig = startRig({ tokens: TOKENS });
    let seen = "";
    for (const init of [bearer("wrong-secret-1"), basic("wrong-secret-2"), bearer("operator-secret")]) {
      const response = await rig.get(EXEC + "/maxDialRetries/9", init);
      seen += await response.text() + JSON.stringify([...response.headers]);
    }
    await rig.get(EXEC + "/enableQuiesce", bearer("operator-secret"));
    seen += rig.lines.join("");
    expect(seen).toContain("by=olaf");
    expect(seen).not.toMatch(/secret/);
  });

  test("refused credentials are told once a minute, with their number", async () => {
    const clock = new ManualClock();
    await using rig = startRig({ tokens: TOKENS, clock });
    const told = () => rig.lines.filter((line) => line.includes("credentials were refused"));
    await rig.get("/metrics");
    expect(told()).toEqual([]);
    for (let i = 0; i < 3; i++) await rig.get("/metrics", bearer("wrong"));
    expect(told()).toHaveLength(1);
    clock.advance(60_000);
    await rig.get("/metrics", bearer("wrong"));
    expect(told()).toHaveLength(2);
    expect(told()[1]).toContain("times=3");
  });

  test("an empty token, and one token for two names, are refused", () => {
    expect(() => startRig({ tokens: [{ name: "x", role: "viewer", token: "" }] })).toThrow(
      'the token "x" in admin.tokens is empty',
    );
    const twins: Token[] = [{ name: "a", role: "viewer", token: "t" }, {
      name: "b",
      role: "admin",
      token: "t",
    }];
    expect(() => startRig({ tokens: twins })).toThrow('admin.tokens "a" and "b" hold the same token');
  });

  test("can be replaced while it runs (DC44)", async () => {
    await using rig = startRig({ listen: "0.0.0.0:0", tokens: TOKENS });
    rig.server.setTokens([{ name: "new", role: "admin", token: "fresh" }]);
    expect((await rig.get("/api/v1/status", bearer("admin:secret"))).status).toBe(401);
    expect((await rig.get("/api/v1/status", bearer("fresh"))).status).toBe(200);
    expect(() => rig.server.setTokens([])).toThrow("admin.tokens must name at least one token");
    expect((await rig.get("/api/v1/status", bearer("fresh"))).status).toBe(200);
  });

  test("off loopback exec by GET takes a bearer token only (DC49)", async () => {
    await using rig = startRig({ listen: "0.0.0.0:0", tokens: TOKENS });
    const refused = await rig.get(EXEC + "/enableQuiesce", basic("admin:secret"));
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toBe('Bearer realm="rayo-gateway"');
    expect(rig.gateway.acts).toEqual([]);
    expect((await rig.get(READ, basic("admin:secret"))).status).toBe(200);
    expect((await rig.get(EXEC + "/enableQuiesce", bearer("admin:secret"))).status).toBe(200);
    expect(rig.gateway.acts).toEqual([["quiesce", true]]);
  });

  test("on loopback it takes basic too", async () => {
    await using rig = startRig({ tokens: TOKENS });
    expect((await rig.get(EXEC + "/enableQuiesce", basic("admin:secret"))).status).toBe(200);
  });
});

describe("strangers are refused with 403, whatever they ask for (DC49)", () => {
  const STRANGE: [title: string, headers: Record<string, string>][] = [
    ["a foreign origin", { Origin: "https://evil.example" }],
    ["another port of this machine", { Origin: "http://localhost:3000" }],
    ["an origin without a name", { Origin: "null" }],
    ["no real origin", { Origin: "evil" }],
    ["cross-site", { "Sec-Fetch-Site": "cross-site" }],
    ["same-site, which another port is", { "Sec-Fetch-Site": "same-site" }],
    ["a site that nobody defined", { "Sec-Fetch-Site": "x<y>" }],
  ];
  for (const [title, headers] of STRANGE) {
    test(title, async () => {
      await using rig = startRig({ tokens: TOKENS });
      for (
        const path of [
          "/",
          "/api/v1/status",
          EXEC + "/enableQuiesce",
          EXEC + "/enableQuiesce?callback=f",
          "/metrics",
        ]
      ) {
        const response = await rig.get(path, { headers: { ...headers, ...bearer("admin:secret").headers } });
        expect(response.status).toBe(403);
        expect(response.headers.get("content-type")).toBe("application/problem+json");
        expect(await response.text()).not.toContain("<y>");
      }
      expect(rig.gateway.acts).toEqual([]);
    });
  }

  for (
    const host of [
      "evil.example",
      "evil.example:80",
      "127.0.0.1.evil.example",
      "10.1.2.3",
      "a/b",
      "a@127.0.0.1",
      "[::2]",
      "",
    ]
  ) {
    test(`Host: ${host}`, async () => {
      await using rig = startRig();
      const answer = await rawRequest(rig.server.port, `GET ${EXEC}/enableQuiesce`, `Host: ${host}`);
      expect(answer).toMatch(/^HTTP\/1\.1 40[03] /);
      expect(rig.gateway.acts).toEqual([]);
    });
  }

  test("two hosts are none", async () => {
    await using rig = startRig();
    const answer = await rawRequest(rig.server.port, "GET /livez", "Host: localhost", "Host: evil.example");
    expect(answer).toStartWith("HTTP/1.1 403 ");
  });

  test("an absolute target does not speak for the Host", async () => {
    await using rig = startRig();
    const answer = await rawRequest(rig.server.port, "GET http://localhost/livez", "Host: evil.example");
    expect(answer).toStartWith("HTTP/1.1 403 ");
  });

  for (const host of ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8080", "localhost."]) {
    test(`Host: ${host} is known`, async () => {
      await using rig = startRig();
      expect(await rawRequest(rig.server.port, "GET /livez", `Host: ${host}`)).toStartWith("HTTP/1.1 200 ");
    });
  }

  test("off loopback any number is known, and the names it was told", async () => {
    await using rig = startRig({
      listen: "0.0.0.0:0",
      tokens: TOKENS,
      hosts: ["gw.example.net"],
      corsOrigins: ["https://console.example.net:8443"],
    });
    const status = async (host: string) =>
      (await rawRequest(rig.server.port, "GET /livez", `Host: ${host}`)).slice(9, 12);
    for (
      const host of [
        "10.1.2.3:8080",
        "[2001:db8::1]",
        "gw.example.net",
        "GW.example.net:80",
        "console.example.net",
      ]
    ) {
      expect(await status(host)).toBe("200");
    }
    for (const host of ["evil.example", "xgw.example.net", "gw.example.net.evil.example"]) {
      expect(await status(host)).toBe("403");
    }
  });

  test("our own pages are no strangers", async () => {
    await using rig = startRig();
    const own = { Origin: rig.url, "Sec-Fetch-Site": "same-origin" };
    expect((await rig.get("/api/v1/status", { headers: own })).status).toBe(200);
    expect((await rig.get("/api/v1/status", { headers: { "Sec-Fetch-Site": "none" } })).status).toBe(200);
    const proxied = await rawRequest(
      rig.server.port,
      "GET /livez",
      "Host: localhost",
      "Origin: https://localhost",
    );
    expect(proxied).toStartWith("HTTP/1.1 200 ");
  });
});

describe("CORS", () => {
  const ORIGIN = "https://console.example.net";
  const cors = (response: Response) =>
    [...response.headers.keys()].filter((name) => name.startsWith("access-control-")).sort();

  test("there is none unless the origin is named", async () => {
    await using rig = startRig();
    const plain = await rig.get("/api/v1/status");
    expect(cors(plain)).toEqual([]);
    expect(plain.headers.get("vary")).toBeNull();
    const asked = await rig.get("/jmx", {
      method: "OPTIONS",
      headers: { Origin: ORIGIN, "Access-Control-Request-Method": "GET" },
    });
    expect(asked.status).toBe(403);
    expect(cors(asked)).toEqual([]);
  });

  test("a named origin may ask, cross-site as it is, and gets itself back, never a star", async () => {
    await using rig = startRig({ tokens: TOKENS, corsOrigins: [ORIGIN + "/"] });
    const headers = { Origin: ORIGIN, "Sec-Fetch-Site": "cross-site" };
    const preflight = await rig.get("/api/v1/settings", {
      method: "OPTIONS",
      headers: {
        ...headers,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(ORIGIN);
    expect(preflight.headers.get("access-control-allow-methods")).toContain("PATCH");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("Authorization");
    const read = await rig.get(READ, { headers: { ...headers, ...bearer("viewer-secret").headers } });
    expect(read.status).toBe(200);
    expect(read.headers.get("access-control-allow-origin")).toBe(ORIGIN);
    expect(read.headers.get("vary")).toBe("Origin");
    // Being named is no credential.
    expect((await rig.get(READ, { headers })).status).toBe(401);
    const other = await rig.get(READ, { headers: { Origin: "https://console.example.net.evil.example" } });
    expect(other.status).toBe(403);
    expect(cors(other)).toEqual([]);
  });
});

test("every answer forbids sniffing, framing and scripts", async () => {
  await using rig = startRig({ tokens: TOKENS });
  for (const path of ["/livez", "/api/v1/status", "/jmx", "/nope"]) {
    const { headers } = await rig.get(path);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
  }
});
