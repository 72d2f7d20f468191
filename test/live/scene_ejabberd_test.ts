/** Every scene through a real ejabberd with one stream a domain (`global_routes: false`). */
import { startEjabberd } from "../support/ejabberd.ts";
import { sceneServerOptions } from "../support/live_world.ts";
import { playScenes } from "../support/play_scenes.ts";

await playScenes({
  name: "scenes through ejabberd",
  startServer: () => startEjabberd(sceneServerOptions()),
  ordered: true,
});
