/** The tunnels of examples/connect_proxy.ts: curl, half-closes and resets in each direction. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { type Handler, streaming } from "@asynchttp/server";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { pattern } from "../fixtures.ts";
import {
  launchExample,
  readText,
  readUntil,
  run,
  servingWell,
  testWith,
  withFolder,
  writeText,
} from "./tools.ts";

const LARGE = 5_000_000;

function withOrigin(handler: Handler, use: (origin: string) => Promise<void>): Promise<void> {
  return servingWell(handler, (port) => use(`127.0.0.1:${port}`));
}

/** Compares without printing: `assertEquals` would print five million bytes. */
function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

/** The statuses of the proxy and of the origin behind it, as curl tells them. */
async function statuses(proxy: string, url: string, ...args: string[]): Promise<string> {
  const format = ["-so", "/dev/null", "-w", "%{http_connect} %{http_code}"];
  return (await run("curl", "-p", "-x", proxy, "--noproxy", "", ...format, ...args, url)).stdout;
}

function connectTo(port: number): string {
  return `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
}

/** The two ends of a tunnel to a listener of the test's. */
interface Ends extends Disposable {
  readonly client: Deno.TcpConn;
  readonly target: Deno.TcpConn;
}

async function openTunnel(proxy: string, early = ""): Promise<Ends> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(proxy).port) });
  await writeText(client, connectTo(listener.addr.port) + early);
  const target = await listener.accept();
  assertMatch(await readUntil(client, (text) => text.endsWith("\r\n\r\n")), /^HTTP\/1\.1 200 /);
  const close = () => [client, target].forEach((end) => end.close());
  return { client, target, [Symbol.dispose]: close };
}

testWith("curl", "connect_proxy: a page through the tunnel", async () => {
  const { example, origin: proxy } = await launchExample("connect_proxy.ts");
  await using _ = example;
  await withOrigin(
    (request) => request.respond(200, `You want ${request.target}\n`),
    async (origin) => {
      const { stdout } = await run(
        "curl",
        "-s",
        "-p",
        "-x",
        proxy,
        "--noproxy",
        "",
        `http://${origin}/page`,
      );
      assertEquals(stdout, "You want /page\n");
    },
  );
});

testWith("curl", "connect_proxy: a large body in both directions", async () => {
  const { example, origin: proxy } = await launchExample("connect_proxy.ts");
  await using _ = example;
  const echo = streaming((request) => request.respond(200, request.stream));
  await withFolder(async (folder) => {
    const sent = pattern(LARGE);
    await Deno.writeFile(`${folder}/sent`, sent);
    await withOrigin(echo, async (origin) => {
      const files = ["-T", `${folder}/sent`, "-o", `${folder}/got`];
      const { code } = await run(
        "curl",
        "-sp",
        "-x",
        proxy,
        "--noproxy",
        "",
        ...files,
        `http://${origin}/`,
      );
      assertEquals(code, 0);
    });
    assert(equal(await Deno.readFile(`${folder}/got`), sent));
  });
});

testWith("curl", "connect_proxy: 403 for targets that are not on this machine", async () => {
  const { example, origin: proxy } = await launchExample("connect_proxy.ts");
  await using _ = example;
  const elsewhere = [
    "192.0.2.1",
    "localhost.example",
    "127.0.0.1.example",
    "[2001:db8::1]",
    "0.0.0.0",
  ];
  for (const host of elsewhere) {
    assertEquals(await statuses(proxy, `http://${host}:80/`), "403 000");
  }
});

testWith("curl", "connect_proxy: --any-target", async () => {
  const { example, origin: proxy } = await launchExample("connect_proxy.ts", "--any-target");
  await using _ = example;
  await withOrigin((request) => request.respond(204), async (origin) => {
    const port = origin.split(":")[1];
    assertEquals(await statuses(proxy, `http://0.0.0.0:${port}/`), "200 204");
  });
});

testWith(
  "curl",
  "connect_proxy: 502 for who does not answer, 405 for what is no CONNECT",
  async () => {
    const { example, origin: proxy } = await launchExample("connect_proxy.ts");
    await using _ = example;
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    assertEquals(await statuses(proxy, `http://127.0.0.1:${port}/`), "502 000");
    const { stdout } = await run("curl", "-si", `${proxy}/`);
    assertMatch(
      stdout,
      /^HTTP\/1\.1 405 [^]*\r\nAllow: CONNECT\r\n[^]*ask it to CONNECT host:port\n$/,
    );
  },
);

Deno.test("connect_proxy: a side that half-closes still receives data, on both sides", async () => {
  const { example, origin: proxy } = await launchExample("connect_proxy.ts");
  await using _ = example;
  {
    using ends = await openTunnel(proxy, "early, ");
    await writeText(ends.client, "question");
    await ends.client.closeWrite();
    assertEquals(await readText(ends.target), "early, question");
    await writeText(ends.target, "answer");
    await ends.target.closeWrite();
    assertEquals(await readText(ends.client), "answer");
  }
  {
    using ends = await openTunnel(proxy);
    await writeText(ends.target, "greeting");
    await ends.target.closeWrite();
    assertEquals(await readText(ends.client), "greeting");
    await writeText(ends.client, "reply");
    await ends.client.closeWrite();
    assertEquals(await readText(ends.target), "reply");
  }
});

/** Reads to the end or to a reset. */
async function untilGone(conn: Deno.Conn): Promise<void> {
  await readText(conn).catch(() => {});
}

// Node's sockets can be reset on purpose, Deno's cannot.
Deno.test("connect_proxy: a client that resets ends its own tunnel only", async () => {
  const { example, origin: proxy } = await launchExample("connect_proxy.ts");
  await using _ = example;
  using bystander = await openTunnel(proxy);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = connect(Number(new URL(proxy).port), "127.0.0.1");
  client.write(connectTo(listener.addr.port));
  using target = await listener.accept();
  await once(client, "data");
  client.resetAndDestroy();
  await untilGone(target);
  await example.line(/^A tunnel has broken: /);
  await writeText(bystander.client, "Still here");
  await bystander.client.closeWrite();
  assertEquals(await readText(bystander.target), "Still here");
});

Deno.test("connect_proxy: a target that resets ends its tunnel", async () => {
  const { example, origin: proxy } = await launchExample("connect_proxy.ts");
  await using _ = example;
  const server = createServer((target) => target.once("data", () => target.resetAndDestroy()));
  await once(server.listen(0, "127.0.0.1"), "listening");
  using client = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(proxy).port) });
  await writeText(client, connectTo((server.address() as AddressInfo).port) + "Hello");
  await untilGone(client);
  await example.line(/^A tunnel has broken: /);
  server.close();
  await once(server, "close");
});
