/**
 * A Rig with a client that has a call and conferences it may join: what the tests of mixers say again and again.
 */
import { attr, type El, elements } from "../support/xml.ts";
import { EXTERNAL, JULIET, NODE1, Rig, type RigOptions, SELF } from "./rig.ts";

export const ORCHARD = "juliet@capulet.test/orchard";
export const ROMEO = "romeo@montague.test/garden";

/** Juliet controls c1 at node1. */
export function started(options: RigOptions = {}): Rig {
  const rig = new Rig(options).ready();
  own(rig, "c1");
  return rig;
}

/** The client that is next in turn gets the call and answers it. */
export function own(rig: Rig, id: string, to = "sip:juliet@example.com", node = NODE1): void {
  rig.offer(`${id}@${node}`, to);
  const who = attr(rig.toClients().find((s) => attr(s, "from") === `${id}@${EXTERNAL}`)!, "to");
  rig.command(`a-${id}`, id, "answer", who);
  rig.result(attr(rig.toNodes().at(-1)!, "id"), `${id}@${node}`);
  rig.raw("external");
}

/** Asks for the join; its stanza towards the node. */
export function ask(rig: Rig, call: string, name: string, from = JULIET): El | undefined {
  rig.client(
    `<iq type='set' id='j' from='${from}' to='${call}@${EXTERNAL}'>` +
      `<join xmlns='urn:xmpp:rayo:1' mixer-name="${name}"/></iq>`,
  );
  return rig.toNodes()[0];
}

export const nameOf = (asked: El | undefined) => attr(elements(asked!)[0]!, "mixer-name");

/** The call is in the mixer; its name at the node. */
export function join(rig: Rig, call: string, name: string, from = JULIET): string {
  const asked = ask(rig, call, name, from);
  const m = nameOf(asked);
  rig.result(
    attr(asked!, "id"),
    `${call}@${NODE1}`,
    `<ref xmlns='urn:xmpp:rayo:1' uri='xmpp:${m}@${NODE1}'/>`,
  );
  rig.raw("external");
  return m;
}

export function say(rig: Rig, from: string, inside: string, type = ""): void {
  const typed = type === "" ? "" : ` type='${type}'`;
  rig.node(`<presence from='${from}@${NODE1}'${typed} to='${SELF}'>${inside}</presence>`);
}

export const speaking = (call: string) =>
  `<started-speaking xmlns='urn:xmpp:rayo:1' call-uri='xmpp:${call}@${NODE1}'/>`;
export const unjoined = (m: string) => `<unjoined xmlns='urn:xmpp:rayo:1' mixer-name='${m}'/>`;
export const heard = (rig: Rig) => rig.toClients().map((s) => `${attr(s, "to")} ${attr(s, "from")}`);

export function output(rig: Rig): string {
  rig.client(
    `<iq type='set' id='o' from='${JULIET}' to='m@${EXTERNAL}'><output xmlns='urn:xmpp:rayo:output:1'/></iq>`,
  );
  return attr(rig.toNodes()[0]!, "id");
}

export function complete(rig: Rig, m: string, id: string): void {
  rig.node(
    `<presence from='${m}@${NODE1}/${id}' to='${SELF}'><complete xmlns='urn:xmpp:rayo:ext:1'/></presence>`,
  );
}
