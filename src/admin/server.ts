/**
 * The admin server: one port for Jolokia, REST, health and metrics (9.4).
 *
 * In order: the door (Host, Origin), preflight, who it is, the route with its act, the answer with its headers. An
 * exception in a route is a 500 and a line in the log, never more.
 */

import { Hono } from "hono";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Gateway } from "./gateway.ts";
import { BODY_BYTES_MAX } from "./body.ts";
import { BeanServer } from "./jolokia/dispatch.ts";
import { JolokiaFace } from "./jolokia/face.ts";
import { adminBean, gatewayBean, statisticsBean } from "./jolokia/gateway_beans.ts";
import { JOLOKIA_BASES } from "./jolokia/path.ts";
import { infoBean, javaBeans } from "./jolokia/process_beans.ts";
import { parseListen } from "./listen.ts";
import { OPEN_PATHS, pageRoutes } from "./pages.ts";
import { Problem, problemOf } from "./problem.ts";
import { applicationRoutes } from "./rest/applications.ts";
import { clusterRoutes } from "./rest/cluster.ts";
import { type AdminEnv, type Call, type Route, runRoute } from "./rest/route.ts";
import { settingsRoutes } from "./rest/settings.ts";
import { Door, type Token } from "./security.ts";

export interface AdminOptions {
  gateway: Gateway;
  /** `admin.listen`; port 0 takes a free one. */
  listen: string;
  tokens: readonly Token[];
  /** Origins (`https://console.example.net`) whose pages may use this API. */
  corsOrigins: readonly string[];
  /** Further names under which this gateway is reached, as behind a proxy. */
  hosts?: readonly string[];
  log: Log;
  clock: Clock;
  version: string;
  buildId: string;
  /** 0 where builds are not counted. */
  buildNumber?: number;
}

export interface AdminServer {
  address: string;
  port: number;
  /** New tokens from now on (DC44). Throws a sentence and keeps the old ones when they cannot be. */
  setTokens(tokens: readonly Token[]): void;
  /** Answers what was asked already, within a second, then cuts whoever is left. Idempotent. */
  stop(): Promise<void>;
}

/** The URL alone; Bun holds all headers together to 16 KiB (431). */
const URL_LENGTH_MAX = 8192;

/** A connection that says nothing for so long is closed; an act may wait that long for a far store. */
const IDLE_TIMEOUT_S = 30;

const STOP_TIMEOUT_MS = 1000;

/** Throws a sentence for the operator: no tokens off loopback (DC45), bad `listen`, port taken. */
export function startAdmin(options: AdminOptions): AdminServer {
  const { log, clock } = options;
  const { host, port } = parseListen(options.listen);
  const door = new Door(host, options.tokens, options.corsOrigins, options.hosts ?? []);
  const app = buildApp(options, door);

  const answer = async (request: Request): Promise<Response> => {
    try {
      door.refuseStrangers(request);
      if (request.url.length > URL_LENGTH_MAX) {
        throw new Problem(414, `a URL may have ${URL_LENGTH_MAX} characters`);
      }
      if (Number(request.headers.get("content-length") ?? 0) > BODY_BYTES_MAX) {
        throw new Problem(413, `a body may have ${BODY_BYTES_MAX} bytes`, { Connection: "close" });
      }
      return preflight(request, door) ?? await app.fetch(request);
    } catch (thrown) {
      return failed(thrown, log);
    }
  };

  const server = listenOn(host, port, async (request) => {
    const response = await answer(request);
    dress(response.headers, request, door, options.corsOrigins.length > 0);
    return response;
  });
  if (!door.loopback) {
    log.warn("the admin API is reachable from other machines without TLS", { listen: options.listen });
  }
  log.info("admin API is up", { address: host, port: server.port!, tokens: options.tokens.length });

  let stopped: Promise<void> | undefined;
  return {
    address: host,
    port: server.port!,
    setTokens: (tokens) => door.setTokens(tokens),
    stop: () => stopped ??= stop(server, clock),
  };
}

function buildApp(options: AdminOptions, door: Door): Hono<AdminEnv> {
  const { gateway, log, clock, version, buildId } = options;
  const build = { version, buildId, buildNumber: options.buildNumber ?? 0 };
  const beans = new BeanServer(
    [
      gatewayBean(gateway),
      statisticsBean(gateway),
      adminBean(gateway, log),
      infoBean(gateway, build),
      ...javaBeans(),
    ],
    version,
  );
  const jolokia = new JolokiaFace(beans, door, clock, log);

  const app = new Hono<AdminEnv>({ strict: false });
  app.onError((error) => failed(error, log));
  app.notFound(() => new Problem(404, "there is nothing here").answer());
  const tellRefusal = refusalTeller(log, clock);
  app.use(async (call, next) => {
    if (OPEN_PATHS.has(call.req.path)) {
      call.set("principal", { name: "anybody", role: "viewer", scheme: "none" });
      return await next();
    }
    try {
      call.set("principal", door.identify(call.req.raw));
    } catch (refusal) {
      if (call.req.raw.headers.has("authorization")) tellRefusal();
      throw refusal;
    }
    await next();
  });
  for (const base of JOLOKIA_BASES) {
    app.all(`${base}/*`, (call) => jolokia.answer(call.req.raw, call.get("principal")));
  }
  const mount = (prefix: string, routes: Route[]) => {
    for (const route of routes) app.all(prefix + route.path, (call) => answerRoute(route, call, log));
  };
  mount("", pageRoutes(gateway, version));
  mount("/api/v1", [
    ...clusterRoutes(gateway),
    ...applicationRoutes(gateway, clock),
    ...settingsRoutes(gateway, log, clock),
  ]);
  return app;
}

/** Runs a route and leaves one line for each change, with who made it. */
async function answerRoute(route: Route, call: Call, log: Log): Promise<Response> {
  const response = await runRoute(route, call);
  const { method, path } = call.req;
  if (method !== "GET" && method !== "HEAD") {
    log.info(`${method} by an administrator`, { by: call.get("principal").name, path });
  }
  return response;
}

/** Someone who guesses must show in the log, and must not fill it: one line a minute, with the number since the last. */
function refusalTeller(log: Log, clock: Clock): () => void {
  let times = 0;
  let toldAt = -Infinity;
  return () => {
    times++;
    if (clock.now() - toldAt < REFUSALS_TOLD_MS) return;
    log.warn("credentials were refused by the admin API", { times });
    toldAt = clock.now();
    times = 0;
  };
}

const REFUSALS_TOLD_MS = 60_000;

/** The one error exit of everything but Jolokia. */
function failed(thrown: unknown, log: Log): Response {
  const problem = problemOf(thrown);
  if (problem !== null) return problem.answer();
  log.error("an admin request failed", { reason: String(thrown) });
  return new Problem(500, "the gateway failed; its log says why").answer();
}

/** A browser's question before a request from another origin; without credentials by nature. */
function preflight(request: Request, door: Door): Response | null {
  if (request.method !== "OPTIONS" || door.corsOrigin(request) === null) return null;
  return new Response(null, {
    status: 204,
    headers: {
      "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
      "Access-Control-Allow-Headers": "Authorization, Content-Type",
      "Access-Control-Max-Age": "600",
    },
  });
}

/** What every answer carries: nothing of it may run, be framed or be guessed at; CORS only for a named origin (DC49). */
function dress(headers: Headers, request: Request, door: Door, cors: boolean): void {
  headers.set("X-Content-Type-Options", "nosniff");
  headers.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  headers.set("Referrer-Policy", "no-referrer");
  // What was not read of a body would be taken for the next request, or be waited for.
  const body = request.headers.has("transfer-encoding") ||
    Number(request.headers.get("content-length") ?? 0) > 0;
  if (body && !request.bodyUsed) headers.set("Connection", "close");
  if (!cors) return;
  headers.append("Vary", "Origin");
  const origin = door.corsOrigin(request);
  if (origin !== null) headers.set("Access-Control-Allow-Origin", origin);
}

function listenOn(
  host: string,
  port: number,
  fetch: (request: Request) => Promise<Response>,
): Bun.Server<undefined> {
  try {
    return Bun.serve({
      hostname: host,
      port,
      fetch,
      idleTimeout: IDLE_TIMEOUT_S,
      // Bodies are bounded where they are read, so that the refusal is a problem document like every other.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      // Bun's own page for an exception shows the source.
      development: false,
      // With `development: false` Bun shares the port by default: a second gateway would take half of the requests.
      reusePort: false,
      error: () => new Problem(500, "the gateway failed; its log says why").answer(),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`admin.listen "${host}:${port}" cannot be used: ${reason}`);
  }
}

async function stop(server: Bun.Server<undefined>, clock: Clock): Promise<void> {
  // Waits for what is being answered, but also for whoever sent half a request and fell silent.
  const orderly = server.stop(false);
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(STOP_TIMEOUT_MS, resolve);
  await Promise.race([orderly, late]);
  timer.cancel();
  await server.stop(true);
}
