/**
 * REST over what the cluster is at this moment: status, platforms, nodes, clients, calls, mixers (9.4).
 */

import type { Gateway, StatusView } from "../gateway.ts";
import { LIMIT_DEFAULT, pageOf, paging } from "./page.ts";
import { found, json, noContent, type Route } from "./route.ts";

export function clusterRoutes(gateway: Gateway): Route[] {
  return [
    { path: "/status", methods: { GET: { act: "read", run: () => json(statusBody(gateway.status())) } } },
    {
      path: "/platforms",
      methods: {
        GET: {
          act: "read",
          run: (call) => json(pageOf(call, platforms(gateway), (platform) => platform.name)),
        },
      },
    },
    {
      path: "/nodes",
      methods: {
        GET: { act: "read", run: (call) => json(pageOf(call, gateway.nodes(), (node) => node.jid)) },
      },
    },
    {
      path: "/nodes/:jid",
      methods: {
        GET: {
          act: "read",
          run: (call) => {
            const jid = call.req.param("jid")!;
            return json(found(gateway.node(jid), "node", jid));
          },
        },
        DELETE: {
          act: "nodes",
          run: async (call) => {
            await gateway.removeNode(call.req.param("jid")!);
            return noContent();
          },
        },
      },
    },
    {
      path: "/clients",
      methods: {
        GET: {
          act: "read",
          run: (call) => {
            const { limit, cursor } = paging(call);
            return json(gateway.clients(limit ?? LIMIT_DEFAULT, cursor));
          },
        },
      },
    },
    {
      path: "/calls",
      methods: {
        GET: {
          act: "read",
          run: (call) => {
            const { limit, cursor } = paging(call);
            return json(gateway.calls(limit ?? LIMIT_DEFAULT, cursor));
          },
        },
      },
    },
    {
      path: "/calls/:id",
      methods: {
        GET: {
          act: "read",
          run: (call) => {
            const id = call.req.param("id")!;
            return json(found(gateway.call(id), "call", id));
          },
        },
      },
    },
    {
      path: "/mixers",
      methods: {
        GET: { act: "read", run: (call) => json(pageOf(call, gateway.mixers(), (mixer) => mixer.name)) },
      },
    },
    {
      path: "/mixers/:name",
      methods: {
        GET: {
          act: "read",
          run: (call) => {
            const name = call.req.param("name")!;
            return json(found(gateway.mixer(name), "mixer", name));
          },
        },
      },
    },
  ];
}

/** Platforms and the nodes that serve each; a platform without nodes stays (D8). */
function platforms(gateway: Gateway): { name: string; nodes: string[] }[] {
  const nodes = gateway.nodes();
  return gateway.platforms().map((name) => ({
    name,
    nodes: nodes.filter((node) => node.platforms.includes(name)).map((node) => node.jid),
  }));
}

function statusBody(status: StatusView): unknown {
  const links = status.links.map(({ outboxBytes, ...link }) => ({ ...link, outbox_bytes: outboxBytes }));
  return { ...status, links };
}
