/**
 * The parts of `@xmpp/client` and `@xmpp/component` that tests use; both come without types.
 */
declare module "@xmpp/client" {
  export function client(options: Record<string, unknown>): import("./stock_peer.ts").XmppEntity;
}

declare module "@xmpp/component" {
  export function component(options: Record<string, unknown>): import("./stock_peer.ts").XmppEntity;
}
