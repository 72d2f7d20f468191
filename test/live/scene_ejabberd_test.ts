/** Every scene through a real ejabberd with one stream a domain (`global_routes: false`). */
import { EJABBERD_REFUSALS, sceneServerOptions } from "../support/live_world.ts";
import { playScenes } from "../support/play_scenes.ts";
import { startEjabberd } from "../support/ejabberd.ts";

await playScenes({
  name: "scenes through ejabberd",
  startServer: () => startEjabberd(sceneServerOptions()),
  ordered: true,
  refusals: EJABBERD_REFUSALS,
});
