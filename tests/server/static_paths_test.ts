/** `examples/static_files.ts`: targets that lead out of its folder, and a client that disconnects. */
import { assert, assertEquals } from "@std/assert";
import { answerIn, openTree, OUTSIDE, responseTo } from "./static_tree.ts";
import { exchangeBytes, readUntil, testWith, writeText } from "./tools.ts";

testWith("curl", "examples/static_files.ts: dot segments do not leave the folder", async () => {
  await using site = await openTree();
  const { origin } = site;
  for (const path of ["../secret.txt", "sub/../../secret.txt", "%2e%2e/secret.txt"]) {
    assertEquals((await responseTo("--path-as-is", `${origin}/${path}`)).status, 400, path);
  }
});

Deno.test("examples/static_files.ts: no target leads out of the folder", async () => {
  await using site = await openTree();
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

Deno.test({
  name: "examples/static_files.ts: a file is closed when its client disconnects midway",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
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
});
