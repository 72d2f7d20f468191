/**
 * The reader that the bench believes: whatever way the bytes are cut, every stanza is seen once, and what has no
 * mark is not leapt over.
 */
import { expect, test } from "bun:test";
import { exchangeTexts } from "./exchange.ts";
import { MarkReader } from "./mark_reader.ts";

const PING =
  "<iq from='rayo-int.test/gateway' to='node1.test' type='get' id='gw-1'><ping xmlns='urn:xmpp:ping'/></iq>";
const RESULT = "<iq type='result' id='~q00000a0000003' from='a@rayo.test' to='app@apps.test/r1'/>";

/** What a reader says of the text, cut into pieces of `size` bytes. */
function seen(text: string, size: number): string[] {
  const words: string[] = [];
  const reader = new MarkReader({
    marked: (letter, call, step, buf, start, end) =>
      words.push(`${String.fromCharCode(letter)} ${call} ${step} ${buf.toString("latin1", start, end)}`),
    unmarked: (stanza) => words.push(`- ${stanza}`),
  });
  const bytes = Buffer.from(text, "latin1");
  for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
  return words;
}

const marked = (call: number, step: number) =>
  exchangeTexts(call, step).map((text, i) => ({ text, word: `${"ecrf"[i]} ${call} ${step} ${text}` }));

test("every stanza once and whole, wherever the bytes are cut", () => {
  const stanzas = [...marked(1, 0), ...marked(0xabcdef, 0x1234567), ...marked(2, 7)];
  const text = stanzas.map((it) => it.text).join("");
  for (const size of [1, 2, 3, 7, 15, 100, 263, text.length]) {
    expect(seen(text, size)).toEqual(stanzas.map((it) => it.word));
  }
});

test("stanzas without a mark are seen between others, at the end and alone", () => {
  const [event, command] = marked(5, 1);
  const text = event!.text.repeat(3) + PING + event!.text + PING + PING + command!.text + RESULT + PING;
  const wanted = [
    ...Array(3).fill(event!.word),
    `- ${PING}`,
    event!.word,
    `- ${PING}`,
    `- ${PING}`,
    command!.word,
    `q 10 3 ${RESULT}`,
    `- ${PING}`,
  ];
  for (const size of [1, 10, 333, text.length]) expect(seen(text, size)).toEqual(wanted);
});

test("what is no stanza is refused", () => {
  expect(() => seen("<>" + PING, 1000)).toThrow("no stanza begins");
});
