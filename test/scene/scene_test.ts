/**
 * The scenes are readable and whole: every stanza is well-formed, every name that is used was caught before, every
 * row that scenes can show has one. Played they are where there is a gateway: in memory and through real servers.
 */
import { expect, test } from "bun:test";
import { PARTIES } from "../support/scene.ts";
import { sceneFiles } from "../support/scene_files.ts";
import type { Scene } from "../support/scene_text.ts";
import { parseXml } from "../support/xml.ts";

const scenes = await sceneFiles();

/** Rows of the specification that are to be seen in a scene. */
const ROWS = [
  "PC1 PC2 PC3 PC4 PC5 PC6 PC7 PC8 PC11 PC12 PC13",
  "PN1 PN2 PN4 PN5 PN6 PN7 PN8 PN10 PN11",
  "§2.4 OF2 OF3 OF4 OF5 OF6 OF7 OF8",
  "PX2 PX3 PX4 PX7 PX8 PX9 PX12",
  "IC1 IC3 IC4 IC5 IC6 IC7 IC8 IC9 IC13",
  "DL1 DL2 DL3 DL4 DL5 DL6 DL7 DL8 DL9 DL10 DL11 DL12 DL13",
  "RW1 RW2 RW3 RW4 RW5 RW7 RW8 RW9 RW10",
  "IR1 IR4 IR5 I1 I2 I4 I6 II1 II2 II3 II4",
  "DC18 DC19 DC20 DC21 DC22 DC23 DC24 DC25 DC26",
].join(" ").split(" ");

test("every row that belongs into a scene has one", () => {
  const shown = new Set(scenes.flatMap((scene) => scene.rows));
  expect(ROWS.filter((row) => !shown.has(row))).toEqual([]);
});

test("no two scenes have the same title", () => {
  const titles = scenes.map((scene) => `${scene.rows.join()}: ${scene.title}`);
  expect(titles.filter((title, i) => titles.indexOf(title) !== i)).toEqual([]);
});

test.each(scenes.map((scene) => [`${scene.rows.join(", ")}: ${scene.title}`, scene] as const))(
  "%s",
  (_, scene) => {
    expect(faults(scene)).toEqual([]);
  },
);

function faults(scene: Scene): string[] {
  const found: string[] = [];
  const caught = new Set(["external", "internal", "gw"]);
  const names = new Set(PARTIES.map((party) => party.name));
  if (scene.steps.length === 0) found.push(`${scene.file}:${scene.line} nothing happens`);
  const ends = ["expect", "among", "nothing"];
  if (!scene.steps.some((step) => ends.includes(step.kind))) {
    found.push(`${scene.file}:${scene.line} expects nothing`);
  }
  for (const step of scene.steps) {
    if ("party" in step && !names.has(step.party)) {
      found.push(`${scene.file}:${step.line} who is ${step.party}?`);
    }
    if (!("xml" in step)) continue;
    try {
      const stanza = parseXml(step.xml);
      if (!["iq", "presence", "message"].includes(stanza.name)) {
        found.push(`${scene.file}:${step.line} no stanza`);
      }
    } catch (error) {
      found.push(`${scene.file}:${step.line} ${error}`);
    }
    for (const [, name = ""] of step.xml.matchAll(/\{(\w+)\}/g)) {
      if (step.kind === "send" && !caught.has(name)) {
        found.push(`${scene.file}:${step.line} nothing was caught as ${name}`);
      }
      caught.add(name);
    }
  }
  return found;
}
