/**
 * Jolokia over HTTP: always status 200 once the sender is known and allowed, always JSON, never a redirect and never
 * cached (§4.2, 9.4, DC48).
 *
 * There is no JSONP: it exists to be read across sites, which DC49 refuses. Nor is there a proxy mode.
 */

import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { Problem } from "../problem.ts";
import { mayDo, ROLE_OF } from "../roles.ts";
import type { Door, Principal } from "../security.ts";
import type { Json } from "./bean.ts";
import type { BeanServer } from "./dispatch.ts";
import { failure, success } from "./envelope.ts";
import { DEFECT, faultOf, illegalArgument, unsupported } from "./fault.ts";
import { decodePath, pathInfoOf } from "./path.ts";
import { type JolokiaRequest, parseRequest } from "./request.ts";

/** Whoever sends one of these counts on its effect; to ignore it would be to answer something else. */
const PROCESSING_PARAMETERS: ReadonlySet<string> = new Set([
  "maxDepth",
  "maxCollectionSize",
  "maxObjects",
  "serializeLong",
  "ignoreErrors",
  "includeStackTrace",
  "serializeException",
  "canonicalNaming",
  "mimeType",
  "includeRequest",
  "ifModifiedSince",
  "listCache",
]);

export class JolokiaFace {
  readonly #beans: BeanServer;
  readonly #door: Door;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(beans: BeanServer, door: Door, clock: Clock, log: Log) {
    this.#beans = beans;
    this.#door = door;
    this.#clock = clock;
    this.#log = log;
  }

  /** Throws a Problem for what comes before Jolokia: methods, credentials, roles. */
  async answer(http: Request, principal: Principal): Promise<Response> {
    const { method } = http;
    const path = pathInfoOf(http.url);
    if (path === null) throw new Problem(404, "there is nothing here");
    // A HEAD would carry an exec out like a GET, without anybody meaning it.
    if (method !== "GET" && method !== "POST") {
      throw new Problem(405, `${method} is not a method of Jolokia`, { Allow: "GET, POST" });
    }
    let request: JolokiaRequest | null = null;
    try {
      request = method === "GET" ? parse(http.url, path) : post();
      this.#permit(request, principal);
      const value = await this.#beans.run(request);
      this.#note(request, principal);
      return this.#wrap(success(request, value, this.#clock.wall()));
    } catch (thrown) {
      if (thrown instanceof Problem) throw thrown;
      const fault = faultOf(thrown);
      if (fault === null) this.#log.error("a Jolokia request failed", { reason: String(thrown) });
      return this.#wrap(failure(request, fault ?? DEFECT, this.#clock.wall()));
    }
  }

  #permit(request: JolokiaRequest, principal: Principal): void {
    if (request.type === "exec") this.#door.refuseAmbient(principal);
    const act = this.#beans.actOf(request);
    if (!mayDo(principal.role, act)) throw new Problem(403, `this needs the role ${ROLE_OF[act]}`);
  }

  /** One line for each change, with who made it. */
  #note(request: JolokiaRequest, principal: Principal): void {
    if (request.type !== "exec" || this.#beans.actOf(request) === "read") return;
    this.#log.info(`${request.operation} by an administrator`, {
      by: principal.name,
      arguments: request.args.join(" "),
    });
  }

  #wrap(body: Json): Response {
    const now = this.#clock.wall();
    return new Response(JSON.stringify(body), {
      headers: {
        "Content-Type": "application/json; charset=utf-8",
        "Cache-Control": "no-cache",
        Pragma: "no-cache",
        Date: new Date(now).toUTCString(),
        Expires: new Date(now - 3_600_000).toUTCString(),
      },
    });
  }
}

function parse(url: string, pathInfo: string): JolokiaRequest {
  const query = url.indexOf("?");
  const parameters = new URLSearchParams(query < 0 ? "" : url.slice(query + 1));
  if (parameters.has("callback")) throw illegalArgument("JSONP (callback) is not offered");
  for (const name of parameters.keys()) {
    if (PROCESSING_PARAMETERS.has(name)) {
      throw unsupported(`Processing parameter ${name} is not available on this gateway`);
    }
  }
  const stand = /^\/*$/.test(pathInfo) ? parameters.get("p") : null;
  return parseRequest(stand ?? decodePath(pathInfo));
}

function post(): never {
  throw unsupported("POST requests are not available on this gateway; use GET");
}
