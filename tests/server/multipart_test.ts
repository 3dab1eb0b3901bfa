/** `examples/multipart.ts` as a process of its own, with curl, with raw bytes, and with a browser. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { pattern } from "../fixtures.ts";
import { withPage } from "./browser.ts";
import { assertHasContent, openSite } from "./site.ts";
import type { Site } from "./site.ts";
import { curl, exchangeBytes, readUntil, testWith, untilClosed, writeText } from "./tools.ts";

/** More than the buffers between the two hold. */
const SIZE = 5_000_000;
const PERMISSIONS = ["--allow-net", "--allow-read", "--allow-write"];

/** The running example, and files to send. */
interface FormSite extends Site {
  readonly sources: readonly [large: string, small: string];
}

/** Starts the example on a folder that holds files; all end with the scope. */
async function openForms(present: readonly string[] = [], maxBytes = SIZE): Promise<FormSite> {
  const parent = await Deno.makeTempDir();
  const folder = `${parent}/uploads`;
  const sources = [`${parent}/large.bin`, `${parent}/small.txt`] as const;
  await Deno.mkdir(folder);
  for (const name of present) await Deno.writeTextFile(`${folder}/${name}`, "present");
  await Deno.writeFile(sources[0], pattern(SIZE));
  await Deno.writeTextFile(sources[1], "small");
  const site = await openSite("multipart.ts", PERMISSIONS, parent, folder, String(maxBytes));
  return { ...site, sources };
}

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

const HEAD = "POST /files HTTP/1.1\r\nHost: x\r\n" +
  "Content-Type: multipart/form-data; boundary=b\r\n";
const BEGUN = '--b\r\nContent-Disposition: form-data; name="file"; filename="cut.txt"\r\n\r\nabc';

/** Starts a form on `conn`; resolves when a part of its file is in the folder. */
async function begin(conn: Deno.Conn, folder: string): Promise<void> {
  await writeText(conn, `${HEAD}Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n`);
  await readUntil(conn, (text) => text.endsWith("\r\n\r\n"));
  const before = (await namesIn(folder)).length;
  await writeText(conn, BEGUN);
  while ((await namesIn(folder)).length === before);
}

testWith("curl", "examples/multipart.ts: all files of a form arrive byte for byte", async () => {
  await using site = await openForms();
  const { origin, folder, sources: [large, small] } = site;
  const form = ["-F", "note=holiday", "-F", `file=@${large}`, "-F", `other=@${small}`];
  const created = await curl(...form, `${origin}/files`);
  assertMatch(created, /\r\n\r\nHTTP\/1\.1 201 Created\r\n/);
  const files = [{ name: "large.bin", size: SIZE }, { name: "small.txt", size: 5 }];
  assertEquals(JSON.parse(created.split("\r\n\r\n").at(-1)!), { files });
  await assertHasContent(`${folder}/large.bin`, SIZE);
  assertEquals(await Deno.readTextFile(`${folder}/small.txt`), "small");
  assertEquals(await namesIn(folder), ["large.bin", "small.txt"]);
});

testWith(
  "curl",
  "examples/multipart.ts: a form that is refused stores none of its files",
  async () => {
    await using site = await openForms([], 100);
    const { origin, folder, sources: [large, small] } = site;
    const ask = (...args: string[]) => curl("-H", "Expect:", ...args, `${origin}/files`);
    const good = ["-F", `file=@${small}`];
    assertMatch(
      await ask(...good, "-F", `file=@${large}`),
      /^HTTP\/1\.1 413 [^]*large\.bin is too/,
    );
    for (const name of [".hidden", "..", "%00"]) {
      const named = ["-F", `file=@${small};filename=${name.replace("%00", "a\x01b")}`];
      assertMatch(await ask(...good, ...named), /^HTTP\/1\.1 400 [^]*Not a file name/, name);
    }
    const many = Array.from({ length: 21 }, () => good).flat();
    assertMatch(await ask(...many), /^HTTP\/1\.1 413 [^]*too many parts/);
    assertMatch(await ask("-d", "a=b"), /^HTTP\/1\.1 415 /);
    const boundary = `Content-Type: multipart/form-data; boundary=${"b".repeat(300)}`;
    assertMatch(await ask("-H", boundary, "-d", "a=b"), /^HTTP\/1\.1 400 [^]*malformed/);
    assertMatch(await ask("-X", "PUT"), /^HTTP\/1\.1 405 [^]*Allow: POST\r\n/);
    assertMatch(await curl(`${origin}/elsewhere`), /^HTTP\/1\.1 404 /);
    assertEquals(await namesIn(folder), []);
  },
);

Deno.test("examples/multipart.ts: a form that is cut or malformed leaves no file", async () => {
  await using site = await openForms();
  const { port, folder } = site;
  const rows: [status: number, sent: string][] = [
    [400, `${HEAD}Content-Length: ${BEGUN.length}\r\n\r\n${BEGUN}`],
    [400, `${HEAD}Content-Length: 1000\r\n\r\n${BEGUN}`],
    [400, `${HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\n--b\r\nnonsense\r\n`],
    [400, `${HEAD}Content-Length: 3\r\n\r\nabc`],
    [413, `${HEAD}Content-Length: 999999999999\r\n\r\n`],
  ];
  for (const [status, sent] of rows) {
    const answer = await exchangeBytes(port, sent);
    assertEquals(Number(answer.split(" ")[1]), status, sent);
    assertEquals(await namesIn(folder), [], sent);
  }
});

Deno.test("examples/multipart.ts: a client that disconnects midway leaves no file", async () => {
  await using site = await openForms();
  const { port, folder } = site;
  {
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await begin(conn, folder);
  }
  for (let looks = 0; (await namesIn(folder)).length > 0; looks++) {
    assert(looks < 100_000, "It is still there");
  }
});

Deno.test("examples/multipart.ts: a start removes the parts of earlier runs, and only those", async () => {
  const kept = [".hidden.part", "a", `${crypto.randomUUID()}.part`];
  await using site = await openForms([`.${crypto.randomUUID()}.part`, ...kept]);
  assertEquals(await namesIn(site.folder), kept.sort());
});

testWith(
  "signals",
  "examples/multipart.ts: a second SIGTERM cuts the forms and removes their parts",
  async () => {
    await using site = await openForms(["earlier"]);
    const { port, folder, example } = site;
    using conn = await Deno.connect({ hostname: "127.0.0.1", port });
    await begin(conn, folder);
    example.kill("SIGTERM");
    await untilClosed(port);
    assertEquals((await namesIn(folder)).length, 2);
    example.kill("SIGTERM");
    const { code, signal } = await example.status;
    assertEquals([code, signal], [0, null]);
    assertEquals(await namesIn(folder), ["earlier"]);
  },
);

testWith("chromium", "examples/multipart.ts: files chosen in a browser", async () => {
  await using site = await openForms();
  const { origin, folder, sources } = site;
  await withPage(async (page) => {
    await page.goto(`${origin}/`);
    await page.setInputFiles("#files", [...sources]);
    await page.click("button");
    const result = page.locator("#result", { hasText: "Done" });
    await result.waitFor();
    assertEquals(
      await result.textContent(),
      `Done\nlarge.bin, ${SIZE} bytes\nsmall.txt, 5 bytes`,
    );
    assertEquals(await page.evaluate("progress.value / progress.max"), 1);
    const shots = Deno.env.get("SCREENSHOTS");
    if (shots !== undefined) await page.screenshot({ path: `${shots}/multipart.png` });
  });
  assertEquals(await namesIn(folder), ["large.bin", "small.txt"]);
  await assertHasContent(`${folder}/large.bin`, SIZE);
});
