/**
 * Declares a test for each scene of test/scene, played on one real server; for test files of test/live.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { LiveWorld, type Stage } from "./live_world.ts";
import { whyNoLiveServers } from "./packages.ts";
import { runScene } from "./scene.ts";
import { sceneFiles } from "./scene_files.ts";
import { parseScenes, SceneFault } from "./scene_text.ts";

/** What the gateway says when the server does not keep its domains apart. */
const MIXED_STREAMS = "arrive on the other domain's stream";

/** Scenes that must fail: what they say is not so. */
const WRONG = `
== DC8: another answer ==
juliet> <iq type='get' id='1' to='{external}'><ping xmlns='urn:xmpp:ping'/></iq>
juliet< <iq type='error' id='1' from='{external}'>...</iq>
== DC8: no answer ==
node1> <iq type='get' id='1' to='{internal}'><ping xmlns='urn:xmpp:ping'/></iq>
node1< nothing
== DC8: an answer that is not mentioned ==
juliet> <iq type='get' id='1' to='{external}'><ping xmlns='urn:xmpp:ping'/></iq>
`;

/** Far above what a scene or a server's start takes: it bounds one that hangs. */
const LIMIT_MS = 60_000;

export async function playScenes(stage: Stage): Promise<void> {
  const skip = stage.skip ?? whyNoLiveServers();
  if (skip !== "") console.error(`live tests skipped: ${skip}`);
  const scenes = await sceneFiles();
  const world = new LiveWorld(stage);
  let mixed = 0;

  describe.skipIf(skip !== "")(stage.name, () => {
    beforeAll(() => world.open(), LIMIT_MS);
    afterAll(() => world.close());

    for (const scene of scenes) {
      const title = `${scene.rows.join(", ")}: ${scene.title}`;
      const refusal = world.refuses(scene);
      if (refusal !== "") {
        test.skip(`${title} (${refusal})`, () => {});
        continue;
      }
      test(title, async () => {
        try {
          await runScene(scene, world);
        } catch (fault) {
          if (!(fault instanceof SceneFault)) throw fault;
          throw new SceneFault(`${fault.message}\n  the gateway's last words:\n${world.log.slice(-2000)}`);
        }
        if (world.log.includes(MIXED_STREAMS)) mixed++;
        // Whatever the parties saw: a bug that was caught, or a stop in disorder, is none the less one.
        expect(world.log.split("\n").filter((line) => / error /.test(line.slice(0, 40)))).toEqual([]);
        expect(world.log).toContain("stopped");
      }, LIMIT_MS);
    }

    test("the server keeps the gateway's domains apart, or does not, as it is told (DC6)", () => {
      expect(mixed > 0).toBe(!stage.ordered);
    });

    test.each(parseScenes("wrong.scene", WRONG).map((scene) => [scene.title, scene] as const))(
      "%s makes a scene fail",
      async (_, scene) => {
        await expect(runScene(scene, world)).rejects.toThrow(/instead of 'error'|also got/);
      },
      LIMIT_MS,
    );

    test("whatever is refused is a scene", () => {
      const titles = new Set(scenes.map((scene) => scene.title));
      expect(Object.keys(stage.refusals ?? {}).filter((title) => !titles.has(title))).toEqual([]);
    });
  });
}
