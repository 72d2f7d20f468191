/** REST over the settings (9.4). */

import { describe, expect, test } from "bun:test";
import { ask, expectProblem, startRig } from "../admin_rig.ts";

const API = "/api/v1";

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
