/**
 * Every scene through a real ejabberd as it is by default (`global_routes: true`): each of the gateway's streams gets
 * stanzas for both of its domains, so they are routed by `to` (DC6). Order is not promised; the scenes wait between
 * their steps.
 */
import { startEjabberd } from "../support/ejabberd.ts";
import { EJABBERD_REFUSALS, sceneServerOptions } from "../support/live_world.ts";
import { playScenes } from "../support/play_scenes.ts";

await playScenes({
  name: "scenes through ejabberd with global_routes",
  startServer: () => startEjabberd(sceneServerOptions(true)),
  ordered: false,
  refusals: EJABBERD_REFUSALS,
});
