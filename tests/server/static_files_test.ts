/** `examples/static_files.ts`, run as its user would run it, with a real client and with targets that none sends. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { exchangeBytes, launch, readUntil, run, testWith, writeText } from "./tools.ts";

const SIZE = 300_000;
const TEXT = "0123456789";
const OUTSIDE = "nobody may read this";

/** A folder to be served, with files beside it that are not to be. */
async function makeTree(): Promise<string> {
  const parent = await Deno.makeTempDir();
  const folder = `${parent}/served`;
  await Deno.mkdir(`${folder}/sub/deeper`, { recursive: true });
  await Deno.mkdir(`${parent}/served-not`);
  await Deno.writeTextFile(`${parent}/secret.txt`, OUTSIDE);
  await Deno.writeTextFile(`${parent}/served-not/secret.txt`, OUTSIDE);
  await Deno.writeTextFile(`${folder}/digits.txt`, TEXT);
  await Deno.writeTextFile(`${folder}/empty.json`, "");
  await Deno.writeTextFile(`${folder}/sub/a&b <i> "ü" 100%?#.html`, "odd");
  await Deno.writeFile(`${folder}/large`, content());
  await Deno.symlink(`${parent}/secret.txt`, `${folder}/leaves.txt`);
  await Deno.symlink(`${parent}/served-not`, `${folder}/neighbour`);
  await Deno.symlink("digits.txt", `${folder}/stays.txt`);
  await Deno.utime(`${folder}/digits.txt`, MODIFIED, MODIFIED);
  return folder;
}

const MODIFIED = new Date("2024-02-29T12:00:00.500Z");
const LAST_MODIFIED = "Thu, 29 Feb 2024 12:00:00 GMT";

function content(): Uint8Array {
  return Uint8Array.from({ length: SIZE }, (_, i) => (i * 7919) >> 3);
}

/** Says where they differ: `assertEquals` would print every byte. */
async function assertHasContent(path: string): Promise<void> {
  const wanted = content();
  const got = await Deno.readFile(path);
  assertEquals(got.length, wanted.length);
  assertEquals(got.findIndex((byte, i) => byte !== wanted[i]), -1, "A byte differs");
}

interface Site extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  readonly folder: string;
}

/** Starts the example on a folder of its own; both end with the scope. */
async function openSite(): Promise<Site> {
  const folder = await makeTree();
  const path = new URL("../../examples/static_files.ts", import.meta.url).pathname;
  const flags = ["run", "--allow-net", "--allow-read"];
  const example = launch(Deno.execPath(), ...flags, path, "0", folder);
  const [, port] = await example.line(/^Listening on http:\/\/127\.0\.0\.1:(\d+)\/$/);
  return {
    origin: `http://127.0.0.1:${port}`,
    port: Number(port),
    folder,
    async [Symbol.asyncDispose]() {
      await example[Symbol.asyncDispose]();
      await Deno.remove(`${folder}/..`, { recursive: true });
    },
  };
}

/** Status, header fields and content, as curl saw them. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function curl(...args: string[]): Promise<Answer> {
  return answerIn((await run("curl", "-si", ...args)).stdout);
}

function answerIn(message: string): Answer {
  const end = message.indexOf("\r\n\r\n");
  const [statusLine, ...lines] = message.slice(0, end).split("\r\n");
  const pairs = lines.map((line) => line.split(/: (.*)/, 2) as [string, string]);
  return {
    status: Number(statusLine!.split(" ")[1]),
    headers: new Headers(pairs),
    text: message.slice(end + 4),
  };
}

testWith("curl", "examples/static_files.ts: a file, its type and its length", async () => {
  await using site = await openSite();
  const { origin, folder } = site;
  const { status, headers, text } = await curl(`${origin}/digits.txt?v=1`);
  assertEquals(status, 200);
  assertEquals(text, TEXT);
  assertEquals(headers.get("Content-Length"), "10");
  assertEquals(headers.get("Content-Type"), "text/plain; charset=utf-8");
  assertEquals(headers.get("Last-Modified"), LAST_MODIFIED);
  assertEquals(headers.get("Accept-Ranges"), "bytes");
  assertMatch(headers.get("ETag")!, /^"[0-9a-f]+-[0-9a-f]+"$/);

  const large = `${folder}/../large.got`;
  await run("curl", "-s", "-o", large, `${origin}/large`);
  await assertHasContent(large);

  const empty = await curl(`${origin}/empty.json`);
  assertEquals([empty.status, empty.text, empty.headers.get("Content-Length")], [200, "", "0"]);
  assertEquals(empty.headers.get("Content-Type"), "application/json");
  assertEquals((await curl(`${origin}/stays.txt`)).text, TEXT);
  assertEquals((await curl(`${origin}/none.txt`)).status, 404);
  assertEquals((await curl(`${origin}/digits.txt/`)).status, 404);
  assertEquals((await curl(`${origin}/${"n".repeat(300)}`)).status, 404);
});

testWith("curl", "examples/static_files.ts: HEAD is like GET, others are refused", async () => {
  await using site = await openSite();
  const { origin } = site;
  const get = await curl(`${origin}/digits.txt`);
  const head = await curl("--head", "-r", "0-1", `${origin}/digits.txt`);
  assertEquals([head.status, head.text], [200, ""]);
  for (const name of ["Content-Length", "Content-Type", "ETag", "Last-Modified"]) {
    assertEquals(head.headers.get(name), get.headers.get(name));
  }
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "get"]) {
    const refused = await curl("-X", method, "-d", "", `${origin}/digits.txt`);
    assertEquals([refused.status, refused.headers.get("Allow")], [405, "GET, HEAD"]);
  }
});

testWith("curl", "examples/static_files.ts: conditions (RFC 9110, 13.2.2)", async () => {
  await using site = await openSite();
  const { origin } = site;
  const url = `${origin}/digits.txt`;
  const etag = (await curl(url)).headers.get("ETag")!;
  const [before, after] = ["Thu, 29 Feb 2024 11:59:59 GMT", "Thu, 29 Feb 2024 12:00:01 GMT"];
  const rows: [status: number, ...fields: string[]][] = [
    [304, `If-None-Match: ${etag}`],
    [304, `If-None-Match: W/${etag}`],
    [304, `If-None-Match: "a, b", ${etag}`],
    [304, "If-None-Match: *"],
    [200, 'If-None-Match: "other"'],
    [200, `If-None-Match: ${etag.replaceAll('"', "")}`],
    [304, `If-Modified-Since: ${LAST_MODIFIED}`],
    [304, `If-Modified-Since: ${after}`],
    [200, `If-Modified-Since: ${before}`],
    [304, "If-Modified-Since: Thursday, 29-Feb-24 12:00:00 GMT"],
    [304, "If-Modified-Since: Thu Feb 29 12:00:00 2024"],
    [200, "If-Modified-Since: 2030"],
    [200, "If-Modified-Since: tomorrow"],
    // The tag outranks the date.
    [200, 'If-None-Match: "other"', `If-Modified-Since: ${after}`],
    [304, `If-None-Match: ${etag}`, `If-Modified-Since: ${before}`],
    [200, `If-Match: ${etag}`],
    [200, "If-Match: *"],
    [412, 'If-Match: "other"'],
    [412, `If-Match: W/${etag}`],
    [200, `If-Unmodified-Since: ${LAST_MODIFIED}`],
    [412, `If-Unmodified-Since: ${before}`],
    [200, "If-Unmodified-Since: yesterday"],
    [200, `If-Match: ${etag}`, `If-Unmodified-Since: ${before}`],
    [412, 'If-Match: "other"', `If-Unmodified-Since: ${after}`],
    // Who may not have it is not told that it is known.
    [412, 'If-Match: "other"', `If-None-Match: ${etag}`],
    [304, `If-Match: ${etag}`, `If-None-Match: ${etag}`],
    // A condition comes before a range.
    [304, `If-None-Match: ${etag}`, "Range: bytes=0-1"],
    [412, 'If-Match: "other"', "Range: bytes=99-"],
  ];
  for (const [status, ...fields] of rows) {
    const answer = await curl(...fields.flatMap((field) => ["-H", field]), url);
    assertEquals(answer.status, status, fields.join("; "));
    assertEquals(answer.text, status === 200 ? TEXT : "", fields.join("; "));
    assertEquals(answer.headers.get("ETag"), etag);
  }
});

testWith("curl", "examples/static_files.ts: a range of bytes", async () => {
  await using site = await openSite();
  const { origin } = site;
  const whole = [200, null, TEXT];
  const unsatisfiable = [416, "bytes */10", "Range not satisfiable\n"];
  const rows: [range: string, answer: unknown[]][] = [
    ["bytes=0-0", [206, "bytes 0-0/10", "0"]],
    ["bytes=2-4", [206, "bytes 2-4/10", "234"]],
    ["Bytes=2-4", [206, "bytes 2-4/10", "234"]],
    ["bytes=8-99", [206, "bytes 8-9/10", "89"]],
    ["bytes=7-", [206, "bytes 7-9/10", "789"]],
    ["bytes=0-", [206, "bytes 0-9/10", TEXT]],
    ["bytes=-3", [206, "bytes 7-9/10", "789"]],
    ["bytes=-99", [206, "bytes 0-9/10", TEXT]],
    ["bytes=10-", unsatisfiable],
    ["bytes=99999999999999999999-", unsatisfiable],
    ["bytes=-0", unsatisfiable],
    ["bytes=4-2", whole],
    ["bytes=-", whole],
    ["bytes=a-b", whole],
    ["bytes=-1-2", whole],
    ["bytes=0-1,4-5", whole],
    ["lines=0-1", whole],
  ];
  const ask = async (path: string, ...fields: string[]) => {
    const args = fields.flatMap((field) => ["-H", field]);
    const { status, headers, text } = await curl(...args, `${origin}/${path}`);
    return [status, headers.get("Content-Range"), text];
  };
  for (const [range, answer] of rows) {
    assertEquals(await ask("digits.txt", `Range: ${range}`), answer, range);
  }
  for (const range of ["bytes=0-", "bytes=0-0"]) {
    assertEquals((await ask("empty.json", `Range: ${range}`))[1], "bytes */0", range);
  }
  assertEquals(await ask("empty.json", "Range: bytes=-1"), [200, null, ""]);

  const part = [206, "bytes 0-1/10", "01"];
  const etag = (await curl(`${origin}/digits.txt`)).headers.get("ETag")!;
  for (
    const [ifRange, answer] of [
      [etag, part],
      [`W/${etag}`, whole],
      ['"other"', whole],
      [LAST_MODIFIED, whole],
    ] as const
  ) {
    const fields = ["Range: bytes=0-1", `If-Range: ${ifRange}`];
    assertEquals(await ask("digits.txt", ...fields), answer, ifRange);
  }
});

testWith("curl", "examples/static_files.ts: a download in two parts is the file", async () => {
  await using site = await openSite();
  const { origin, folder } = site;
  const path = `${folder}/../resumed`;
  await run("curl", "-s", "-o", path, "-r", "0-99999", `${origin}/large`);
  assertEquals((await Deno.stat(path)).size, 100_000);
  const args = ["-s", "-o", path, "-w", "%{http_code}", "-C", "-", `${origin}/large`];
  const { stdout } = await run("curl", ...args);
  assertEquals(stdout, "206");
  await assertHasContent(path);
});

testWith("curl", "examples/static_files.ts: a folder as a page", async () => {
  await using site = await openSite();
  const { origin } = site;
  const { headers, text } = await curl(`${origin}/`);
  assertEquals(headers.get("Content-Type"), "text/html; charset=utf-8");
  const names = [...text.matchAll(/<a href="[^"]*">([^<]*)<\/a>/g)].map(([, name]) => name);
  const files = ["digits.txt", "empty.json", "large", "leaves.txt", "neighbour", "stays.txt"];
  assertEquals(names, ["sub/", ...files]);

  const redirect = await curl(`${origin}/sub?a=1`);
  assertEquals([redirect.status, redirect.headers.get("Location")], [301, "/sub/?a=1"]);

  const sub = (await curl(`${origin}/sub/`)).text;
  assertStringIncludes(sub, '<a href="deeper/">deeper/</a>');
  assertStringIncludes(sub, ">a&#38;b &#60;i&#62; &#34;ü&#34; 100%?#.html</a>");
  const link = /href="([^"]*\.html)"/.exec(sub)![1]!;
  assertEquals((await curl(`${origin}/sub/${link}`)).text, "odd");

  const head = await curl("--head", `${origin}/sub/`);
  assertEquals(head.text, "");
  assertEquals(head.headers.get("Content-Length"), `${new TextEncoder().encode(sub).length}`);
});

testWith("curl", "examples/static_files.ts: --path-as-is leads nowhere", async () => {
  await using site = await openSite();
  const { origin } = site;
  for (const path of ["../secret.txt", "sub/../../secret.txt", "%2e%2e/secret.txt"]) {
    assertEquals((await curl("--path-as-is", `${origin}/${path}`)).status, 400, path);
  }
});

Deno.test("examples/static_files.ts: no target leads out of the folder", async () => {
  await using site = await openSite();
  const { port, folder } = site;
  const rows: [status: number, target: string][] = [
    [400, "/.."],
    [400, "/../"],
    [400, "/../secret.txt"],
    [400, "/sub/../digits.txt"],
    [400, "/sub/../../secret.txt"],
    [400, "/./digits.txt"],
    [400, "/%2e%2e/secret.txt"],
    [400, "/%2E./secret.txt"],
    [400, "/.%2e/secret.txt"],
    [400, "/..%2fsecret.txt"],
    [400, "/sub%2fdeeper/"],
    [400, "/%2fetc%2fpasswd"],
    [400, "/..%5csecret.txt"],
    [400, "/..\\secret.txt"],
    [400, "/digits.txt%00"],
    [400, "/digits.txt%00.html"],
    [400, "//etc/passwd"],
    [400, `/${folder}/../secret.txt`],
    [400, "/sub//deeper/"],
    [400, "//"],
    [400, "//sub"],
    [400, "/%"],
    [400, "/%zz"],
    [400, "/%ff"],
    [400, "/%c0%ae%c0%ae/secret.txt"],
    [400, "http://127.0.0.1/../secret.txt"],
    [400, "http://127.0.0.1/digits.txt"],
    [404, "/%252e%252e/secret.txt"],
    [404, "/..;/secret.txt"],
    [404, "/.../secret.txt"],
    [404, "/leaves.txt"],
    [404, "/neighbour"],
    [404, "/neighbour/"],
    [404, "/neighbour/secret.txt"],
    [200, "/?../../secret.txt"],
    [200, "/digits.txt?/../%2e%2e/%zz"],
    [200, "/%64igits.txt"],
  ];
  for (const [status, target] of rows) {
    const sent = `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
    const answer = answerIn(await exchangeBytes(port, sent));
    assertEquals(answer.status, status, target);
    assert(!answer.text.includes(OUTSIDE), target);
  }
});

/** Has any process that we may look into opened the file? */
async function isOpen(path: string): Promise<boolean> {
  for await (const { name: pid } of Deno.readDir("/proc")) {
    if (/^\d+$/.test(pid) && await opens(`/proc/${pid}/fd`, path)) return true;
  }
  return false;
}

async function opens(descriptors: string, path: string): Promise<boolean> {
  try {
    for await (const { name } of Deno.readDir(descriptors)) {
      const target = await Deno.readLink(`${descriptors}/${name}`).catch(() => null);
      if (target === path) return true;
    }
  } catch {
    // Somebody else's process, or one that has ended.
  }
  return false;
}

Deno.test({
  name: "examples/static_files.ts: a file is closed when its client goes half-way",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using site = await openSite();
    const { port, folder } = site;
    const path = `${await Deno.realPath(folder)}/endless`;
    // More than sockets hold: the server is still sending when the client goes.
    await Deno.writeFile(path, new Uint8Array());
    await Deno.truncate(path, 1_000_000_000);
    {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await writeText(conn, "GET /endless HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
      await readUntil(conn, (text) => text.length > 100_000);
      assert(await isOpen(path));
    }
    for (let looks = 0; await isOpen(path); looks++) assert(looks < 5000, "It is still open");
  },
});
