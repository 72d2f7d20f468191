/**
 * OF6, DC26, FS65: which application an offered address belongs to.
 */
import { describe, expect, test } from "bun:test";
import { AddressBook } from "../../src/cluster/address.ts";

function book(...addresses: string[]): AddressBook<string> {
  const all = new AddressBook<string>();
  for (const address of addresses) all.set(address, address);
  return all;
}

describe("one address is known", () => {
  const rows: [known: string, offered: string, matches: boolean][] = [
    ["sip:1000@host", "sip:1000@host", true],
    ["sip:1000@host", "sip:1000@HOST", true],
    ["sip:1000@host", "SIP:1000@host", true],
    ["sip:1000@host", "sip:1000@host;transport=udp", true],
    ["sip:1000@host", "sip:1000@host?Subject=x", true],
    ["sip:1000@host", "sip:1000@host:5060", true],
    ["sip:1000@host", "sip:1000@host:5060;transport=udp", true],
    ["sip:1000@host:5060", "sip:1000@host", true],
    ["sip:1000@host:5080", "sip:1000@host", false],
    ["sip:1000@host", "sip:1000@host:5080", false],
    ["sip:1000@host", "sip:1000@host:5061", false],
    ["sips:1000@host", "sips:1000@host:5061", true],
    ["sip:1000@host", '"Ann" <sip:1000@host>', true],
    ["sip:1000@host", '"A <B>" <sip:1000@host:5060;x=y>;tag=1', true],
    ["sip:1000@host", "<sip:1000@host>", true],
    ["sip:1000@host", " sip:1000@host ", true],
    // FS65: no scheme when there is a port.
    ["sip:sipp@127.0.0.1:5060", "sipp@127.0.0.1:5060", true],
    ["sip:sipp@127.0.0.1", "sipp@127.0.0.1:5060", true],
    ["sipp@127.0.0.1", "sip:sipp@127.0.0.1:5060", true],
    ["sip:1000@host", "sips:1000@host", false],
    ["tel:+1555", "tel:+1555", true],
    ["tel:+1555", "tel:+1555;phone-context=x", true],
    ["tel:+1555", "+1555", true],
    ["1000", "1000", true],
    ["1000", "sip:1000@host", false],
    ["sip:1000@host", "1000", false],
    ["sip:1000@host", "sip:1000@other", false],
    // The user part is the callee's own: its case counts.
    ["sip:Ann@host", "sip:ann@host", false],
    ["sip:1000@host", "", false],
    ["sip:1000@host", ";", false],
    ["sip:1000@host", "sip:", false],
    ["sip:[::1]:5060", "sip:[::1]:5060", true],
  ];
  for (const [known, offered, matches] of rows) {
    test(`${known} ${matches ? "is" : "is not"} meant by '${offered}'`, () => {
      expect(book(known).match(offered)).toBe(matches ? known : undefined);
    });
  }
});

describe("several are", () => {
  test("DC26: exact text first, then equal scheme, then none, then the port", () => {
    const all = book("sip:1@h", "1@h", "sips:1@h", "sip:1@h:5060", "sip:1@h;x");
    expect(all.match("sip:1@h:5060")).toBe("sip:1@h:5060");
    expect(all.match("sip:1@h;x")).toBe("sip:1@h;x");
    expect(all.match("sip:1@H")).toBe("sip:1@h");
    expect(all.match("sips:1@H")).toBe("sips:1@h");
    expect(all.match("1@H")).toBe("1@h");
  });

  test("D19, BUG 21: an address that moves leaves nothing with its old owner", () => {
    const all = new AddressBook<string>();
    all.set("sip:1@h", "old");
    all.set("sip:1@h", "new");
    expect([all.match("sip:1@h"), all.match("sip:1@H:5060"), all.size]).toEqual(["new", "new", 1]);
    all.delete("sip:1@h");
    all.delete("sip:1@h");
    expect([all.match("sip:1@h"), all.match("sip:1@H:5060"), all.size]).toEqual([undefined, undefined, 0]);
  });

  test("one that goes does not take its like along", () => {
    const all = book("sip:1@h", "sip:1@h:5060");
    all.delete("sip:1@h");
    expect(all.match("sip:1@h")).toBe("sip:1@h:5060");
  });

  test("a novel is compared to the letter only", () => {
    const novel = `sip:${"x".repeat(5_000)}@h`;
    const all = book(novel);
    expect([all.match(novel), all.match(novel.toUpperCase())]).toEqual([novel, undefined]);
  });
});
