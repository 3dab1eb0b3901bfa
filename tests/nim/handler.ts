/** The handler of server.nim on this server, case by case. */
import { delay } from "@std/async";
import type { Request } from "@asynchttp/server";
import { utf8 } from "../fixtures.ts";

function describe({ reqMethod, url, headers, protocol, hostname, bytes, body }: Request): string {
  const lines = [
    `method=${reqMethod}`,
    `path=${url.pathname}`,
    `query=${url.search.slice(1)}`,
    `anchor=${url.hash.slice(1)}`,
  ];
  if (headers.has("x-url")) {
    lines.push(
      `scheme=${url.protocol.slice(0, -1)}`,
      `uhost=${url.hostname}`,
      `uport=${url.port}`,
      `user=${url.username}`,
    );
  }
  lines.push(`proto=${protocol.orig},${protocol.major},${protocol.minor}`, `host=${hostname}`);
  for (const name of [...headers.keys()].sort()) lines.push(`h:${name}=${headers.get(name)}`);
  return [...lines, `body=${bytes.length}:${body}`, ""].join("\n");
}

export async function handler(request: Request): Promise<void> {
  const { url: { pathname }, client } = request;
  switch (pathname) {
    case "/":
      return await request.respond(200, "Hello");
    case "/h":
      return await request.respond(200, "x", [
        ["X-Custom-Name", "A b"],
        ["content-TYPE", "text/plain"],
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
      ]);
    case "/ht":
      return await request.respond(200, "x", {
        "X-Custom-Name": "A b",
        "Content-Type": "text/plain",
      });
    case "/200":
      return await request.respond(200, "");
    case "/201":
      return await request.respond(201, "made", { Location: "/x/1" });
    case "/204":
      return await request.respond(204, "");
    case "/204b":
      return await request.respond(204, "body");
    case "/205":
      return await request.respond(205, "");
    case "/304":
      return await request.respond(304, "");
    case "/413":
    case "/414":
    case "/416":
    case "/418":
    case "/422":
    case "/510":
    case "/299":
    case "/599":
      return await request.respond(Number(pathname.slice(1)), "x");
    case "/100":
      return await request.respond(100, "");
    case "/0":
      return await request.respond(0, "");
    case "/cl":
      return await request.respond(200, "12345", { "Content-Length": "5" });
    case "/badcl":
      return await request.respond(200, "12345", { "Content-Length": "3" });
    case "/te":
      return await request.respond(200, "5\r\nHello\r\n0\r\n\r\n", {
        "Transfer-Encoding": "chunked",
      });
    case "/conn":
      return await request.respond(200, "x", { "Connection": "close" });
    case "/connka":
      return await request.respond(200, "x", { "Connection": "keep-alive" });
    case "/date":
      return await request.respond(200, "x", { "Date": "Thu, 01 Jan 1970 00:00:00 GMT" });
    case "/server":
      return await request.respond(200, "x", { "Server": "nim" });
    case "/crlf":
      return await request.respond(200, "x", { "X-A": "a\r\nX-B: b" });
    case "/emptyv":
      return await request.respond(200, "x", { "X-A": "" });
    case "/utf8":
      return await request.respond(200, "grüß €");
    case "/utf8h":
      return await request.respond(200, "x", { "X-A": "grüß" });
    case "/twice":
      await request.respond(200, "one");
      return await request.respond(200, "two");
    case "/noanswer":
      return;
    case "/sh":
      await client.write(utf8("HTTP/1.1 200 OK\r\n"));
      await request.sendHeaders({ "Content-Type": "text/plain", "Content-Length": "3" });
      return void await client.write(utf8("\r\nabc"));
    case "/raw":
      return void await client.write(utf8("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    case "/close":
      await request.respond(200, "bye");
      return client.close();
    case "/slow":
      await delay(150);
      return await request.respond(200, "slow");
    case "/big":
      return await request.respond(200, "x".repeat(100_000));
    default:
      return await request.respond(200, describe(request));
  }
}
