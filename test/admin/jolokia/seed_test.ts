/** The four commands of the wiki page "Clustering", word for word but for the port. */

import { expect, test } from "bun:test";
import { rawRequest, startRig } from "../admin_rig.ts";

const JID = "voxeolabs@xmpp-ext.qa.voxeolabs.net";
const BASE = "/rayo/jmx/exec/com.rayo.gateway:Type=Admin,name=Admin";
const COMMANDS: [path: string, act: unknown[]][] = [
  [
    `${BASE}/registerApplication/staging/voxeolabs/${JID}`,
    ["registerApplication", { platform: "staging", name: "voxeolabs", jid: JID, permissions: "" }],
  ],
  [`${BASE}/registerAddress/${JID}/sip:usera@node-ext.qa.voxeolabs.net`, [
    "registerAddress",
    JID,
    "sip:usera@node-ext.qa.voxeolabs.net",
  ]],
  [`${BASE}/unregisterAddress/sip:usera@node-ext.qa.voxeolabs.net`, [
    "unregisterAddress",
    "sip:usera@node-ext.qa.voxeolabs.net",
  ]],
  [`${BASE}/unregisterApplication/${JID}`, ["unregisterApplication", JID]],
];

test("over a bare socket", async () => {
  await using rig = startRig();
  for (const [path] of COMMANDS) {
    const answer = await rawRequest(rig.server.port, `GET ${path}`, `Host: localhost:${rig.server.port}`);
    expect(answer).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")))).toMatchObject({ status: 200, value: null });
  }
  expect(rig.gateway.acts).toEqual(COMMANDS.map(([, act]) => act));
});

test.skipIf(Bun.which("curl") === null)("with curl", async () => {
  await using rig = startRig();
  for (const [path] of COMMANDS) {
    const curl = Bun.spawn([
      "curl",
      "--silent",
      "--noproxy",
      "*",
      `http://localhost:${rig.server.port}${path}`,
    ], {
      stdin: "ignore",
      stderr: "ignore",
    });
    expect(JSON.parse(await curl.stdout.text())).toMatchObject({ status: 200, value: null });
    expect(await curl.exited).toBe(0);
  }
  expect(rig.gateway.acts).toEqual(COMMANDS.map(([, act]) => act));
});
