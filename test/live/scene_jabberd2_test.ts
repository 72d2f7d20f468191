/** Every scene through a real jabberd2: its router, session manager and client connector. */
import { startJabberd2, whyNoRunningJabberd2 } from "../support/jabberd2.ts";
import { sceneServerOptions } from "../support/live_world.ts";
import { playScenes } from "../support/play_scenes.ts";
import { SCENE_SECRET } from "../support/scene_config.ts";

/** What jabberd2 2.7.0 does not let through, or does not say, by the titles of scenes. */
const REFUSALS: Record<string, string> = {
  "a node that has gone without a word is passed over, by what its server says":
    "its router, without a server-to-server part, says nothing to a component about a domain that has gone",
  "so is a session": "jabberd2 answers it itself, whomever a user asks",
};

await playScenes({
  name: "scenes through jabberd2",
  startServer: () => startJabberd2(sceneServerOptions(false, SCENE_SECRET)),
  ordered: true,
  skip: await whyNoRunningJabberd2(),
  refusals: REFUSALS,
  secretOfNodes: SCENE_SECRET,
});
