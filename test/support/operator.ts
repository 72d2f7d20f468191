/**
 * An operator who does what a scene says by the gateway's own HTTP: REST where it can, Jolokia where the original's
 * consoles did (blacklist, §4.1).
 */

const LIMIT_MS = 10_000;
const ADMIN = "com.rayo.gateway:Type=Admin,name=Admin";

/** `quiesce on`, `ban JID`, `blacklist PLATFORM NODE on`, …; rejects unless the gateway says it is done. */
export async function operateByHttp(url: string, words: readonly string[]): Promise<void> {
  const [verb, first = "", second = "", third = ""] = words;
  const application = `/api/v1/applications/${encodeURIComponent(first)}`;
  const ask = async (method: string, path: string, body?: unknown): Promise<string> => {
    const answer = await fetch(url + path, {
      method,
      signal: AbortSignal.timeout(LIMIT_MS),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status}: ${text}`);
    return text;
  };
  switch (verb) {
    case "quiesce":
      return void await ask("PATCH", "/api/v1/settings", { quiesce: first === "on" });
    case "ban":
    case "unban":
      return void await ask("POST", `${application}/${verb}`);
    case "address":
      return void await ask("POST", `${application}/addresses`, { address: second });
    case "unregister":
      return void await ask("DELETE", application);
    case "blacklist": {
      const text = await ask("POST", "/rayo/jmx", {
        type: "exec",
        mbean: ADMIN,
        operation: "blacklist",
        arguments: [first, second, third === "on"],
      });
      const { status } = JSON.parse(text) as { status: number };
      if (status !== 200) throw new Error(`blacklist was answered ${text}`);
      return;
    }
    default:
      throw new Error(`the operator cannot '${words.join(" ")}'`);
  }
}
