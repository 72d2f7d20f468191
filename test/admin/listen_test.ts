/** Where the admin server listens, and what that asks for (9.3, DC45). */

import { describe, expect, test } from "bun:test";
import { isLoopback, parseListen } from "../../src/admin/listen.ts";
import { bearer, startRig, TOKENS } from "./admin_rig.ts";

const READ = "/jmx/read/com.rayo.gateway:Type=GatewayStatistics/ErrorsCount";

describe("where it listens", () => {
  test("off loopback without tokens it refuses to start, in a sentence", () => {
    for (const listen of ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"]) {
      expect(() => startRig({ listen })).toThrow(
        "admin.listen is not a loopback address, so admin.tokens must name at least one token",
      );
    }
  });

  test("off loopback with tokens it starts, and warns that there is no TLS", async () => {
    await using rig = startRig({ listen: "0.0.0.0:0", tokens: TOKENS });
    expect(rig.lines.join("")).toContain("reachable from other machines without TLS");
    expect((await rig.get(READ, bearer("viewer-secret"))).status).toBe(200);
  });

  test("on loopback there is nothing to warn of", async () => {
    await using rig = startRig();
    expect(rig.lines.join("")).not.toContain("warn");
  });

  test("a port that is taken is a sentence", async () => {
    await using rig = startRig();
    const listen = `127.0.0.1:${rig.server.port}`;
    expect(() => startRig({ listen })).toThrow(`admin.listen "${listen}" cannot be used: `);
  });

  test("host:port and [IPv6]:port, nothing else", () => {
    expect(parseListen("127.0.0.1:8080")).toEqual({ host: "127.0.0.1", port: 8080 });
    expect(parseListen("[::1]:0")).toEqual({ host: "::1", port: 0 });
    for (const bad of ["", "8080", ":8080", "a:", "a:65536", "::1:80", "[::1]", "a b:1", "http://a:1"]) {
      expect(() => parseListen(bad)).toThrow(/^admin\.listen must be "host:port"/);
    }
  });

  test("what is loopback", () => {
    for (const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost", "a.localhost", "::ffff:127.0.0.1"]) {
      expect(isLoopback(host)).toBe(true);
    }
    for (
      const host of [
        "0.0.0.0",
        "::",
        "10.0.0.1",
        "127.0.0.1.example.net",
        "localhost.example.net",
        "127.example.net",
      ]
    ) {
      expect(isLoopback(host)).toBe(false);
    }
  });
});
