/**
 * Parties that lie, err or shout: other tenants' calls, other nodes' calls, answers from the wrong mouth, odd letters,
 * sizes at the limits.
 */
import { describe, expect, test } from "bun:test";
import { attr, type El, elements } from "../support/xml.ts";
import { errorOf, EXTERNAL, JULIET, NODE1, Rig, SELF } from "./rig.ts";

const ROMEO = "romeo@montague.test/garden";
const names = (stanzas: El[]) => stanzas.map((s) => elements(s)[0]?.name ?? "");
const NOT_FOUND = "item-not-found/cancel: Could not find rayo node for id [c1]";

/** Juliet controls c1, Romeo r1, both at node1; node2 is there, too. */
function two(): Rig {
  const rig = new Rig().ready();
  rig.application("romeo@montague.test", "sip:romeo@example.com");
  rig.chat(ROMEO);
  rig.nodeChat("node2.test");
  for (const [call, to, who] of [["c1", "juliet", JULIET], ["r1", "romeo", ROMEO]] as const) {
    rig.offer(`${call}@${NODE1}`, `sip:${to}@example.com`);
    rig.command("take", call, "answer", who);
  }
  for (const asked of rig.toNodes()) {
    if (asked.name === "iq") rig.result(attr(asked, "id"), attr(asked, "to"));
  }
  rig.raw("external");
  return rig;
}

describe("another tenant", () => {
  test("DC23: its calls are as if they did not exist", () => {
    const rig = two();
    for (const name of ["hangup", "hold", "exec", "join"]) rig.command(name, "c1", name, ROMEO);
    rig.client(
      `<iq type='get' id='d' from='${ROMEO}' to='c1@${EXTERNAL}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
    );
    const answers = rig.toClients();
    expect(answers.slice(0, 4).map(errorOf)).toEqual([NOT_FOUND, NOT_FOUND, NOT_FOUND, NOT_FOUND]);
    expect(errorOf(answers[4])).toBe("item-not-found/cancel");
    expect(rig.raw("internal")).toBe("");
  });

  test("IR1: quotes in its id and address cannot break the stanza that answers it", () => {
    const rig = two();
    for (const quote of ["'", '"']) {
      const other = quote === "'" ? '"' : "'";
      const id = `x${other} y=${other}z`;
      rig.client(
        `<iq type=${quote}set${quote} id=${quote}${id}${quote} from=${quote}${JULIET}${quote} ` +
          `to=${quote}c1@${EXTERNAL}/it${other}s${quote}><hold xmlns='urn:xmpp:rayo:1'/></iq>`,
      );
      const asked = rig.toNodes()[0]!;
      for (const mark of ["'", '"']) {
        if (mark === quote) continue;
        rig.node(
          `<iq type=${mark}result${mark} id=${mark}${
            attr(asked, "id")
          }${mark} from=${mark}c1@${NODE1}${mark} ` +
            `to=${mark}${SELF}${mark}/>`,
        );
      }
      const answer = rig.toClients()[0]!;
      expect(attr(answer, "id")).toBe(id);
      expect(attr(answer, "from")).toBe(`c1@${EXTERNAL}/it${other}s`);
      expect(attr(answer, "to")).toBe(JULIET);
    }
  });

  test("IC11, IC12, G4: joins reach only one's own calls on that node, by their external names", () => {
    const rig = two();
    const join = (attributes: string) => {
      rig.client(
        `<iq type='set' id='j' from='${ROMEO}' to='r1@${EXTERNAL}'><join xmlns='urn:xmpp:rayo:1' ${attributes}/></iq>`,
      );
      expect(rig.raw("internal")).toBe("");
      return errorOf(rig.toClients()[0]);
    };
    expect(join(`call-uri='xmpp:c1@${EXTERNAL}'`)).toBe("not-allowed/cancel");
    expect(join(`call-uri='c1@${EXTERNAL}'`)).toBe("not-allowed/cancel");
    expect(join(`call-uri='&#120;mpp:c1@${EXTERNAL}'`)).toBe("not-allowed/cancel");
    expect(join("call-id='c1'")).toBe("not-allowed/cancel");
    const gone = "service-unavailable/cancel: b-leg is gone";
    for (
      const uri of [
        `xmpp:c1@${NODE1}`,
        `c1@${NODE1}`,
        `XMPP:c1@${NODE1}`,
        "xmpp:c1",
        "xmpp:",
        " ",
        "xmpp:c1@node1.test@",
        "xmpp:%",
      ]
    ) {
      expect([uri, join(`call-uri='${uri}'`)]).toEqual([uri, gone]);
    }
  });

  test("IC11: nor do nested joins of a dial", () => {
    const rig = two();
    const dial = (uri: string) => {
      rig.dial("q", ROMEO, "", `<join xmlns='urn:xmpp:rayo:1' call-uri='${uri}'/>`);
      expect(rig.raw("internal")).toBe("");
      return errorOf(rig.toClients()[0]);
    };
    expect(dial(`xmpp:c1@${EXTERNAL}`)).toBe("not-allowed/cancel");
    expect(dial(`xmpp:c1@${NODE1}`)).toBe("service-unavailable/cancel: b-leg is gone");
    expect(dial(`xmpp:none@${EXTERNAL}`)).toBe("service-unavailable/cancel: b-leg is gone");
    expect(rig.ex.dials.size).toBe(0);
  });

  test("an empty call-uri, as FreeSWITCH's echoes have it, is none", () => {
    const rig = two();
    rig.client(
      `<iq type='set' id='j' from='${ROMEO}' to='r1@${EXTERNAL}'><join xmlns='urn:xmpp:rayo:1' call-uri='' mixer-name='m'/></iq>`,
    );
    expect(names(rig.toNodes())).toEqual(["join"]);
  });

  test("OF4: a sibling resource gets conflict, also if it never said chat", () => {
    const rig = two();
    rig.command("q", "c1", "hold", "juliet@capulet.test/unheard-of");
    expect(errorOf(rig.toClients()[0])).toBe("conflict/cancel");
    expect(rig.directory.resourceByJid("juliet@capulet.test/unheard-of")).toBeNull();
  });

  test("AH21: two clients with one id get their own answers", () => {
    const rig = two();
    rig.command("same", "c1", "hold");
    rig.command("same", "r1", "hold", ROMEO);
    const [first, second] = rig.toNodes();
    expect(attr(first!, "id")).not.toBe(attr(second!, "id"));
    rig.result(attr(second!, "id"), `r1@${NODE1}`);
    rig.result(attr(first!, "id"), `c1@${NODE1}`);
    expect(rig.toClients().map((s) => [attr(s, "to"), attr(s, "id")])).toEqual([[ROMEO, "same"], [
      JULIET,
      "same",
    ]]);
  });

  test("DL2, DC22: who is not ready cannot dial", () => {
    const rig = two();
    rig.dial("q1", "juliet@capulet.test/unheard-of");
    rig.dial("q2", "tybalt@capulet.test/sword");
    rig.dial("q3", "capulet.test");
    expect(rig.toClients().map(errorOf)).toEqual([
      "service-unavailable/cancel: Could not find associated platform for client JID juliet@capulet.test/unheard-of",
      "registration-required/auth",
      "registration-required/auth",
    ]);
  });

  test("DL13: ids that are taken, or about to be", () => {
    const rig = two();
    const uri = (id: string) => ` uri='xmpp:${id}@${EXTERNAL}'`;
    rig.dial("q1", ROMEO, uri("c1"));
    rig.dial("q2", JULIET, uri("New"));
    rig.dial("q3", ROMEO, uri("new"));
    rig.dial("q4", ROMEO, uri("C1"));
    expect(rig.toClients().map((s) => [attr(s, "id"), errorOf(s)])).toEqual([
      ["q1", "conflict/modify"],
      ["q3", "conflict/modify"],
      ["q4", "conflict/modify"],
    ]);
    expect(rig.toNodes().map((s) => attr(elements(s)[0]!, "uri"))).toEqual([`xmpp:new@${NODE1}`]);
  });

  test("DL13, FS30: URIs that are none", () => {
    const rig = two();
    for (
      const uri of ["xmpp:x@node1.test", "xmpp:rayo.test", "", "xmpp:", "a b@rayo.test", "xmpp:@rayo.test"]
    ) {
      rig.dial("q", JULIET, ` uri='${uri}'`);
      expect([uri, errorOf(rig.toClients()[0]).split(":")[0]]).toEqual([uri, "bad-request/modify"]);
    }
    expect(rig.raw("internal")).toBe("");
  });

  test("IC4, IC5, FS41: what is no dial goes nowhere", () => {
    const rig = two();
    rig.client(
      `<iq type='set' id='1' from='${JULIET}' to='${EXTERNAL}'><exec xmlns='urn:xmpp:rayo:1' api='x'/></iq>`,
    );
    rig.client(
      `<iq type='get' id='2' from='${JULIET}' to='${EXTERNAL}'><dial xmlns='urn:xmpp:rayo:1' to='x'/></iq>`,
    );
    rig.command("3", "c1", "exec");
    rig.client(
      `<iq type='set' id='4' from='${JULIET}' to='c1@${EXTERNAL}'><dial xmlns='urn:xmpp:rayo:1' to='x'/></iq>`,
    );
    const answers = rig.toClients();
    expect(answers.slice(0, 3).map(errorOf)).toEqual([
      "feature-not-implemented/cancel",
      "bad-request/modify",
      "feature-not-implemented/cancel",
    ]);
  });
});

describe("another node", () => {
  test("PX12, DC15: cannot speak for a call, but has one of the same id", () => {
    const rig = two();
    rig.end("c1@node2.test");
    expect(rig.raw("external") + rig.raw("internal")).toBe("");
    rig.offer("c1@node2.test");
    const offered = rig.toClients()[0]!;
    expect(attr(offered, "from")).toBe(`c1.2@${EXTERNAL}`);
    rig.command("q", "c1.2", "answer");
    expect(rig.toNodes().map((s) => attr(s, "to"))).toEqual(["c1@node2.test"]);
    rig.node(
      `<presence from='c1@node2.test/output-1' to='${SELF}'><joined xmlns='urn:xmpp:rayo:1' call-uri='xmpp:c1@node2.test'/></presence>`,
    );
    const joined = rig.toClients()[0]!;
    expect(attr(joined, "from")).toBe(`c1.2@${EXTERNAL}/output-1`);
    expect(attr(elements(joined)[0]!, "call-uri")).toBe(`xmpp:c1.2@${EXTERNAL}`);
    rig.end(`c1@${NODE1}`);
    rig.command("q2", "c1.2", "hold");
    rig.command("q3", "c1", "hold");
    expect(rig.toNodes().map((s) => attr(s, "to"))).toEqual(["c1@node2.test"]);
  });

  test("answers only what it was asked, once", () => {
    const rig = two();
    rig.command("q1", "c1", "hold");
    const id = attr(rig.toNodes()[0]!, "id");
    rig.result(id, "c1@node2.test");
    rig.error(id, "node2.test", "item-not-found");
    rig.result(id, "stranger.test");
    expect(rig.raw("external")).toBe("");
    rig.result(id, `c1@${NODE1}`);
    rig.result(id, `c1@${NODE1}`);
    rig.error(id, NODE1, "item-not-found");
    expect(rig.toClients().map((s) => attr(s, "id"))).toEqual(["q1"]);
    // The place of a request is used again: the old answer does not fit the new one.
    rig.command("q2", "c1", "hold");
    rig.raw("internal");
    rig.result(id, `c1@${NODE1}`);
    expect(rig.raw("external")).toBe("");
  });

  test("cannot give a dial the call of another node, or of another party", () => {
    const rig = two();
    rig.dial("q1");
    const asked = rig.toNodes()[0]!;
    rig.result(
      attr(asked, "id"),
      attr(asked, "to"),
      "<ref xmlns='urn:xmpp:rayo:1' uri='xmpp:x@node3.test'/>",
    );
    expect(errorOf(rig.toClients()[0])).toBe(
      "internal-server-error/cancel: The node answered without a usable ref",
    );
    rig.dial("q2", ROMEO);
    const second = rig.toNodes()[0]!;
    if (attr(second, "to") !== NODE1) {
      rig.error(attr(second, "id"), attr(second, "to"), "gone");
      rig.ref(attr(rig.toNodes()[0]!, "id"), NODE1, "c1");
    } else rig.ref(attr(second, "id"), NODE1, "c1");
    expect(errorOf(rig.toClients()[0])).toBe(
      "internal-server-error/cancel: The node answered with another party's call",
    );
    expect(rig.directory.partyOf(rig.directory.calls.findPublic(Buffer.from("c1"), 0, 2))!.jid).toBe(JULIET);
  });

  test("cannot swallow another's offer by a dial's id", () => {
    const rig = two();
    rig.dial("q1", JULIET, ` uri='xmpp:d1@${EXTERNAL}'`);
    const asked = rig.toNodes()[0]!;
    const [dialled, other] = attr(asked, "to") === NODE1 ? [NODE1, "node2.test"] : ["node2.test", NODE1];
    rig.offer(`d1@${dialled}`); // OF5: the echo of what it is asked
    expect(rig.raw("external")).toBe("");
    rig.offer(`d1@${other}`);
    expect(attr(rig.toClients()[0]!, "from")).toBe(`d1.2@${EXTERNAL}`);
    rig.ref(attr(asked, "id"), dialled, "d1");
    // AH7: the dialer has the id it asked for.
    expect(attr(elements(rig.toClients()[0]!)[0]!, "uri")).toBe(`xmpp:d1@${EXTERNAL}`);
  });

  test("DC8: strangers are heard by nobody", () => {
    const rig = two();
    rig.nodeChat("stranger.test");
    rig.offer("x@stranger.test");
    rig.end("c1@stranger.test");
    rig.event("c1@evilnode1.test", "answered");
    rig.node(`<message from='stranger.test' to='${SELF}'><body>x</body></message>`);
    expect(rig.raw("external") + rig.raw("internal")).toBe("");
    rig.node(`<iq type='get' id='1' from='stranger.test' to='int.test'><ping xmlns='urn:xmpp:ping'/></iq>`);
    expect(errorOf(rig.toNodes()[0])).toBe("forbidden/auth");
    expect(rig.directory.nodeByJid("stranger.test")).toBeNull();
  });

  test("RW4, G4: a sub-domain nobody has heard of yet does not reach clients either", () => {
    const rig = two();
    rig.node(
      `<presence from='c1@${NODE1}' to='${SELF}'><joined xmlns='urn:xmpp:rayo:1' call-uri='xmpp:c9@call.node3.test'/></presence>`,
    );
    expect(attr(elements(rig.toClients()[0]!)[0]!, "call-uri")).toBe(`xmpp:c9@${EXTERNAL}`);
    rig.node(
      `<presence from='c1@${NODE1}' to='${SELF}'><joined xmlns='urn:xmpp:rayo:1' call-uri='xmpp:c9@elsewhere.test'/></presence>`,
    );
    expect(attr(elements(rig.toClients()[0]!)[0]!, "call-uri")).toBe("xmpp:c9@elsewhere.test");
  });
});

describe("odd letters and sizes", () => {
  const odd = ["ü", "漢字", "a!b$c%d", "A", "%27", "x".repeat(1023), "🦉", "a\\40b", "a=b,c;d"];
  for (const id of odd) {
    test(`a call named ${id.slice(0, 12)} lives a whole life`, () => {
      const rig = new Rig().ready();
      rig.offer(`${id}@${NODE1}`);
      const offered = rig.toClients()[0]!;
      expect(attr(offered, "from")).toBe(`${id}@${EXTERNAL}`);
      rig.command("1", id, "answer");
      const asked = rig.toNodes()[0]!;
      expect(attr(asked, "to")).toBe(`${id}@${NODE1}`);
      rig.result(attr(asked, "id"), `${id}@${NODE1}`);
      rig.end(`${id}@${NODE1}`);
      expect(rig.toClients().map((s) => attr(s, "from"))).toEqual([`${id}@${EXTERNAL}`, `${id}@${EXTERNAL}`]);
      rig.client(`<presence type='unavailable' from='${JULIET}' to='${EXTERNAL}'/>`);
      expect(rig.leftovers()).toEqual([]);
    });
  }

  test("ids and JIDs that are too long, or none, are nobody", () => {
    const rig = new Rig().ready();
    for (const id of ["x".repeat(1024), "a b", "a&apos;b", "a&lt;b", ""]) rig.offer(`${id}@${NODE1}`);
    rig.node(
      `<presence to='${SELF}'><offer xmlns='urn:xmpp:rayo:1' to='sip:juliet@example.com'/></presence>`,
    );
    rig.node(`<presence from='' to=''/>`);
    rig.node(`<presence from='a@@b' to='@'/>`);
    expect(rig.directory.calls.size).toBe(0);
    expect(rig.raw("external")).toBe("");
  });

  test("missing id, from and to", () => {
    const rig = two();
    rig.client(`<iq type='set' from='${JULIET}' to='c1@${EXTERNAL}'><hold xmlns='urn:xmpp:rayo:1'/></iq>`);
    rig.client(
      `<iq type='set' from='${JULIET}' to='${EXTERNAL}'><dial xmlns='urn:xmpp:rayo:1' to='x'/></iq>`,
    );
    rig.client(`<iq type='set' id='1' to='${EXTERNAL}'><dial xmlns='urn:xmpp:rayo:1' to='x'/></iq>`);
    rig.client(`<iq type='set' id='2' from='${JULIET}'><dial xmlns='urn:xmpp:rayo:1' to='x'/></iq>`);
    rig.client(`<iq type='result' from='${JULIET}' to='${EXTERNAL}'/>`);
    rig.node(`<iq type='result' from='${NODE1}' to='${SELF}'/>`);
    expect(rig.toClients().map(errorOf)).toEqual([
      "bad-request/modify: An IQ needs an id",
      "bad-request/modify: An IQ needs an id",
      "jid-malformed/cancel: Malformed JID",
    ]);
    expect(rig.raw("internal")).toBe("");
    expect(rig.ex.requests.outstanding + rig.ex.dials.size).toBe(0);
  });

  test("I6: requests with no child, or more than one", () => {
    const rig = two();
    for (const inside of ["", "<hold xmlns='urn:xmpp:rayo:1'/><mute xmlns='urn:xmpp:rayo:1'/>", "text"]) {
      rig.client(`<iq type='set' id='1' from='${JULIET}' to='c1@${EXTERNAL}'>${inside}</iq>`);
      expect(errorOf(rig.toClients()[0])).toBe("bad-request/modify");
    }
    rig.client(`<iq id='1' from='${JULIET}' to='c1@${EXTERNAL}'><hold xmlns='urn:xmpp:rayo:1'/></iq>`);
    rig.client(
      `<iq type='odd' id='1' from='${JULIET}' to='c1@${EXTERNAL}'><hold xmlns='urn:xmpp:rayo:1'/></iq>`,
    );
    expect(rig.toClients().map(errorOf)).toEqual(["bad-request/modify", "bad-request/modify"]);
  });

  test("a request's id of a hundred thousand letters comes back whole", () => {
    const rig = two();
    const id = "ü&amp;".repeat(15_000);
    rig.command(id, "c1", "hold");
    const asked = rig.toNodes()[0]!;
    expect(attr(asked, "id").length).toBeLessThan(32);
    rig.result(attr(asked, "id"), `c1@${NODE1}`);
    expect(attr(rig.toClients()[0]!, "id")).toBe("ü&".repeat(15_000));
  });

  test("quotes of one kind in an id, and in the address asked, fit between quotes of the other kind", () => {
    for (const late of [false, true]) {
      const rig = two();
      rig.client(
        `<iq type="set" id="it's" from="${JULIET}" to="c1@${EXTERNAL}/o'1"><hold xmlns='urn:xmpp:rayo:1'/></iq>`,
      );
      rig.client(
        `<iq type="set" id="that's" from="${JULIET}" to="${EXTERNAL}"><dial xmlns='urn:xmpp:rayo:1' to='x'/></iq>`,
      );
      const [command, dial] = rig.toNodes();
      expect(attr(command!, "to")).toBe(`c1@${NODE1}/o'1`);
      if (late) rig.clock.advance(60_000);
      else {
        rig.result(attr(command!, "id"), `c1@${NODE1}`);
        rig.ref(attr(dial!, "id"), attr(dial!, "to"), "d1");
      }
      expect(rig.toClients().map((s) => [attr(s, "id"), attr(s, "from")]).sort()).toEqual([
        ["it's", `c1@${EXTERNAL}/o'1`],
        ["that's", EXTERNAL],
      ]);
    }
  });

  test("more children than are looked at: all are passed on", () => {
    const rig = two();
    const many = Array.from({ length: 40 }, (_, i) => `<x xmlns='urn:example' n='${i}'/>`).join("");
    rig.node(`<presence from='c1@${NODE1}' to='${SELF}'>${many}</presence>`);
    expect(elements(rig.toClients()[0]!).length).toBe(40);
  });

  test("G4, RW9: a dial with joins without end keeps no node's domain in its echo", () => {
    const rig = two();
    const joins = `<join xmlns='urn:xmpp:rayo:1' call-uri='xmpp:c1@${EXTERNAL}'/>`.repeat(300);
    rig.dial("q", JULIET, "", joins);
    const asked = rig.toNodes()[0]!;
    const legs = elements(elements(asked)[0]!).map((join) => attr(join, "call-uri"));
    expect(new Set(legs)).toEqual(new Set([`xmpp:c1@${NODE1}`]));
    const echo = `<dial xmlns='urn:xmpp:rayo:1'>${
      `<join xmlns='urn:xmpp:rayo:1' call-uri='xmpp:c1@${NODE1}'/>`.repeat(300)
    }</dial>`;
    rig.node(
      `<iq type='error' id='${attr(asked, "id")}' from='${NODE1}' to='${SELF}'>${echo}<error type='modify'>` +
        `<bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    );
    expect(rig.raw("external")).not.toContain("node1");
  });

  test("prefixes on every hand: a dial still has its one answer", () => {
    const declared = Array.from({ length: 60 }, (_, i) => ` xmlns:p${i}='urn:example:${i}'`).join("");
    const header = Array.from({ length: 25 }, (_, i) => `xmlns:h${i}='urn:header:${i}'`).join(" ");
    const rig = new Rig({ header }).ready();
    const used = Array.from({ length: 25 }, (_, i) => `<h${i}:x/>`).join("");
    rig.client(
      `<iq type='set' id='q' from='${JULIET}' to='${EXTERNAL}'${declared}><dial xmlns='urn:xmpp:rayo:1' to='x'>${used}</dial></iq>`,
    );
    for (const asked of rig.toNodes()) rig.error(attr(asked, "id"), attr(asked, "to"), "gone");
    rig.clock.advance(60_000);
    const answers = rig.toClients();
    expect(answers.map((s) => [attr(s, "id"), attr(s, "from")])).toEqual([["q", EXTERNAL]]);
    expect(rig.ex.dials.size).toBe(0);
  });

  test("G10: an error to a prefixed stanza is understood", () => {
    const rig = two();
    rig.client(
      `<c:iq xmlns:c='jabber:component:accept' xmlns='urn:example' type='set' id='1' from='${JULIET}' to='none@${EXTERNAL}'>` +
        `<r:hold xmlns:r='urn:xmpp:rayo:1'/></c:iq>`,
    );
    const answer = rig.toClients()[0]!;
    // "" is the stream's own namespace.
    expect([answer.ns, elements(answer).find((c) => c.name === "error")?.ns]).toEqual(["", ""]);
    expect(errorOf(answer)).toBe("item-not-found/cancel: Could not find rayo node for id [none]");
  });

  test("PC7: a JID in other letters is the same client", () => {
    const rig = two();
    rig.client(`<presence type='unavailable' from='JULIET@Capulet.test./balcony' to='${EXTERNAL}'/>`);
    expect(rig.directory.resourceByJid(JULIET)).toBeNull();
    rig.chat("jülia@capulet.test/x");
    expect(errorOf(rig.toClients().at(-1))).toBe("registration-required/auth");
  });

  test("a full outlet refuses new calls, and leaves nothing behind", () => {
    const rig = new Rig({ outletBytes: 40_000 }).ready();
    rig.application("romeo@montague.test", "sip:romeo@example.com");
    for (let i = 0; i < 200; i++) rig.offer(`c${i}@${NODE1}`);
    for (let i = 0; i < 200; i++) rig.dial(`q${i}`);
    expect(rig.toNodes().some((s) => errorOf(s).startsWith("resource-constraint"))).toBe(true);
    for (const s of rig.toClients()) {
      if (s.name === "presence") rig.end(`${attr(s, "from").split("@")[0]}@${NODE1}`);
    }
    rig.down("internal");
    rig.clock.advance(200_000);
    rig.raw("external");
    expect(rig.leftovers()).toEqual([]);
  });
});
