/** The simulated application: its own ways (AH3, AH5, AH9, AH20, AH21) and what it notices of a bad gateway. */
import { expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { Application, type ApplicationOptions } from "./application.ts";
import { ManualClock } from "./manual_clock.ts";
import { EXT, feed, RAYO } from "./peer.ts";
import { attr, child, type El, firstChild, parseXml } from "./xml.ts";

const ME = "app@apps.test/1";

function start(options: Partial<ApplicationOptions> = {}) {
  const clock = new ManualClock();
  const said: El[] = [];
  const app = new Application({
    jid: ME,
    root: "rayo.test",
    clock,
    random: seededRandom(9),
    nodeDomains: ["node1.test"],
    ...options,
  });
  app.send = (xml) => said.push(parseXml(xml));
  const result = (payload = "", request = said.at(-1)!) =>
    feed(
      app,
      `<iq type='result' id='${attr(request, "id")}' from='${
        attr(request, "to")
      }' to='${ME}'>${payload}</iq>`,
    );
  const event = (from: string, payload: string, type = "") =>
    feed(app, `<presence from='${from}' to='${ME}'${type && ` type='${type}'`}>${payload}</presence>`);
  return { clock, app, said, result, event };
}

test("AH19, AH20: presence, then chat once; after a reconnect only presence", () => {
  const { app, said } = start();
  app.up();
  app.ready();
  app.down();
  app.up();
  app.ready();
  expect(said.map((s) => attr(s, "to"))).toEqual(["", "rayo.test", ""]);
});

test("AH5, AH7: its dial names its call; another ref is a violation, as is a ref without uri", () => {
  const { app, said, result } = start();
  const id = app.dial("sip:a@b");
  expect(attr(firstChild(said[0]!)!, "uri")).toBe(`xmpp:${id}@rayo.test`);
  result(`<ref xmlns='${RAYO}' uri='xmpp:${id}@rayo.test'/>`);
  expect(app.violations).toEqual([]);
  app.dial("sip:a@b");
  result(`<ref xmlns='${RAYO}' uri='xmpp:other@rayo.test'/>`);
  app.dial("sip:a@b");
  result(`<ref xmlns='${RAYO}' id='x'/>`);
  expect(app.violations).toHaveLength(3);
});

test("answers an offer, plays, hangs up (AH9: by the letters of the ref)", () => {
  const { app, said, result, event } = start({ playThenHangup: true });
  event("c1@rayo.test", `<offer xmlns='${RAYO}' to='a' from='b'/>`);
  expect([firstChild(said[0]!)!.name, attr(said[0]!, "to")]).toEqual(["answer", "c1@rayo.test"]);
  result();
  event("c1@rayo.test", `<answered xmlns='${RAYO}'/>`);
  result(`<ref xmlns='${RAYO}' uri='xmpp:c1@rayo.test/output-1'/>`);
  const done = `<complete xmlns='${EXT}'><finish xmlns='urn:xmpp:rayo:output:complete:1'/></complete>`;
  event("c1@rayo.test/Output-1", done, "unavailable"); // not the same letters: lost
  expect(firstChild(said.at(-1)!)!.name).toBe("output");
  event("c1@rayo.test/output-1", done, "unavailable");
  expect(firstChild(said.at(-1)!)!.name).toBe("hangup");
  result();
  event("c1@rayo.test", `<end xmlns='${RAYO}'><hangup-command/></end>`, "unavailable");
  expect([app.calls.get("c1")!.events, app.violations]).toEqual([["offer", "answered", "end"], []]);
});

test("notices: node domains, wrong types, events after the end, second answers, silence, bad errors", () => {
  const { clock, app, said, result, event } = start({ onOffer: "ignore" });
  const found = () => app.violations.splice(0).length;
  event("c1@rayo.test", `<offer xmlns='${RAYO}' to='a' from='b'/>`);
  event("c1@rayo.test", `<joined xmlns='${RAYO}' call-uri='xmpp:x@node1.test'/>`);
  expect(found()).toBe(1);
  event("c1@rayo.test", `<end xmlns='${RAYO}'><error/></end>`);
  expect(found()).toBe(1);
  event("c1@rayo.test", `<end xmlns='${RAYO}'><error/></end>`, "unavailable");
  expect(found()).toBe(1);
  event("c1@rayo.test", `<offer xmlns='${RAYO}' to='a' from='b'/>`, "error");
  expect(found()).toBe(1);
  app.ping();
  result();
  result();
  expect(found()).toBe(1);
  app.ping();
  feed(
    app,
    `<iq type='error' id='${
      attr(said.at(-1)!, "id")
    }' from='rayo.test' to='${ME}'><error type='cancel'/></iq>`,
  );
  expect(found()).toBe(1);
  app.ping();
  clock.advance(60_000);
  expect(found()).toBe(1);
  feed(app, "<presence from='rayo.test' to='somebody@else.test/x'/>");
  expect(found()).toBe(1);
});

test("AH12, AH21: pings every minute, with ids that collide", () => {
  const ids = [3, 4].map((seed) => {
    const { clock, app, said } = start({ random: seededRandom(seed) });
    app.up();
    clock.advance(120_001);
    return said.filter((s) => child(s, "ping") !== undefined).map((s) => attr(s, "id"));
  });
  expect(ids).toEqual([["blather0002", "blather0003"], ["blather0002", "blather0003"]]);
});
