/**
 * What routing is told of the configuration.
 */
import type { Config } from "../config.ts";
import type { RoutingSettings } from "../routing/exchange.ts";
import type { OwnershipSettings } from "../routing/ownership.ts";

export function routingSettings(config: Config): RoutingSettings {
  return {
    internalResource: config.gateway.internalResource,
    dialAttemptsMax: config.dial.attemptsMax,
    dialTimeoutMs: config.dial.timeoutMs,
    dialDeadlineMs: config.dial.deadlineMs,
    dialRetryConditions: new Set(config.dial.retryConditions),
    commandTimeoutMs: config.commands.timeoutMs,
    offerTimeoutMs: config.offers.timeoutMs,
    holdMs: config.events.holdMs,
    mixersShared: config.mixers.scope === "shared",
    failuresAllowed: config.balancing.failuresAllowed,
    ownership: ownershipSettings(config),
  };
}

export function ownershipSettings(
  { offers, calls, clients, permissions, applications }: Config,
): OwnershipSettings {
  return {
    offerToAll: offers.mode === "all",
    siblingsMayCommand: calls.siblingsMayCommand,
    controllerLoss: calls.onControllerLoss,
    controllerLossOf: new Map(applications.map((a) => [a.jid, a.onControllerLoss])),
    clientGraceMs: clients.graceMs,
    clientReturnMs: clients.returnWindowMs,
    permissions,
    commandsNeedLetters: permissions.join + permissions.mixer + permissions.component !== "",
  };
}
