/**
 * WebSockets, in the shape of `Deno.upgradeWebSocket`: an entry of its own, since it loads `ws`
 * from npm.
 *
 * @module
 */
export {
  upgradeWebSocket,
  type UpgradeWebSocketOptions,
  type WebSocketUpgrade,
} from "./src/websocket/upgrade.ts";
