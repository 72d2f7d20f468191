/**
 * Rows and changes for the tests of the stores: short to write, every field with a value that could get lost.
 */
import type {
  ApplicationRow,
  CallRow,
  Change,
  ClientRow,
  MixerRow,
  NodeRow,
  Snapshot,
} from "../../src/cluster/store.ts";

export function applicationRow(jid: string, over: Partial<ApplicationRow> = {}): ApplicationRow {
  return {
    jid,
    appId: "7",
    name: "Balcony",
    platform: "staging",
    accountId: "a1",
    permissions: "suc",
    ...over,
  };
}

export function nodeRow(jid: string, over: Partial<NodeRow> = {}): NodeRow {
  return {
    jid,
    platforms: ["staging", "production"],
    weight: 10,
    priority: 1,
    javaNode: false,
    state: "available",
    blacklisted: false,
    consecutiveErrors: 0,
    ...over,
  };
}

export function callRow(slot: number, over: Partial<CallRow> = {}): CallRow {
  return {
    slot,
    domain: "node1.shakespeare.lit",
    id: `call-${slot}`,
    publicId: "",
    application: "juliet@capulet.lit",
    parties: ["juliet@capulet.lit/balcony", "juliet@capulet.lit/garden"],
    controlled: true,
    accepted: false,
    outbound: false,
    startedAt: 1_763_836_800_123,
    ...over,
  };
}

export const application = (jid: string, over?: Partial<ApplicationRow>): Change => ({
  kind: "application",
  row: applicationRow(jid, over),
});
export const applicationGone = (jid: string): Change => ({ kind: "application-gone", jid });
export const address = (text: string, jid: string): Change => ({
  kind: "address",
  row: { address: text, jid },
});
export const addressGone = (text: string): Change => ({ kind: "address-gone", address: text });
export const node = (jid: string, over?: Partial<NodeRow>): Change => ({
  kind: "node",
  row: nodeRow(jid, over),
});
export const nodeGone = (jid: string): Change => ({ kind: "node-gone", jid });
export const client = (jid: string, order: number): Change => ({
  kind: "client",
  row: { jid, order } satisfies ClientRow,
});
export const clientGone = (jid: string): Change => ({ kind: "client-gone", jid });
export const call = (slot: number, over?: Partial<CallRow>): Change => ({
  kind: "call",
  row: callRow(slot, over),
});
export const callGone = (slot: number, id = `call-${slot}`): Change => ({
  kind: "call-gone",
  slot,
  domain: "node1.shakespeare.lit",
  id,
});
export function mixerRow(name: string, over: Partial<MixerRow> = {}): MixerRow {
  return {
    name,
    publicName: "Ball",
    application: "juliet@capulet.lit",
    domain: "node1.shakespeare.lit",
    participants: [1, 7],
    told: ["juliet@capulet.lit/balcony"],
    verbs: [["output-1", "juliet@capulet.lit/balcony"]],
    filters: ["juliet@capulet.lit/garden"],
    letters: [["juliet@capulet.lit/garden", "BALL"]],
    ...over,
  };
}
export const mixer = (name: string, over?: Partial<MixerRow>): Change => ({
  kind: "mixer",
  row: mixerRow(name, over),
});
export const mixerGone = (name: string): Change => ({ kind: "mixer-gone", name });
export const ban = (jid: string): Change => ({ kind: "ban", jid });
export const banGone = (jid: string): Change => ({ kind: "ban-gone", jid });
export const platform = (name: string): Change => ({ kind: "platform", name });
export const setting = (name: string, value: string): Change => ({ kind: "setting", name, value });

export const EMPTY: Snapshot = {
  applications: [],
  addresses: [],
  nodes: [],
  clients: [],
  calls: [],
  mixers: [],
  bans: [],
  platforms: [],
  settings: {},
};
