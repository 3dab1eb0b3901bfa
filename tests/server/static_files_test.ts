/** `examples/static_files.ts` as a process of its own, with a real client. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { assertHasContent } from "./site.ts";
import { LAST_MODIFIED, openTree, responseTo, SIZE, TEXT } from "./static_tree.ts";
import { run, testWith } from "./tools.ts";

testWith("curl", "examples/static_files.ts: a file with its type and its length", async () => {
  await using site = await openTree();
  const { origin, folder } = site;
  const { status, headers, text } = await responseTo(`${origin}/digits.txt?v=1`);
  assertEquals(status, 200);
  assertEquals(text, TEXT);
  assertEquals(headers.get("Content-Length"), "10");
  assertEquals(headers.get("Content-Type"), "text/plain; charset=utf-8");
  assertEquals(headers.get("Last-Modified"), LAST_MODIFIED);
  assertEquals(headers.get("Accept-Ranges"), "bytes");
  assertMatch(headers.get("ETag")!, /^"[0-9a-f]+-[0-9a-f]+"$/);

  const large = `${folder}/../large.got`;
  await run("curl", "-s", "-o", large, `${origin}/large`);
  await assertHasContent(large, SIZE);

  const empty = await responseTo(`${origin}/empty.json`);
  assertEquals([empty.status, empty.text, empty.headers.get("Content-Length")], [200, "", "0"]);
  assertEquals(empty.headers.get("Content-Type"), "application/json");
  assertEquals((await responseTo(`${origin}/stays.txt`)).text, TEXT);
  assertEquals((await responseTo(`${origin}/none.txt`)).status, 404);
  assertEquals((await responseTo(`${origin}/digits.txt/`)).status, 404);
  assertEquals((await responseTo(`${origin}/${"n".repeat(300)}`)).status, 404);
});

testWith(
  "curl",
  "examples/static_files.ts: HEAD is like GET, other methods are rejected",
  async () => {
    await using site = await openTree();
    const { origin } = site;
    const get = await responseTo(`${origin}/digits.txt`);
    const head = await responseTo("--head", "-r", "0-1", `${origin}/digits.txt`);
    assertEquals([head.status, head.text], [200, ""]);
    for (const name of ["Content-Length", "Content-Type", "ETag", "Last-Modified"]) {
      assertEquals(head.headers.get(name), get.headers.get(name));
    }
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "get"]) {
      const refused = await responseTo("-X", method, "-d", "", `${origin}/digits.txt`);
      assertEquals([refused.status, refused.headers.get("Allow")], [405, "GET, HEAD"]);
    }
  },
);

testWith("curl", "examples/static_files.ts: conditions (RFC 9110, 13.2.2)", async () => {
  await using site = await openTree();
  const { origin } = site;
  const url = `${origin}/digits.txt`;
  const etag = (await responseTo(url)).headers.get("ETag")!;
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
    // A client that may not read the file must not learn that it exists.
    [412, 'If-Match: "other"', `If-None-Match: ${etag}`],
    [304, `If-Match: ${etag}`, `If-None-Match: ${etag}`],
    // Conditions are evaluated before the range.
    [304, `If-None-Match: ${etag}`, "Range: bytes=0-1"],
    [412, 'If-Match: "other"', "Range: bytes=99-"],
  ];
  for (const [status, ...fields] of rows) {
    const answer = await responseTo(...fields.flatMap((field) => ["-H", field]), url);
    assertEquals(answer.status, status, fields.join("; "));
    assertEquals(answer.text, status === 200 ? TEXT : "", fields.join("; "));
    assertEquals(answer.headers.get("ETag"), etag);
  }
});

testWith("curl", "examples/static_files.ts: a range of bytes", async () => {
  await using site = await openTree();
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
    const { status, headers, text } = await responseTo(...args, `${origin}/${path}`);
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
  const etag = (await responseTo(`${origin}/digits.txt`)).headers.get("ETag")!;
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
  await using site = await openTree();
  const { origin, folder } = site;
  const path = `${folder}/../resumed`;
  await run("curl", "-s", "-o", path, "-r", "0-99999", `${origin}/large`);
  assertEquals((await Deno.stat(path)).size, 100_000);
  const args = ["-s", "-o", path, "-w", "%{http_code}", "-C", "-", `${origin}/large`];
  const { stdout } = await run("curl", ...args);
  assertEquals(stdout, "206");
  await assertHasContent(path, SIZE);
});

testWith("curl", "examples/static_files.ts: a folder as a page", async () => {
  await using site = await openTree("--listing");
  const { origin } = site;
  const { headers, text } = await responseTo(`${origin}/`);
  assertEquals(headers.get("Content-Type"), "text/html; charset=utf-8");
  const names = [...text.matchAll(/<a href="[^"]*">([^<]*)<\/a>/g)].map(([, name]) => name);
  const files = ["digits.txt", "empty.json", "large", "leaves.txt", "neighbour", "stays.txt"];
  assertEquals(names, [".well-known/", "sub/", ...files]);

  const redirect = await responseTo(`${origin}/sub?a=1`);
  assertEquals([redirect.status, redirect.headers.get("Location")], [301, "/sub/?a=1"]);

  const sub = (await responseTo(`${origin}/sub/`)).text;
  assertStringIncludes(sub, '<a href="deeper/">deeper/</a>');
  assertStringIncludes(sub, ">a&#38;b &#60;i&#62; &#34;ü&#34; 100%?#.html</a>");
  const link = /href="([^"]*\.html)"/.exec(sub)![1]!;
  assertEquals((await responseTo(`${origin}/sub/${link}`)).text, "odd");

  const head = await responseTo("--head", `${origin}/sub/`);
  assertEquals(head.text, "");
  assertEquals(head.headers.get("Content-Length"), `${new TextEncoder().encode(sub).length}`);
});

testWith("curl", "examples/static_files.ts: no listing unless asked", async () => {
  await using site = await openTree();
  const { origin } = site;
  for (const path of ["", "sub/", "sub/deeper/", ".well-known/"]) {
    const { status, text } = await responseTo(`${origin}/${path}`);
    assertEquals([status, text], [404, "Not found\n"], path);
  }
  const redirect = await responseTo(`${origin}/sub`);
  assertEquals([redirect.status, redirect.headers.get("Location")], [301, "/sub/"]);
});

testWith("curl", "examples/static_files.ts: a folder's index.html", async () => {
  for (const flags of [[], ["--listing"]]) {
    await using site = await openTree(...flags);
    const { origin, folder } = site;
    await Deno.writeTextFile(`${folder}/index.html`, "<h1>Home</h1>");
    const { status, headers, text } = await responseTo(`${origin}/?a=1`);
    assertEquals([status, text], [200, "<h1>Home</h1>"]);
    assertEquals(headers.get("Content-Type"), "text/html; charset=utf-8");

    // An index that is a link out of the folder, a link to a dotfile, or not a file.
    await Deno.symlink("../../secret.txt", `${folder}/sub/index.html`);
    await Deno.mkdir(`${folder}/to-dotfile`);
    await Deno.symlink("../.env", `${folder}/to-dotfile/index.html`);
    await Deno.mkdir(`${folder}/not-a-file/index.html`, { recursive: true });
    for (const name of ["sub", "to-dotfile", "not-a-file"]) {
      const answer = await responseTo(`${origin}/${name}/`);
      assertEquals(answer.status, flags.length === 0 ? 404 : 200, name);
      assertEquals(answer.text.includes("may read this"), false, name);
    }
  }
});

testWith("curl", "examples/static_files.ts: --dotfiles lists them too", async () => {
  await using site = await openTree("--listing", "--dotfiles");
  const { origin } = site;
  const { text } = await responseTo(`${origin}/`);
  for (const name of [".env", ".git/", ".well-known/"]) {
    assertStringIncludes(text, `<a href="${name}">${name}</a>`);
  }
  assertStringIncludes((await responseTo(`${origin}/sub/`)).text, ">.htpasswd</a>");
});

Deno.test("examples/static_files.ts: an unknown flag is rejected", async () => {
  const path = fileURLToPath(new URL("../../examples/static_files.ts", import.meta.url));
  const { code, stderr } = await run(Deno.execPath(), "run", "-NR", path, "0", ".", "--dotfile");
  assertEquals(code, 1);
  assertStringIncludes(stderr, 'Unknown flag "--dotfile"');
});
