/**
 * What is under way: requests, dials, offers, early events and the memory of what was hung up.
 */
import { viewOf } from "../../src/base/bytes.ts";
import { describe, expect, test } from "bun:test";
import { Deadlines } from "../../src/base/deadlines.ts";
import { Application, Resource } from "../../src/cluster/application.ts";
import { Dial, DialTable } from "../../src/cluster/dial.ts";
import { isDialId, makeEpoch } from "../../src/cluster/own_id.ts";
import { type EarlyEvents, EarlyTable, HangupLog } from "../../src/cluster/early.ts";
import { MixerNames } from "../../src/cluster/mixer_names.ts";
import { Node } from "../../src/cluster/node.ts";
import { Offer, OfferTable } from "../../src/cluster/offer.ts";
import { type Request, RequestTable } from "../../src/cluster/request.ts";
import { ManualClock } from "../support/manual_clock.ts";

const node1 = new Node(1, "node1.test", 10, 1), node2 = new Node(2, "node2.test", 10, 1);
const juliet = () =>
  new Resource("juliet@capulet.test/x", "juliet@capulet.test", Buffer.from("juliet@capulet.test/x"));

describe("epochs", () => {
  test("DC2: every start has another, also within one second", () => {
    const one = makeEpoch(1_704_067_200_000, 5);
    expect(one).toMatch(/^r[0-9a-z]{8}$/);
    expect(makeEpoch(1_704_067_200_000, 6)).not.toBe(one);
    expect(makeEpoch(1_704_067_201_000, 5)).not.toBe(one);
  });

  test("DC21: an id of a dial is known as such in any life", () => {
    const is = (id: string) => isDialId(Buffer.from(`<${id}`), 1, id.length + 1);
    expect(["r12345678-d1-1", "rzzzzzzzz-dabc-3"].map(is)).toEqual([true, true]);
    expect(["r12345678-c1-1", "gw-12345678-d1", "x12345678-d1-1", "r1234567-d1-1", "r12345678-d", ""].map(is))
      .toEqual([
        false,
        false,
        false,
        false,
        false,
        false,
      ]);
  });
});

describe("requests", () => {
  function table(max = 1_000) {
    const clock = new ManualClock();
    const expired: Request[] = [];
    const requests = new RequestTable(
      "r00000000",
      new Deadlines<Request>(clock, (r) => expired.push(r)),
      max,
    );
    const resource = juliet();
    const open = (node = node1, id = "1", to = "c@x") => {
      const buf = Buffer.from(id + to), at = Buffer.byteLength(id);
      return requests.open(node, resource, 0, viewOf(buf), 0, at, at, buf.length, 1_000);
    };
    const idOf = (request: Request) => {
      const out = Buffer.alloc(64);
      return out.toString("latin1", 0, requests.writeId(request, out, 0));
    };
    const match = (id: string, node = node1) =>
      requests.match(Buffer.from(` ${id} `), 1, id.length + 1, node);
    return { clock, expired, requests, resource, open, idOf, match };
  }

  test("an answer fits its request, its node and its turn", () => {
    const { requests, open, idOf, match } = table();
    const first = open()!;
    const id = idOf(first);
    expect([match(id), match(id, node2), match(`${id}1`), match(id.replace("r0", "r1"))]).toEqual([
      first,
      null,
      null,
      null,
    ]);
    requests.close(first);
    expect(match(id)).toBeNull();
    const second = open()!;
    expect(second).toBe(first);
    expect([match(id), match(idOf(second))]).toEqual([null, second]);
  });

  test("odd ids match nothing", () => {
    const { open, match } = table();
    open();
    for (
      const id of ["", "r", "r00000000", "r00000000-c", "r00000000-c-", "r00000000-c0-", "r00000000-c--0"]
    ) {
      expect([id, match(id)]).toEqual([id, null]);
    }
    for (
      const id of [
        "r00000000-c9-0",
        "r00000000-d0-0",
        "r00000000-czzzzzzzz-0",
        "r00000000-c0-0x",
        "r00000000-C0-0",
      ]
    ) {
      expect([id, match(id)]).toEqual([id, null]);
    }
  });

  test("texts are kept whole, short or long", () => {
    const { requests, open } = table();
    for (const [id, to] of [["1", "c@x"], ["i".repeat(160), "t".repeat(500)], ["ü", "x"]] as const) {
      const request = open(node1, id, to)!;
      expect(request.texts.toString("utf8", request.idStart, request.idEnd)).toBe(id);
      expect(request.texts.toString("utf8", request.toStart, request.toEnd)).toBe(to);
      requests.close(request);
    }
  });

  test("time is up once, only for what is open; places are bounded", () => {
    const { clock, expired, requests, resource, open } = table(3);
    const [a, b, c] = [open()!, open()!, open(node2)!];
    expect([open(), requests.outstanding, resource.holds]).toEqual([null, 3, 3]);
    requests.close(b);
    clock.advance(1_000);
    expect(expired).toEqual([a, c]);
    expect(requests.ofNode(node2)).toEqual([c]);
    expect(requests.allOpen()).toEqual([a, c]);
    clock.advance(10_000);
    expect(expired.length).toBe(2);
  });
});

describe("dials", () => {
  function table(max = 10) {
    const clock = new ManualClock();
    const expired: Dial[] = [];
    const dials = new DialTable("r00000000", new Deadlines<Dial>(clock, (d) => expired.push(d)), max);
    const add = (nodeId = "") => {
      const dial = new Dial(
        dials.nextNumber(),
        juliet(),
        0,
        Buffer.alloc(0),
        "1",
        "x",
        nodeId,
        nodeId,
        null,
        50_000,
      );
      dials.add(dial);
      return dial;
    };
    const idOf = (dial: Dial) => {
      const out = Buffer.alloc(64);
      return out.toString("latin1", 0, dials.writeId(dial, out, 0));
    };
    const match = (id: string, node = node1) => dials.match(Buffer.from(id), 0, id.length, node);
    return { clock, expired, dials, add, idOf, match };
  }

  test("an answer fits the attempt that is waited for", () => {
    const { dials, add, idOf, match } = table();
    const dial = add();
    dials.ask(dial, node1, 0, 1_000);
    const first = idOf(dial);
    expect([match(first), match(first, node2), isDialId(Buffer.from(first), 0, first.length)]).toEqual([
      dial,
      null,
      true,
    ]);
    dials.leave(dial);
    expect(match(first)).toBeNull();
    dials.ask(dial, node2, 0, 1_000);
    expect([match(first), match(idOf(dial), node2), match(idOf(dial))]).toEqual([null, dial, null]);
    expect([node1.outstandingDials, node2.outstandingDials]).toEqual([0, 1]);
    dials.remove(dial);
    expect([node2.outstandingDials, dials.size, match(idOf(dial), node2)]).toEqual([0, 0, null]);
  });

  test("DL13: an id is reserved for as long as its dial lasts", () => {
    const { dials, add } = table();
    const dial = add("abc");
    expect([dials.reserving("abc"), dials.reserving("abd"), dials.reserving("")]).toEqual([dial, null, null]);
    dials.remove(dial);
    expect(dials.reserving("abc")).toBeNull();
  });

  test("time is up for the node asked last, not for one that was left", () => {
    const { clock, expired, dials, add } = table();
    const dial = add();
    dials.ask(dial, node1, 0, 1_000);
    clock.advance(500);
    dials.leave(dial);
    dials.ask(dial, node2, 500, 1_000);
    clock.advance(900);
    expect(expired).toEqual([]);
    clock.advance(200);
    expect(expired).toEqual([dial]);
    dials.remove(dial);
    expect(node2.outstandingDials).toBe(0);
  });

  test("are found by client and node, and bounded", () => {
    const { dials, add } = table(2);
    const [a, b] = [add(), add()];
    dials.ask(a, node1, 0, 1_000);
    expect([
      dials.full,
      dials.ofResource(b.resource),
      dials.atNode(node1),
      dials.atNode(node2),
      dials.all().length,
    ])
      .toEqual([true, [b], [a], [], 2]);
    dials.remove(a);
    dials.remove(b);
  });
});

describe("offers", () => {
  test("wait anew, conclude once", () => {
    const clock = new ManualClock();
    const expired: Offer[] = [];
    const offers = new OfferTable(new Deadlines<Offer>(clock, (o) => expired.push(o)));
    const row = { jid: "a@b", appId: "", name: "", platform: "", accountId: "", permissions: "" };
    const offer = new Offer(7, new Application(row), null, [juliet()], 1_000);
    offers.add(offer);
    clock.advance(900);
    offers.wait(offer, 1_000);
    clock.advance(900);
    expect([expired.length, offers.get(7)]).toEqual([0, offer]);
    clock.advance(200);
    expect(expired).toEqual([offer]);
    offers.conclude(7);
    offers.conclude(7);
    expect([offers.get(7), offers.size]).toEqual([null, 0]);
  });
});

describe("PX7: early events", () => {
  function table(bytes = 100) {
    const clock = new ManualClock();
    const expired: EarlyEvents[] = [];
    return {
      clock,
      expired,
      early: new EarlyTable(new Deadlines<EarlyEvents>(clock, (e) => expired.push(e)), bytes),
    };
  }

  test("are kept in order for one call of one node, whatever the letters", () => {
    const { early } = table();
    early.hold(node1, "Ab", Buffer.from("1"), false, 1_000);
    early.hold(node1, "aB", Buffer.from("2"), false, 1_000);
    early.hold(node2, "ab", Buffer.from("3"), false, 1_000);
    expect(early.get(node1, "AB")!.stanzas.map(String)).toEqual(["1", "2"]);
    expect([early.bytes, early.size]).toEqual([3, 2]);
    // The call table tells these two apart, so this one must.
    expect(early.get(node1, "äb")).toBeNull();
  });

  test("nothing comes after an end, and nothing beyond the room there is", () => {
    const { early } = table(10);
    expect(early.hold(node1, "a", Buffer.alloc(8), true, 1_000)).toBe(true);
    expect(early.hold(node1, "a", Buffer.alloc(1), false, 1_000)).toBe(false);
    expect(early.hold(node1, "b", Buffer.alloc(3), false, 1_000)).toBe(false);
    expect([early.dropped, early.bytes, early.size]).toEqual([2, 8, 1]);
    early.remove(early.get(node1, "a")!, true);
    expect([early.dropped, early.bytes, early.size]).toEqual([3, 0, 0]);
  });

  test("only the end is kept longer, once", () => {
    const { clock, early, expired } = table();
    early.hold(node1, "a", Buffer.alloc(5), false, 1_000);
    early.hold(node1, "a", Buffer.alloc(3), true, 1_000);
    clock.advance(1_000);
    const [events] = expired;
    early.thin(events!, 2_000);
    expect([events!.thinned, events!.stanzas.length, early.bytes, early.dropped]).toEqual([true, 1, 3, 1]);
    clock.advance(2_000);
    expect(expired.length).toBe(2);
  });

  test("AH25: bound to a call they wait a little longer", () => {
    const { clock, early, expired } = table();
    early.hold(node1, "a", Buffer.alloc(5), false, 1_000);
    clock.advance(990);
    early.bind(early.get(node1, "a")!, 5, 20);
    clock.advance(10);
    expect(expired).toEqual([]);
    clock.advance(20);
    expect(expired.map((e) => e.slot)).toEqual([5]);
  });
});

describe("DC20: what was hung up lately", () => {
  test("is told once in the window", () => {
    const log = new HangupLog(10_000, 100);
    expect([log.first(node1, "a", 0), log.first(node1, "A", 9_999), log.first(node2, "a", 9_999)]).toEqual([
      true,
      false,
      true,
    ]);
    expect([log.has(node1, "a", 9_999), log.has(node1, "b", 0)]).toEqual([true, false]);
    expect(log.has(node1, "a", 10_000)).toBe(false);
    expect(log.first(node1, "a", 10_000)).toBe(true);
    expect(log.size).toBe(2);
  });

  test("is bounded: the oldest are forgotten first", () => {
    const log = new HangupLog(10_000, 10);
    for (let i = 0; i < 1_000; i++) log.first(node1, `c${i}`, i);
    expect(log.size).toBeLessThan(13);
    expect([log.has(node1, "c999", 1_000), log.has(node1, "c0", 1_000)]).toEqual([true, false]);
  });
});

describe("DC20: mixers' names", () => {
  test("belong to a node, are folded, and are bounded", () => {
    const names = new MixerNames();
    names.add(node1, "Room");
    expect([names.has(node1, "rOOM"), names.has(node2, "room")]).toEqual([true, false]);
    for (let i = 0; i < 70_000; i++) names.add(node1, `m${i}`);
    expect([names.has(node1, "room"), names.has(node1, "m69999")]).toEqual([false, true]);
  });
});
