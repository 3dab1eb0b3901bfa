/**
 * A reverse proxy: requests and responses are streamed, in both directions no faster than the
 * slower side, and a client that goes cancels the request to the origin.
 *
 * ```sh
 * deno run --allow-net examples/reverse_proxy.ts 8080 http://127.0.0.1:8000
 * curl -i http://localhost:8080/
 * ```
 *
 * Arguments: the port, and the origin.
 */
import { AsyncHttpServer, type FetchHandler, fetchHandler } from "@asynchttp/server";

const ORIGIN = new URL(Deno.args[1] ?? "http://127.0.0.1:8000").origin;
const MAX_BODY = 1024 ** 3;

/** Fields for one connection only, which a proxy must not forward (RFC 9110, 7.6.1). */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Fields in which proxies tell about a client, and a client can claim anything. */
const CLAIMS = /^(?:forwarded|x-forwarded-.*|x-real-ip)$/;

function forwarded(headers: Headers): Headers {
  const result = new Headers(headers);
  const listed = (headers.get("connection") ?? "").split(",").map((name) => name.trim());
  // What is not a name cannot name a field.
  const names = listed.filter((name) => /^[!#$%&'*+.^_`|~\w-]+$/.test(name));
  for (const name of [...HOP_BY_HOP, ...names]) result.delete(name);
  return result;
}

const proxy: FetchHandler = async (request, { remoteAddr }) => {
  const { pathname, search, host, protocol } = new URL(request.url);
  const headers = forwarded(request.headers);
  // Not appended to: what a client claims about itself is not passed on.
  for (const name of [...headers.keys()]) if (CLAIMS.test(name)) headers.delete(name);
  headers.set("x-forwarded-for", remoteAddr.transport === "tcp" ? remoteAddr.hostname : "unknown");
  headers.set("x-forwarded-host", host);
  headers.set("x-forwarded-proto", protocol.slice(0, -1));
  headers.delete("host");
  headers.delete("expect"); // the server has answered it, and `fetch` cannot wait for an answer
  headers.delete("content-length"); // a stream is sent in chunks
  headers.set("accept-encoding", "identity"); // `fetch` would decode what the client wants encoded
  try {
    const { body, status, headers: received } = await fetch(ORIGIN + pathname + search, {
      method: request.method,
      headers,
      body: request.body,
      redirect: "manual",
      signal: request.signal,
    });
    return new Response(body, { status, headers: forwarded(received) });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // the client has gone
    return new Response("The origin cannot be reached\n", { status: 502 });
  }
};

const server = new AsyncHttpServer({ maxBody: MAX_BODY });
const serving = server.serve(Number(Deno.args[0] ?? 8080), fetchHandler(proxy), {
  address: "127.0.0.1",
});
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
