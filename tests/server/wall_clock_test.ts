/** hardening 37: the wall clock jumps under a real process, and no timeout strikes or sleeps. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { soon, utf8 } from "../fixtures.ts";
import { launch, testWith } from "./tools.ts";

/** The library behind `faketime`, which takes its offset from a file while the program runs. */
function library(): string {
  for (const { name } of Deno.readDirSync("/usr/lib")) {
    const path = `/usr/lib/${name}/faketime/libfaketimeMT.so.1`;
    try {
      if (Deno.statSync(path).isFile) return path;
    } catch {
      // Another architecture's folder.
    }
  }
  throw new Error("faketime is installed, and its library is not found");
}

/** How far the server's wall clock is ahead, by its Date field, in seconds. */
async function offset(origin: string): Promise<number> {
  const response = await fetch(origin);
  await response.body?.cancel();
  return (Date.parse(response.headers.get("date")!) - Date.now()) / 1000;
}

for (const seconds of [90, -3600]) {
  testWith("faketime", `an upload goes on when the wall clock jumps by ${seconds} s`, async () => {
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(file, "+0");
      await using server = launch(
        "env",
        `LD_PRELOAD=${library()}`,
        `FAKETIME_TIMESTAMP_FILE=${file}`,
        "FAKETIME_NO_CACHE=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        Deno.execPath(),
        "run",
        "--allow-net",
        fileURLToPath(new URL("wall_clock_server.ts", import.meta.url)),
      );
      const [, origin] = await server.line(/^Listening on (http:\/\/\S+)/);
      const { hostname, port } = new URL(origin!);
      using conn = await Deno.connect({ hostname, port: Number(port) });
      await conn.write(utf8("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab"));
      assert(Math.abs(await offset(origin!)) < 10, "the upload begins before the jump");
      await Deno.writeTextFile(file, `${seconds}`.replace(/^(?=\d)/, "+"));
      while (Math.abs(await offset(origin!) - seconds) > 10) await soon();
      await conn.write(utf8("cd"));
      const into = new Uint8Array(1000);
      const response = new TextDecoder().decode(into.subarray(0, await conn.read(into) ?? 0));
      assertStringIncludes(response, "HTTP/1.1 200 OK\r\n");
      assertEquals(response.split("\r\n\r\n")[1], "abcd");
    } finally {
      await Deno.remove(file);
    }
  });
}
