/**
 * What fanning a mixer's events out is measured against: as a user of `@xmpp/component` would write it. Every event is
 * parsed into a tree, `from` and `to` are changed for each of ten recipients, and each copy is sent.
 *
 * It knows one audience for all mixers, keeps no state, checks nothing and leaves URIs alone: much less than a gateway
 * has to do. Serialising makes the copy; the tree is used again for the next recipient, which makes it faster.
 * Arguments: port, secret.
 */
import { EXTERNAL, INTERNAL, PARTICIPANTS, RECIPIENT_STEM } from "./plan.ts";
import { open } from "./peer_component.ts";

const recipients = Array.from({ length: PARTICIPANTS }, (_, i) => `${RECIPIENT_STEM}${i}`);
const [external, internal] = await Promise.all([open(EXTERNAL), open(INTERNAL)]);
internal.on("stanza", (stanza) => {
  const { attrs } = stanza;
  const from = attrs["from"]!;
  attrs["from"] = from.slice(0, from.indexOf("@") + 1) + EXTERNAL;
  for (const recipient of recipients) {
    attrs["to"] = recipient;
    external.send(stanza);
  }
});
