/**
 * RW10: prefixes that are declared on the server's stream header alone, through the whole gateway. Its own streams
 * have other headers, so that what it passes on has to stand alone.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { LogEntry } from "../support/fake_server.ts";
import { startMemoryGateway } from "../support/memory_gateway.ts";
import { MemoryWorld, SCENE_FACTS } from "../support/memory_world.ts";
import { Puppet } from "../support/peer.ts";
import { PARTIES } from "../support/scene.ts";
import { parseXml, sameXml } from "../support/xml.ts";

const { external, internal, gw } = SCENE_FACTS;
const RAYO = "urn:xmpp:rayo:1";
const ADDRESS = "sip:juliet@example.com";
const JULIET = "juliet@capulet.test/balcony";

const world = new MemoryWorld((given, place) => {
  place.server.streamDeclarations =
    ` xmlns:r='${RAYO}' xmlns:h="urn:example" xmlns:unused='urn:example:unused'`;
  return startMemoryGateway(given, place);
});
const juliet = new Puppet();
const node1 = new Puppet();

beforeEach(async () => {
  juliet.received.length = node1.received.length = 0;
  const application = { name: "j", platform: "default", permissions: "", addresses: [ADDRESS] };
  await world.start({
    applications: [{ jid: "juliet@capulet.test", ...application }],
    nodes: [],
    trusted: ["node1.test"],
    options: {},
  });
  await world.attach(PARTIES.find(({ name }) => name === "juliet")!, juliet);
  await world.attach(PARTIES.find(({ name }) => name === "node1")!, node1);
  node1.send(`<presence from='node1.test' to='${internal}'><show>chat</show></presence>`);
  juliet.send(`<presence to='${external}'><show>chat</show></presence>`);
  await world.settle();
});
afterEach(() => world.stop());

/** To the gateway, byte for byte: this server does not declare again what its header did. Gives what came of it. */
async function deliver(xml: string, domain: string): Promise<LogEntry[]> {
  const { server } = world.place;
  const before = server.log.length;
  // What a prefix means stands in the header, so the stanza alone has no tree; the stream takes its text.
  server.seatsOf(domain)[0]!.deliver(xml, parseXml("<iq/>"));
  await world.settle();
  return server.log.slice(before);
}

/** One stanza came of it, and means the same; a prefix that nobody declared would have ended the stream. */
function expectOne(came: LogEntry[], expected: string): void {
  expect(came.map(({ xml }) => xml)).toHaveLength(1);
  const { xml } = came[0]!;
  expect({ xml, same: sameXml(expected, xml) }).toEqual({ xml, same: true });
}

async function offered(): Promise<LogEntry[]> {
  return await deliver(
    `<presence from='c1@node1.test' to='${gw}'><r:offer to='${ADDRESS}' from='sip:a@b'>` +
      `<r:header name='X' value='1'/><h:x/></r:offer></presence>`,
    internal,
  );
}

test("an offer is seen as one, and its client can read it", async () => {
  expectOne(
    await offered(),
    `<presence from='c1@${external}' to='${JULIET}'><offer xmlns='${RAYO}' to='${ADDRESS}' from='sip:a@b'>` +
      `<header name='X' value='1'/><x xmlns='urn:example'/></offer></presence>`,
  );
});

test("a command, its answer and an event; a declaration of the stanza's own is no obstacle", async () => {
  await offered();
  const asked = await deliver(
    `<iq type='set' id='1' from='${JULIET}' to='c1@${external}'><r:join call-uri='xmpp:c1@${external}'/></iq>`,
    external,
  );
  const { id } = parseXml(asked[0]!.xml).attrs;
  expectOne(
    asked,
    `<iq type='set' id='${id}' from='${gw}' to='c1@node1.test'>` +
      `<join xmlns='${RAYO}' call-uri='xmpp:c1@node1.test'/></iq>`,
  );
  expectOne(
    await deliver(
      `<iq type='result' id='${id}' from='c1@node1.test' to='${gw}'>` +
        `<r:ref xmlns:r='${RAYO}' uri='xmpp:c1@node1.test/o-1'/></iq>`,
      internal,
    ),
    `<iq type='result' id='1' from='c1@${external}' to='${JULIET}'>` +
      `<ref xmlns='${RAYO}' uri='xmpp:c1@${external}/o-1'/></iq>`,
  );
  expectOne(
    await deliver(
      `<presence type='unavailable' from='c1@node1.test' to='${gw}'><r:end><r:hangup/></r:end></presence>`,
      internal,
    ),
    `<presence type='unavailable' from='c1@${external}' to='${JULIET}'>` +
      `<end xmlns='${RAYO}'><hangup/></end></presence>`,
  );
});

test("a dial with its nested element, and the ref to it", async () => {
  const asked = await deliver(
    `<iq type='set' id='d' from='${JULIET}' to='${external}'><r:dial to='sip:a@b' uri='xmpp:d1@${external}'>` +
      `<r:header name='X' value='1'/></r:dial></iq>`,
    external,
  );
  const { id } = parseXml(asked[0]!.xml).attrs;
  expectOne(
    asked,
    `<iq type='set' id='${id}' from='${gw}' to='node1.test'><dial xmlns='${RAYO}' to='sip:a@b' ` +
      `uri='xmpp:d1@node1.test'><header name='X' value='1'/></dial></iq>`,
  );
  expectOne(
    await deliver(
      `<iq type='result' id='${id}' from='node1.test' to='${gw}'><r:ref id='d1'/></iq>`,
      internal,
    ),
    `<iq type='result' id='d' from='${external}' to='${JULIET}'>` +
      `<ref xmlns='${RAYO}' id='d1' uri='xmpp:d1@${external}'/></iq>`,
  );
});

test("a refusal that repeats its request can be read, too", async () => {
  expectOne(
    await deliver(
      `<iq type='set' id='1' from='${JULIET}' to='nosuch@${external}'><r:hangup/></iq>`,
      external,
    ),
    `<iq type='error' id='1' from='nosuch@${external}' to='${JULIET}'><hangup xmlns='${RAYO}'/>` +
      `<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>` +
      `<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>Could not find rayo node for id [nosuch]</text></error></iq>`,
  );
});
