/** Every complaint names what to look at, and shows a peer's words without letting them do harm. */
import { expect, test } from "bun:test";
import { connectWords, type Place, quoted, streamErrorWords } from "../../src/link/words.ts";
import { STREAM_ERRORS } from "../../src/xmpp/stream_error.ts";

const PLACE: Place = {
  side: "internal",
  domain: "gateway.rayo.test",
  host: "10.0.0.1",
  port: 5347,
  key: "xmpp.internal",
};

test("every condition of RFC 6120 §4.9.3 is named, with one sentence beside it", () => {
  for (const condition of STREAM_ERRORS) {
    const words = streamErrorWords(PLACE, condition, "");
    expect(words).toContain(condition);
    expect(words.length).toBeGreaterThan(condition.length + 10);
    expect(words).not.toContain("server says");
    expect(words).not.toEndWith(".");
  }
});

test("the side decides which key is named", () => {
  expect(streamErrorWords(PLACE, "not-authorized", "")).toContain("xmpp.internal.secret");
  expect(streamErrorWords(PLACE, "host-unknown", "")).toContain("gateway.internal_domain");
  expect(connectWords(PLACE, "connection refused")).toStartWith("10.0.0.1:5347: connection refused");
  expect(connectWords(PLACE, "connection refused")).toContain("xmpp.internal.host and xmpp.internal.port");
});

test("a peer's words are quoted, printable and short", () => {
  expect(streamErrorWords(PLACE, "conflict", 'he said "no"\n2024 info forged')).toEndWith(
    String.raw`(the server says: "he said \"no\"\n2024 info forged")`,
  );
  expect(quoted("x".repeat(10_000)).length).toBeLessThan(210);
  expect(streamErrorWords(PLACE, "", "")).toContain("unknown stream error");
});
