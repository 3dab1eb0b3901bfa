/** `examples/upload.ts` as a process of its own, with curl, with raw bytes, and with a browser. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { withPage } from "./browser.ts";
import { pattern } from "../fixtures.ts";
import { assertHasContent, openSite } from "./site.ts";
import type { Site } from "./site.ts";
import { curl, exchangeBytes, readUntil, run, testWith, writeText } from "./tools.ts";

/** A name that no client can choose. */
const PART = /^\.[0-9a-f-]+\.part$/;

/** More than the buffers between the two hold; curl asks with `100-continue` first. */
const SIZE = 5_000_000;

/** The running example, and a folder for its uploads. */
interface UploadSite extends Site {
  /** A file to upload. */
  readonly source: string;
}

/** Starts the example on a folder that holds files, and creates the file; both end with the scope. */
async function openUploads(...present: string[]): Promise<UploadSite> {
  const parent = await Deno.makeTempDir();
  const folder = `${parent}/uploads`;
  const source = `${parent}/source.bin`;
  await Deno.mkdir(folder);
  for (const name of present) await Deno.writeTextFile(`${folder}/${name}`, "present");
  await Deno.writeFile(source, pattern(SIZE));
  const permissions = ["--allow-net", "--allow-read", "--allow-write"];
  return { ...await openSite("upload.ts", permissions, parent, folder), source };
}

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

/** Returns the head of a request whose body the test writes itself. */
function put(name: string, ...fields: string[]): string {
  const lines = [`PUT /files/${name} HTTP/1.1`, "Host: 127.0.0.1", ...fields];
  return lines.join("\r\n") + "\r\n\r\n";
}

testWith("curl", "examples/upload.ts: a file arrives byte for byte", async () => {
  await using site = await openUploads();
  const { origin, folder, source } = site;
  const created = await curl("-T", source, `${origin}/files/`);
  assertMatch(created, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 Created\r\n/);
  assertMatch(created, /\r\nLocation: \/files\/source\.bin\r\n/);
  assertMatch(created, /\r\n\r\n\{"name":"source\.bin","size":5000000\}\n$/);
  await assertHasContent(`${folder}/source.bin`, SIZE);

  const chunked = ["-T", source, "-H", "Transfer-Encoding: chunked", "-H", "Expect:"];
  const odd = await curl(...chunked, `${origin}/files/a%20%C3%BC%3F%25`);
  assertMatch(odd, /^HTTP\/1\.1 201 [^]*\r\nLocation: \/files\/a%20%C3%BC%3F%25\r\n/);
  await assertHasContent(`${folder}/a ü?%`, SIZE);

  const replaced = await curl("-X", "PUT", "-d", "short", `${origin}/files/source.bin`);
  assertMatch(replaced, /^HTTP\/1\.1 200 [^]*\{"name":"source\.bin","size":5\}\n$/);
  assertEquals(await Deno.readTextFile(`${folder}/source.bin`), "short");

  assertEquals(await namesIn(folder), ["a ü?%", "source.bin"]);
});

testWith("curl", "examples/upload.ts: an empty file is stored", async () => {
  await using site = await openUploads();
  const { origin, folder } = site;
  const empty = await curl("-X", "PUT", "-d", "", `${origin}/files/empty?a=b`);
  assertMatch(empty, /^HTTP\/1\.1 201 [^]*\{"name":"empty","size":0\}\n$/);
  assertEquals(await namesIn(folder), ["empty"]);
});

testWith("curl", "examples/upload.ts: requests that are not uploads are rejected", async () => {
  await using site = await openUploads();
  const { origin, folder, source } = site;
  assertMatch(await curl(`${origin}/`), /^HTTP\/1\.1 200 [^]*<progress/);
  assertMatch(await curl("-d", "a", `${origin}/`), /^HTTP\/1\.1 405 [^]*Allow: GET, HEAD\r\n/);
  assertMatch(await curl(`${origin}/files/a`), /^HTTP\/1\.1 405 [^]*Allow: PUT\r\n/);
  assertMatch(await curl(`${origin}/elsewhere`), /^HTTP\/1\.1 404 /);
  assertMatch(await curl("-T", source, "-C", "9", `${origin}/files/a`), /^HTTP\/1\.1 400 /);
  assertEquals(await namesIn(folder), []);
});

Deno.test("examples/upload.ts: a name must be visible and must not be a path", async () => {
  await using site = await openUploads();
  const { port, folder } = site;
  const names = [
    ...["", ".", "..", ".hidden", "%2e%2e", "%2Ehidden", "../up", "a/b", "a/", "/a", "a/../b"],
    ...["..%2fup", "a%2fb", "%2fetc%2fup", "a%5cb", "..%5cup", "a%00", "%00", "a%0Ab", "a%7f"],
    ...["%", "%zz", "%ff", "a".repeat(256), "%C3%BC".repeat(128)],
  ];
  for (const name of names) {
    const sent = put(name, "Content-Length: 1", "Connection: close") + "x";
    assertMatch(await exchangeBytes(port, sent), /^HTTP\/1\.1 400 /, name);
  }
  for (const target of [`http://127.0.0.1/files/a`, "//files/a", "/x/../files/a", "/files"]) {
    const sent = put("a", "Content-Length: 1", "Connection: close") + "x";
    const answer = await exchangeBytes(port, sent.replace("/files/a", target));
    assertMatch(answer, /^HTTP\/1\.1 404 /, target);
  }
  assertEquals(await namesIn(folder), []);
  assertEquals(await namesIn(`${folder}/..`), ["source.bin", "uploads"]);
});

Deno.test("examples/upload.ts: an upload that fails leaves no file", async () => {
  await using site = await openUploads();
  const { port, folder } = site;
  const rows: [status: number, sent: string][] = [
    [400, put("cut", "Content-Length: 10") + "12345"],
    [400, put("cut", "Transfer-Encoding: chunked") + "5\r\n12345\r\n"],
    [400, put("broken", "Transfer-Encoding: chunked") + "5\r\n12345\r\nnonsense\r\n"],
    [413, put("vast", "Content-Length: 999999999999999")],
    [413, put("vast", "Content-Length: 999999999999999", "Expect: 100-continue")],
  ];
  for (const [status, sent] of rows) {
    const answer = await exchangeBytes(port, sent);
    assertEquals(Number(answer.split(" ")[1]), status, sent);
    assertEquals(await namesIn(folder), [], sent);
  }
});

Deno.test("examples/upload.ts: a client that disconnects midway leaves no file", async () => {
  await using site = await openUploads();
  const { port, folder } = site;
  {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await begin(conn, "gone");
    assertMatch((await namesIn(folder)).join(), PART);
  }
  for (let looks = 0; (await namesIn(folder)).length > 0; looks++) {
    assert(looks < 100_000, "It is still there");
  }
});

/** Starts an upload on `conn`; resolves when a part of it is in the folder. */
async function begin(conn: Deno.Conn, name: string): Promise<void> {
  await writeText(conn, put(name, "Content-Length: 10", "Expect: 100-continue"));
  await readUntil(conn, (text) => text.endsWith("\r\n\r\n"));
  await writeText(conn, "12345");
}

Deno.test("examples/upload.ts: a start removes the parts of earlier runs, and only those", async () => {
  const parts = [0, 1, 2].map(() => `.${crypto.randomUUID()}.part`);
  const kept = [
    ...[".hidden", ".hidden.part", "visible.part", `${crypto.randomUUID()}.part`],
    ...[`.${crypto.randomUUID()}`, `.${crypto.randomUUID()}.part.txt`, "a"],
  ];
  await using site = await openUploads(...parts, ...kept);
  assertEquals(await namesIn(site.folder), kept.sort());
});

Deno.test("examples/upload.ts: what SIGKILL leaves, the next start removes", async () => {
  await using site = await openUploads();
  const { port, folder, example } = site;
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await begin(conn, "killed");
  example.kill("SIGKILL");
  await example.status;
  assertMatch((await namesIn(folder)).join(), PART);
  const inner = await Deno.makeTempDir();
  const permissions = ["--allow-net", "--allow-read", "--allow-write"];
  await using _next = await openSite("upload.ts", permissions, inner, folder);
  assertEquals(await namesIn(folder), []);
});

Deno.test("examples/upload.ts: a second start on the same port harms no upload", async () => {
  await using site = await openUploads();
  const { port, folder } = site;
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await begin(conn, "whole");
  const path = fileURLToPath(new URL("../../examples/upload.ts", import.meta.url));
  const second = await run(Deno.execPath(), "run", "-NRW", path, String(port), folder);
  assertMatch(second.stderr, /AddrInUse/);
  assertEquals(second.code, 1);
  await writeText(conn, "67890");
  assertMatch(await readUntil(conn, (text) => text.endsWith("}\n")), /^HTTP\/1\.1 201 /);
  assertEquals(await Deno.readTextFile(`${folder}/whole`), "1234567890");
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  testWith(
    "signals",
    `examples/upload.ts: ${signal} cuts the uploads and removes their parts`,
    async () => {
      await using site = await openUploads("earlier");
      const { port, folder, example } = site;
      const conns: Deno.Conn[] = [];
      try {
        for (const name of ["a", "b", "c"]) {
          const conn = await Deno.connect({ hostname: "127.0.0.1", port });
          conns.push(conn);
          await begin(conn, name);
        }
        assertEquals((await namesIn(folder)).filter((name) => PART.test(name)).length, 3);
        example.kill(signal);
        const { code, signal: by } = await example.status;
        assertEquals([code, by], [0, null]);
        assertEquals(await namesIn(folder), ["earlier"]);
      } finally {
        for (const conn of conns) conn.close();
      }
    },
  );
}

testWith("chromium", "examples/upload.ts: a file chosen in a browser", async () => {
  await using site = await openUploads();
  const { origin, folder, source } = site;
  await withPage(async (page) => {
    await page.goto(`${origin}/`);
    await page.setInputFiles("#file", source);
    const result = page.locator("#result", { hasText: "Done" });
    await result.waitFor();
    assertEquals(await result.textContent(), `Done: source.bin, ${SIZE} bytes`);
    assertEquals(await page.evaluate("progress.value / progress.max"), 1);
  });
  assertEquals(await namesIn(folder), ["source.bin"]);
  await assertHasContent(`${folder}/source.bin`, SIZE);
});
