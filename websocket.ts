/**
 * WebSockets, in the shape of `Deno.upgradeWebSocket`: an entry of its own, since it loads `ws`
 * from npm.
 *
 * @example
 * ```ts
 * import { AsyncHttpServer, fetchHandler } from "@asynchttp/server";
 * import { upgradeWebSocket } from "@asynchttp/server/websocket";
 *
 * const handler = fetchHandler((request) => {
 *   const { socket, response } = upgradeWebSocket(request);
 *   socket.onmessage = ({ data }) => socket.send(`you said ${data}`);
 *   return response;
 * });
 * await using server = new AsyncHttpServer();
 * const serving = server.serve(0, handler, { address: "127.0.0.1" });
 *
 * const client = new WebSocket(`ws://127.0.0.1:${server.getPort()}/`);
 * client.onopen = () => client.send("hello");
 * console.log(await new Promise((resolve) => client.onmessage = ({ data }) => resolve(data))); // you said hello
 * client.close();
 * server.close();
 * await serving;
 * ```
 *
 * @module
 */
export {
  upgradeWebSocket,
  type UpgradeWebSocketOptions,
  type WebSocketUpgrade,
} from "./src/websocket/upgrade.ts";
