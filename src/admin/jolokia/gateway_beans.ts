/**
 * `com.rayo.gateway:Type=Gateway`, `Type=GatewayStatistics` and `Type=Admin,name=Admin` (§4.1), with the wiki's names
 * beside the code's where they differ.
 */

import type { Log, LogLevel } from "../../base/log.ts";
import type { ApplicationView, Counters, Gateway } from "../gateway.ts";
import {
  type Argument,
  type Bean,
  bean,
  type Json,
  parseBoolean,
  parseInteger,
  required,
  STRING,
  tells,
} from "./bean.ts";
import { illegalArgument } from "./fault.ts";
import { applicationShape, callShape, mixerShape, nodeShape, resourceNames, verbShape } from "./shapes.ts";

export function gatewayBean(gateway: Gateway): Bean {
  const nodes = () => gateway.nodes().map((node) => nodeShape(gateway, node));
  const byAppId = (appId: string) =>
    byId(gateway.applications()).find((application) => application.app_id === appId);
  return bean("com.rayo.gateway:Type=Gateway", {
    Platforms: () => [...gateway.platforms()].sort().map((name) => ({ name })),
    RayoNodes: nodes,
    // The wiki's name.
    Nodes: nodes,
    ...people(gateway),
  }, {
    getClientApplication: tells(1, (appId) => {
      const application = byAppId(appId);
      return application === undefined ? null : applicationShape(application);
    }),
    getResourcesForAppId: tells(1, (appId) => {
      const application = byAppId(appId);
      return application === undefined ? null : resourceNames(application);
    }),
    getResourcesForJid: tells(1, (jid) => {
      const application = gateway.application(jid);
      return application === null ? [] : resourceNames(application);
    }),
    getAddressesForAppId: tells(1, (appId) => byAppId(appId)?.addresses ?? null),
    getAddressesForJid: tells(1, (jid) => gateway.application(jid)?.addresses ?? []),
    getRayoNodes: tells(
      1,
      (platform) =>
        gateway.nodes().filter((node) => node.platforms.includes(platform)).map((node) =>
          nodeShape(gateway, node)
        ),
    ),
    // Unknown: null, where the original failed (BUG 24).
    callInfo: tells(1, (id) => {
      const call = gateway.call(id);
      return call === null ? null : callShape(call);
    }),
    mixerInfo: tells(1, (name) => {
      const mixer = gateway.mixer(name);
      return mixer === null ? null : mixerShape(mixer);
    }),
    activeVerbs: tells(1, (name) => gateway.verbs(name).map(verbShape)),
  });
}

const COUNTERS: readonly (keyof Counters)[] = [
  "ActiveCallsCount",
  "TotalCallsCount",
  "ActiveMixersCount",
  "TotalMixersCount",
  "ActiveClientsCount",
  "TotalClientsCount",
  "TotalClientResourcesCount",
  "ActiveRayoNodesCount",
  "MessagesCount",
  "ErrorsCount",
];

export function statisticsBean(gateway: Gateway): Bean {
  const attributes: Record<string, () => Json> = {};
  for (const name of COUNTERS) attributes[name] = () => gateway.counters()[name];
  // The wiki's name.
  attributes["TotalResourcesCount"] = () => gateway.counters().TotalClientResourcesCount;
  return bean("com.rayo.gateway:Type=GatewayStatistics", attributes);
}

export function adminBean(gateway: Gateway, log: Log): Bean {
  const one = [STRING];
  return bean("com.rayo.gateway:Type=Admin,name=Admin", {
    QuiesceMode: () => gateway.quiesced(),
    ServerName: () => "Rayo Gateway",
    // The wiki lists these three here as well.
    ...people(gateway),
  }, {
    enableQuiesce: { parameters: [], act: "quiesce", run: () => gateway.quiesce(true) },
    disableQuiesce: { parameters: [], act: "quiesce", run: () => gateway.quiesce(false) },
    setLogLevel: {
      parameters: [STRING, STRING],
      act: "settings",
      run: (args) => setLogLevel(gateway, log, args),
    },
    blacklist: {
      parameters: [STRING, STRING, "boolean"],
      act: "blacklist",
      run: (args) =>
        gateway.blacklist(
          required(args, 0, "platformId"),
          required(args, 1, "hostname"),
          parseBoolean(args[2]),
        ),
    },
    maxDialRetries: {
      parameters: one,
      act: "settings",
      run: (args) => gateway.setDialAttemptsMax(parseInteger(args[0])),
    },
    ban: { parameters: one, act: "ban", run: (args) => gateway.ban(required(args, 0, "jid")) },
    unban: { parameters: one, act: "ban", run: (args) => gateway.unban(required(args, 0, "jid")) },
    removeNode: {
      parameters: one,
      act: "nodes",
      run: (args) => gateway.removeNode(required(args, 0, "jid")),
    },
    registerApplication: {
      parameters: [STRING, STRING, STRING],
      act: "applications",
      run: (args) =>
        gateway.registerApplication({
          platform: required(args, 0, "platform"),
          name: required(args, 1, "name"),
          jid: required(args, 2, "jid"),
          permissions: "",
        }),
    },
    unregisterApplication: {
      parameters: one,
      act: "applications",
      run: (args) => gateway.unregisterApplication(required(args, 0, "jid")),
    },
    registerAddress: {
      parameters: [STRING, STRING],
      act: "applications",
      run: (args) => gateway.registerAddress(required(args, 0, "jid"), required(args, 1, "address")),
    },
    unregisterAddress: {
      parameters: one,
      act: "applications",
      // An address that nobody has is no fault (§4.1).
      run: async (args) => void await gateway.unregisterAddress(required(args, 0, "address")),
    },
  });
}

/** Attributes that the Gateway bean has and the wiki gives to Admin too. */
function people(gateway: Gateway): Record<string, () => Json> {
  return {
    ClientApplications: () => byId(gateway.applications()).map(applicationShape),
    ActiveClients: () => gateway.activeClients(),
    ActiveMixers: () => gateway.mixers().map(mixerShape),
  };
}

/** Sorted by appId; one without any comes first and harms nobody (BUG 34). */
function byId(applications: ApplicationView[]): ApplicationView[] {
  const key = (application: ApplicationView) => application.app_id ?? "";
  return [...applications].sort((a, b) => key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
}

/** log4j's five levels; there is one log, so the logger's name changes nothing. */
const LEVELS = new Map<string, LogLevel>([["debug", "debug"], ["info", "info"], ["warn", "warn"], [
  "error",
  "error",
], ["fatal", "error"]]);

/** Unlike the original, an unknown level is a fault that the caller sees (BUG 36). */
function setLogLevel(gateway: Gateway, log: Log, args: Argument[]): void {
  required(args, 0, "logger");
  const level = LEVELS.get(args[1]?.toLowerCase() ?? "");
  if (level === undefined) {
    log.warn(`Unknown log level ${args[1]}.`);
    throw illegalArgument(`Unknown log level ${args[1]}.`);
  }
  gateway.setLogLevel(level);
}
