/**
 * The gateway's numbers for /metrics.
 */
import type { Exchange } from "../routing/exchange.ts";
import type { Counters, LinkView, Meter, StatusView } from "./gateway.ts";
import { labelled } from "./metrics.ts";

interface Around {
  links(): LinkView[];
  store(): StatusView["store"];
  outletDrops(): number;
}

/** Everything routing counts, what is under way, links and store. */
export function gatewayMeters(ex: Exchange, counters: Counters, around: Around): Meter[] {
  const { meters, directory } = ex;
  const list: Meter[] = [];
  const counter = (name: string, help: string, value: number) =>
    list.push({ name, kind: "counter", help, value });
  const gauge = (name: string, help: string, value: number) =>
    list.push({ name, kind: "gauge", help, value });

  gauge("calls_active", "Live calls.", counters.ActiveCallsCount);
  counter(
    "calls_total",
    "Calls since start: offers placed and dials that succeeded.",
    counters.TotalCallsCount,
  );
  gauge("mixers_active", "Conferences there are.", counters.ActiveMixersCount);
  counter("mixers_total", "Conferences since start.", counters.TotalMixersCount);
  gauge(
    "mixer_table_bytes",
    "Bytes of the packed table of who is in which conference.",
    directory.mixers.bytes,
  );
  gauge("clients_active", "Applications with a registered resource.", counters.ActiveClientsCount);
  counter(
    "clients_total",
    "Distinct applications that registered a resource since start.",
    counters.TotalClientsCount,
  );
  counter(
    "resources_total",
    "Distinct resources registered since start.",
    counters.TotalClientResourcesCount,
  );
  gauge("nodes_active", "Nodes that are not gone.", counters.ActiveRayoNodesCount);
  counter("messages_total", "Presences, Rayo requests and answers received.", counters.MessagesCount);
  counter("errors_total", "Error stanzas sent, and ends made up for lost calls.", counters.ErrorsCount);
  const routed = "Stanzas routed on.";
  counter(labelled("stanzas_routed_total", { to: "clients" }), routed, meters.toClients);
  counter(labelled("stanzas_routed_total", { to: "nodes" }), routed, meters.toNodes);
  counter("answers_total", "Answers the gateway gave itself.", meters.answers);
  const dropped = "Stanzas dropped, by reason.";
  counter(labelled("stanzas_dropped_total", { reason: "untrusted" }), dropped, meters.untrusted);
  counter(labelled("stanzas_dropped_total", { reason: "unmatched" }), dropped, meters.unmatched);
  counter(labelled("stanzas_dropped_total", { reason: "ignored" }), dropped, meters.ignored);
  counter(
    labelled("stanzas_dropped_total", { reason: "outbox_full" }),
    dropped,
    meters.refused + around.outletDrops(),
  );
  counter(
    labelled("stanzas_dropped_total", { reason: "early" }),
    dropped,
    ex.early.dropped + ex.verbEvents.dropped,
  );
  counter("events_held_total", "Events held for the result of their dial.", meters.held);
  counter("dial_attempts_total", "Dials sent to nodes.", meters.dialAttempts);
  counter("dial_retries_total", "Dials tried at another node.", meters.dialRetries);
  counter("offers_total", "Offers received.", meters.offers);
  counter("offers_refused_total", "Offers refused.", meters.offersRefused);
  counter("hangups_total", "Calls the gateway told nodes to end.", meters.hangups);
  counter("timeouts_total", "Requests, dials and offers that nobody answered in time.", meters.timeouts);
  gauge("requests_outstanding", "Commands waiting for a node's answer.", ex.requests.outstanding);
  gauge("dials_outstanding", "Dials under way.", ex.dials.size);
  gauge("offers_waiting", "Offers nobody has answered yet.", ex.offers.size);
  gauge("early_bytes", "Bytes of held events.", ex.early.bytes);
  gauge("quiesced", "1 while new calls are refused.", directory.quiesced ? 1 : 0);
  for (const link of around.links()) {
    const labels = { side: link.side, domain: link.domain };
    gauge(labelled("link_up", labels), "1 while the link's stream is open.", link.up ? 1 : 0);
  }
  for (const link of around.links()) {
    const labels = { side: link.side, domain: link.domain };
    gauge(labelled("link_outbox_bytes", labels), "Bytes waiting to be written.", link.outboxBytes);
  }
  const store = around.store();
  gauge("store_up", "1 while the store takes writes.", store.ok ? 1 : 0);
  gauge("store_pending_changes", "Changes not yet durable.", store.pending_changes);
  gauge("process_resident_bytes", "Resident memory of the process.", process.memoryUsage.rss());
  return list;
}
