/** REST (9.4, DC47): shapes, statuses, and every way to be refused. */

import { describe, expect, test } from "bun:test";
import { ActFault } from "../../../src/admin/gateway.ts";
import { type Rig, startRig } from "../admin_rig.ts";

const API = "/api/v1";
const JULIET = API + "/applications/juliet%40capulet.lit";

interface Answer {
  status: number;
  headers: Headers;
  // deno-lint-ignore no-explicit-any -- JSON of any shape
  body: any;
}

async function ask(
  rig: Rig,
  method: string,
  path: string,
  body?: unknown,
  type = "application/json",
): Promise<Answer> {
  const sent = body === undefined
    ? {}
    : { body: typeof body === "string" ? body : JSON.stringify(body), headers: { "Content-Type": type } };
  const response = await rig.get(path, { method, ...sent });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
}

function expectProblem(answer: Answer, status: number): void {
  expect(answer.body).toMatchObject({ type: "about:blank", status });
  expect(answer.body.title).toBeString();
  expect(answer.body.detail).toBeString();
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
}

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

describe("applications", () => {
  const CAPULET = {
    jid: "nurse@capulet.lit",
    name: "nurse",
    platform: "staging",
    permissions: "s",
    addresses: ["sip:n@c", "tel:+1"],
  };

  test("POST makes one, with its addresses: 201, the resource and its place", async () => {
    await using rig = startRig();
    const { status, headers, body } = await ask(rig, "POST", API + "/applications", CAPULET);
    expect(status).toBe(201);
    expect(headers.get("location")).toBe(API + "/applications/nurse%40capulet.lit");
    expect(body).toMatchObject(CAPULET);
    expect((await ask(rig, "GET", headers.get("location")!)).body).toEqual(body);
  });

  test("name, permissions and addresses may be left out", async () => {
    await using rig = startRig();
    const { status, body } = await ask(
      rig,
      "POST",
      API + "/applications",
      { jid: "a@b", platform: "p" },
      "application/json; charset=utf-8",
    );
    expect([status, body.name, body.permissions, body.addresses]).toEqual([201, "a@b", "", []]);
  });

  test("a second of the same JID is 409", async () => {
    await using rig = startRig();
    expectProblem(
      await ask(rig, "POST", API + "/applications", { ...CAPULET, jid: "juliet@capulet.lit" }),
      409,
    );
    expect((await ask(rig, "GET", JULIET)).body.name).toBe("juliet");
  });

  test("one whose address is refused is taken back", async () => {
    await using rig = startRig();
    expectProblem(
      await ask(rig, "POST", API + "/applications", { ...CAPULET, addresses: ["sip:ok", "not one"] }),
      422,
    );
    expectProblem(await ask(rig, "GET", API + "/applications/nurse%40capulet.lit"), 404);
  });

  const INVALID: [title: string, change: Record<string, unknown>, pointer: string][] = [
    ["no jid", { jid: undefined }, "/jid"],
    ["a number for a jid", { jid: 5 }, "/jid"],
    ["an empty jid", { jid: "" }, "/jid"],
    ["a full JID", { jid: "a@b/c" }, "/jid"],
    ["a jid with a blank", { jid: "a b@c" }, "/jid"],
    ["two at signs", { jid: "a@b@c" }, "/jid"],
    ["a jid too long", { jid: "a@" + "b".repeat(2048) }, "/jid"],
    ["no platform", { platform: undefined }, "/platform"],
    ["an empty platform", { platform: "" }, "/platform"],
    ["a control character", { name: "a\u0000b" }, "/name"],
    ["a list of letters", { permissions: ["s"] }, "/permissions"],
    ["an address that is none", { addresses: ["sip:ok", ""] }, "/addresses/1"],
    ["no list of addresses", { addresses: "sip:ok" }, "/addresses"],
    ["a key nobody knows", { plattform: "x" }, "/plattform"],
  ];
  for (const [title, change, pointer] of INVALID) {
    test(`${title} is 422 and names the field`, async () => {
      await using rig = startRig();
      const answer = await ask(rig, "POST", API + "/applications", { ...CAPULET, ...change });
      expectProblem(answer, 422);
      expect(answer.body.errors).toEqual([{ pointer, detail: expect.stringMatching(/^(must|is) /) }]);
      expect(rig.gateway.acts).toEqual([]);
    });
  }

  test("DELETE is 204, then 404", async () => {
    await using rig = startRig();
    const gone = await ask(rig, "DELETE", JULIET);
    expect([gone.status, gone.body]).toEqual([204, null]);
    expectProblem(await ask(rig, "DELETE", JULIET), 404);
    expectProblem(await ask(rig, "GET", JULIET), 404);
  });

  test("ban and unban answer with the application as it is then", async () => {
    await using rig = startRig();
    const banned = await ask(rig, "POST", JULIET + "/ban");
    expect([banned.status, banned.body.banned]).toEqual([200, true]);
    const unbanned = await ask(rig, "POST", JULIET + "/unban");
    expect([unbanned.status, unbanned.body.banned]).toEqual([200, false]);
    expectProblem(await ask(rig, "POST", API + "/applications/nobody%40x/ban"), 404);
    expect(rig.gateway.acts).toEqual([["ban", "juliet@capulet.lit"], ["unban", "juliet@capulet.lit"]]);
  });

  test("an address is added, read and removed", async () => {
    await using rig = startRig();
    const made = await ask(rig, "POST", JULIET + "/addresses", { address: "sip:x@y/z" });
    expect([made.status, made.body]).toEqual([201, {
      address: "sip:x@y/z",
      application: "juliet@capulet.lit",
    }]);
    const place = made.headers.get("location")!;
    expect(place).toBe(JULIET + "/addresses/sip%3Ax%40y%2Fz");
    expect((await ask(rig, "GET", place)).status).toBe(200);
    expect((await ask(rig, "DELETE", place)).status).toBe(204);
    expectProblem(await ask(rig, "DELETE", place), 404);
    expectProblem(await ask(rig, "GET", place), 404);
  });

  test("an address is refused where it belongs to nobody, or to another application", async () => {
    await using rig = startRig();
    expectProblem(
      await ask(rig, "POST", API + "/applications/nobody%40x/addresses", { address: "sip:x" }),
      404,
    );
    expectProblem(await ask(rig, "POST", JULIET + "/addresses", { address: "" }), 422);
    expectProblem(
      await ask(rig, "DELETE", API + "/applications/romeo%40montague.lit/addresses/tel%3A%2B15550100"),
      404,
    );
    expect(rig.gateway.acts).toEqual([]);
  });
});

describe("nodes", () => {
  test("DELETE forgets one: 204, then 404", async () => {
    await using rig = startRig();
    expect((await ask(rig, "DELETE", API + "/nodes/node1.shakespeare.lit")).status).toBe(204);
    expectProblem(await ask(rig, "DELETE", API + "/nodes/node1.shakespeare.lit"), 404);
  });
});

describe("settings", () => {
  test("PATCH changes what is named and answers with all of them", async () => {
    await using rig = startRig();
    const { status, body } = await ask(rig, "PATCH", API + "/settings", {
      quiesce: true,
      dial_attempts_max: 5,
      log_level: "warn",
    });
    expect([status, body.quiesce, body.dial_attempts_max]).toEqual([200, true, 5]);
    expect(rig.gateway.acts).toEqual([["setDialAttemptsMax", 5], ["quiesce", true], ["setLogLevel", "warn"]]);
    expect((await ask(rig, "PATCH", API + "/settings", {})).status).toBe(200);
    expect(
      (await ask(rig, "PATCH", API + "/settings", { quiesce: false }, "application/merge-patch+json")).body
        .quiesce,
    ).toBe(false);
  });

  for (
    const change of [{ quiesce: "yes" }, { dial_attempts_max: 0 }, { dial_attempts_max: 1.5 }, {
      log_level: "trace",
    }, { nope: 1 }]
  ) {
    test(`${JSON.stringify(change)} is 422 and changes nothing`, async () => {
      await using rig = startRig();
      const answer = await ask(rig, "PATCH", API + "/settings", { ...change });
      expectProblem(answer, 422);
      expect(answer.body.errors[0].pointer).toBe("/" + Object.keys(change)[0]);
      expect(rig.gateway.acts).toEqual([]);
    });
  }
});

describe("refusals", () => {
  for (
    const path of [
      "/nope",
      "/api",
      "/api/v1",
      "/api/v1/",
      "/api/v1/nope",
      "/api/v2/status",
      "/openapi.json",
      "/jmxx",
      "/api/v1/calls/c1/x",
    ]
  ) {
    test(`GET ${path} is a 404 problem`, async () => {
      await using rig = startRig();
      expectProblem(await ask(rig, "GET", path), 404);
    });
  }

  for (
    const path of [
      "/nodes/nope",
      "/nodes/%zz",
      "/applications/nope",
      "/applications/nope/addresses",
      "/calls/nope",
      "/mixers/nope",
    ]
  ) {
    test(`GET ${path}: an unknown item is a 404 problem`, async () => {
      await using rig = startRig();
      expectProblem(await ask(rig, "GET", API + path), 404);
    });
  }

  const METHODS: [method: string, path: string, allow: string][] = [
    ["POST", "/livez", "GET, HEAD"],
    ["DELETE", "/metrics", "GET, HEAD"],
    ["PUT", "/", "GET, HEAD"],
    ["POST", API + "/status", "GET, HEAD"],
    ["PATCH", API + "/nodes/node1.shakespeare.lit", "GET, DELETE, HEAD"],
    ["PUT", API + "/applications", "GET, POST, HEAD"],
    ["POST", JULIET, "GET, DELETE, HEAD"],
    ["GET", JULIET + "/ban", "POST"],
    ["HEAD", JULIET + "/ban", "POST"],
    ["DELETE", API + "/settings", "GET, PATCH, HEAD"],
    ["OPTIONS", API + "/settings", "GET, PATCH, HEAD"],
  ];
  for (const [method, path, allow] of METHODS) {
    test(`${method} ${path} is a 405 problem with Allow`, async () => {
      await using rig = startRig();
      const answer = await ask(rig, method, path);
      expect(answer.status).toBe(405);
      expect(answer.headers.get("allow")).toBe(allow);
      if (method !== "HEAD") expectProblem(answer, 405);
      expect(rig.gateway.acts).toEqual([]);
    });
  }

  const BODIES: [title: string, body: string, type: string, status: number][] = [
    ["half an object", '{"jid":', "application/json", 400],
    ["nothing", "", "application/json", 400],
    ["a form", "jid=a@b", "application/x-www-form-urlencoded", 415],
    ["plain text, as a page may send across sites", "{}", "text/plain", 415],
    ["JSON's look-alike", "{}", "application/jsonp", 415],
    ["a list", "[]", "application/json", 422],
    ["null", "null", "application/json", 422],
    ["__proto__", '{"__proto__":{"jid":"a@b","platform":"p"}}', "application/json", 422],
  ];
  for (const [title, body, type, status] of BODIES) {
    test(`${title} is ${status}`, async () => {
      await using rig = startRig();
      expectProblem(await ask(rig, "POST", API + "/applications", body, type), status);
      expect(rig.gateway.acts).toEqual([]);
    });
  }

  test("bytes that are no UTF-8 are 400", async () => {
    await using rig = startRig();
    const response = await rig.get(API + "/applications", {
      method: "POST",
      body: new Uint8Array([0x22, 0xff, 0x22]),
      headers: { "Content-Type": "application/json" },
    });
    expect(response.status).toBe(400);
  });

  const FAULTS: [kind: ActFault["kind"], status: number][] = [
    ["application-exists", 409],
    ["application-not-found", 404],
    ["node-not-found", 404],
    ["platform-not-found", 404],
    ["invalid", 422],
    ["store", 503],
  ];
  for (const [kind, status] of FAULTS) {
    test(`the gateway's "${kind}" is ${status}`, async () => {
      await using rig = startRig();
      rig.gateway.failNext = new ActFault(kind, "because");
      const answer = await ask(rig, "DELETE", API + "/nodes/node1.shakespeare.lit");
      expectProblem(answer, status);
      expect(answer.body.detail).toBe("because");
    });
  }
});
