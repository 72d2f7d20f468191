/** Every scene through a real Prosody, with the built gateway between ordinary users and component nodes. */
import { sceneServerOptions } from "../support/live_world.ts";
import { playScenes } from "../support/play_scenes.ts";
import { startProsody } from "../support/prosody.ts";

await playScenes({
  name: "scenes through Prosody",
  startServer: () => startProsody(sceneServerOptions()),
  ordered: true,
});
