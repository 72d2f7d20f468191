/** The demo shows a stanza's addresses on both sides: it must not mix stanzas up. */
import { expect, test } from "bun:test";
import { Puppet } from "../support/peer.ts";
import { parseXml } from "../support/xml.ts";
import { Crossings, overheard } from "./crossing.ts";

const RAYO = "xmlns='urn:xmpp:rayo:1'";

function pair() {
  const crossings = new Crossings();
  const node = overheard(new Puppet(), "node", crossings);
  const client = overheard(new Puppet(), "client", crossings);
  node.send = () => {};
  client.send = () => {};
  return { crossings, node, client };
}

test("an event and a command are matched by call id, with the addresses of both sides", () => {
  const { crossings, node, client } = pair();
  node.send(`<presence from='c1@node1.test' to='gw.test/gateway'><ringing ${RAYO}/></presence>`);
  node.send(`<presence from='c2@node1.test' to='gw.test/gateway'><ringing ${RAYO}/></presence>`);
  client.receive(parseXml(`<presence from='c2@rayo.test' to='app@x.test/one'><ringing ${RAYO}/></presence>`));
  client.send(`<iq type='set' id='1' from='app@x.test/one' to='c2@rayo.test'><hangup ${RAYO}/></iq>`);
  node.receive(
    parseXml(`<iq type='set' id='9' from='gw.test/gateway' to='c2@node1.test'><hangup ${RAYO}/></iq>`),
  );
  expect(crossings.last.map(({ name, entered, left }) => ({ name, entered, left }))).toEqual([
    {
      name: "ringing",
      entered: { from: "c2@node1.test", to: "gw.test/gateway" },
      left: { from: "c2@rayo.test", to: "app@x.test/one" },
    },
    {
      name: "hangup",
      entered: { from: "app@x.test/one", to: "c2@rayo.test" },
      left: { from: "gw.test/gateway", to: "c2@node1.test" },
    },
  ]);
  expect(crossings.total).toBe(2);
  expect(crossings.stanzas).toBe(5);
  expect(crossings.quantile(0.5)).toBeGreaterThanOrEqual(0);
});

test("a dial is matched before it has an id, a component's event by its resource too", () => {
  const { crossings, node, client } = pair();
  client.send(`<iq type='set' id='1' to='rayo.test'><dial ${RAYO} to='tel:1' from='tel:2'/></iq>`);
  node.receive(
    parseXml(`<iq type='set' id='9' from='gw.test/gateway' to='node1.test'><dial ${RAYO} to='tel:1'/></iq>`),
  );
  node.send(
    `<presence from='c1@node1.test/output-1' to='gw.test/g' type='unavailable'><complete xmlns='urn:xmpp:rayo:ext:1'/></presence>`,
  );
  client.receive(
    parseXml(
      `<presence from='c1@rayo.test/output-2' to='a@x.test/1' type='unavailable'><complete xmlns='urn:xmpp:rayo:ext:1'/></presence>`,
    ),
  );
  client.receive(
    parseXml(
      `<presence from='c1@rayo.test/output-1' to='a@x.test/1' type='unavailable'><complete xmlns='urn:xmpp:rayo:ext:1'/></presence>`,
    ),
  );
  expect(crossings.last.map(({ name }) => name)).toEqual(["dial", "complete"]);
});

test("an error that a party reads is shown with its condition", () => {
  const { crossings, client } = pair();
  client.receive(parseXml(
    `<iq type='error' id='1' from='rayo.test' to='a@x.test/1'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
  ));
  expect(crossings.errors).toEqual(["service-unavailable for a client: iq from rayo.test to a@x.test/1"]);
  expect(crossings.errorTotal).toBe(1);
});
