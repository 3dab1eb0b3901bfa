/** Each example as a process of its own, with a real client. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { CHROMIUM_FLAGS, curl, launch, launchExample, run, testWith, withFolder } from "./tools.ts";

testWith("curl", "examples/hello_world.ts", async () => {
  const path = fileURLToPath(new URL("../../examples/hello_world.ts", import.meta.url));
  await using example = launch(Deno.execPath(), "run", "--allow-net", path);
  await example.line(/^Listening on http:\/\/127\.0\.0\.1:8080\/$/);
  assertMatch(
    await curl("http://localhost:8080/"),
    /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nHello, World!\n$/,
  );
});

testWith("curl", "examples/server_loop.ts", async () => {
  const { example, origin } = await launchExample("server_loop.ts");
  await using _ = example;
  assertStringIncludes(await curl(`${origin}/`), "Hello, World!\n");
  assertMatch(await curl(`${origin}/fail`), /^HTTP\/1\.1 500 /);
  await example.line(/ failed: \/fail Error: This is what onError gets$/);
  assertMatch(await curl("-X", "POST", `${origin}/`), /^HTTP\/1\.1 411 /);
  await example.line(/ refused: length-required /);
  example.kill("SIGINT");
  await example.line(/ Finishing what runs /);
  assertEquals((await example.status).code, 0);
});

testWith("curl", "examples/routing.ts", async () => {
  const { example, origin } = await launchExample("routing.ts");
  await using _ = example;
  assertStringIncludes(await curl(`${origin}/users`), '\r\n\r\n[{"id":1,"name":"Ada"}]\n');
  assertStringIncludes(await curl(`${origin}/users/1`), '\r\n\r\n{"id":1,"name":"Ada"}\n');
  assertMatch(await curl(`${origin}/users/2`), /^HTTP\/1\.1 404 /);
  const created = await curl(`${origin}/users`, "-d", '{"name":"Grace"}');
  assertMatch(created, /^HTTP\/1\.1 201 Created\r\n[^]*Location: \/users\/2\r\n/);
  assertStringIncludes(await curl(`${origin}/users/2`), '{"id":2,"name":"Grace"}');
  for (const bad of ["", "nonsense", "null", "{}", '{"name":1}']) {
    assertMatch(await curl(`${origin}/users`, "-d", bad), /^HTTP\/1\.1 400 /);
  }
  assertMatch(
    await curl("-X", "DELETE", `${origin}/users`),
    /^HTTP\/1\.1 405 [^]*Allow: GET, POST\r\n/,
  );
  assertMatch(await curl(`${origin}/elsewhere`), /^HTTP\/1\.1 404 /);
});

testWith("curl", "examples/raw_events.ts: the event stream, byte for byte", async () => {
  const { example, origin } = await launchExample("raw_events.ts", "1");
  await using _ = example;
  const { stdout } = await run("curl", "-siN", `${origin}/events`);
  const events = [1, 2, 3, 4, 5].map((i) => `data: event ${i} of 5\n\n`).join("");
  assertEquals(
    stdout,
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n" +
      `Connection: close\r\n\r\n${events}event: end\ndata:\n\n`,
  );
  assertMatch(await curl(`${origin}/elsewhere`), /^HTTP\/1\.1 404 /);
});

testWith("chromium", "examples/raw_events.ts: EventSource in a browser", async () => {
  const { example, origin } = await launchExample("raw_events.ts", "1");
  await using _ = example;
  await withFolder(async (profile) => {
    const { stdout } = await run(
      "chromium",
      ...CHROMIUM_FLAGS,
      ...[`--user-data-dir=${profile}`, "--virtual-time-budget=5000", "--dump-dom", `${origin}/`],
    );
    assertStringIncludes(stdout, "<li>event 1 of 5</li>");
    assertStringIncludes(stdout, "<li>event 5 of 5</li>");
  });
});
