/**
 * Each MUST of XEP-0349 and of the server role of XEP-0327, in short, with the test that shows it.
 */

export interface Must {
  /** `XEP-0349 §4.1`. */
  section: string;
  must: string;
  /** Who does it. What is a node's work passes the gateway unchanged, which the test shows. */
  by: "gateway" | "node";
  /** From the top of the repository, and words of a title in it. */
  file: string;
  title: string;
}

const scene = (name: string) => `test/scene/${name}.scene`;
const gateway = (section: string, must: string, file: string, title: string): Must => ({
  section,
  must,
  by: "gateway",
  file,
  title,
});
const node = (section: string, must: string, file: string, title: string): Must => ({
  section,
  must,
  by: "node",
  file,
  title,
});

const HOSTILE = "test/routing/hostile_test.ts";
const GUESTS = "test/routing/guests_test.ts";
const COMPONENT = "test/routing/component_test.ts";
const PASSED = "PX2, G7, G8: an event keeps its type and all its children";
const THERE_AND_BACK = "DL4, DL7, DL11, RW1, RW3: there and back, with the client's own URI";
const CALLERS_MISTAKE = "DL9, RW9: the caller's mistake is the caller's; the echo shows no node";
const ECHO = "RW9, FS54: what a node echoes is translated back";
const COMPONENTS = "PX8, RW3: a component's ref and its completion agree to the letter";

export const MUSTS: readonly Must[] = [
  gateway(
    "XEP-0349 §4",
    "no critical functionality from proprietary knowledge of nodes: calls are found by what was seen, not by their ids",
    HOSTILE,
    "a call named",
  ),
  gateway("XEP-0349 §4", "all communication conforms to XEP-0327", scene("dial"), THERE_AND_BACK),
  gateway("XEP-0349 §4.1", "two domains, internal and external", "test/routing/domains_test.ts", "DC6"),
  gateway(
    "XEP-0349 §4.2",
    "dials are spread evenly, round robin at least",
    "test/cluster/priority_test.ts",
    "§3.2",
  ),
  gateway(
    "XEP-0349 §4.2",
    "a node is dialled after it said chat",
    scene("node_presence"),
    "PN1, DC33: a node that says chat is greeted",
  ),
  gateway(
    "XEP-0349 §4.4",
    "permissions on commands: one of the call's controlling parties",
    scene("offer"),
    "OF4: who commands first has the call",
  ),
  gateway("XEP-0349 §4.4", "only trusted nodes at the internal domain", scene("node_presence"), "DC8"),
  gateway(
    "XEP-0349 §5",
    "urn:xmpp:rayo:1 on the external domain",
    scene("question"),
    "IC13: service discovery of the external domain",
  ),
  gateway(
    "XEP-0349 §5",
    "urn:xmpp:rayo:gateway:1 on the internal domain",
    scene("question"),
    "II3, GAP9: service discovery of the internal domain",
  ),
  gateway(
    "XEP-0327 §6.1",
    "a client is offered calls after it said chat",
    scene("client_presence"),
    "PC1, PN2, DL4: a client that chatted may dial",
  ),
  gateway(
    "XEP-0327 §6.2.1",
    "a dial that is not allowed gets an authorization reason",
    "test/routing/permission_test.ts",
    "only with the letter",
  ),
  gateway("XEP-0327 §6.2.1", "the URI that a dial asks for is the call's", scene("dial"), THERE_AND_BACK),
  gateway(
    "XEP-0327 §6.2.1",
    "unknown client: registration-required/auth",
    scene("dial"),
    "DL2, DC22: a stranger has to register",
  ),
  gateway(
    "XEP-0327 §6.2.1",
    "not enough resources: resource-constraint/wait",
    HOSTILE,
    "a full outlet refuses new calls",
  ),
  node("XEP-0327 §6.2.1", "malformed dial: bad-request/modify", scene("dial"), CALLERS_MISTAKE),
  gateway(
    "XEP-0327 §6.2.1",
    "a URI that is no call's: bad-request/modify",
    HOSTILE,
    "DL13, FS30: URIs that are none",
  ),
  gateway(
    "XEP-0327 §6.2.1",
    "a URI that is taken: conflict/modify",
    scene("dial"),
    "DL13, GAP11: a URI that is taken",
  ),
  gateway(
    "XEP-0327 §6.2.1",
    "a nested join is made where the other leg is",
    scene("dial"),
    "DC24, RW2, FS53: a nested join goes to the node of the other leg",
  ),
  gateway(
    "XEP-0327 §6.2.2",
    "an inbound call is offered to controlling parties",
    scene("offer"),
    "§2.4, OF7: an offer reaches the application",
  ),
  gateway(
    "XEP-0327 §6.2.2",
    "nobody to offer it to: it is rejected",
    scene("offer"),
    "§2.4, OF2, DC18: no client of that application is there",
  ),
  node(
    "XEP-0327 §6.2.2",
    "an offer carries the call's capabilities",
    scene("offer"),
    "§2.4, OF7: an offer reaches the application",
  ),
  gateway(
    "XEP-0327 §6.2.2",
    "after an offer: a response, the end, or the next party",
    scene("offer"),
    "DC19: the time for an offer is shared by the resources",
  ),
  gateway(
    "XEP-0327 §6.3",
    "calls of one security zone can be joined",
    scene("rewriting"),
    "RW2, RW4: calls are joined and parted",
  ),
  node(
    "XEP-0327 §6.3",
    "each joined call says so, by the names that clients know",
    scene("rewriting"),
    "RW2, RW4: calls are joined and parted",
  ),
  gateway(
    "XEP-0327 §6.3.1",
    "a party that does not exist: service-unavailable/cancel",
    HOSTILE,
    "IC11, IC12, G4: joins",
  ),
  gateway(
    "XEP-0327 §6.3.1",
    "another zone's: not-allowed/cancel",
    scene("rewriting"),
    "DC23, IC11: another application's call cannot be joined",
  ),
  node(
    "XEP-0327 §6.3.1",
    "malformed, impossible or too much: the node's own error",
    scene("rewriting"),
    ECHO,
  ),
  node(
    "XEP-0327 §6.3.2",
    "unjoin, and its errors",
    scene("rewriting"),
    "RW2, RW4: calls are joined and parted",
  ),
  node("XEP-0327 §6.3.3", "unjoined is told", scene("rewriting"), "RW2, RW4: calls are joined and parted"),
  node("XEP-0327 §6.3.4", "a second join changes the first", GUESTS, "joins in a circle"),
  gateway(
    "XEP-0327 §6.4",
    "a mixer is made by the first join, and answered with a reference",
    scene("mixer"),
    "IC2, IR3, RW6, PMX4, PMX6, FS51",
  ),
  gateway(
    "XEP-0327 §6.4",
    "its presence, with capabilities, and its events reach all who have calls in it",
    scene("mixer"),
    "PMX4: each resource hears an event once",
  ),
  gateway(
    "XEP-0327 §6.4",
    "no way into another zone's mixers",
    scene("mixer"),
    "AH11, FS55, IC10, FS35: two tenants' conferences of one name are two",
  ),
  gateway(
    "XEP-0327 §6.4",
    "presence subscriptions of the zone are permitted and obeyed",
    scene("mixer"),
    "PM1, PM3, DC27: who wants nothing of a mixer",
  ),
  node(
    "XEP-0327 §6.4",
    "who speaks is told to all who listen",
    scene("mixer"),
    "PMX4: each resource hears an event once",
  ),
  gateway(
    "XEP-0327 §6.4",
    "a mixer that ends is unavailable to all who heard of it",
    scene("mixer"),
    "PMX8, GAP12: a node that does not say that it is gone",
  ),
  gateway(
    "XEP-0327 §6.5",
    "a command that starts a component is answered with its reference",
    scene("event"),
    COMPONENTS,
  ),
  gateway(
    "XEP-0327 §6.5",
    "its events are known by that reference",
    COMPONENT,
    "goes out a little after the ref",
  ),
  node(
    "XEP-0327 §6.5.1",
    "components that cannot be: the node's own error",
    COMPONENT,
    "so it is when the command is refused",
  ),
  node("XEP-0327 §6.5.3", "output and its commands", scene("event"), COMPONENTS),
  node("XEP-0327 §6.5.4", "input", scene("component"), "PX9: call progress analysis passes as it is"),
  node(
    "XEP-0327 §6.5.6",
    "recordings are told with their URI",
    scene("rewriting"),
    "RW7, RW8: recordings, documents, headers and foreign elements",
  ),
  node(
    "XEP-0327 §6.6.3",
    "a hang-up ends components, then the call",
    "test/support/mod_rayo_replay_test.ts",
    "nothing is said of a call after its end",
  ),
  node(
    "XEP-0327 §6.6.4",
    "the reason of an end is told",
    scene("event"),
    "PX4: the end is the last that is heard of a call",
  ),
  gateway(
    "XEP-0327 §6.6.4",
    "an end of type unavailable, to all that were offered the call or commanded it",
    scene("event"),
    "PX4, GAP10: everybody who was offered the call hears its end",
  ),
  gateway("XEP-0327 §6.6.4", "nothing after it", "test/routing/simulation_test.ts", "seed"),
  gateway(
    "XEP-0327 §6.6.4",
    "commands to a call that has ended or never was: item-not-found/cancel",
    scene("command"),
    "IC3: a call that does not exist",
  ),
  node("XEP-0327 §6.7", "headers of one name keep their order", scene("event"), PASSED),
  gateway(
    "XEP-0327 §6.8.1",
    "a message of another type: feature-not-implemented/modify",
    scene("message"),
    "G12: other types are refused",
  ),
  gateway(
    "XEP-0327 §8",
    "Rayo is advertised",
    scene("question"),
    "IC13: service discovery of the external domain",
  ),
  gateway(
    "XEP-0327 §10",
    "nothing is ignored silently: what is not understood is refused",
    scene("question"),
    "I4: anything else is not known here",
  ),
];
