/**
 * An admin server on a free loopback port in front of a fake gateway, and ways to ask it: fetch for what browsers
 * and scripts send, a bare socket for what they do not.
 */

import { expect } from "bun:test";
import { connect } from "node:net";
import { systemClock } from "../../src/base/clock.ts";
import { Log } from "../../src/base/log.ts";
import { type AdminOptions, type AdminServer, startAdmin } from "../../src/admin/server.ts";
import type { Token } from "../../src/admin/security.ts";
import { FakeGateway } from "../support/fake_gateway.ts";

/** One of each role. */
export const TOKENS: Token[] = [
  { name: "eve", role: "viewer", token: "viewer-secret" },
  { name: "olaf", role: "operator", token: "operator-secret" },
  { name: "ada", role: "admin", token: "admin:secret" },
];

export interface Rig extends AsyncDisposable {
  gateway: FakeGateway;
  server: AdminServer;
  /** Without a final slash. */
  url: string;
  lines: string[];
  get(path: string, init?: RequestInit): Promise<Response>;
  /** The envelope behind a Jolokia GET; throws if HTTP says anything but 200. */
  // deno-lint-ignore no-explicit-any -- tests look into JSON of any shape
  jolokia(path: string, base?: string): Promise<any>;
}

export function startRig(options: Partial<AdminOptions> = {}): Rig {
  const gateway = options.gateway instanceof FakeGateway ? options.gateway : new FakeGateway();
  const lines: string[] = [];
  const log = new Log((line) => lines.push(line), () => 1_700_000_000_000, "debug");
  const server = startAdmin({
    listen: "127.0.0.1:0",
    tokens: [],
    corsOrigins: [],
    log,
    clock: systemClock,
    version: "1.2.3",
    buildId: "abc",
    ...options,
    gateway,
  });
  const url = `http://127.0.0.1:${server.port}`;
  const get = (path: string, init: RequestInit = {}) => fetch(url + path, { redirect: "error", ...init });
  return {
    gateway,
    server,
    url,
    lines,
    get,
    async jolokia(path, base = "/jmx") {
      const response = await get(base + path);
      if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
      return await response.json();
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** Sends bytes as they are and returns what comes back until the peer closes; needs `Connection: close` or an error. */
export function sendRaw(port: number, ...parts: (string | Uint8Array)[]): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let answer = "";
  const socket = connect(port, "127.0.0.1", () => {
    for (const part of parts) socket.write(part);
  });
  socket.on("data", (bytes) => answer += bytes.toString("latin1"));
  // A refused upload may end in a reset; what had arrived by then counts.
  socket.on("error", () => {});
  socket.on("close", () => resolve(answer));
  return promise;
}

/** One raw request with lines of its own. */
export function rawRequest(port: number, line: string, ...headers: string[]): Promise<string> {
  const own = headers.some((header) => /^host:/i.test(header)) ? [] : [`Host: 127.0.0.1:${port}`];
  return sendRaw(port, [`${line} HTTP/1.1`, ...own, ...headers, "Connection: close", "", ""].join("\r\n"));
}

export function bearer(token: string): { headers: Record<string, string> } {
  return { headers: { Authorization: `Bearer ${token}` } };
}

export function basic(token: string, user = "ops"): { headers: Record<string, string> } {
  return { headers: { Authorization: "Basic " + btoa(`${user}:${token}`) } };
}

export interface Answer {
  status: number;
  headers: Headers;
  // deno-lint-ignore no-explicit-any -- JSON of any shape
  body: any;
}

/** One REST request with a JSON body, or a text as it is, and its answer read as JSON. */
export async function ask(
  rig: Rig,
  method: string,
  path: string,
  body?: unknown,
  type = "application/json",
): Promise<Answer> {
  const sent = body === undefined
    ? {}
    : { body: typeof body === "string" ? body : JSON.stringify(body), headers: { "Content-Type": type } };
  const response = await rig.get(path, { method, ...sent });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
}

/** DC47: every refusal is a problem document of that status. */
export function expectProblem(answer: Answer, status: number): void {
  expect(answer.body).toMatchObject({ type: "about:blank", status });
  expect(answer.body.title).toBeString();
  expect(answer.body.detail).toBeString();
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
}
