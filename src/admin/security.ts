/**
 * The door: which requests are looked at at all, and who sends them.
 *
 * A browser is the danger on loopback: any page may send requests to 127.0.0.1, or rebind a name of its own to it.
 * So the Host must be a name of ours, the Origin our own or a named one, and Sec-Fetch-Site neither cross-site nor
 * same-site (another port of this machine is the same site). Off loopback it is the network: tokens are a must.
 *
 * Spec 9.3, DC45, DC48, DC49. Never logs and never repeats what it was given as a credential.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { hostname } from "node:os";
import { isAddressLiteral, isLoopback } from "./listen.ts";
import { Problem } from "./problem.ts";
import type { Role } from "./roles.ts";

/** One of `admin.tokens`. */
export interface Token {
  name: string;
  role: Role;
  /** Sent as a bearer token, or as the password of basic auth under any user name. */
  token: string;
}

export interface Principal {
  name: string;
  role: Role;
  scheme: "none" | "bearer" | "basic";
}

export const REALM = 'realm="rayo-gateway"';
const CHALLENGE = { "WWW-Authenticate": `Bearer ${REALM}, Basic ${REALM}, charset="UTF-8"` };

/** The machine's owner, as long as there are no tokens (loopback only). */
const OWNER: Principal = { name: "loopback", role: "admin", scheme: "none" };

export class Door {
  readonly #loopback: boolean;
  readonly #hosts: Set<string>;
  readonly #origins: Set<string>;
  #keys: { name: string; role: Role; digest: Uint8Array }[] = [];

  /** `host` is where we listen; `hosts` are further names of ours. Throws what `setTokens` throws. */
  constructor(
    host: string,
    tokens: readonly Token[],
    corsOrigins: readonly string[],
    hosts: readonly string[],
  ) {
    this.#loopback = isLoopback(host);
    this.#origins = new Set(corsOrigins.map((origin) => origin.toLowerCase().replace(/\/$/, "")));
    // Who names an origin trusts it; behind a proxy it is the very name that arrives as our Host.
    const named = [...this.#origins].map((origin) => hostOf(origin.replace(/^https?:\/\//, "")) ?? "");
    this.#hosts = new Set([host, hostname(), ...hosts, ...named].map((name) => name.toLowerCase()));
    this.setTokens(tokens);
  }

  get loopback(): boolean {
    return this.#loopback;
  }

  /** Throws a sentence for the operator; the former tokens then stay. */
  setTokens(tokens: readonly Token[]): void {
    if (tokens.length === 0 && !this.#loopback) {
      throw new Error("admin.listen is not a loopback address, so admin.tokens must name at least one token");
    }
    const keys = tokens.map(({ name, role, token }) => ({ name, role, digest: digestOf(token) }));
    for (const [i, { name, token }] of tokens.entries()) {
      if (token === "") throw new Error(`the token "${name}" in admin.tokens is empty`);
      const twin = tokens.findIndex((other) => other.token === token);
      if (twin < i) throw new Error(`admin.tokens "${tokens[twin]!.name}" and "${name}" hold the same token`);
    }
    this.#keys = keys;
  }

  /** Throws a Problem for requests that must not reach any route, whoever sends them (DC49). */
  refuseStrangers(request: Request): void {
    const host = request.headers.get("host");
    // HTTP/1.0 may have none; a browser always sends one.
    if (host !== null && !this.#knows(hostOf(host))) {
      throw new Problem(403, "the Host of this request is not a name of this gateway");
    }
    if (this.corsOrigin(request) !== null) return;
    const origin = request.headers.get("origin");
    if (origin !== null && !isOwnOrigin(origin, host)) {
      throw new Problem(403, "requests from this origin are refused");
    }
    const site = request.headers.get("sec-fetch-site");
    if (site !== null && site !== "same-origin" && site !== "none") {
      throw new Problem(
        403,
        `requests with Sec-Fetch-Site "${/^[a-z-]{1,20}$/.test(site) ? site : "…"}" are refused`,
      );
    }
  }

  /** The request's origin if `admin.cors_origins` names it, else null. */
  corsOrigin(request: Request): string | null {
    const origin = request.headers.get("origin");
    return origin !== null && this.#origins.has(origin.toLowerCase()) ? origin : null;
  }

  /** Throws a Problem 401 (DC48). */
  identify(request: Request): Principal {
    if (this.#keys.length === 0) return OWNER;
    const header = request.headers.get("authorization");
    if (header === null) {
      throw new Problem(401, "this needs a bearer token, or a token as password of basic auth", CHALLENGE);
    }
    const given = credentialsOf(header);
    const principal = given === null ? null : this.#match(given.secret, given.scheme);
    if (principal === null) throw new Problem(401, "these credentials are not known here", CHALLENGE);
    return principal;
  }

  /**
   * Off loopback, basic auth is not enough for what a GET can change: a browser keeps those credentials and adds
   * them to requests that other pages cause (DC49). A reverse proxy makes every peer look local, so where we listen
   * decides.
   */
  refuseAmbient(principal: Principal): void {
    if (this.#loopback || principal.scheme === "bearer") return;
    throw new Problem(401, "off loopback, exec by GET takes a bearer token only", {
      "WWW-Authenticate": `Bearer ${REALM}`,
    });
  }

  /** Every key is compared, in constant time over digests: neither length nor place of a match shows. */
  #match(secret: string, scheme: "bearer" | "basic"): Principal | null {
    const digest = digestOf(secret);
    let match: Principal | null = null;
    for (const key of this.#keys) {
      if (timingSafeEqual(digest, key.digest)) match = { name: key.name, role: key.role, scheme };
    }
    return match;
  }

  #knows(host: string | null): boolean {
    if (host === null) return false;
    if (isLoopback(host) || this.#hosts.has(host)) return true;
    return !this.#loopback && isAddressLiteral(host);
  }
}

/** The name in a Host header: lower case, without port, brackets and final dot; null if it is none. */
function hostOf(header: string): string | null {
  const parts = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/.exec(header.toLowerCase());
  return parts?.[1] ?? parts?.[2]?.replace(/\.$/, "") ?? null;
}

function isOwnOrigin(origin: string, host: string | null): boolean {
  const parts = /^(https?):\/\/([^/]+)$/.exec(origin.toLowerCase());
  if (parts === null || host === null) return false;
  const standard = parts[1] === "https" ? ":443" : ":80";
  const bare = (authority: string) =>
    authority.endsWith(standard) ? authority.slice(0, -standard.length) : authority;
  return bare(parts[2]!) === bare(host.toLowerCase());
}

function credentialsOf(header: string): { scheme: "bearer" | "basic"; secret: string } | null {
  const bearer = /^bearer +(\S+)$/i.exec(header);
  if (bearer !== null) return { scheme: "bearer", secret: bearer[1]! };
  const basic = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(header);
  if (basic === null) return null;
  const text = Buffer.from(basic[1]!, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? null : { scheme: "basic", secret: text.slice(colon + 1) };
}

function digestOf(secret: string): Uint8Array {
  return createHash("sha256").update(secret).digest();
}
