/** All scenes of test/scene, in the order of their files. */
import { parseScenes, type Pieces, type Scene } from "./scene_text.ts";

const FOLDER = new URL("../scene/", import.meta.url);
const FILES = [
  "pieces",
  "client_presence",
  "node_presence",
  "offer",
  "event",
  "command",
  "dial",
  "rewriting",
  "question",
  "message",
  "component",
  "mixer",
  "ownership",
];

export async function sceneFiles(): Promise<Scene[]> {
  const pieces: Pieces = new Map();
  const scenes: Scene[] = [];
  for (const name of FILES) {
    const file = `${name}.scene`;
    scenes.push(...parseScenes(`test/scene/${file}`, await Bun.file(new URL(file, FOLDER)).text(), pieces));
  }
  return scenes;
}
