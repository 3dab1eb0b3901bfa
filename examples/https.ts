/**
 * HTTPS: a redirect from HTTP beside it, and certificates that are exchanged without a restart.
 *
 * ```sh
 * openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem
 * deno run --allow-net --allow-read=cert.pem,key.pem examples/https.ts
 * curl -iL --cacert cert.pem http://localhost:8080/
 * ```
 *
 * SIGHUP reads the files again, as for nginx: have the program that renews the certificate send
 * it (certbot: `--deploy-hook "pkill -HUP …"`). New connections get the new certificate, open
 * ones go on, and no client is refused. Files that cannot be used change nothing.
 *
 * Arguments: the ports for HTTP and HTTPS, the files of the certificate and the key.
 */
import { AsyncHttpServer, type Request } from "@asynchttp/server";
import { type TlsCertificate, tlsListener } from "@asynchttp/server/tls";

const [HTTP = "8080", HTTPS = "8443", CERT = "cert.pem", KEY = "key.pem"] = Deno.args;
const HOSTNAME = "127.0.0.1";

async function page(request: Request): Promise<void> {
  await request.respond(200, `Hello over ${request.url.protocol.slice(0, -1)}\n`, {
    "Content-Type": "text/plain; charset=utf-8",
    // For a day, browsers ask no more over HTTP (RFC 6797). Raise it once HTTPS is there to stay.
    "Strict-Transport-Security": "max-age=86400",
  });
}

/** 308 keeps method and body; the host is the one that the client has asked for. */
async function redirect(request: Request): Promise<void> {
  const { hostname, pathname, search } = request.url;
  await request.respond(308, "", {
    Location: `https://${hostname}:${secure.getPort()}${pathname}${search}`,
  });
}

async function readCertificate(): Promise<TlsCertificate> {
  const [cert, key] = await Promise.all([CERT, KEY].map((file) => Deno.readTextFile(file)));
  return { cert: cert!, key: key! };
}

/** `setCertificate` refuses a key that is not the certificate's: a renewal may be half written. */
async function renewCertificate(): Promise<void> {
  try {
    listener.setCertificate(await readCertificate());
    console.log("The certificate was exchanged");
  } catch (error) {
    console.error("The old certificate stays:", error);
  }
}

const listener = tlsListener(Deno.listen({ port: Number(HTTPS), hostname: HOSTNAME }), {
  ...await readCertificate(),
  alpnProtocols: ["http/1.1"],
});
// Windows sends SIGHUP when the console is closed.
if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", renewCertificate);

const secure = new AsyncHttpServer();
const plain = new AsyncHttpServer();
await Promise.all([
  secure.serve(listener, page, {
    onListen: () => console.log(`Listening on https://localhost:${secure.getPort()}/`),
    handleSignals: true,
  }),
  plain.serve(Number(HTTP), redirect, {
    address: HOSTNAME,
    onListen: () => console.log(`Listening on http://localhost:${plain.getPort()}/`),
    handleSignals: true,
  }),
]);
// The listener for SIGHUP keeps the process.
Deno.exit();
