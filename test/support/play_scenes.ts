/**
 * Declares a test for each scene of test/scene, played on one real server; for test files of test/live.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { LiveServer } from "./live_server.ts";
import { LiveWorld } from "./live_world.ts";
import { whyNoLiveServers } from "./packages.ts";
import { runScene } from "./scene.ts";
import { sceneFiles } from "./scene_files.ts";
import { SceneFault } from "./scene_text.ts";

export interface Stage {
  name: string;
  startServer(): Promise<LiveServer>;
  /** Whether the server keeps the order between two parties (DC6). */
  ordered: boolean;
  /** Why a scene cannot be played here, by its title. */
  refusals?: Record<string, string>;
}

/** A server starts and eighty scenes follow; this bounds one of them. */
const SCENE_LIMIT_MS = 60_000;

export async function playScenes(stage: Stage): Promise<void> {
  const skip = whyNoLiveServers();
  if (skip !== "") console.error(`live tests skipped: ${skip}`);
  const scenes = await sceneFiles();
  const refusals = stage.refusals ?? {};

  describe.skipIf(skip !== "")(stage.name, () => {
    let server: LiveServer;
    beforeAll(async () => {
      server = await stage.startServer();
    }, SCENE_LIMIT_MS);
    afterAll(async () => {
      await server?.stop();
    });

    for (const scene of scenes) {
      const title = `${scene.rows.join(", ")}: ${scene.title}`;
      const refusal = refusals[scene.title];
      if (refusal !== undefined) {
        test.skip(`${title} (${refusal})`, () => {});
        continue;
      }
      test(title, async () => {
        const world = new LiveWorld(server, stage.ordered);
        try {
          await runScene(scene, world);
        } catch (fault) {
          if (!(fault instanceof SceneFault)) throw fault;
          throw new SceneFault(`${fault.message}\n  the gateway's last words:\n${world.log.slice(-2000)}`);
        }
        // Whatever the parties saw: a bug that was caught, or a stop in disorder, is none the less one.
        expect(world.log.split("\n").filter((line) => /\berror\b/i.test(line.slice(0, 40)))).toEqual([]);
      }, SCENE_LIMIT_MS);
    }

    test("every scene that is refused exists", () => {
      const titles = new Set(scenes.map((scene) => scene.title));
      expect(Object.keys(refusals).filter((title) => !titles.has(title))).toEqual([]);
    });
  });
}
