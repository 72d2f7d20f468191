/** The server as such: health, front page, bounds, defects, and its end. */

import { describe, expect, test } from "bun:test";
import { rawRequest, sendRaw, startRig } from "./admin_rig.ts";

describe("health", () => {
  test("/livez says that the process runs", async () => {
    await using rig = startRig();
    rig.gateway.reasonsUnready = ["the store cannot be written"];
    const response = await rig.get("/livez");
    expect([response.status, await response.json()]).toEqual([200, { status: "alive" }]);
  });

  test("/readyz is 503 with the reasons", async () => {
    await using rig = startRig();
    const ready = await rig.get("/readyz");
    expect([ready.status, await ready.json()]).toEqual([200, { status: "ready", reasons: [] }]);
    rig.gateway.reasonsUnready = ["the external link is down", "the store cannot be written"];
    const unready = await rig.get("/readyz");
    expect(unready.status).toBe(503);
    expect(unready.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(await unready.json()).toEqual({ status: "unready", reasons: rig.gateway.reasonsUnready });
    expect((await rig.get("/readyz", { method: "HEAD" })).status).toBe(503);
  });
});

test("/ names the addresses to try, and each of them answers", async () => {
  await using rig = startRig();
  const text = await (await rig.get("/")).text();
  const paths = [...text.matchAll(/(?<!\S)\/[^\s:]+\S*/g)].map(([path]) => path.replace(/:$/, "")).filter((
    path,
  ) => path.length > 1);
  expect(paths).toContain("/api/v1/status");
  expect(paths).toContain("/rayo/jmx/read/com.rayo.gateway:Type=Admin,name=Admin");
  for (const path of paths) expect([path, (await rig.get(path)).status]).toEqual([path, 200]);
});

describe("bounds", () => {
  test("a long URL is 414, long headers are 431", async () => {
    await using rig = startRig();
    const long = await rawRequest(rig.server.port, `GET /jmx/${"a".repeat(9000)}`);
    expect(long).toStartWith("HTTP/1.1 414 ");
    expect(long).toContain("application/problem+json");
    expect(await rawRequest(rig.server.port, "GET /livez", `X-Long: ${"a".repeat(20_000)}`)).toStartWith(
      "HTTP/1.1 431 ",
    );
    expect((await rig.get("/livez")).status).toBe(200);
  });

  const HEAD = "POST /api/v1/applications HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

  test("a body over 1 MiB is 413, announced or not, read or not", async () => {
    await using rig = startRig();
    const announced = await sendRaw(rig.server.port, HEAD + "Content-Length: 1048577\r\n\r\n{");
    expect(announced).toStartWith("HTTP/1.1 413 ");
    expect(announced).toContain("application/problem+json");
    const piece = "10000\r\n" + " ".repeat(0x10000) + "\r\n";
    const chunked = await sendRaw(
      rig.server.port,
      HEAD + "Transfer-Encoding: chunked\r\n\r\n",
      ...Array<string>(17).fill(piece),
    );
    expect(chunked).toStartWith("HTTP/1.1 413 ");
    const elsewhere = await sendRaw(
      rig.server.port,
      "GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n",
    );
    expect(elsewhere).toStartWith("HTTP/1.1 413 ");
    expect(rig.gateway.acts).toEqual([]);
  });

  test("a body of exactly 1 MiB is read", async () => {
    await using rig = startRig();
    const body = '{"jid":"a@b","platform":"p"}'.padEnd(1024 * 1024);
    const response = await rig.get("/api/v1/applications", {
      method: "POST",
      body,
      headers: { "Content-Type": "application/json" },
    });
    expect(response.status).toBe(201);
  });

  test("a body that nobody reads ends the connection instead of being taken for a request", async () => {
    await using rig = startRig();
    const smuggled =
      "GET /jmx/exec/com.rayo.gateway:Type=Admin,name=Admin/enableQuiesce HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const answer = await sendRaw(
      rig.server.port,
      `POST /api/v1/applications/juliet%40capulet.lit/ban HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    );
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(rig.gateway.acts).toEqual([["ban", "juliet@capulet.lit"]]);
  });

  test("what is no HTTP is refused, and the next one served", async () => {
    await using rig = startRig();
    for (
      const bytes of [
        "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /livez HTTP/1.1\r\n\r\n",
      ]
    ) {
      expect(await sendRaw(rig.server.port, bytes)).not.toContain(" 200 ");
    }
    expect((await rig.get("/livez")).status).toBe(200);
  });
});

describe("defects", () => {
  test("an exception in a route is a 500 problem and a line, and tells nothing", async () => {
    await using rig = startRig();
    rig.gateway.failNext = new TypeError("oops at line 7");
    const response = await rig.get("/api/v1/status");
    expect(response.status).toBe(500);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ status: 500, title: "Internal Server Error" });
    expect(text).not.toContain("oops");
    expect(rig.lines.filter((line) => line.includes("error") && line.includes("oops"))).toHaveLength(1);
    expect((await rig.get("/api/v1/status")).status).toBe(200);
  });
});

describe("stop", () => {
  test("is not held up by who sent half a request, or keeps a connection open", async () => {
    const rig = startRig();
    const HALVES = [
      "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET /liv",
      "POST /api/v1/applications HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
    ];
    const closed = HALVES.map((bytes) => sendRaw(rig.server.port, bytes));
    // An answer to a request of our own, sent after them, shows that the server has seen them.
    await (await rig.get("/livez")).text();
    await rig.server.stop();
    await Promise.all(closed);
    expect(rig.lines.filter((line) => line.includes(" error "))).toEqual([]);
    expect(fetch(rig.url + "/livez")).rejects.toThrow();
  });

  test("lets an act that was begun be answered", async () => {
    const rig = startRig();
    const { promise: began, resolve: begin } = Promise.withResolvers<void>();
    const { promise: durable, resolve: finish } = Promise.withResolvers<void>();
    rig.gateway.ban = () => {
      begin();
      return durable;
    };
    const answer = rig.jolokia("/exec/com.rayo.gateway:Type=Admin,name=Admin/ban/juliet@capulet.lit");
    await began;
    const stopping = rig.server.stop();
    finish();
    expect(await answer).toMatchObject({ status: 200, value: null });
    await stopping;
  });

  test("twice is once", async () => {
    const rig = startRig();
    expect(rig.server.stop()).toBe(rig.server.stop());
    await rig.server.stop();
  });
});

test("IPv6 loopback works where there is one", async () => {
  const started = (() => {
    try {
      return startRig({ listen: "[::1]:0" });
    } catch {
      return null; // A machine without IPv6.
    }
  })();
  if (started === null) return;
  await using rig = started;
  expect((await fetch(`http://[::1]:${rig.server.port}/livez`)).status).toBe(200);
});
