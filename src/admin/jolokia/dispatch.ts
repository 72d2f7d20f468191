/**
 * Carries a Jolokia request out on the beans: looks up, checks, calls, and walks inner paths (§4.2).
 *
 * Knows neither HTTP nor who asks; `actOf` tells the caller what to ask permission for first.
 */

import type { Act } from "../roles.ts";
import type { Bean, Json, Operation } from "./bean.ts";
import { illegalArgument, JolokiaFault, unsupported } from "./fault.ts";
import { matches, type ObjectName, parseObjectName } from "./object_name.ts";
import type { JolokiaRequest } from "./request.ts";

export class BeanServer {
  readonly #beans = new Map<string, Bean>();
  readonly #version: Json;

  constructor(beans: readonly Bean[], productVersion: string) {
    for (const bean of beans) this.#beans.set(bean.name, bean);
    // Agent and protocol are those the original spoke; clients choose their behaviour by them.
    const info = { product: "Rayo Gateway", vendor: "Rayo", version: productVersion };
    this.#version = { agent: "1.1.1", protocol: "7.0", info };
  }

  /** What carrying this out would amount to; what does not exist changes nothing and is a read. */
  actOf(request: JolokiaRequest): Act {
    if (request.type !== "exec") return "read";
    const { operation } = splitSignature(request.operation);
    return this.#beans.get(request.name.canonical)?.operations.get(operation)?.act ?? "read";
  }

  /** Throws a JolokiaFault, or what the gateway throws. */
  async run(request: JolokiaRequest): Promise<Json> {
    switch (request.type) {
      case "version":
        return this.#version;
      case "read":
        return request.name.pattern ? this.#readMany(request) : this.#read(request);
      case "exec":
        return await this.#exec(request) ?? null;
      case "write":
        // The policy the original was shipped with; no attribute can be written.
        throw new JolokiaFault(
          403,
          "java.lang.Exception",
          "Command type write not allowed due to policy used",
        );
      default:
        throw unsupported(`Command type ${request.type} is not available on this gateway`);
    }
  }

  #read({ name, attributes, path }: JolokiaRequest & { type: "read" }): Json {
    const bean = this.#find(name);
    if (attributes?.length === 1) return descend(read(bean, attributes[0]!), path);
    return descend(readAll(bean, attributes ?? [...bean.attributes.keys()]), path);
  }

  /** A pattern reads what each bean has of the attributes asked for. */
  #readMany({ name, attributes, path }: JolokiaRequest & { type: "read" }): Json {
    const found = [...this.#beans.values()].filter((bean) => matches(name, parseObjectName(bean.name)));
    if (found.length === 0) throw noInstance(name.canonical);
    const values: Record<string, Json> = {};
    for (const bean of found) {
      const names = attributes?.filter((attribute) => bean.attributes.has(attribute)) ??
        [...bean.attributes.keys()];
      if (names.length > 0) values[bean.name] = readAll(bean, names);
    }
    if (Object.keys(values).length === 0) {
      throw illegalArgument(
        `No matching attributes ${attributes?.join(", ")} found on MBeans ${name.canonical}`,
      );
    }
    return descend(values, path);
  }

  async #exec({ name, operation: asked, args }: JolokiaRequest & { type: "exec" }): Promise<Json | void> {
    const bean = this.#find(name);
    const { operation: wanted, signature } = splitSignature(asked);
    const operation: Operation | undefined = bean.operations.get(wanted);
    if (operation === undefined) throw illegalArgument(`No operation ${wanted} found on MBean ${bean.name}`);
    const needed = operation.parameters;
    if (signature !== null && signature !== needed.join(",")) {
      throw illegalArgument(
        `No operation ${wanted}(${signature}) on MBean ${bean.name} exists. Known signatures: ${wanted}(${
          needed.join(",")
        })`,
      );
    }
    if (args.length !== needed.length) {
      throw illegalArgument(
        `Invalid number of operation arguments. Operation ${wanted} on ${bean.name} requires ${needed.length} ` +
          `parameters, not ${args.length} as given`,
      );
    }
    return await operation.run(args);
  }

  #find(name: ObjectName): Bean {
    const bean = this.#beans.get(name.canonical);
    if (bean === undefined) throw noInstance(name.canonical);
    return bean;
  }
}

function noInstance(name: string): JolokiaFault {
  return new JolokiaFault(404, "javax.management.InstanceNotFoundException", name);
}

function read(bean: Bean, attribute: string): Json {
  const getter = bean.attributes.get(attribute);
  if (getter === undefined) {
    throw new JolokiaFault(
      404,
      "javax.management.AttributeNotFoundException",
      `No such attribute: ${attribute}`,
    );
  }
  return getter();
}

function readAll(bean: Bean, attributes: readonly string[]): { [key: string]: Json } {
  return Object.fromEntries(attributes.map((attribute) => [attribute, read(bean, attribute)]));
}

/** Into objects by key, into lists by index. */
function descend(value: Json, path: readonly string[]): Json {
  let at = value;
  for (const step of path) {
    const inner = Array.isArray(at) ? element(at, step) : member(at, step);
    if (inner === undefined) {
      throw new JolokiaFault(404, "javax.management.AttributeNotFoundException", `Invalid path '${step}'`);
    }
    at = inner;
  }
  return at;
}

function element(list: Json[], step: string): Json | undefined {
  return /^\d{1,9}$/.test(step) ? list[Number(step)] : undefined;
}

function member(value: Json, step: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, step) ? value[step] : undefined;
}

/** `op(java.lang.String)` chooses an overload; `op()` the one without parameters. */
function splitSignature(text: string): { operation: string; signature: string | null } {
  const parts = /^([^()]+)\(([^()]*)\)$/.exec(text);
  if (parts === null) return { operation: text, signature: null };
  return { operation: parts[1]!, signature: parts[2]!.replaceAll(" ", "") };
}
