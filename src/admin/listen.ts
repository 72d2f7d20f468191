/**
 * `admin.listen` as text, and the question that decides whether credentials are needed: does it stay on this
 * machine? (9.3, DC45)
 */

export interface Endpoint {
  host: string;
  /** 0: any free port. */
  port: number;
}

/** Throws a sentence for the operator when the text is not `host:port` or `[IPv6]:port`. */
export function parseListen(text: string): Endpoint {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[3]);
  const host = parts?.[1] ?? parts?.[2];
  if (host === undefined || !(port <= 65_535)) {
    throw new Error(`admin.listen must be "host:port" or "[IPv6]:port", not "${text}"`);
  }
  return { host: host.toLowerCase(), port };
}

/** Names and numbers that never leave this machine. Expects lower case, IPv6 without brackets. */
export function isLoopback(host: string): boolean {
  const number = host.startsWith("::ffff:") ? host.slice("::ffff:".length) : host;
  return number === "::1" || number === "0:0:0:0:0:0:0:1" || number === "localhost" ||
    number.endsWith(".localhost") ||
    (isIpv4(number) && number.startsWith("127."));
}

/** A number as a Host cannot be the work of a rebinding name server: there is no name in it to rebind. */
export function isAddressLiteral(host: string): boolean {
  return isIpv4(host) || (host.includes(":") && /^[0-9a-f:.]+$/.test(host));
}

function isIpv4(host: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}
