/**
 * HTTPS whose connections are closed for real: an entry of its own, since it loads Deno's
 * built-in `node:` modules.
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
