/** The outlet keeps whole stanzas in order, drops by class when full (DC9, DC10), and works in linear time. */
import { expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import {
  CLASS_ANSWER,
  CLASS_COMMAND,
  CLASS_END,
  CLASS_EVENT,
  CLASS_NEW,
  Outlet,
} from "../../src/xmpp/outlet.ts";

interface Counted {
  outlet: Outlet;
  dirty: number;
  overflow: number;
}

function build(bytesMax: number): Counted {
  const counted: Counted = {
    outlet: new Outlet(bytesMax, { dirty: () => counted.dirty++, overflow: () => counted.overflow++ }),
    dirty: 0,
    overflow: 0,
  };
  return counted;
}

/** Takes at most `bytes` as a connection would, in as many runs as it needs. */
function take(outlet: Outlet, bytes = Infinity): string {
  let text = "";
  for (;;) {
    const end = Math.min(outlet.writable(), outlet.writeStart + bytes);
    if (end === outlet.writeStart) return text;
    text += outlet.buf.toString("utf8", outlet.writeStart, end);
    bytes -= end - outlet.writeStart;
    outlet.taken(end - outlet.writeStart);
  }
}

/** A stanza of exactly `bytes` bytes that names itself. */
function stanza(name: string, bytes: number): string {
  return `<${name} ${"x".repeat(bytes - name.length - 4)}/>`;
}

test("what goes in comes out, in order, whichever way it was put in", () => {
  const { outlet } = build(1_000_000);
  outlet.appendText("<a/>", CLASS_EVENT);
  outlet.append(Buffer.from("<b/>"), CLASS_NEW);
  expect(outlet.reserve(100, CLASS_ANSWER)).toBe(true);
  outlet.commit(outlet.end + outlet.buf.write("<ć/>", outlet.end), CLASS_ANSWER);
  expect(outlet.waitingBytes).toBe(13);
  expect(take(outlet)).toBe("<a/><b/><ć/>");
  expect(outlet.waitingBytes).toBe(0);
  expect(outlet.writable()).toBe(outlet.writeStart);
});

test("an empty commit is no stanza", () => {
  const { outlet, ...counted } = build(1000);
  outlet.reserve(10, CLASS_EVENT);
  outlet.commit(outlet.end, CLASS_EVENT);
  expect(outlet.waitingBytes).toBe(0);
  expect(counted.dirty).toBe(0);
});

test("dirty is told once until clean()", () => {
  const counted = build(1_000_000);
  for (let i = 0; i < 100; i++) counted.outlet.appendText("<a/>", CLASS_EVENT);
  expect(counted.dirty).toBe(1);
  counted.outlet.clean();
  expect(counted.dirty).toBe(1);
  counted.outlet.appendText("<a/>", CLASS_EVENT);
  expect(counted.dirty).toBe(2);
});

test("a half-written stanza is written again whole after a broken connection, what was whole is not", () => {
  const { outlet } = build(1_000_000);
  for (const name of ["a", "b", "c"]) outlet.appendText(stanza(name, 10), CLASS_EVENT);
  expect(take(outlet, 14)).toBe(stanza("a", 10) + stanza("b", 10).slice(0, 4));
  expect(outlet.midStanza).toBe(true);
  expect(outlet.waitingBytes).toBe(20);
  outlet.rewind();
  expect(outlet.midStanza).toBe(false);
  expect(take(outlet)).toBe(stanza("b", 10) + stanza("c", 10));
});

test("every cut of every byte is resumed at a stanza boundary", () => {
  const all = ["a", "bb", "ccc"].map((name) => stanza(name, 8 + name.length));
  for (let cut = 0; cut <= all.join("").length; cut++) {
    const { outlet } = build(1000);
    for (const text of all) outlet.appendText(text, CLASS_EVENT);
    take(outlet, cut);
    outlet.rewind();
    let whole = 0, bytes = 0;
    while (whole < all.length && bytes + all[whole]!.length <= cut) bytes += all[whole++]!.length;
    expect(take(outlet)).toBe(all.slice(whole).join(""));
  }
});

test("DC10: full: NEW goes first, then COMMAND, then EVENT, then ANSWER; oldest first; END goes last", () => {
  const counted = build(100);
  const { outlet } = counted;
  const put = (name: string, cls: number) => outlet.appendText(stanza(name, 10), cls);
  for (const name of ["e1", "c1", "n1", "a1", "n2", "e2", "c2", "z1", "a2", "e3"]) {
    expect(
      put(name, { n: CLASS_NEW, c: CLASS_COMMAND, e: CLASS_EVENT, a: CLASS_ANSWER, z: CLASS_END }[name[0]!]!),
    )
      .toBe(true);
  }
  const left = () => Array.from(outlet.dropped);
  // Its own class and those above it are not touched by a newcomer.
  expect(put("n3", CLASS_NEW)).toBe(false);
  expect(left()).toEqual([1, 0, 0, 0, 0]);
  expect(put("c3", CLASS_COMMAND)).toBe(true);
  expect(left()).toEqual([2, 0, 0, 0, 0]);
  expect(put("z2", CLASS_END)).toBe(true);
  expect(left()).toEqual([3, 0, 0, 0, 0]);
  expect(put("z3", CLASS_END)).toBe(true);
  expect(put("e4", CLASS_EVENT)).toBe(true);
  expect(put("a3", CLASS_ANSWER)).toBe(true);
  expect(left()).toEqual([3, 3, 0, 0, 0]);
  for (const name of ["a4", "a5", "a6", "a7"]) expect(put(name, CLASS_ANSWER)).toBe(true);
  expect(left()).toEqual([3, 3, 4, 0, 0]);
  expect(counted.overflow).toBe(0);
  expect(put("a8", CLASS_ANSWER)).toBe(false);
  expect(put("e5", CLASS_EVENT)).toBe(false);
  expect(counted.overflow).toBe(1);
  for (const name of ["z4", "z5", "z6", "z7", "z8", "z9", "z0"]) expect(put(name, CLASS_END)).toBe(true);
  expect(outlet.waitingBytes).toBe(100);
  expect(put("zz", CLASS_END)).toBe(false);
  expect(counted.overflow).toBe(2);
  expect(take(outlet).match(/[a-z]\d(?= )/g)).toEqual([
    "z1",
    "z2",
    "z3",
    "z4",
    "z5",
    "z6",
    "z7",
    "z8",
    "z9",
    "z0",
  ]);
  expect(Array.from(outlet.dropped)).toEqual([3, 3, 5, 8, 1]);
});

test("nothing is dropped for a stanza that would not fit even then", () => {
  const counted = build(100);
  const { outlet } = counted;
  outlet.appendText(stanza("a", 60), CLASS_ANSWER);
  outlet.appendText(stanza("e", 30), CLASS_EVENT);
  expect(outlet.reserve(50, CLASS_ANSWER)).toBe(false);
  expect(outlet.reserve(101, CLASS_END)).toBe(false);
  expect(Array.from(outlet.dropped)).toEqual([0, 0, 0, 1, 1]);
  expect(outlet.waitingBytes).toBe(90);
});

test("a half-written stanza is never dropped, after the connection broke it may be", () => {
  const { outlet } = build(100);
  outlet.appendText(stanza("e1", 50), CLASS_EVENT);
  outlet.appendText(stanza("e2", 50), CLASS_EVENT);
  take(outlet, 10);
  expect(outlet.appendText(stanza("a1", 50), CLASS_ANSWER)).toBe(true);
  expect(outlet.reserve(50, CLASS_ANSWER)).toBe(false);
  outlet.rewind();
  expect(outlet.appendText(stanza("a2", 50), CLASS_ANSWER)).toBe(true);
  expect(take(outlet)).toBe(stanza("a1", 50) + stanza("a2", 50));
});

test("DC9: discard() takes dials and commands back, keeps the rest and the half-written one", () => {
  const { outlet } = build(1000);
  for (
    const [name, cls] of [["c1", CLASS_COMMAND], ["e1", CLASS_EVENT], ["n1", CLASS_NEW], [
      "c2",
      CLASS_COMMAND,
    ]] as const
  ) {
    outlet.appendText(stanza(name, 10), cls);
  }
  take(outlet, 3);
  outlet.discard(CLASS_COMMAND);
  expect(outlet.waitingBytes).toBe(20);
  expect(take(outlet)).toBe(stanza("c1", 10).slice(3) + stanza("e1", 10));
  outlet.appendText(stanza("c3", 10), CLASS_COMMAND);
  outlet.discard(CLASS_COMMAND);
  expect(outlet.waitingBytes).toBe(0);
  expect(Array.from(outlet.dropped)).toEqual([1, 2, 0, 0, 0]);
});

test("congestion is on above a half and off below a quarter", () => {
  const { outlet } = build(1000);
  outlet.appendText(stanza("a", 500), CLASS_EVENT);
  expect(outlet.congested()).toBe(false);
  outlet.appendText(stanza("b", 10), CLASS_EVENT);
  expect(outlet.congested()).toBe(true);
  take(outlet, 500);
  outlet.appendText(stanza("c", 300), CLASS_EVENT);
  expect(outlet.waitingBytes).toBe(310);
  expect(outlet.congested()).toBe(true);
  take(outlet, 70);
  expect(outlet.waitingBytes).toBe(300);
  expect(outlet.congested()).toBe(true);
  take(outlet);
  expect(outlet.congested()).toBe(false);
});

test("memory: bounded while full, given back when empty", () => {
  const limit = 16 * 1024 * 1024;
  const { outlet } = build(limit);
  const event = Buffer.from(stanza("e", 240)), answer = Buffer.from(stanza("a", 240));
  for (let i = 0; i < 150_000; i++) outlet.append(event, CLASS_EVENT);
  for (let i = 0; i < 150_000; i++) outlet.append(answer, CLASS_ANSWER);
  expect(outlet.waitingBytes).toBeLessThanOrEqual(limit);
  expect(outlet.buf.length).toBeLessThanOrEqual(limit * 1.25);
  while (outlet.writable() > outlet.writeStart) outlet.taken(outlet.writable() - outlet.writeStart);
  expect(outlet.waitingBytes).toBe(0);
  expect(outlet.buf.length).toBeLessThan(limit / 16);
});

test("memory is given back as well when the last that waits has been dropped", () => {
  const { outlet } = build(8 * 1024 * 1024);
  for (let i = 0; i < 30_000; i++) outlet.appendText(stanza("e", 240), i === 0 ? CLASS_EVENT : CLASS_COMMAND);
  expect(outlet.buf.length).toBeGreaterThan(5_000_000);
  outlet.taken(1);
  outlet.discard(CLASS_COMMAND);
  expect(outlet.waitingBytes).toBe(240);
  outlet.taken(239);
  expect(outlet.buf.length).toBeLessThan(1_000_000);
  expect(outlet.appendText("<a/>", CLASS_END)).toBe(true);
  expect(take(outlet)).toBe("<a/>");
});

test("linear: a full outlet that drops on every append copies a few bytes for each byte appended", () => {
  const limit = 256 * 1024;
  const { outlet } = build(limit);
  let copied = 0;
  const copy = Buffer.prototype.copy;
  Buffer.prototype.copy = function (...args: Parameters<typeof copy>) {
    const n = copy.apply(this, args);
    copied += n;
    return n;
  };
  try {
    const event = Buffer.from(stanza("e", 200)), answer = Buffer.from(stanza("a", 200));
    let appended = 0;
    for (let i = 0; i < 20_000; i++) {
      if (outlet.append(i % 3 === 0 ? answer : event, i % 3 === 0 ? CLASS_ANSWER : CLASS_EVENT)) {
        appended += 200;
      }
      // A peer that reads slowly.
      if (i % 2 === 0) outlet.taken(Math.min(300, outlet.writable() - outlet.writeStart));
    }
    expect(outlet.dropped[CLASS_EVENT]).toBeGreaterThan(1000);
    expect(copied).toBeGreaterThan(0);
    expect(copied).toBeLessThan(appended * 6);
  } finally {
    Buffer.prototype.copy = copy;
  }
});

test("seeded: any mix of appends, writes, breaks and drops agrees with a simple model", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed);
    const pick = (n: number) => random.u32() % n;
    const limit = 200 + pick(3000);
    const { outlet } = build(limit);
    let model: { text: string; cls: number }[] = [];
    let sent = 0;
    const live = () => model.reduce((sum, one) => sum + one.text.length, 0);
    const dropOldest = (cls: number) => {
      const at = model.findIndex((one, i) => one.cls === cls && !(i === 0 && sent > 0));
      return at < 0 ? 0 : model.splice(at, 1)[0]!.text.length;
    };
    for (let step = 0; step < 400; step++) {
      const what = pick(100);
      if (what < 60) {
        const cls = pick(5), text = stanza(`s${step}`, 12 + pick(limit >> 2));
        const before = structuredClone(model);
        let missing = live() + text.length - limit;
        for (let lower = 0; lower < cls && missing > 0;) {
          const freed = dropOldest(lower);
          if (freed === 0) lower++;
          missing -= freed;
        }
        const fits = missing <= 0;
        if (fits) model.push({ text, cls });
        else model = before;
        expect(outlet.appendText(text, cls)).toBe(fits);
      } else if (what < 90) {
        const got = take(outlet, pick(limit >> 1));
        expect(model.map((one) => one.text).join("").slice(sent, sent + got.length)).toBe(got);
        sent += got.length;
        while (model.length > 0 && sent >= model[0]!.text.length) sent -= model.shift()!.text.length;
      } else if (what < 97) {
        outlet.rewind();
        sent = 0;
      } else {
        const cls = pick(3);
        outlet.discard(cls);
        model = model.filter((one, i) => one.cls > cls || (i === 0 && sent > 0));
      }
      expect(outlet.waitingBytes).toBe(live());
    }
    expect(take(outlet)).toBe(model.map((one) => one.text).join("").slice(sent));
  }
});
