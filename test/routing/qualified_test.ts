/**
 * Stanzas in a client's namespace on a component's stream, as jabberd2's router hands them out: the same as any other.
 */
import { expect, test } from "bun:test";
import { attr, elements } from "../support/xml.ts";
import { EXTERNAL, JULIET, NODE1, Rig, SELF } from "./rig.ts";

const C = "xmlns='jabber:client'";

test("COMPAT(jabberd2): a call from offer to end, a message, a dial that fails twice", () => {
  const rig = new Rig();
  rig.application("juliet@capulet.test", "sip:juliet@example.com");
  rig.client(`<presence ${C} from='${JULIET}' to='${EXTERNAL}'><show>chat</show></presence>`);
  rig.node(`<presence ${C} from='${NODE1}' to='int.test'><show>chat</show></presence>`);
  rig.raw("external");
  rig.raw("internal");
  rig.node(
    `<presence ${C} from='c1@${NODE1}' to='${SELF}'><offer xmlns='urn:xmpp:rayo:1' to='sip:juliet@example.com'/></presence>`,
  );
  rig.client(
    `<iq ${C} type='set' id='a' from='${JULIET}' to='c1@${EXTERNAL}'><answer xmlns='urn:xmpp:rayo:1'></answer></iq>`,
  );
  rig.client(`<message ${C} from='${JULIET}' to='c1@${EXTERNAL}'><body>x</body></message>`);
  const asked = rig.toNodes();
  expect(asked.map((s) => elements(s)[0]!.name)).toEqual(["answer", "body"]);
  rig.node(`<iq ${C} type='result' id='${attr(asked[0]!, "id")}' from='c1@${NODE1}' to='${SELF}'></iq>`);
  rig.node(
    `<presence ${C} type='unavailable' from='c1@${NODE1}' to='${SELF}'><end xmlns='urn:xmpp:rayo:1'/></presence>`,
  );
  expect(rig.toClients().map((s) => [s.name, attr(s, "id")])).toEqual([["presence", ""], ["iq", "a"], [
    "presence",
    "",
  ]]);
  for (const condition of ["gone", "conflict"]) {
    rig.client(
      `<iq ${C} type='set' id='d' from='${JULIET}' to='${EXTERNAL}'><dial xmlns='urn:xmpp:rayo:1' to='x'/></iq>`,
    );
    // The error stands in the client's namespace, too: where it is not seen, nothing would be tried again.
    rig.node(
      `<iq ${C} type='error' id='${
        attr(rig.toNodes()[0]!, "id")
      }' from='${NODE1}' to='${SELF}'><error type='cancel'>` +
        `<${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    );
    // No other node is there to try after the first; the second is the caller's own fault.
    expect(rig.raw("external")).toContain(condition === "gone" ? "Could not find an available" : condition);
  }
  rig.client(
    `<iq ${C} type='get' id='v' from='${JULIET}' to='${EXTERNAL}'><query xmlns='jabber:iq:version'/></iq>`,
  );
  // The echo and its error are of one namespace.
  expect(rig.raw("external")).toMatch(
    /^<iq xmlns='jabber:client' type='error'.*<query [^>]*\/><error type='cancel'>/,
  );
});
