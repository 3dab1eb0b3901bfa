/**
 * HTTPS whose connections are closed for real: an entry of its own, since it loads Deno's
 * built-in `node:` modules.
 *
 * @example
 * ```ts ignore
 * import { AsyncHttpServer } from "@asynchttp/server";
 * import { tlsListener } from "@asynchttp/server/tls";
 *
 * const listener = tlsListener(Deno.listen({ port: 443 }), {
 *   cert: await Deno.readTextFile("cert.pem"),
 *   key: await Deno.readTextFile("key.pem"),
 * });
 * const server = new AsyncHttpServer();
 * await server.serve(listener, (request) => request.respond(200, "Hello, TLS!"), {
 *   handleSignals: true,
 *   onListen: () => console.log("Listening on https://localhost/"),
 * });
 * ```
 *
 * @module
 */
export {
  type TlsCertificate,
  type TlsListener,
  tlsListener,
  type TlsOptions,
} from "./src/net/tls_listener.ts";
export type { ProxyProtocolOptions } from "./src/net/proxied_conn.ts";
