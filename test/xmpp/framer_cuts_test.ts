/**
 * What a framer says must not depend on how the bytes were divided: every sample is cut everywhere.
 */
import { expect, test } from "bun:test";
import { seededRandom } from "../../src/base/random.ts";
import { Framer, type FramerLimits } from "../../src/xmpp/framer.ts";
import { capturedStanzas } from "./captured.ts";
import { HEADER, hear, LIMITS, Recorder } from "./recorder.ts";
import { BODIES, SKIPPED, SMALL, STREAMS } from "./samples.ts";

/** A slow machine may take its time. */
const PATIENCE = 120_000;

/** What was said, but of a fault only what it is: its sample shows no more than had come by then. */
function withoutSample(said: readonly string[]): string {
  return said.map((line) => line.startsWith("fault") ? line.slice(0, line.lastIndexOf(": ")) : line).join(
    "\n",
  );
}

/** All ways to divide a stream in two; and byte by byte; and, if it is short, all ways to divide it in three. */
function cutEverywhere(stream: string, limits: Partial<FramerLimits>): void {
  const bytes = Buffer.from(stream);
  const whole = hear([bytes], limits).said;
  const same = (pieces: Buffer[], cut: string): void => {
    const said = hear(pieces, limits).said;
    if (withoutSample(said) !== withoutSample(whole)) expect([cut, ...said]).toEqual([cut, ...whole]);
  };
  same([...bytes].map((_, i) => bytes.subarray(i, i + 1)), "byte by byte");
  for (let i = 1; i < bytes.length; i++) {
    same([bytes.subarray(0, i), bytes.subarray(i)], `at ${i}`);
    if (bytes.length > 400) continue;
    for (let j = i + 1; j < bytes.length; j++) {
      same([bytes.subarray(0, i), bytes.subarray(i, j), bytes.subarray(j)], `at ${i} and ${j}`);
    }
  }
  expect(whole.length).toBeGreaterThan(0);
}

/** As cutEverywhere(), but the stream's header is not cut again and again. */
function cutBody(body: string, limits: Partial<FramerLimits>): void {
  const bytes = Buffer.from(body);
  const say = (pieces: Buffer[]): string => {
    const recorder = hear([Buffer.from(HEADER), ...pieces], limits);
    return recorder.said.slice(1).join("\n");
  };
  const whole = say([bytes]);
  expect(say([...bytes].map((_, i) => bytes.subarray(i, i + 1)))).toBe(whole);
  for (let i = 1; i < bytes.length; i++) {
    const two = say([bytes.subarray(0, i), bytes.subarray(i)]);
    if (two !== whole) expect(`at ${i}: ${two}`).toBe(whole);
    if (bytes.length > 150) continue;
    for (let j = i + 1; j < bytes.length; j++) {
      const three = say([bytes.subarray(0, i), bytes.subarray(i, j), bytes.subarray(j)]);
      if (three !== whole) expect(`at ${i} and ${j}: ${three}`).toBe(whole);
    }
  }
}

test.each(STREAMS.map((stream) => [stream]))("cut everywhere: %j", (stream) => {
  cutEverywhere(stream, {});
}, PATIENCE);

test.each(BODIES.map((body) => [body]))("cut everywhere after the header: %j", (body) => {
  cutBody(body, {});
}, PATIENCE);

test.each(SKIPPED.map((body) => [body]))("DC4: cut everywhere under small limits: %j", (body) => {
  cutBody(body, SMALL);
}, PATIENCE);

test("bad UTF-8, cut everywhere", () => {
  const bad = [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc3], [0xe2, 0x82], [
    0xef,
    0xbf,
    0xbf,
  ]];
  for (const bytes of bad) {
    const stream = Buffer.concat([
      Buffer.from(`${HEADER}<iq id='1'/><iq id='é'>`),
      Buffer.from(bytes),
      Buffer.from("</iq>"),
    ]);
    const whole = hear([stream]).said.map((line) => line.replace(/: \\x.*/, ""));
    expect(whole.length).toBe(3);
    for (let i = 1; i < stream.length; i++) {
      const said = hear([stream.subarray(0, i), stream.subarray(i)]).said;
      expect(said.map((line) => line.replace(/: \\x.*/, ""))).toEqual(whole);
    }
  }
}, PATIENCE);

test("recorded stanzas of FreeSWITCH and Prosody, cut at every byte", () => {
  const stanzas = capturedStanzas();
  expect(stanzas.length).toBeGreaterThan(200);
  const recorder = new Recorder();
  const framer = new Framer(recorder, LIMITS);
  framer.push(Buffer.from(
    "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' " +
      "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
  ));
  for (const text of stanzas) {
    const bytes = Buffer.from(text);
    recorder.said = [];
    framer.push(bytes);
    const whole = recorder.said;
    expect(whole.length).toBe(1);
    expect(whole[0]).toEndWith(text);
    for (let i = 1; i < bytes.length; i++) {
      recorder.said = [];
      framer.push(bytes.subarray(0, i));
      framer.push(bytes.subarray(i));
      if (recorder.said[0] !== whole[0]) expect(`at ${i}: ${recorder.said.join("\n")}`).toBe(whole[0]!);
    }
  }
}, PATIENCE);

test("recorded stanzas back to back, in pieces of random size", () => {
  const bytes = Buffer.from(HEADER + capturedStanzas().filter((text) => !text.startsWith("<db:")).join(" "));
  const whole = hear([bytes]).said;
  expect(whole.filter((line) => line.startsWith("fault"))).toEqual([]);
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      const size = 1 + random.u32() % (seed < 10 ? 64 : 9000);
      pieces.push(bytes.subarray(at, at + size));
      at += size;
    }
    expect(hear(pieces).said).toEqual(whole);
  }
}, PATIENCE);
