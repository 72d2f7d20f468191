/**
 * REST over what can be set while the gateway runs (9.4): quiesce mode, dial attempts, log level.
 */

import * as v from "valibot";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Gateway } from "../gateway.ts";
import { jsonBody, keyFault } from "../body.ts";
import { json, permit, type Route } from "./route.ts";

const DIAL_ATTEMPTS_MAX = 100;
const attempts = `must be a whole number from 1 to ${DIAL_ATTEMPTS_MAX}`;

const Changes = v.strictObject({
  quiesce: v.optional(v.boolean("must be true or false")),
  dial_attempts_max: v.optional(
    v.pipe(
      v.number(attempts),
      v.integer(attempts),
      v.minValue(1, attempts),
      v.maxValue(DIAL_ATTEMPTS_MAX, attempts),
    ),
  ),
  log_level: v.optional(v.picklist(["debug", "info", "warn", "error"], "must be debug, info, warn or error")),
}, keyFault);

export function settingsRoutes(gateway: Gateway, log: Log, clock: Clock): Route[] {
  const current = () => ({
    quiesce: gateway.quiesced(),
    dial_attempts_max: gateway.dialAttemptsMax(),
    log_level: log.level,
  });
  return [{
    path: "/settings",
    methods: {
      GET: { act: "read", run: () => json(current()) },
      PATCH: {
        // An operator may quiesce, here as by Jolokia; the rest is an admin's (roles.ts).
        act: "quiesce",
        run: async (call) => {
          const { quiesce, dial_attempts_max, log_level } = await jsonBody(call.req.raw, Changes, clock);
          if (dial_attempts_max !== undefined || log_level !== undefined) permit(call, "settings");
          if (dial_attempts_max !== undefined) await gateway.setDialAttemptsMax(dial_attempts_max);
          if (quiesce !== undefined) await gateway.quiesce(quiesce);
          if (log_level !== undefined) gateway.setLogLevel(log_level);
          return json(current());
        },
      },
    },
  }];
}
