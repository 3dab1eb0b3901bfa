/** A listener whose connections speak TLS, over any listener for TCP. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import tls from "node:tls";
import { checkRecord, inspected, isText } from "../validate.ts";
import { behindProxy, isProxyProtocol, trustedProxies } from "./proxied_conn.ts";
import type { ProxyProtocolOptions } from "./proxied_conn.ts";
import { TlsConn } from "./tls_conn.ts";

/**
 * A certificate and its key.
 *
 * @example
 * ```ts ignore
 * import { AsyncHttpServer } from "@asynchttp/server";
 * import { type TlsCertificate, tlsListener } from "@asynchttp/server/tls";
 *
 * const read = async (): Promise<TlsCertificate> => ({
 *   cert: await Deno.readTextFile("cert.pem"),
 *   key: await Deno.readTextFile("key.pem"),
 * });
 *
 * await using server = new AsyncHttpServer();
 * server.listenOn(tlsListener(Deno.listen({ port: 0, hostname: "127.0.0.1" }), await read()));
 * console.log(server.addr.transport); // tcp
 * ```
 */
export interface TlsCertificate {
  /** The certificate chain, in PEM. */
  readonly cert: string;
  /** The private key, in PEM. */
  readonly key: string;
}

/**
 * A listener for HTTPS.
 *
 * @example A certificate that is renewed is used without a restart
 * ```ts ignore
 * import { AsyncHttpServer } from "@asynchttp/server";
 * import { type TlsListener, tlsListener } from "@asynchttp/server/tls";
 *
 * const read = async () => ({
 *   cert: await Deno.readTextFile("cert.pem"),
 *   key: await Deno.readTextFile("key.pem"),
 * });
 * const renew = async (listener: TlsListener) => listener.setCertificate(await read());
 *
 * const listener = tlsListener(Deno.listen({ port: 0, hostname: "127.0.0.1" }), await read());
 * await using server = new AsyncHttpServer();
 * const serving = server.serve(listener, (request) => request.respond(200));
 * await renew(listener); // on SIGHUP, or once a day
 *
 * using client = Deno.createHttpClient({ caCerts: [(await read()).cert] });
 * console.log((await fetch(`https://localhost:${server.getPort()}/`, { client })).status); // 200
 * server.close();
 * await serving;
 * ```
 */
export interface TlsListener extends Deno.Listener {
  /**
   * Exchanges the certificate, for connections that are accepted from now on. Those that are
   * open go on with the one of their handshake, and no client is refused meanwhile.
   *
   * @param certificate The new certificate and its key; if they cannot be used, the old ones stay.
   * @throws {TypeError} An option is unknown or has the wrong type.
   * @throws {Error} `cert` or `key` is not in PEM, or the key is not that of the certificate.
   */
  setCertificate(certificate: TlsCertificate): void;
}

/**
 * Options for {@linkcode tlsListener}.
 *
 * @example
 * ```ts ignore
 * import { tlsListener, type TlsOptions } from "@asynchttp/server/tls";
 *
 * const options: TlsOptions = {
 *   cert: await Deno.readTextFile("cert.pem"),
 *   key: await Deno.readTextFile("key.pem"),
 *   alpnProtocols: ["http/1.1"],
 *   proxyProtocol: { from: ["10.0.0.0/8"] },
 * };
 * using listener = tlsListener(Deno.listen({ port: 0, hostname: "127.0.0.1" }), options);
 * console.log(listener.addr.transport); // tcp
 * ```
 */
export interface TlsOptions extends TlsCertificate {
  /**
   * The application protocols accepted by ALPN (RFC 7301), most preferred first. A client that
   * offers others only is refused in the handshake.
   *
   * @default {["http/1.1", "http/1.0"]}
   */
  readonly alpnProtocols?: readonly string[];
  /**
   * The proxies whose connections begin with a header of the PROXY protocol, before the
   * handshake, which names the client: as the option of the same name of the server, for
   * connections over TCP.
   *
   * @default {undefined}
   */
  readonly proxyProtocol?: ProxyProtocolOptions;
}

/**
 * Makes a listener for HTTPS of one for TCP.
 *
 * Unlike those of `Deno.listenTls`, its connections are closed for real: a peer that never
 * finishes the handshake, or does not read, holds no descriptor beyond `timeouts.head` and
 * `timeouts.write`. The handshake counts as part of the first head.
 *
 * @param listener Accepts the TCP connections. It is closed with the returned one.
 * @param options The certificate, its key, the ALPN protocols, and trusted proxies.
 * @returns A listener for `AsyncHttpServer.serve` or `AsyncHttpServer.listenOn`, whose certificate can be exchanged.
 * @throws {TypeError} `listener` is not a listener, or an option is unknown or has the wrong type.
 * @throws {RangeError} `proxyProtocol.from` is empty, or has a network without a valid prefix.
 * @throws {Error} `cert` or `key` is not in PEM, or the key is not that of the certificate.
 * @throws {Deno.errors.NotSupported} Deno is older than 2.9.
 *
 * @example
 * ```ts ignore
 * import { AsyncHttpServer } from "@asynchttp/server";
 * import { tlsListener } from "@asynchttp/server/tls";
 *
 * const cert = await Deno.readTextFile("cert.pem");
 * const key = await Deno.readTextFile("key.pem");
 * const listener = tlsListener(Deno.listen({ port: 0, hostname: "127.0.0.1" }), { cert, key });
 * await using server = new AsyncHttpServer();
 * const serving = server.serve(listener, (request) => request.respond(200, "Hello, TLS!"));
 *
 * using client = Deno.createHttpClient({ caCerts: [cert] });
 * const response = await fetch(`https://localhost:${server.getPort()}/`, { client });
 * console.log(await response.text()); // Hello, TLS!
 * server.close();
 * await serving;
 * ```
 */
export function tlsListener(listener: Deno.Listener, options: TlsOptions): TlsListener {
  checkVersion(Deno.version.deno);
  checkListener(listener);
  checkRecord("options of tlsListener", options, CHECKS);
  const { alpnProtocols = ["http/1.1", "http/1.0"] } = options;
  const proxies = options.proxyProtocol && trustedProxies(options.proxyProtocol);
  return new SecureListener(
    listener,
    secureContext(options),
    (conn, context) => new TlsConn(behindProxy(conn, proxies), context, [...alpnProtocols]),
  );
}

/**
 * With the `node:tls` of Deno 2.7 and 2.8, handshakes and large bodies hang, and 2.6 cannot check
 * a key (measured).
 */
export function checkVersion(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > 2 || major === 2 && minor >= 9) return;
  throw new Deno.errors.NotSupported(`tlsListener needs Deno 2.9 or later: got ${version}`);
}

/** Rejects the single argument of `Deno.listenTls`, whose port would never be listened on. */
function checkListener(listener: unknown): void {
  if (typeof listener === "object" && listener !== null && "accept" in listener) return;
  throw new TypeError(
    `Listener must be a Deno.Listener: got ${
      inspected(listener)
    }; write tlsListener(Deno.listen({ port: 8443 }), { cert, key })`,
  );
}

const CERTIFICATE_CHECKS = {
  cert: isText,
  key: isText,
};

const CHECKS = {
  ...CERTIFICATE_CHECKS,
  proxyProtocol: isProxyProtocol,
  alpnProtocols(name: string, value: unknown): void {
    if (Array.isArray(value) && value.every((each) => typeof each === "string")) return;
    throw new TypeError(`Option ${name} must be an array of strings: got ${value}`);
  },
};

function secureContext({ cert, key }: TlsCertificate): tls.SecureContext {
  checkPair(cert, key);
  return tls.createSecureContext({ cert, key });
}

/** `node:tls` takes any text: every handshake would fail, and no error would tell why. */
function checkPair(cert: string, key: string): void {
  let isPair: boolean;
  try {
    isPair = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw new Error("Options cert and key must be a certificate and its key in PEM", { cause });
  }
  if (!isPair) throw new Error("Option key must be the private key of the certificate in cert");
}

/**
 * Turns Nagle's algorithm off: a record of a response is a write of its own, and must not wait
 * for an acknowledgement. Returns false if the connection was lost already (EINVAL on macOS): it is
 * closed, and is no failure of the listener.
 */
function disableNagle(conn: Deno.Conn): boolean {
  try {
    (conn as Partial<Deno.TcpConn>).setNoDelay?.(true);
    return true;
  } catch {
    conn.close();
    return false;
  }
}

class SecureListener implements TlsListener {
  readonly #listener: Deno.Listener;
  readonly #secure: (conn: Deno.Conn, context: tls.SecureContext) => TlsConn;
  /** The certificate of the next connection; a connection keeps the one that it began with. */
  #context: tls.SecureContext;

  constructor(
    listener: Deno.Listener,
    context: tls.SecureContext,
    secure: (conn: Deno.Conn, context: tls.SecureContext) => TlsConn,
  ) {
    this.#listener = listener;
    this.#context = context;
    this.#secure = secure;
  }

  setCertificate(certificate: TlsCertificate): void {
    checkRecord("certificate", certificate, CERTIFICATE_CHECKS);
    this.#context = secureContext(certificate);
  }

  get addr(): Deno.Addr {
    return this.#listener.addr;
  }

  async accept(): Promise<Deno.Conn> {
    for (;;) {
      const conn = await this.#listener.accept();
      if (disableNagle(conn)) return this.#secure(conn, this.#context) as unknown as Deno.Conn;
    }
  }

  close(): void {
    this.#listener.close();
  }

  ref(): void {
    this.#listener.ref();
  }

  unref(): void {
    this.#listener.unref();
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<Deno.Conn> {
    for (;;) yield await this.accept();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
