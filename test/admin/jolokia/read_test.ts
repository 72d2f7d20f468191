/** Every attribute of §4.1, alone and together, through HTTP. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { uptimeText } from "../../../src/admin/jolokia/process_beans.ts";
import { fakeApplication } from "../../support/fake_gateway.ts";
import { type Rig, startRig } from "../admin_rig.ts";

let rig: Rig;
beforeAll(() => void (rig = startRig({ buildNumber: 77 })));
afterAll(() => rig.server.stop());

const GATEWAY = "com.rayo.gateway:Type=Gateway";
const STATISTICS = "com.rayo.gateway:Type=GatewayStatistics";
const ADMIN = "com.rayo.gateway:Type=Admin,name=Admin";

const calls1 = ["c1", "c3"].map((callId) => ({
  callId,
  clientJid: "juliet@capulet.lit/balcony",
  rayoNode: "node1.shakespeare.lit",
}));
const nodes = [
  {
    hostname: "node1.shakespeare.lit",
    ipAddress: null,
    // Filled, unlike the original's (BUG 25).
    platforms: ["production", "staging"],
    priority: 1,
    weight: 20,
    consecutiveErrors: 0,
    blacklisted: false,
    calls: calls1,
  },
  {
    hostname: "node2.shakespeare.lit",
    ipAddress: null,
    platforms: ["staging"],
    priority: 1,
    weight: 10,
    consecutiveErrors: 5,
    blacklisted: true,
    calls: [{ callId: "c2", clientJid: "juliet@capulet.lit/balcony", rayoNode: "node2.shakespeare.lit" }],
  },
];
const romeo = {
  JID: "romeo@montague.lit",
  accountId: "",
  appId: "a-romeo",
  name: "romeo",
  permissions: "",
  platform: "production",
  resource: "romeo@montague.lit",
  resources: [],
};
const juliet = {
  JID: "juliet@capulet.lit",
  accountId: "",
  appId: "z-juliet",
  name: "juliet",
  permissions: "suc",
  platform: "staging",
  resource: "juliet@capulet.lit",
  resources: ["balcony", "chamber"],
};
const people = {
  // Sorted by appId.
  ClientApplications: [romeo, juliet],
  ActiveClients: ["juliet@capulet.lit"],
  ActiveMixers: [{
    activeVerbs: 1,
    name: "ball",
    participants: ["c1", "c3"],
    rayoNode: "node1.shakespeare.lit",
  }],
};

const VALUES: Record<string, Record<string, unknown>> = {
  [GATEWAY]: {
    Platforms: [{ name: "production" }, { name: "staging" }],
    RayoNodes: nodes,
    Nodes: nodes,
    ...people,
  },
  [STATISTICS]: {
    ActiveCallsCount: 3,
    TotalCallsCount: 30,
    ActiveMixersCount: 1,
    TotalMixersCount: 10,
    ActiveClientsCount: 2,
    TotalClientsCount: 20,
    TotalClientResourcesCount: 25,
    TotalResourcesCount: 25,
    ActiveRayoNodesCount: 2,
    MessagesCount: 5_000_000_000,
    ErrorsCount: 4,
  },
  [ADMIN]: { QuiesceMode: false, ServerName: "Rayo Gateway", ...people },
  "com.rayo:Type=Info": { BuildNumber: 77, BuildId: "abc", VersionNumber: "1.2.3", Uptime: "1d 2h 3m 4s " },
};

for (const [mbean, attributes] of Object.entries(VALUES)) {
  describe(mbean, () => {
    for (const [attribute, value] of Object.entries(attributes)) {
      test(attribute, async () => {
        expect(await rig.jolokia(`/read/${mbean}/${attribute}`)).toEqual({
          request: { type: "read", mbean, attribute },
          value,
          status: 200,
          timestamp: expect.any(Number),
        });
      });
    }

    test("has exactly these attributes; `*` and none mean all", async () => {
      for (const path of [`/read/${mbean}`, `/read/${mbean}/`, `/read/${mbean}/*`]) {
        const envelope = await rig.jolokia(path);
        expect(envelope.value).toEqual(attributes);
        expect(envelope.request).toEqual({ type: "read", mbean });
      }
    });
  });
}

describe("java.lang", () => {
  const NUMBERS = [
    "java.lang:type=Memory/HeapMemoryUsage/used",
    "java.lang:type=Memory/HeapMemoryUsage/committed",
    "java.lang:type=Memory/NonHeapMemoryUsage/used",
    "java.lang:type=OperatingSystem/SystemLoadAverage",
    "java.lang:type=OperatingSystem/FreePhysicalMemorySize",
    "java.lang:type=OperatingSystem/TotalPhysicalMemorySize",
    "java.lang:type=OperatingSystem/AvailableProcessors",
    "java.lang:type=Threading/ThreadCount",
  ];
  for (const path of NUMBERS) {
    test(path, async () => {
      const { value, status } = await rig.jolokia("/read/" + path);
      expect(status).toBe(200);
      expect(value).toBeNumber();
      expect(value).toBeGreaterThanOrEqual(0);
    });
  }

  test("more heap is committed than used", async () => {
    const { value } = await rig.jolokia("/read/java.lang:type=Memory/HeapMemoryUsage");
    expect(value.used).toBeGreaterThan(0);
    expect(value.committed).toBeGreaterThanOrEqual(value.used);
  });
});

describe("reading", () => {
  test("several attributes gives an object and echoes the list", async () => {
    const envelope = await rig.jolokia(`/read/${STATISTICS}/ErrorsCount,MessagesCount`);
    expect(envelope.value).toEqual({ ErrorsCount: 4, MessagesCount: 5_000_000_000 });
    expect(envelope.request).toEqual({
      type: "read",
      mbean: STATISTICS,
      attribute: ["ErrorsCount", "MessagesCount"],
    });
  });

  test("an inner path goes into lists by index and objects by key", async () => {
    const envelope = await rig.jolokia(`/read/${GATEWAY}/RayoNodes/1/hostname`);
    expect(envelope.value).toBe("node2.shakespeare.lit");
    expect(envelope.request.path).toBe("1/hostname");
    expect((await rig.jolokia(`/read/${GATEWAY}/Nodes/0/calls/1/callId`)).value).toBe("c3");
  });

  for (
    const mbean of [
      "com.rayo.gateway:name=Admin,Type=Admin",
      "com.rayo.gateway%3AType%3DAdmin%2Cname%3DAdmin",
      ADMIN,
    ]
  ) {
    test(`${mbean}: keys in any order, escaped or not`, async () => {
      const envelope = await rig.jolokia(`/read/${mbean}/ServerName`);
      expect(envelope).toMatchObject({ status: 200, value: "Rayo Gateway", request: { mbean: ADMIN } });
    });
  }

  test("a pattern gives objects by canonical name", async () => {
    const { value } = await rig.jolokia("/read/com.rayo.gateway:*");
    expect(Object.keys(value).sort()).toEqual([ADMIN, GATEWAY, STATISTICS].sort());
    expect(value[STATISTICS]).toEqual(VALUES[STATISTICS]!);
    const some = await rig.jolokia("/read/com.rayo.gateway:*/QuiesceMode,ErrorsCount");
    expect(some.value).toEqual({ [ADMIN]: { QuiesceMode: false }, [STATISTICS]: { ErrorsCount: 4 } });
  });

  test("applications without an appId are listed first (BUG 34)", async () => {
    const before = rig.gateway.applicationViews;
    // deno-lint-ignore no-explicit-any -- a store may hold what the types forbid
    rig.gateway.applicationViews = [...before, fakeApplication("old@example.net", { app_id: null as any })];
    try {
      const { value } = await rig.jolokia(`/read/${GATEWAY}/ClientApplications`);
      expect(value.map((application: { JID: string }) => application.JID)[0]).toBe("old@example.net");
      expect((await rig.jolokia(`/exec/${GATEWAY}/getClientApplication/z-juliet`)).value.JID).toBe(
        "juliet@capulet.lit",
      );
    } finally {
      rig.gateway.applicationViews = before;
    }
  });
});

test("uptime leaves out what is 0 and never shows 60 of anything or 24 hours (BUG 28)", () => {
  const cases: [number, string][] = [
    [0, ""],
    [0.9, ""],
    [59, "59s "],
    [60, "1m "],
    [3600, "1h "],
    [3661, "1h 1m 1s "],
    [86_399, "23h 59m 59s "],
    [86_400, "1d "],
    [60 * 3600, "2d 12h "],
    [93_784, "1d 2h 3m 4s "],
  ];
  for (const [seconds, text] of cases) expect(uptimeText(seconds)).toBe(text);
});

describe("every base, with and without a slash, never a redirect", () => {
  for (const base of ["/jmx", "/rayo/jmx", "/jolokia"]) {
    for (const path of ["", "/", "/version", "/version/", "//", "?p=/version", "/?p=version"]) {
      test(base + path, async () => {
        const response = await rig.get(base + path);
        expect(response.status).toBe(200);
        expect(response.redirected).toBe(false);
        expect(await response.json()).toEqual({
          request: { type: "version" },
          value: {
            agent: "1.1.1",
            protocol: "7.0",
            info: { product: "Rayo Gateway", vendor: "Rayo", version: "1.2.3" },
          },
          status: 200,
          timestamp: expect.any(Number),
        });
      });
    }
  }

  test("?p= stands for an empty path and is decoded once", async () => {
    const p = encodeURIComponent(`/read/${ADMIN}/ServerName`);
    expect((await rig.jolokia(`/?p=${p}`)).value).toBe("Rayo Gateway");
    expect((await rig.jolokia(`/version?p=${p}`)).request.type).toBe("version");
  });

  test("types are read in any case", async () => {
    expect((await rig.jolokia(`/READ/${ADMIN}/ServerName`)).request.type).toBe("read");
  });
});

test("headers: JSON, never cached, no CORS (§4.2, DC49)", async () => {
  const { headers } = await rig.get("/jmx/version");
  expect(headers.get("content-type")).toBe("application/json; charset=utf-8");
  expect(headers.get("cache-control")).toBe("no-cache");
  expect(headers.get("pragma")).toBe("no-cache");
  expect(Date.parse(headers.get("date")!) - Date.parse(headers.get("expires")!)).toBe(3_600_000);
  expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
});
