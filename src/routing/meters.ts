/**
 * What routing counts: the seed's counters (§4.3, each once) and why stanzas were dropped.
 */

export class RoutingMeters {
  /** G9: presences received, Rayo IQ requests, IQ answers. */
  messages = 0;
  /** Error stanzas sent by the gateway, and one per made-up `end`. */
  errors = 0;
  /** Stanzas routed on, by direction. */
  toClients = 0;
  toNodes = 0;
  /** Answers the gateway gave itself, errors included. */
  answers = 0;
  /** Dropped on purpose: from somebody untrusted, matching nothing, of no meaning here. */
  untrusted = 0;
  unmatched = 0;
  ignored = 0;
  /** Refused by a full outlet. */
  refused = 0;
  /** Early events held until their dial's result came. */
  held = 0;
  dialAttempts = 0;
  dialRetries = 0;
  offers = 0;
  offersRefused = 0;
  /** Calls ended by the gateway with `hangup` or `reject`. */
  hangups = 0;
  timeouts = 0;
}
