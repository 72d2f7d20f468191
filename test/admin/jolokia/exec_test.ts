/** Every operation of §4.1 through HTTP, and what each does to the gateway. */

import { describe, expect, test } from "bun:test";
import { startRig } from "../admin_rig.ts";

const GATEWAY = "com.rayo.gateway:Type=Gateway";
const ADMIN = "com.rayo.gateway:Type=Admin,name=Admin";

const node2 = {
  hostname: "node2.shakespeare.lit",
  ipAddress: null,
  platforms: ["staging"],
  priority: 1,
  weight: 10,
  consecutiveErrors: 5,
  blacklisted: true,
  calls: [{ callId: "c2", clientJid: "juliet@capulet.lit/balcony", rayoNode: "node2.shakespeare.lit" }],
};

describe(GATEWAY, () => {
  const TELLS: [operation: string, argument: string, value: unknown][] = [
    [
      "getClientApplication",
      "a-romeo",
      expect.objectContaining({ JID: "romeo@montague.lit", appId: "a-romeo" }),
    ],
    ["getClientApplication", "nobody", null],
    ["getResourcesForAppId", "z-juliet", ["balcony", "chamber"]],
    ["getResourcesForAppId", "nobody", null],
    ["getResourcesForJid", "juliet@capulet.lit", ["balcony", "chamber"]],
    ["getResourcesForJid", "nobody@example.net", []],
    ["getAddressesForAppId", "z-juliet", ["sip:juliet@capulet.lit", "tel:+15550100"]],
    ["getAddressesForAppId", "nobody", null],
    ["getAddressesForJid", "juliet@capulet.lit", ["sip:juliet@capulet.lit", "tel:+15550100"]],
    ["getAddressesForJid", "nobody@example.net", []],
    ["getRayoNodes", "production", [expect.objectContaining({ hostname: "node1.shakespeare.lit" })]],
    ["getRayoNodes", "staging", [expect.objectContaining({ hostname: "node1.shakespeare.lit" }), node2]],
    ["getRayoNodes", "nowhere", []],
    ["callInfo", "c2", {
      callId: "c2",
      clientJid: "juliet@capulet.lit/balcony",
      rayoNode: "node2.shakespeare.lit",
    }],
    // The original failed with 500 (BUG 24).
    ["callInfo", "nocall", null],
    ["mixerInfo", "ball", {
      activeVerbs: 1,
      name: "ball",
      participants: ["c1", "c3"],
      rayoNode: "node1.shakespeare.lit",
    }],
    ["mixerInfo", "nomixer", null],
    ["activeVerbs", "ball", [{ appId: "juliet@capulet.lit/balcony", mixerName: "ball", verbId: "v1" }]],
    ["activeVerbs", "nomixer", []],
  ];
  for (const [operation, argument, value] of TELLS) {
    test(`${operation}/${argument}`, async () => {
      await using rig = startRig();
      expect(await rig.jolokia(`/exec/${GATEWAY}/${operation}/${argument}`, "/rayo/jmx")).toEqual({
        request: { type: "exec", mbean: GATEWAY, operation, arguments: [argument] },
        value,
        status: 200,
        timestamp: expect.any(Number),
      });
      expect(rig.gateway.acts).toEqual([]);
    });
  }
});

describe(ADMIN, () => {
  const row = { platform: "staging", name: "voxeolabs", jid: "voxeolabs@example.net", permissions: "" };
  const DOES: [path: string, acts: unknown[][]][] = [
    ["enableQuiesce", [["quiesce", true]]],
    ["enableQuiesce()", [["quiesce", true]]],
    ["disableQuiesce", [["quiesce", false]]],
    ["setLogLevel/com.rayo/DEBUG", [["setLogLevel", "debug"]]],
    ["setLogLevel/com.rayo/info", [["setLogLevel", "info"]]],
    ["setLogLevel/com.voxeo/Warn", [["setLogLevel", "warn"]]],
    ["setLogLevel/com.rayo.server/error", [["setLogLevel", "error"]]],
    // The log knows nothing worse than error.
    ["setLogLevel/com.rayo/fatal", [["setLogLevel", "error"]]],
    ["blacklist/staging/node1.shakespeare.lit/true", [[
      "blacklist",
      "staging",
      "node1.shakespeare.lit",
      true,
    ]]],
    ["blacklist/staging/node1.shakespeare.lit/TRUE", [[
      "blacklist",
      "staging",
      "node1.shakespeare.lit",
      true,
    ]]],
    // Boolean.parseBoolean: everything else is false.
    ["blacklist/staging/node2.shakespeare.lit/false", [[
      "blacklist",
      "staging",
      "node2.shakespeare.lit",
      false,
    ]]],
    ["blacklist/staging/node2.shakespeare.lit/yes", [[
      "blacklist",
      "staging",
      "node2.shakespeare.lit",
      false,
    ]]],
    ["maxDialRetries/5", [["setDialAttemptsMax", 5]]],
    ["maxDialRetries/+7", [["setDialAttemptsMax", 7]]],
    ["maxDialRetries(java.lang.String)/2", [["setDialAttemptsMax", 2]]],
    ["ban/juliet@capulet.lit", [["ban", "juliet@capulet.lit"]]],
    ["unban/nobody@example.net", [["unban", "nobody@example.net"]]],
    ["removeNode/node1.shakespeare.lit", [["removeNode", "node1.shakespeare.lit"]]],
    ["registerApplication/staging/voxeolabs/voxeolabs@example.net", [["registerApplication", row]]],
    ["unregisterApplication/romeo@montague.lit", [["unregisterApplication", "romeo@montague.lit"]]],
    ["registerAddress/romeo@montague.lit/sip:r@montague.lit", [[
      "registerAddress",
      "romeo@montague.lit",
      "sip:r@montague.lit",
    ]]],
    // A slash in an argument.
    ["registerAddress/romeo@montague.lit/a!/b!!c", [["registerAddress", "romeo@montague.lit", "a/b!c"]]],
    ["registerAddress/romeo%40montague.lit/tel%3A%2B1555", [[
      "registerAddress",
      "romeo@montague.lit",
      "tel:+1555",
    ]]],
    ["registerAddress/romeo@montague.lit/tel:+1555", [[
      "registerAddress",
      "romeo@montague.lit",
      "tel:+1555",
    ]]],
    ["unregisterAddress/tel:+15550100", [["unregisterAddress", "tel:+15550100"]]],
    // Unknown: success, nothing.
    ["unregisterAddress/sip:nobody@example.net", [["unregisterAddress", "sip:nobody@example.net"]]],
  ];
  for (const [path, acts] of DOES) {
    test(path, async () => {
      await using rig = startRig();
      const envelope = await rig.jolokia(`/exec/${ADMIN}/${path}`);
      expect(envelope).toMatchObject({
        status: 200,
        request: { type: "exec", mbean: ADMIN, operation: path.split("/")[0] },
      });
      expect(envelope.value).toBeNull();
      expect(rig.gateway.acts).toEqual(acts);
      // One line says who did it.
      expect(rig.lines.filter((line) => line.includes("by=loopback"))).toHaveLength(1);
    });
  }

  test("without arguments the echo has none", async () => {
    await using rig = startRig();
    const { request } = await rig.jolokia(`/exec/${ADMIN}/enableQuiesce`);
    expect(request).toEqual({ type: "exec", mbean: ADMIN, operation: "enableQuiesce" });
  });

  test("quiesce shows in QuiesceMode", async () => {
    await using rig = startRig();
    await rig.jolokia(`/exec/${ADMIN}/enableQuiesce`);
    expect((await rig.jolokia(`/read/${ADMIN}/QuiesceMode`)).value).toBe(true);
    await rig.jolokia(`/exec/${ADMIN}/disableQuiesce`);
    expect((await rig.jolokia(`/read/${ADMIN}/QuiesceMode`)).value).toBe(false);
  });

  test("[null] and an empty text reach the operation as such", async () => {
    await using rig = startRig();
    const nothing = await rig.jolokia(`/exec/${ADMIN}/maxDialRetries/[null]`);
    expect(nothing).toMatchObject({
      status: 400,
      error: "java.lang.NumberFormatException : null",
      request: { arguments: [null] },
    });
    const empty = await rig.jolokia(`/exec/${ADMIN}/maxDialRetries/%22%22`);
    expect(empty.error).toBe('java.lang.NumberFormatException : For input string: ""');
    expect(empty.request.arguments).toEqual([""]);
    expect(rig.gateway.acts).toEqual([]);
  });
});
