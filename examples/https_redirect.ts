/**
 * HTTPS, and a redirect from HTTP to it.
 *
 * ```sh
 * openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem
 * deno run --allow-net --allow-read=cert.pem,key.pem examples/https_redirect.ts
 * curl -iL --cacert cert.pem http://localhost:8080/
 * ```
 *
 * Arguments: the ports for HTTP and HTTPS, the files of the certificate and the key.
 */
import { setTimeout as delay } from "node:timers/promises";
import { AsyncHttpServer, type Request } from "@asynchttp/server";
import { tlsListener } from "@asynchttp/server/tls";

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

/** Accepts until the server is closed; a failed accept, such as a client that has gone, does not end it. */
async function acceptAll(server: AsyncHttpServer): Promise<void> {
  for (;;) {
    try {
      await server.acceptRequest(page);
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      console.error("accept failed:", error);
      await delay(100);
    }
  }
}

const secure = new AsyncHttpServer();
secure.listenOn(tlsListener(Deno.listen({ port: Number(HTTPS), hostname: HOSTNAME }), {
  cert: await Deno.readTextFile(CERT),
  key: await Deno.readTextFile(KEY),
}));
const plain = new AsyncHttpServer();
const redirecting = plain.serve(Number(HTTP), redirect, { address: HOSTNAME });
console.log(`Listening on https://localhost:${secure.getPort()}/`);
console.log(`Listening on http://localhost:${plain.getPort()}/`);
await Promise.all([redirecting, acceptAll(secure)]);
