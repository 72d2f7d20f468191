/**
 * What parties with a place here may try, and what becomes of it: guessed ids, commands without end, two nodes with one
 * id, URIs that are none, joins in a circle.
 */
import { describe, expect, test } from "bun:test";
import { REQUESTS_MAX } from "../../src/base/limits.ts";
import { attr, type El, elements } from "../support/xml.ts";
import { errorOf, EXTERNAL, JULIET, NODE1, Rig, SELF } from "./rig.ts";

const ROMEO = "romeo@montague.test/garden";
const NODE2 = "node2.test";

/** Juliet controls c1 and c2 at node1, Romeo r1 at node2. */
function guests(): Rig {
  const rig = new Rig().ready();
  rig.application("romeo@montague.test", "sip:romeo@example.com");
  rig.chat(ROMEO);
  rig.nodeChat(NODE2);
  for (
    const [call, node, who] of [["c1", NODE1, JULIET], ["c2", NODE1, JULIET], ["r1", NODE2, ROMEO]] as const
  ) {
    rig.offer(`${call}@${node}`, who === JULIET ? "sip:juliet@example.com" : "sip:romeo@example.com");
    rig.command("take", call, "answer", who);
  }
  for (const asked of rig.toNodes()) {
    if (asked.name === "iq") rig.result(attr(asked, "id"), attr(asked, "to"));
  }
  rig.raw("external");
  return rig;
}

const froms = (stanzas: El[]) => stanzas.map((s) => attr(s, "from"));

describe("a tenant that guesses ids", () => {
  test("DC23: hears the same of calls that are and of calls that are not, whatever it asks", () => {
    const rig = guests();
    const tries = (id: string) => {
      const to = `to='${id}@${EXTERNAL}'`, from = `from='${ROMEO}'`;
      rig.client(`<iq type='set' id='1' ${from} ${to}><hangup xmlns='urn:xmpp:rayo:1'/></iq>`);
      rig.client(
        `<iq type='set' id='2' ${from} to='${id}@${EXTERNAL}/output-1'><stop xmlns='urn:xmpp:rayo:ext:1'/></iq>`,
      );
      rig.client(
        `<iq type='get' id='3' ${from} ${to}><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
      );
      rig.client(
        `<iq type='get' id='4' ${from} ${to}><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`,
      );
      rig.client(`<iq type='get' id='5' ${from} ${to}><x xmlns='urn:xmpp:rayo:1'/></iq>`);
      rig.client(`<message type='normal' id='6' ${from} ${to}><body>x</body></message>`);
      rig.client(`<presence type='unavailable' ${from} ${to}/>`);
      rig.client(`<presence ${from} ${to}/>`);
      return rig.raw("external").replaceAll(id, "id");
    };
    expect(tries("c1")).toBe(tries("x9"));
    expect(rig.raw("internal")).toBe("");
    expect(rig.directory.calls.size).toBe(3);
  });

  test("a thousand guesses leave nothing behind", () => {
    const rig = guests();
    for (let i = 0; i < 1000; i++) rig.command(`g${i}`, `guess${i}`, "hangup", ROMEO);
    expect(rig.toClients().every((s) => errorOf(s).startsWith("item-not-found/cancel"))).toBe(true);
    expect([rig.raw("internal"), rig.ex.requests.outstanding]).toEqual(["", 0]);
  });
});

describe("a node that names other nodes' calls", () => {
  test("PX12: reaches none of them, by presence, message, answer or end", () => {
    const rig = guests();
    rig.command("q", "c1", "hold");
    const id = attr(rig.toNodes()[0]!, "id");
    for (const jid of [`c1@${NODE2}`, `c1@call.${NODE2}`]) {
      rig.event(jid, "answered");
      rig.node(`<message type='normal' from='${jid}' to='${SELF}'><body>x</body></message>`);
      rig.result(id, jid);
      rig.error(id, jid, "item-not-found");
      rig.end(jid);
    }
    // What it says in the name of node1 it cannot say: its server stamps its own domain on all it sends.
    rig.node(`<presence from='${NODE2}' to='${SELF}' type='unavailable'/>`);
    expect(rig.toClients().map((s) => [attr(s, "to"), attr(s, "from")])).toEqual([[ROMEO, `r1@${EXTERNAL}`]]);
    rig.result(id, `c1@${NODE1}`);
    expect(froms(rig.toClients())).toEqual([`c1@${EXTERNAL}`]);
  });

  test("DC15, AH23: two nodes with one id on purpose: each call is reached by a name of its own, by nobody else", () => {
    const rig = guests();
    rig.offer(`c1@${NODE2}`, "sip:romeo@example.com");
    const alias = attr(rig.toClients()[0]!, "from").split("@")[0]!;
    expect(alias).toBe("c1.2");
    // The tenant of the alias has no way to the call whose name it is like, nor the other way round.
    rig.command("1", "c1", "hangup", ROMEO);
    rig.command("2", alias, "hangup", JULIET);
    expect(rig.toClients().map((s) => errorOf(s).split(":")[0])).toEqual(
      Array(2).fill("item-not-found/cancel"),
    );
    rig.command("3", alias, "answer", ROMEO);
    rig.command("4", "c1", "hold", JULIET);
    const asked = rig.toNodes().filter((s) => s.name === "iq").map((s) => [attr(s, "id"), attr(s, "to")]);
    expect(asked.map(([, to]) => to)).toEqual([`c1@${NODE2}`, `c1@${NODE1}`]);
    // Nor can the node of one answer for the other.
    rig.result(asked[1]![0]!, `c1@${NODE2}`);
    expect(rig.raw("external")).toBe("");
    for (const [id, to] of asked) rig.result(id!, to!);
    expect(rig.toClients().map((s) => [attr(s, "to"), attr(s, "from")])).toEqual([
      [ROMEO, `${alias}@${EXTERNAL}`],
      [JULIET, `c1@${EXTERNAL}`],
    ]);
    rig.end(`c1@${NODE2}`);
    expect(rig.toClients().map((s) => [attr(s, "to"), attr(s, "from")])).toEqual([[
      ROMEO,
      `${alias}@${EXTERNAL}`,
    ]]);
    rig.event(`c1@${NODE1}`, "ringing");
    expect(froms(rig.toClients())).toEqual([`c1@${EXTERNAL}`]);
  });

  test("DC15: an alias that a node has taken before stays its own, and the next call gets another", () => {
    const rig = guests();
    rig.offer(`c1.2@${NODE2}`, "sip:romeo@example.com");
    rig.offer(`c1@${NODE2}`, "sip:romeo@example.com");
    expect(froms(rig.toClients())).toEqual([`c1.2@${EXTERNAL}`, `c1.3@${EXTERNAL}`]);
    // And the other way round: an id that is an alias already.
    rig.offer(`c1.3@${NODE1}`);
    expect(froms(rig.toClients())).toEqual([`c1.3.2@${EXTERNAL}`]);
  });

  test("DC15: aliases survive a restart", () => {
    const before = guests();
    before.offer(`c1@${NODE2}`, "sip:romeo@example.com");
    before.command("3", "c1.2", "answer", ROMEO);
    const rig = new Rig({ journal: before.journal.copy(), clock: before.clock });
    rig.event(`c1@${NODE2}`, "ringing");
    rig.event(`c1@${NODE1}`, "ringing");
    expect(rig.toClients().map((s) => [attr(s, "to"), attr(s, "from")])).toEqual([
      [ROMEO, `c1.2@${EXTERNAL}`],
      [JULIET, `c1@${EXTERNAL}`],
    ]);
  });
});

describe("a client that floods commands", () => {
  test("is told to wait once too many are unanswered; others' calls live, and later it may go on", () => {
    const rig = guests();
    const flood = REQUESTS_MAX + 5;
    const one =
      `<iq type='set' id='f' from='${JULIET}' to='c1@${EXTERNAL}'><hold xmlns='urn:xmpp:rayo:1'/></iq>`;
    const many = one.repeat(1000);
    let refused = 0;
    for (let sent = 0; sent < flood; sent += 1000) {
      rig.client(many);
      rig.raw("internal");
      refused += rig.raw("external").split("resource-constraint").length - 1;
    }
    expect(rig.ex.requests.outstanding).toBe(REQUESTS_MAX);
    expect(refused).toBe(Math.ceil(flood / 1000) * 1000 - REQUESTS_MAX);
    rig.event(`r1@${NODE2}`, "ringing");
    expect(attr(rig.toClients()[0]!, "to")).toBe(ROMEO);
    rig.down("internal");
    rig.raw("external");
    rig.up("internal");
    rig.raw("internal");
    rig.command("q", "c1", "hold");
    expect(rig.toNodes().length).toBe(1);
  }, 60_000);
});

describe("malformed URIs in payloads", () => {
  const odd = [
    "",
    "xmpp:",
    "xmpp:@",
    "%",
    "xmpp:%ZZ@rayo.test",
    "x".repeat(5000),
    "xmpp:a@b@c",
    "xmpp://c2@rayo.test",
    "&#1114109;",
  ];

  test("RW4: events with them are passed as they are", () => {
    const rig = guests();
    for (const uri of odd) {
      for (const name of ["joined", "unjoined", "started-speaking", "stopped-speaking"]) {
        rig.node(
          `<presence from='c1@${NODE1}' to='${SELF}'><${name} xmlns='urn:xmpp:rayo:1' call-uri='${uri}'/></presence>`,
        );
        expect(rig.raw("external")).toContain(`call-uri='${uri}'`);
      }
    }
  });

  test("RW2, RW3: commands with them are refused, refs with them answer all the same", () => {
    const rig = guests();
    for (const uri of odd) {
      for (const name of ["join", "unjoin"]) {
        rig.client(
          `<iq type='set' id='j' from='${JULIET}' to='c1@${EXTERNAL}'><${name} xmlns='urn:xmpp:rayo:1' call-uri='${uri}'/></iq>`,
        );
        const asked = rig.toNodes();
        const answers = rig.toClients();
        expect([uri, asked.length + answers.length]).toEqual([uri, 1]);
        if (asked.length > 0) rig.result(attr(asked[0]!, "id"), `c1@${NODE1}`);
        rig.raw("external");
      }
      rig.client(
        `<iq type='set' id='o' from='${JULIET}' to='c1@${EXTERNAL}'><output xmlns='urn:xmpp:rayo:output:1'/></iq>`,
      );
      rig.result(attr(rig.toNodes()[0]!, "id"), `c1@${NODE1}`, `<ref xmlns='urn:xmpp:rayo:1' uri='${uri}'/>`);
      expect(rig.toClients().map((s) => attr(s, "type"))).toEqual(["result"]);
    }
    expect(rig.ex.requests.outstanding).toBe(0);
  });
});

test("FS42, DC11: a node is told that a message is normal, also where the client did not say so", () => {
  const rig = guests();
  for (const type of ["", " type='normal'"]) {
    rig.client(`<message${type} from='${JULIET}' to='c1@${EXTERNAL}'><body>x</body></message>`);
    expect(rig.toNodes().map((s) => attr(s, "type"))).toEqual(["normal"]);
  }
});

describe("joins", () => {
  test("joins in a circle: each goes to the node once, and back once", () => {
    const rig = guests();
    for (const [call, other] of [["c1", "c2"], ["c2", "c1"], ["c1", "c1"]]) {
      rig.client(
        `<iq type='set' id='${call}${other}' from='${JULIET}' to='${call}@${EXTERNAL}'>` +
          `<join xmlns='urn:xmpp:rayo:1' call-uri='xmpp:${other}@${EXTERNAL}'/></iq>`,
      );
    }
    const asked = rig.toNodes();
    expect(asked.map((s) => [attr(s, "to"), attr(elements(s)[0]!, "call-uri")])).toEqual([
      [`c1@${NODE1}`, `xmpp:c2@${NODE1}`],
      [`c2@${NODE1}`, `xmpp:c1@${NODE1}`],
      [`c1@${NODE1}`, `xmpp:c1@${NODE1}`],
    ]);
    asked.forEach((s, i) =>
      i < 2 ? rig.result(attr(s, "id"), attr(s, "to")) : rig.error(attr(s, "id"), attr(s, "to"), "conflict")
    );
    expect(rig.toClients().map((s) => [attr(s, "id"), attr(s, "type")])).toEqual([
      ["c1c2", "result"],
      ["c2c1", "result"],
      ["c1c1", "error"],
    ]);
    // Both end: nothing follows their ends, nothing is left.
    for (const call of ["c1", "c2"]) {
      rig.end(`${call}@${NODE1}`);
      rig.node(
        `<presence from='${call}@${NODE1}' to='${SELF}'><unjoined xmlns='urn:xmpp:rayo:1' call-uri='xmpp:c2@${NODE1}'/></presence>`,
      );
    }
    expect(rig.toClients().map((s) => elements(s)[0]!.name)).toEqual(["end", "end"]);
    expect(rig.ex.requests.outstanding).toBe(0);
  });
});
