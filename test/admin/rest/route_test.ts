/** Every way for REST to refuse: no such path, item, method, body (DC47). */

import { describe, expect, test } from "bun:test";
import { ActFault } from "../../../src/admin/gateway.ts";
import { ask, expectProblem, startRig } from "../admin_rig.ts";

const API = "/api/v1";
const JULIET = API + "/applications/juliet%40capulet.lit";

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
