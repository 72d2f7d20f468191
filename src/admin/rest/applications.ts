/**
 * REST over applications and their addresses (9.4): what an operator provisions, durable before the answer (DC39).
 */

import * as v from "valibot";
import type { Clock } from "../../base/clock.ts";
import type { ApplicationView, Gateway } from "../gateway.ts";
import { jsonBody, keyFault } from "../body.ts";
import { Problem } from "../problem.ts";
import { pageOf } from "./page.ts";
import { type Call, found, json, noContent, type Route } from "./route.ts";

/** RFC 7622: 1023 bytes for each of two parts and an `@`. */
const JID_LENGTH_MAX = 2047;
const TEXT_LENGTH_MAX = 1024;
const ADDRESSES_MAX = 1000;

// deno-lint-ignore no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u001f\u007f]/;

const text = v.pipe(
  v.string("must be a text"),
  v.maxLength(TEXT_LENGTH_MAX, `must not be longer than ${TEXT_LENGTH_MAX} characters`),
  v.check((value) => !CONTROL.test(value), "must not hold control characters"),
);
const word = v.pipe(text, v.nonEmpty("must not be empty"));
const jid = v.pipe(
  v.string("must be a bare JID"),
  v.maxLength(JID_LENGTH_MAX, `must not be longer than ${JID_LENGTH_MAX} characters`),
  v.regex(/^(?:[^\s@/"'<>&:]+@)?[^\s@/"'<>&]+$/, "must be a bare JID"),
  v.check((value) => !CONTROL.test(value), "must be a bare JID"),
);

const NewApplication = v.strictObject({
  jid,
  platform: word,
  /** Left out: the JID. */
  name: v.optional(word),
  permissions: v.optional(text, ""),
  addresses: v.optional(
    v.pipe(
      v.array(word, "must be a list of texts"),
      v.maxLength(ADDRESSES_MAX, `must not have more than ${ADDRESSES_MAX}`),
    ),
    [],
  ),
}, keyFault);

const NewAddress = v.strictObject({ address: word }, keyFault);

const COLLECTION = "/api/v1/applications";

export function applicationRoutes(gateway: Gateway, clock: Clock): Route[] {
  const asked = (call: Call): ApplicationView => {
    const jid = call.req.param("jid")!;
    return found(gateway.application(jid), "application", jid);
  };
  const addressBody = (application: ApplicationView, address: string) => ({
    address,
    application: application.jid,
  });
  return [
    {
      path: "/applications",
      methods: {
        GET: {
          act: "read",
          run: (call) => json(pageOf(call, gateway.applications(), (application) => application.jid)),
        },
        POST: {
          act: "applications",
          run: async (call) => {
            const body = await jsonBody(call.req.raw, NewApplication, clock);
            const { jid, platform, permissions } = body;
            await gateway.registerApplication({ jid, platform, permissions, name: body.name ?? jid });
            await addAddresses(gateway, jid, body.addresses);
            const made = found(gateway.application(jid), "application", jid);
            return json(made, 201, { Location: `${COLLECTION}/${encodeURIComponent(made.jid)}` });
          },
        },
      },
    },
    {
      path: "/applications/:jid",
      methods: {
        GET: { act: "read", run: (call) => json(asked(call)) },
        DELETE: {
          act: "applications",
          run: async (call) => {
            await gateway.unregisterApplication(call.req.param("jid")!);
            return noContent();
          },
        },
      },
    },
    {
      path: "/applications/:jid/ban",
      methods: { POST: { act: "ban", run: (call) => act(call, (jid) => gateway.ban(jid)) } },
    },
    {
      path: "/applications/:jid/unban",
      methods: { POST: { act: "ban", run: (call) => act(call, (jid) => gateway.unban(jid)) } },
    },
    {
      path: "/applications/:jid/addresses",
      methods: {
        GET: {
          act: "read",
          run: (call) => {
            const application = asked(call);
            const items = application.addresses.map((address) => addressBody(application, address));
            return json(pageOf(call, items, (item) => item.address));
          },
        },
        POST: {
          act: "applications",
          run: async (call) => {
            const application = asked(call);
            const { address } = await jsonBody(call.req.raw, NewAddress, clock);
            await gateway.registerAddress(application.jid, address);
            const place = `${encodeURIComponent(application.jid)}/addresses/${encodeURIComponent(address)}`;
            return json(addressBody(application, address), 201, { Location: `${COLLECTION}/${place}` });
          },
        },
      },
    },
    {
      path: "/applications/:jid/addresses/:address",
      methods: {
        GET: {
          act: "read",
          run: (call) => {
            const application = asked(call);
            return json(addressBody(application, owned(application, call)));
          },
        },
        DELETE: {
          act: "applications",
          run: async (call) => {
            // Never another application's address, whatever the path says.
            await gateway.unregisterAddress(owned(asked(call), call));
            return noContent();
          },
        },
      },
    },
  ];

  /** An act on an application that must exist; answers with it as it is afterwards. */
  async function act(call: Call, run: (jid: string) => Promise<void>): Promise<Response> {
    const { jid } = asked(call);
    await run(jid);
    return json(asked(call));
  }
}

/** All or nothing, as far as can be: an application whose addresses were refused is taken back. */
async function addAddresses(gateway: Gateway, jid: string, addresses: readonly string[]): Promise<void> {
  try {
    for (const address of addresses) await gateway.registerAddress(jid, address);
  } catch (fault) {
    // If this fails too, the first reason is the one to tell.
    await gateway.unregisterApplication(jid).catch(() => {});
    throw fault;
  }
}

function owned(application: ApplicationView, call: Call): string {
  const address = call.req.param("address")!;
  if (!application.addresses.includes(address)) {
    throw new Problem(404, `the application "${application.jid}" has no address "${address}"`);
  }
  return address;
}
