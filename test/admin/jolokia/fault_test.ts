/** Every row of §4.2's table of errors, and the faults that the gateway's own acts have. */

import { describe, expect, test } from "bun:test";
import { ActFault } from "../../../src/admin/gateway.ts";
import { startRig } from "../admin_rig.ts";

const GATEWAY = "com.rayo.gateway:Type=Gateway";
const ADMIN = "com.rayo.gateway:Type=Admin,name=Admin";
const ILLEGAL = "java.lang.IllegalArgumentException";
const NO_ATTRIBUTE = "javax.management.AttributeNotFoundException";
const NO_INSTANCE = "javax.management.InstanceNotFoundException";
const UNSUPPORTED = "java.lang.UnsupportedOperationException";
const STORAGE = "com.rayo.server.storage.";

/** `message` undefined: the error is the class alone. `echo` null: there is no request in the envelope. */
interface Row {
  path: string;
  status: number;
  type: string;
  message?: string;
  echo: Record<string, unknown> | null;
}

const exec = (path: string) => {
  const [operation, ...args] = path.split("/");
  return { type: "exec", mbean: ADMIN, operation, ...(args.length === 0 ? {} : { arguments: args }) };
};
const admin = (path: string, status: number, type: string, message?: string): Row => ({
  path: `/exec/${ADMIN}/${path}`,
  status,
  type,
  ...(message === undefined ? {} : { message }),
  echo: exec(path),
});

const ROWS: Row[] = [
  {
    path: "/read/com.rayo.gateway:Type=Nope",
    status: 404,
    type: NO_INSTANCE,
    message: "com.rayo.gateway:Type=Nope",
    echo: { type: "read", mbean: "com.rayo.gateway:Type=Nope" },
  },
  {
    path: "/exec/com.rayo.gateway:Type=Nope/x",
    status: 404,
    type: NO_INSTANCE,
    message: "com.rayo.gateway:Type=Nope",
    echo: { type: "exec", mbean: "com.rayo.gateway:Type=Nope", operation: "x" },
  },
  {
    path: "/read/nowhere:*",
    status: 404,
    type: NO_INSTANCE,
    message: "nowhere:*",
    echo: { type: "read", mbean: "nowhere:*" },
  },
  ...["Nope", "constructor", "__proto__", "platforms"].map((attribute) => ({
    path: `/read/${GATEWAY}/${attribute}`,
    status: 404,
    type: NO_ATTRIBUTE,
    message: `No such attribute: ${attribute}`,
    echo: { type: "read", mbean: GATEWAY, attribute },
  })),
  {
    path: `/read/${GATEWAY}/Platforms,Nope`,
    status: 404,
    type: NO_ATTRIBUTE,
    message: "No such attribute: Nope",
    echo: { type: "read", mbean: GATEWAY, attribute: ["Platforms", "Nope"] },
  },
  {
    path: "/read/com.rayo.gateway:*/Nope",
    status: 400,
    type: ILLEGAL,
    message: "No matching attributes Nope found on MBeans com.rayo.gateway:*",
    echo: { type: "read", mbean: "com.rayo.gateway:*", attribute: "Nope" },
  },
  ...["9", "-1", "x", "length"].map((step) => ({
    path: `/read/${GATEWAY}/Platforms/${step}`,
    status: 404,
    type: NO_ATTRIBUTE,
    message: `Invalid path '${step}'`,
    echo: { type: "read", mbean: GATEWAY, attribute: "Platforms", path: step },
  })),
  {
    path: `/read/${GATEWAY}/Platforms/0/name/length`,
    status: 404,
    type: NO_ATTRIBUTE,
    message: "Invalid path 'length'",
    echo: { type: "read", mbean: GATEWAY, attribute: "Platforms", path: "0/name/length" },
  },
  admin("nope", 400, ILLEGAL, `No operation nope found on MBean ${ADMIN}`),
  admin("toString", 400, ILLEGAL, `No operation toString found on MBean ${ADMIN}`),
  // Getters are attributes, not operations.
  admin("getQuiesceMode", 400, ILLEGAL, `No operation getQuiesceMode found on MBean ${ADMIN}`),
  admin(
    "ban(int)/a",
    400,
    ILLEGAL,
    `No operation ban(int) on MBean ${ADMIN} exists. Known signatures: ban(java.lang.String)`,
  ),
  admin(
    "registerAddress/a@b",
    400,
    ILLEGAL,
    `Invalid number of operation arguments. Operation registerAddress on ${ADMIN} requires 2 parameters, not 1 as given`,
  ),
  admin(
    "enableQuiesce/now",
    400,
    ILLEGAL,
    `Invalid number of operation arguments. Operation enableQuiesce on ${ADMIN} requires 0 parameters, not 1 as given`,
  ),
  ...["nocolon/x", "d:/x", "d:novalue/x"].map((rest) => ({
    path: "/exec/" + rest,
    status: 400,
    type: ILLEGAL,
    message: expect.stringMatching(/^Invalid object name\. ./) as unknown as string,
    echo: null,
  })),
  {
    path: `/exec/${ADMIN}`,
    status: 400,
    type: ILLEGAL,
    message: `Invalid arguments in pathinfo /exec/${ADMIN} for command exec`,
    echo: null,
  },
  {
    path: "/exec/mbean",
    status: 400,
    type: ILLEGAL,
    message: "Invalid arguments in pathinfo /exec/mbean for command exec",
    echo: null,
  },
  {
    path: "/exec",
    status: 400,
    type: ILLEGAL,
    message: "Invalid arguments in pathinfo /exec for command exec",
    echo: null,
  },
  {
    path: "/read",
    status: 400,
    type: ILLEGAL,
    message: "Invalid arguments in pathinfo /read for command read",
    echo: null,
  },
  { path: "/nope/x", status: 400, type: ILLEGAL, message: "No type with name 'nope' exists", echo: null },
  {
    path: "/read/a%zz",
    status: 400,
    type: ILLEGAL,
    message: "Invalid percent-encoding in pathinfo /read/a%zz",
    echo: null,
  },
  {
    path: `/write/${ADMIN}/QuiesceMode/true`,
    status: 403,
    type: "java.lang.Exception",
    message: "Command type write not allowed due to policy used",
    echo: { type: "write", mbean: ADMIN, attribute: "QuiesceMode", value: "true" },
  },
  ...["list", "search", "notification"].map((type) => ({
    path: `/${type}/x`,
    status: 500,
    type: UNSUPPORTED,
    message: `Command type ${type} is not available on this gateway`,
    echo: { type },
  })),
  {
    path: "/version?maxDepth=3",
    status: 500,
    type: UNSUPPORTED,
    message: "Processing parameter maxDepth is not available on this gateway",
    echo: null,
  },
  // Nothing is carried out for a page that wants to read it across sites.
  {
    path: `/exec/${ADMIN}/enableQuiesce?callback=f`,
    status: 400,
    type: ILLEGAL,
    message: "JSONP (callback) is not offered",
    echo: null,
  },
  admin("maxDialRetries/x", 400, "java.lang.NumberFormatException", 'For input string: "x"'),
  admin("maxDialRetries/1.5", 400, "java.lang.NumberFormatException", 'For input string: "1.5"'),
  admin(
    "maxDialRetries/2147483648",
    400,
    "java.lang.NumberFormatException",
    'For input string: "2147483648"',
  ),
  admin("maxDialRetries/0", 400, ILLEGAL, "dial attempts must be at least 1, not 0"),
  admin(
    "registerApplication/staging/j/juliet@capulet.lit",
    500,
    STORAGE + "ApplicationAlreadyExistsException",
  ),
  admin("unregisterApplication/no@b", 500, STORAGE + "ApplicationNotFoundException"),
  admin("registerAddress/no@b/sip:x", 500, STORAGE + "ApplicationNotFoundException"),
  // BUG 36: none of these may look successful.
  admin("removeNode/no.node", 500, STORAGE + "RayoNodeNotFoundException"),
  admin("blacklist/staging/no.node/true", 500, STORAGE + "RayoNodeNotFoundException"),
  admin("blacklist/production/node2.shakespeare.lit/true", 500, STORAGE + "RayoNodeNotFoundException"),
  admin("blacklist/nowhere/node1.shakespeare.lit/true", 400, ILLEGAL, 'there is no platform "nowhere"'),
  admin("setLogLevel/com.rayo/trace", 400, ILLEGAL, "Unknown log level trace."),
  admin("setLogLevel/com.rayo/off", 400, ILLEGAL, "Unknown log level off."),
];

describe("errors", () => {
  for (const { path, status, type, message, echo } of ROWS) {
    test(path, async () => {
      await using rig = startRig();
      const before = structuredClone([
        rig.gateway.quiesced(),
        rig.gateway.nodeViews,
        rig.gateway.applicationViews,
      ]);
      const envelope = await rig.jolokia(path);
      expect(envelope).toEqual({
        status,
        error: message === undefined
          ? type
          : typeof message === "string"
          ? `${type} : ${message}`
          : expect.stringMatching(/ : Invalid object name\. ./),
        error_type: type,
        stacktrace: expect.stringContaining(type),
        timestamp: expect.any(Number),
        ...(echo === null ? {} : { request: echo }),
      });
      expect([rig.gateway.quiesced(), rig.gateway.nodeViews, rig.gateway.applicationViews]).toEqual(before);
    });
  }

  test("POST is not available yet, and says so in an envelope", async () => {
    await using rig = startRig();
    for (const body of ['{"type":"version"}', "[]", "{"]) {
      const response = await rig.get("/jmx/", {
        method: "POST",
        body,
        headers: { "Content-Type": "application/json" },
      });
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ status: 500, error_type: UNSUPPORTED });
    }
  });

  test("an argument that is not there for Java is a fault, not an act", async () => {
    await using rig = startRig();
    for (const argument of ["[null]", "%22%22"]) {
      expect((await rig.jolokia(`/exec/${ADMIN}/ban/${argument}`)).error).toBe(
        `${ILLEGAL} : The argument jid must not be empty`,
      );
    }
    expect(rig.gateway.acts).toEqual([]);
  });

  test("a store that cannot write is told with its reason", async () => {
    await using rig = startRig();
    rig.gateway.failNext = new ActFault("store", "the disk is full");
    expect(await rig.jolokia(`/exec/${ADMIN}/ban/juliet@capulet.lit`)).toMatchObject({
      status: 500,
      error: STORAGE + "DatastoreException : the disk is full",
    });
  });

  test("a defect is 500, a line in the log, and no secret of ours", async () => {
    await using rig = startRig();
    rig.gateway.failNext = new TypeError("undefined is not a function");
    const envelope = await rig.jolokia(`/exec/${ADMIN}/enableQuiesce`);
    expect(envelope).toMatchObject({
      status: 500,
      error_type: "java.lang.IllegalStateException",
      request: { operation: "enableQuiesce" },
    });
    expect(JSON.stringify(envelope)).not.toContain("not a function");
    expect(rig.lines.join("")).toContain("undefined is not a function");
    expect((await rig.jolokia("/version")).status).toBe(200);
  });

  test("only GET and POST are methods; a HEAD carries nothing out", async () => {
    await using rig = startRig();
    for (const method of ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const response = await rig.get(`/jmx/exec/${ADMIN}/enableQuiesce`, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get("allow")).toBe("GET, POST");
    }
    expect(rig.gateway.acts).toEqual([]);
  });
});
