/** Web handlers: the Request that they receive. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { FetchHandler } from "@asynchttp/server";
import { GET } from "../fixtures.ts";
import { post, servingFetch, servingFetchWell } from "./fetch_tools.ts";
import { exchangeBytes, readText, writeText } from "./tools.ts";

// Must stay the first test: the process caches what it detects with its first request.
Deno.test("fetchHandler: the first request of a process may have a body", async () => {
  await servingFetchWell(async (request) => new Response(await request.text()), async (port) => {
    assertMatch(await exchangeBytes(port, post("first")), /^HTTP\/1\.1 200 OK\r\n[^]*first$/);
  });
});

Deno.test("fetchHandler: the second argument holds the addresses", async () => {
  const handler: FetchHandler = (_, info) => Response.json(info);
  await servingFetchWell(handler, async (port) => {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await writeText(conn, GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    const [, content] = (await readText(conn)).split("\r\n\r\n");
    const { localAddr: remoteAddr, remoteAddr: localAddr } = conn;
    assertEquals(JSON.parse(content!), { localAddr, remoteAddr, peerAddr: remoteAddr });
  });
});

Deno.test("request: behaves as a Request in every respect", async () => {
  const seen: Record<string, unknown> = {};
  const handler: FetchHandler = (request) => {
    const { method, url, bodyUsed, redirect } = request;
    Object.assign(seen, { method, url, bodyUsed, redirect });
    seen.instance = request instanceof Request;
    seen.tag = Object.prototype.toString.call(request);
    seen.headers = [...request.headers];
    seen.same = request.headers === request.headers && request.signal === request.signal;
    seen.body = request.body;
    return new Response();
  };
  await servingFetchWell(handler, async (port) => {
    const target = "/%7Ea/./b?q=%20#";
    await exchangeBytes(
      port,
      `get ${target.slice(0, -1)} HTTP/1.1\r\nHost: X:81\r\nAccept: a\r\nACCEPT: b\r\n\r\n`,
    );
    assertEquals(seen, {
      method: "GET",
      url: "http://x:81/%7Ea/b?q=%20",
      bodyUsed: false,
      redirect: "follow",
      instance: true,
      tag: "[object Request]",
      headers: [["accept", "a, b"], ["host", "X:81"]],
      same: true,
      body: null,
    });
  });
});

Deno.test("request.method: upper case for the methods that the Fetch standard names, and for no others", async () => {
  const handler: FetchHandler = (request) =>
    new Response(`${request.method} ${new Request(request).method}`);
  await servingFetchWell(handler, async (port) => {
    for (const method of ["get", "Delete", "options", "pUT", "post"]) {
      const answer = await exchangeBytes(port, post("").replace("POST", method));
      const name = method.toUpperCase();
      assertStringIncludes(answer, `\r\n\r\n${name} ${name}`);
    }
    for (const method of ["patch", "Propfind", "PURGE"]) {
      const answer = await exchangeBytes(port, GET.replace("GET", method));
      assertStringIncludes(answer, `\r\n\r\n${method} ${method}`);
    }
  });
});

Deno.test("request.url: absolute-form, OPTIONS *, HTTP/1.0 without Host", async () => {
  await servingFetchWell((request) => new Response(request.url), async (port) => {
    const table: [sent: string, url: string][] = [
      ["GET http://other:82/a?b HTTP/1.1\r\nHost: x\r\n\r\n", "http://other:82/a?b"],
      ["OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "http://x/"],
      ["GET /a HTTP/1.0\r\n\r\n", `http://127.0.0.1:${port}/a`],
      ["GET //evil/a HTTP/1.1\r\nHost: x\r\n\r\n", "http://x//evil/a"],
    ];
    for (const [sent, url] of table) {
      const answer = await exchangeBytes(port, sent);
      assertEquals(answer.slice(answer.indexOf("\r\n\r\n") + 4), url);
    }
  });
});

Deno.test("request: every way to read a body", async () => {
  const decoder = new TextDecoder();
  const readers: Record<string, (request: Request) => Promise<unknown>> = {
    text: (request) => request.text(),
    json: async (request) => JSON.stringify(await request.json()),
    arrayBuffer: async (request) => decoder.decode(await request.arrayBuffer()),
    bytes: async (request) => decoder.decode(await request.bytes()),
    blob: async (request) => await (await request.blob()).text(),
    stream: async (request) => (await Array.fromAsync(request.body!)).map((c) => decoder.decode(c)),
    "of a clone, too": async (request) => {
      const clone = request.clone();
      assert(clone instanceof Request);
      assertEquals(await clone.text(), '{"a":"é"}');
      return await request.text();
    },
    "of a Request made of it": async (request) => {
      const made = new Request(request, { headers: { "X-Own": "1" } });
      assert(request.bodyUsed);
      assertEquals([made.method, made.url], [request.method, request.url]);
      assertEquals([...made.headers.keys()], ["content-type", "x-own"].slice(1));
      return await made.text();
    },
    "of a Request for another URL": async (request) => {
      const made = new Request("http://other/b", request);
      assertEquals([made.method, made.url], ["POST", "http://other/b"]);
      assertEquals(made.headers.get("content-type"), "application/json");
      return await made.text();
    },
  };
  const handler: FetchHandler = async (request) => {
    const name = decodeURIComponent(new URL(request.url).search.slice(1));
    const read = await readers[name]!(request);
    assert(request.bodyUsed, name);
    await assertRejects(() => request.text(), TypeError);
    return new Response(String(read));
  };
  await servingFetchWell(handler, async (port) => {
    for (const name of Object.keys(readers)) {
      const response = await fetch(`http://127.0.0.1:${port}/?${name}`, {
        method: "POST",
        body: '{"a":"é"}',
        headers: { "Content-Type": "application/json" },
      });
      assertEquals(await response.text(), '{"a":"é"}', name);
    }
  });
});

Deno.test("request: fields that a middleware sets before the body is read stay set", async () => {
  const handler: FetchHandler = async (request) => {
    request.headers.set("X-User", "ada");
    const made = new Request(request);
    return new Response(`${made.headers.get("x-user")} ${await made.text()}`);
  };
  await servingFetchWell(handler, async (port) => {
    assertMatch(await exchangeBytes(port, post("hi")), /\r\n\r\nada hi$/);
  });
});

Deno.test("request: fields that are set after a read or a clone are visible too", async () => {
  const handler: FetchHandler = async (request) => {
    await request.clone().text();
    request.headers.set("X-User", "ada");
    const made = new Request(request);
    return new Response(`${request.headers.get("x-user")} ${made.headers.get("x-user")}`);
  };
  await servingFetchWell(handler, async (port) => {
    assertMatch(await exchangeBytes(port, GET), /\r\n\r\nada ada$/);
  });
});

Deno.test("request.formData: an upload with a file", async () => {
  const handler: FetchHandler = async (request) => {
    const form = await request.formData();
    const file = form.get("file") as File;
    return Response.json({
      text: form.get("text"),
      all: form.getAll("many"),
      file: [file.name, file.type, file.size, await file.text()],
    });
  };
  await servingFetchWell(handler, async (port) => {
    const form = new FormData();
    form.set("text", "é\r\n");
    form.append("many", "1");
    form.append("many", "2");
    form.set("file", new File(["content\r\n--x"], "naïve.txt", { type: "text/x" }));
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: form });
    assertEquals(await response.json(), {
      text: "é\r\n",
      all: ["1", "2"],
      file: ["naïve.txt", "text/x", 12, "content\r\n--x"],
    });
  });
});

Deno.test("request.formData: a body that is not a form is the client's fault", async () => {
  const handler: FetchHandler = async (request) => Response.json([...await request.formData()]);
  const errors = await servingFetch(handler, async (port) => {
    const form = post("a=1+2&b=", "Content-Type: application/x-www-form-urlencoded");
    assertStringIncludes(await exchangeBytes(port, form), '[["a","1 2"],["b",""]]');
    assertStringIncludes(await exchangeBytes(port, post("a=1")), "HTTP/1.1 400 Bad Request");
  });
  assertEquals(errors, []);
});
