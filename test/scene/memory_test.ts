/** Every scene, played by the gateway in memory, behind servers of three kinds of manners. */
import { describe, test } from "bun:test";
import { startMemoryGateway } from "../support/memory_gateway.ts";
import { MemoryWorld } from "../support/memory_world.ts";
import { runScene } from "../support/scene.ts";
import { sceneFiles } from "../support/scene_files.ts";

const scenes = await sceneFiles();

describe.each(["plain", "prosody", "ejabberd"] as const)("a server of the kind %s", (manners) => {
  for (const scene of scenes) {
    test(`${scene.rows.join(", ")}: ${scene.title}`, () =>
      runScene(scene, new MemoryWorld(startMemoryGateway, manners)));
  }
});
