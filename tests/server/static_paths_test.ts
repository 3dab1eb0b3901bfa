/** `examples/static_files.ts`: targets that lead out of its folder or to dotfiles, and a client that disconnects. */
import { assert, assertEquals } from "@std/assert";
import { has } from "../systems.ts";
import { openSite } from "./site.ts";
import { answerIn, HIDDEN, openTree, OUTSIDE, responseTo } from "./static_tree.ts";
import { exchangeBytes, readUntil, testWith, writeText } from "./tools.ts";

testWith("curl", "examples/static_files.ts: dot segments do not leave the folder", async () => {
  await using site = await openTree();
  const { origin } = site;
  for (const path of ["../secret.txt", "sub/../../secret.txt", "%2e%2e/secret.txt"]) {
    assertEquals((await responseTo("--path-as-is", `${origin}/${path}`)).status, 400, path);
  }
});

testWith(
  "symbolic links",
  "examples/static_files.ts: no target leads out of the folder",
  async () => {
    // With both flags: the rule against dotfiles must not be what stops a target.
    await using site = await openTree("--listing", "--dotfiles");
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
  },
);

/** Targets of dotfiles, with the status by default and with `--dotfiles`. */
const DOTFILES: [byDefault: number, asked: number, target: string][] = [
  [404, 200, "/.env"],
  [404, 200, "/.env?a=b"],
  [404, 200, "/%2eenv"],
  [404, 200, "/%2Eenv"],
  [404, 200, "/%2e%65nv"],
  [404, 404, "/.env/"],
  [404, 404, "/%252eenv"],
  [404, 404, "/.absent"],
  [404, 404, "/env"],
  [404, 301, "/.git"],
  [404, 404, "/.git/"],
  [404, 200, "/.git/config"],
  [404, 200, "/%2egit/config"],
  [404, has("case in file names") ? 404 : 200, "/.GIT/config"],
  [404, 200, "/sub/.htpasswd"],
  [404, 200, "/sub/%2ehtpasswd"],
  [400, 400, "/.git/../.env"],
  [400, 400, "/sub/../.env"],
  [400, 400, "/%2e%2e/served/.env"],
  [400, 400, "/./.env"],
  [400, 400, "/.git%2fconfig"],
  [400, 400, "/.git%5cconfig"],
  [400, 400, "/%c0%aeenv"],
  [400, 400, "//.git/config"],
  // U+200C, which HFS+ of macOS leaves out of names.
  [404, 200, "/%e2%80%8c.env"],
  // RFC 8615, 3: well-known locations are at the root of the path.
  [301, 301, "/.well-known"],
  [200, 200, "/.well-known/security.txt"],
  [200, 200, "/%2ewell-known/security.txt"],
  [404, 200, "/.well-known/.b"],
  [404, 404, "/.well-known-not/security.txt"],
  [404, 200, "/sub/.well-known/a"],
  // A link is what its name says and what it leads to.
  [404, 200, "/environment.txt"],
  [404, 301, "/repository"],
  [404, 200, "/repository/config"],
  [404, 200, "/.link.txt"],
  [404, 200, "/.well-known/environment.txt"],
  [404, 404, "/.outside.txt"],
  [200, 200, "/known/security.txt"],
];

testWith("symbolic links", "examples/static_files.ts: no dotfile unless asked", async () => {
  for (const flags of [[], ["--dotfiles"]]) {
    await using site = await openTree(...flags);
    const { port, folder } = site;
    await Deno.writeTextFile(`${folder}/\u200c.env`, HIDDEN);
    await Deno.symlink(".env", `${folder}/environment.txt`);
    await Deno.symlink(".git", `${folder}/repository`);
    await Deno.symlink("digits.txt", `${folder}/.link.txt`);
    await Deno.symlink("../.env", `${folder}/.well-known/environment.txt`);
    await Deno.symlink("../secret.txt", `${folder}/.outside.txt`);
    await Deno.symlink(".well-known", `${folder}/known`);
    for (const [byDefault, asked, target] of DOTFILES) {
      for (const method of ["GET", "HEAD"]) {
        const sent = `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
        const { status, text } = answerIn(await exchangeBytes(port, sent));
        assertEquals(status, flags.length === 0 ? byDefault : asked, `${method} ${target}`);
        assert(flags.length > 0 || !text.includes(HIDDEN), target);
        assert(!text.includes(OUTSIDE), target);
      }
    }
  }
});

Deno.test("examples/static_files.ts: a folder whose own name begins with a dot", async () => {
  const parent = await Deno.makeTempDir();
  const folder = `${parent}/.site`;
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/a.txt`, "a");
  const permissions = ["--allow-net", "--allow-read"];
  await using site = await openSite("static_files.ts", permissions, parent, folder);
  const sent = "GET /a.txt HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
  assertEquals(answerIn(await exchangeBytes(site.port, sent)).text, "a");
});

/** Whether a process that this one may inspect has opened the file. */
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
    // A process of another user, or one that has ended.
  }
  return false;
}

testWith(
  "/proc",
  "examples/static_files.ts: a file is closed when its client disconnects midway",
  async () => {
    await using site = await openTree();
    const { port, folder } = site;
    const path = `${await Deno.realPath(folder)}/endless`;
    // More than sockets hold: the server is still sending when the client disconnects.
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
);
