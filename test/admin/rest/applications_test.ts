/** REST over applications and addresses (9.4): what makes, changes and refuses them. */

import { describe, expect, test } from "bun:test";
import { ask, expectProblem, startRig } from "../admin_rig.ts";

const API = "/api/v1";
const JULIET = API + "/applications/juliet%40capulet.lit";

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
