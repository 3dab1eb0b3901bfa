/**
 * A proxy for CONNECT: forwards bytes to a target and back, whatever they are.
 *
 * ```sh
 * deno run --allow-net examples/connect_proxy.ts
 * curl -p -x http://localhost:8080 http://127.0.0.1:8000/
 * ```
 *
 * Arguments: the port, and `--any-target`.
 */
import { AsyncHttpServer, type Request } from "@asynchttp/server";

/**
 * The only targets unless `--any-target` is given: through a proxy that connects to anything,
 * every client can send mail, scan the network behind it and attack others in the proxy's name.
 * Addresses are compared as they are written: a name could resolve to any of them.
 */
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/i;
const ANY_TARGET = Deno.args.includes("--any-target");

interface Target {
  hostname: string;
  port: number;
}

/** Splits the target: the server has checked that it is `host:port`, with an IPv6 address in brackets. */
function targetOf({ target }: Request): Target {
  const colon = target.lastIndexOf(":");
  const hostname = target.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return { hostname, port: Number(target.slice(colon + 1)) };
}

async function connected(target: Target): Promise<Deno.TcpConn | null> {
  try {
    return await Deno.connect(target);
  } catch {
    return null;
  }
}

/** Forwards one direction, and its end; the other direction continues until it ends, too. */
async function pipe(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const count = await from.read(buffer);
    if (count === null) return await to.closeWrite();
    for (let at = 0; at < count;) at += await to.write(buffer.subarray(at, count));
  }
}

/** Forwards both directions; an error in one of them ends both. */
async function tunnel(client: Deno.Conn, origin: Deno.Conn): Promise<void> {
  try {
    await Promise.all([pipe(client, origin), pipe(origin, client)]);
  } catch (error) {
    console.log(`A tunnel has broken: ${error instanceof Error ? error.message : error}`);
  }
}

async function connect(request: Request): Promise<void> {
  const target = targetOf(request);
  if (!ANY_TARGET && !LOOPBACK.test(target.hostname)) {
    return await request.respond(
      403,
      "Only targets on this machine are allowed: see --any-target\n",
    );
  }
  using origin = await connected(target);
  if (origin === null) {
    return await request.respond(502, `Cannot connect to ${request.target}\n`);
  }
  using client = await request.upgrade();
  await tunnel(client, origin);
}

async function handler(request: Request): Promise<void> {
  if (request.method === "CONNECT") return await connect(request);
  await request.respond(405, "This proxy only makes tunnels: ask it to CONNECT host:port\n", {
    Allow: "CONNECT",
  });
}

const server = new AsyncHttpServer();
const serving = server.serve(Number(Deno.args[0] ?? 8080), handler, { address: "127.0.0.1" });
console.log(`Listening on http://127.0.0.1:${server.getPort()}/`);
await serving;
