/** What REST tells of the cluster (9.4), its lists page by page (DC47), and a node forgotten. */

import { describe, expect, test } from "bun:test";
import { ask, expectProblem, startRig } from "../admin_rig.ts";

const API = "/api/v1";

describe("reads", () => {
  const node1 = {
    jid: "node1.shakespeare.lit",
    platforms: ["production", "staging"],
    weight: 20,
    priority: 1,
    state: "available",
    reasons: [],
    consecutive_failures: 0,
    calls: 1,
    ejected_until: null,
    blacklisted: false,
  };
  const juliet = {
    jid: "juliet@capulet.lit",
    app_id: "z-juliet",
    name: "juliet",
    platform: "staging",
    account_id: "",
    permissions: "suc",
    banned: false,
    addresses: ["sip:juliet@capulet.lit", "tel:+15550100"],
    resources: ["juliet@capulet.lit/balcony", "juliet@capulet.lit/chamber"],
  };
  const call2 = {
    id: "c2",
    node: "node2.shakespeare.lit",
    client: "juliet@capulet.lit/balcony",
    application: "juliet@capulet.lit",
    direction: "inbound",
    state: "offered",
    started_at: "2026-01-02T03:04:05Z",
  };
  const client = (jid: string) => ({ jid, application: "juliet@capulet.lit", platform: "staging", calls: 1 });
  const ball = { name: "ball", node: "node1.shakespeare.lit", participants: ["c1", "c3"], active_verbs: 1 };
  const address = (address: string) => ({ address, application: "juliet@capulet.lit" });
  const list = (...items: unknown[]) => ({ items, cursor: null });
  const READS: [path: string, body: unknown][] = [
    ["/status", {
      name: "gw1",
      version: "0.1.0",
      started_at: "2026-01-01T00:00:00Z",
      uptime_seconds: 93_784,
      links: [{
        side: "external",
        domain: "shakespeare.lit",
        up: true,
        reason: "",
        since: "2026-01-01T00:00:01Z",
        outbox_bytes: 7,
      }],
      store: { adapter: "memory", ok: true, reason: "", pending_changes: 0 },
      quiesced: false,
      counters: expect.objectContaining({ ActiveCallsCount: 3, MessagesCount: 5_000_000_000 }),
    }],
    [
      "/platforms",
      list(
        { name: "production", nodes: ["node1.shakespeare.lit"] },
        { name: "staging", nodes: ["node1.shakespeare.lit", "node2.shakespeare.lit"] },
      ),
    ],
    [
      "/nodes",
      list(
        node1,
        expect.objectContaining({ jid: "node2.shakespeare.lit", state: "ejected", reasons: ["5 failures"] }),
      ),
    ],
    ["/nodes/", list(node1, expect.anything())],
    ["/nodes/node1.shakespeare.lit", node1],
    ["/applications", list(juliet, expect.objectContaining({ jid: "romeo@montague.lit" }))],
    ["/applications/juliet%40capulet.lit", juliet],
    ["/applications/juliet@capulet.lit", juliet],
    [
      "/applications/juliet%40capulet.lit/addresses",
      list(address("sip:juliet@capulet.lit"), address("tel:+15550100")),
    ],
    ["/applications/juliet%40capulet.lit/addresses/tel%3A%2B15550100", address("tel:+15550100")],
    ["/clients", list(client("juliet@capulet.lit/balcony"), client("juliet@capulet.lit/chamber"))],
    [
      "/calls",
      list(
        expect.objectContaining({ id: "c1" }),
        call2,
        expect.objectContaining({ id: "c3", direction: "outbound" }),
      ),
    ],
    ["/calls/c2", call2],
    ["/mixers", list(ball)],
    ["/mixers/ball", ball],
    ["/settings", { quiesce: false, dial_attempts_max: 3, log_level: "debug" }],
  ];
  for (const [path, body] of READS) {
    test(path, async () => {
      await using rig = startRig();
      const answer = await ask(rig, "GET", API + path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(answer.body).toEqual(body);
      const head = await ask(rig, "HEAD", API + path);
      expect([head.status, head.body]).toEqual([200, null]);
    });
  }

  test("a JID with a slash and a percent sign goes through a path", async () => {
    await using rig = startRig();
    rig.gateway.nodeViews[0]!.jid = "node/100%25+é";
    expect((await ask(rig, "GET", `${API}/nodes/${encodeURIComponent("node/100%25+é")}`)).body.jid).toBe(
      "node/100%25+é",
    );
  });
});

describe("limit and cursor", () => {
  for (
    const path of [
      "/platforms",
      "/nodes",
      "/applications",
      "/clients",
      "/calls",
      "/mixers",
      "/applications/juliet%40capulet.lit/addresses",
    ]
  ) {
    test(`walk all of ${path}`, async () => {
      await using rig = startRig();
      const all = (await ask(rig, "GET", API + path)).body.items;
      const walked: unknown[] = [];
      let cursor: string | null = "";
      while (cursor !== null) {
        const next: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
        const { body } = await ask(rig, "GET", `${API}${path}?limit=1${next}`);
        expect(body.items).toHaveLength(1);
        walked.push(...body.items);
        cursor = body.cursor;
      }
      expect(walked).toEqual(all);
    });
  }

  for (const limit of ["0", "-1", "x", "1.5", "1001", ""]) {
    test(`limit=${limit} is 422`, async () => {
      await using rig = startRig();
      for (const path of ["/calls", "/nodes"]) {
        expectProblem(await ask(rig, "GET", `${API}${path}?limit=${limit}`), 422);
      }
    });
  }

  test("a cursor that nobody gave is 422 or leads nowhere", async () => {
    await using rig = startRig();
    expectProblem(await ask(rig, "GET", `${API}/calls?cursor=${"x".repeat(5000)}`), 422);
    expect((await ask(rig, "GET", `${API}/nodes?cursor=zzz`)).body).toEqual({ items: [], cursor: null });
  });
});

describe("nodes", () => {
  test("DELETE forgets one: 204, then 404", async () => {
    await using rig = startRig();
    expect((await ask(rig, "DELETE", API + "/nodes/node1.shakespeare.lit")).status).toBe(204);
    expectProblem(await ask(rig, "DELETE", API + "/nodes/node1.shakespeare.lit"), 404);
  });
});
