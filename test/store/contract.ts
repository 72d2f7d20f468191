/**
 * What every store must do, whatever it is made of: one suite for all adapters.
 *
 * Rows D1 to D28 of spec §1.2 as far as they are about storing; who may store what is decided before a change gets here.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Change, Snapshot, Store } from "../../src/cluster/store.ts";
import { faultOf } from "./fault_of.ts";
import {
  address,
  addressGone,
  application,
  applicationGone,
  applicationRow,
  ban,
  banGone,
  call,
  callGone,
  callRow,
  client,
  clientGone,
  EMPTY,
  mixer,
  mixerGone,
  mixerRow,
  node,
  nodeGone,
  nodeRow,
  platform,
  setting,
} from "./rows.ts";

/** One place where things are stored, through as many lives as a test needs. */
export interface Place {
  /** A store on this place, not yet open. */
  store(): Store;
  dispose(): Promise<void>;
}

const ROMEO = "romeo@montague.lit", JULIET = "juliet@capulet.lit";

export function storeContract(name: string, makePlace: () => Promise<Place>): void {
  describe(`${name} store`, () => {
    let place: Place;
    let store: Store;

    beforeEach(async () => {
      place = await makePlace();
      store = place.store();
    });
    afterEach(async () => {
      await store.close();
      await place.dispose();
    });

    /** Writes the batches one after the other, restarts, and returns what the next life finds. */
    async function after(...batches: Change[][]): Promise<Snapshot> {
      await store.open();
      for (const batch of batches) await store.write(batch);
      return await restart();
    }

    async function restart(): Promise<Snapshot> {
      await store.close();
      store = place.store();
      return await store.open();
    }

    test("is empty at first, and names itself", async () => {
      expect(await store.open()).toEqual(EMPTY);
      expect(store.adapter).toMatch(/^[a-z]+$/);
    });

    test("keeps every field of every kind of row through a restart", async () => {
      const full = callRow(7, { publicId: "alias", controlled: true, accepted: true, outbound: true });
      const bare = callRow(8, { parties: [], controlled: false, startedAt: 0 });
      const java = nodeRow("n2.lit", {
        platforms: [],
        weight: 0,
        priority: 9,
        javaNode: true,
        state: "quiesced",
        blacklisted: true,
        consecutiveErrors: 3,
      });
      expect(
        await after([
          application(ROMEO),
          address("sip:usera@example.net", ROMEO),
          node("n1.lit"),
          { kind: "node", row: java },
          client(`${ROMEO}/orchard`, 12),
          { kind: "call", row: full },
          { kind: "call", row: bare },
          mixer("ball.x7"),
          ban("tybalt@capulet.lit"),
          platform("staging"),
          setting("quiesced", "true"),
        ]),
      ).toEqual({
        applications: [applicationRow(ROMEO)],
        addresses: [{ address: "sip:usera@example.net", jid: ROMEO }],
        nodes: [nodeRow("n1.lit"), java],
        clients: [{ jid: `${ROMEO}/orchard`, order: 12 }],
        calls: [full, bare],
        mixers: [mixerRow("ball.x7")],
        bans: ["tybalt@capulet.lit"],
        platforms: ["staging"],
        settings: { quiesced: "true" },
      });
    });

    test("keeps text as it is: quotes, NUL, tabs, line feeds, letters of all planes, the case of addresses", async () => {
      const odd = `'";--\u0000\t\n\u00e9\u4e16\u{1f339} %_\\`;
      const found = await after([
        application("a@b.lit", { name: odd, appId: odd }),
        address(odd, "a@b.lit"),
        address("SIP:A", "a@b.lit"),
        address("sip:a", "a@b.lit"),
        call(0, { id: odd, parties: [`a@b.lit/${odd}`, "a@b.lit/ "] }),
        setting(odd, odd),
      ]);
      expect(found.applications[0]).toEqual(applicationRow("a@b.lit", { name: odd, appId: odd }));
      expect(found.addresses.map((row) => row.address)).toEqual([odd, "SIP:A", "sip:a"]);
      expect(found.calls).toEqual([callRow(0, { id: odd, parties: [`a@b.lit/${odd}`, "a@b.lit/ "] })]);
      expect(found.settings).toEqual({ [odd]: odd });
    });

    test("a second life adds to the first", async () => {
      await after([application(ROMEO), call(1)]);
      await store.write([application(JULIET), callGone(1), call(2)]);
      const found = await restart();
      expect(found.applications.map((row) => row.jid)).toEqual([ROMEO, JULIET]);
      expect(found.calls).toEqual([callRow(2)]);
    });

    test("the order of arrival stays, replaced rows keep their place (D7, D8, D17, D22, D27)", async () => {
      const found = await after([
        node("c.lit"),
        node("a.lit"),
        node("b.lit"),
        application("z@x.lit"),
        application("y@x.lit"),
        address("2", "z@x.lit"),
        address("1", "z@x.lit"),
        client("z@x.lit/2", 1),
        client("z@x.lit/1", 2),
        platform("second"),
        platform("first"),
        ban("q@x.lit"),
        ban("p@x.lit"),
      ], [
        node("c.lit", { weight: 99 }),
        application("z@x.lit", { name: "new" }),
        address("2", "y@x.lit"),
        client("z@x.lit/2", 5),
        platform("second"),
        ban("q@x.lit"),
      ]);
      expect(found.nodes.map((row) => `${row.jid} ${row.weight}`)).toEqual([
        "c.lit 99",
        "a.lit 10",
        "b.lit 10",
      ]);
      expect(found.applications.map((row) => `${row.jid} ${row.name}`)).toEqual([
        "z@x.lit new",
        "y@x.lit Balcony",
      ]);
      expect(found.addresses).toEqual([{ address: "2", jid: "y@x.lit" }, { address: "1", jid: "z@x.lit" }]);
      expect(found.clients).toEqual([{ jid: "z@x.lit/2", order: 5 }, { jid: "z@x.lit/1", order: 2 }]);
      expect(found.platforms).toEqual(["second", "first"]);
      expect(found.bans).toEqual(["q@x.lit", "p@x.lit"]);
    });

    test("what was removed and comes back is the last in line", async () => {
      const found = await after([node("a.lit"), node("b.lit")], [nodeGone("a.lit")], [node("a.lit")]);
      expect(found.nodes.map((row) => row.jid)).toEqual(["b.lit", "a.lit"]);
    });

    test("a known key is replaced whole, never doubled (D2, D9, D15, D19, D20, D24)", async () => {
      const found = await after([
        node("n.lit", { platforms: ["old"], state: "unreachable" }),
        node("n.lit", { platforms: ["new"] }),
        application(ROMEO),
        application(ROMEO, { permissions: "" }),
        address("tel:+1", ROMEO),
        address("tel:+1", ROMEO),
        client(`${ROMEO}/x`, 1),
        client(`${ROMEO}/x`, 1),
        call(3),
        call(3, { accepted: true, parties: [`${ROMEO}/x`] }),
        ban(ROMEO),
        ban(ROMEO),
        setting("quiesced", "true"),
        setting("quiesced", "false"),
      ]);
      expect(found).toEqual({
        ...EMPTY,
        nodes: [nodeRow("n.lit", { platforms: ["new"] })],
        applications: [applicationRow(ROMEO, { permissions: "" })],
        addresses: [{ address: "tel:+1", jid: ROMEO }],
        clients: [{ jid: `${ROMEO}/x`, order: 1 }],
        calls: [callRow(3, { accepted: true, parties: [`${ROMEO}/x`] })],
        bans: [ROMEO],
        settings: { quiesced: "false" },
      });
    });

    test("removing what is unknown is nothing (D10, D23, D25, BUG 12)", async () => {
      const found = await after([
        applicationGone("nobody@x.lit"),
        addressGone("tel:+0"),
        nodeGone("nowhere.lit"),
        clientGone("nobody@x.lit/r"),
        callGone(99),
        banGone("nobody@x.lit"),
      ], [application(ROMEO)]);
      expect(found).toEqual({ ...EMPTY, applications: [applicationRow(ROMEO)] });
    });

    test("removals remove, and only what they name (D3, D10, D23, D25)", async () => {
      const found = await after([
        node("a.lit"),
        node("b.lit"),
        platform("staging"),
        client(`${ROMEO}/1`, 1),
        client(`${ROMEO}/2`, 2),
        call(1, { domain: "a.lit" }),
        call(2, { domain: "a.lit" }),
        ban(ROMEO),
        ban(JULIET),
        application(ROMEO),
        address("1", ROMEO),
        address("2", ROMEO),
      ], [nodeGone("a.lit"), clientGone(`${ROMEO}/1`), callGone(1), banGone(ROMEO), addressGone("1")]);
      expect(found).toEqual({
        ...EMPTY,
        nodes: [nodeRow("b.lit")],
        // D3: the calls of a node that left stay, and so does a platform's name (D8)
        calls: [callRow(2, { domain: "a.lit" })],
        platforms: ["staging"],
        clients: [{ jid: `${ROMEO}/2`, order: 2 }],
        bans: [JULIET],
        applications: [applicationRow(ROMEO)],
        addresses: [{ address: "2", jid: ROMEO }],
      });
    });

    test("an application's end takes its addresses, and nothing else (D18)", async () => {
      const found = await after(
        [
          application(ROMEO),
          application(JULIET),
          address("1", ROMEO),
          address("2", JULIET),
          address("3", ROMEO),
          client(`${ROMEO}/x`, 1),
          call(1, { application: ROMEO }),
        ],
        [applicationGone(ROMEO)],
      );
      expect(found.applications.map((row) => row.jid)).toEqual([JULIET]);
      expect(found.addresses).toEqual([{ address: "2", jid: JULIET }]);
      expect(found.clients).toHaveLength(1);
      expect(found.calls).toHaveLength(1);
    });

    test("an application that ended and began anew in one batch has only its new addresses", async () => {
      const found = await after(
        [application(ROMEO), address("1", ROMEO), address("2", ROMEO)],
        [applicationGone(ROMEO), application(ROMEO), address("3", ROMEO)],
      );
      expect(found.addresses).toEqual([{ address: "3", jid: ROMEO }]);
    });

    test("a re-pointed address leaves no ghost with its old application (D19, BUG 21)", async () => {
      await after([application(ROMEO), application(JULIET), address("1", ROMEO)], [address("1", JULIET)]);
      await store.write([applicationGone(ROMEO)]);
      expect((await restart()).addresses).toEqual([{ address: "1", jid: JULIET }]);
      await store.write([applicationGone(JULIET)]);
      expect((await restart()).addresses).toEqual([]);
    });

    test("mixers keep their place when they change, and go alone (D29, D30)", async () => {
      const found = await after(
        [mixer("a.1"), mixer("b.1"), mixer("c.1"), mixerGone("nobody.1")],
        [mixer("a.1", { participants: [3], verbs: [] }), mixerGone("b.1")],
      );
      expect(found.mixers).toEqual([mixerRow("a.1", { participants: [3], verbs: [] }), mixerRow("c.1")]);
    });

    test("a slot may be freed and taken again within a batch, and the other way round", async () => {
      const found = await after(
        [call(1, { id: "old" }), call(2, { id: "old" })],
        [callGone(1, "old"), call(1, { id: "new" }), call(2, { id: "newer" }), callGone(2, "newer")],
      );
      expect(found.calls).toEqual([callRow(1, { id: "new" })]);
    });

    test("a slot is freed by its number, whichever call it holds", async () => {
      const found = await after([call(1, { id: "stored" })], [callGone(1, "came-and-went-since")]);
      expect(found.calls).toEqual([]);
    });

    test("the same id at two nodes is two calls (DC15)", async () => {
      const found = await after([
        call(1, { id: "x", domain: "a.lit" }),
        call(2, { id: "x", domain: "b.lit" }),
      ]);
      expect(found.calls.map((row) => row.domain)).toEqual(["a.lit", "b.lit"]);
    });

    test("calls come back by slot", async () => {
      const found = await after([call(30), call(4), call(0), call(11)]);
      expect(found.calls.map((row) => row.slot)).toEqual([0, 4, 11, 30]);
    });

    test("writes that overlap are applied in call order, and close() waits for them", async () => {
      await store.open();
      const writes: Promise<void>[] = [];
      for (let n = 0; n < 200; n++) {
        writes.push(store.write([setting("last", String(n)), call(n % 7, { id: `${n}` })]));
      }
      const found = await restart();
      await Promise.all(writes);
      expect(found.settings).toEqual({ last: "199" });
      expect(found.calls.map((row) => row.id)).toEqual(["196", "197", "198", "199", "193", "194", "195"]);
    });

    test("a batch is taken as it is when write() is called", async () => {
      await store.open();
      const row = callRow(1);
      const batch: Change[] = [{ kind: "call", row }];
      const written = store.write(batch);
      row.id = "changed";
      row.parties.length = 0;
      batch.push(call(2));
      await written;
      expect((await restart()).calls).toEqual([callRow(1)]);
    });

    test("an empty batch is fine, a large one too", async () => {
      const many = Array.from({ length: 25_000 }, (_, slot) => call(slot));
      const found = await after([], many);
      expect(found.calls).toHaveLength(25_000);
      expect(found.calls[24_999]).toEqual(callRow(24_999));
    });

    test("what the caller does to a snapshot stays there", async () => {
      const found = await after([node("n.lit")]);
      found.nodes[0]!.platforms.push("forged");
      found.nodes.pop();
      expect((await restart()).nodes).toEqual([nodeRow("n.lit")]);
    });

    test("closed or not yet open it takes no writes; close() twice, or before open(), is nothing", async () => {
      await store.close();
      expect(await faultOf(store.write([call(1)]))).toHaveProperty("retry", false);
      await store.open();
      await store.close();
      await store.close();
      expect(await faultOf(store.write([call(1)]))).toHaveProperty("retry", false);
      expect((await restart()).calls).toEqual([]);
    });

    test("opened again while it is still closing, it has what was written", async () => {
      await store.open();
      const writing = store.write(Array.from({ length: 20_000 }, (_, slot) => call(slot))); // takes its time
      const closing = store.close();
      expect((await store.open()).calls).toHaveLength(20_000);
      await Promise.all([writing, closing]);
      await store.write([call(20_000)]);
      expect((await restart()).calls).toHaveLength(20_001);
    });

    test("the same object may be opened again", async () => {
      await store.open();
      await store.write([call(1)]);
      await store.close();
      expect((await store.open()).calls).toEqual([callRow(1)]);
    });
  });
}
