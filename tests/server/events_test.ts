/** The events of examples/events.ts, as curl and a browser receive them. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { withPage } from "./browser.ts";
import { launch, launchExample, run, testWith } from "./tools.ts";

/** Longer than any test: an event after this pause never arrives. */
const NEVER = "2000000000";

function eventsAfter(last: number): string {
  const events = [1, 2, 3, 4].map((i) =>
    `id: ${last + i}\ndata: ${last + i}, asked for after ${last}\n\n`
  );
  return `retry: 50\n\n${events.join("")}`;
}

async function curl(...args: string[]): Promise<string> {
  return (await run("curl", "-sN", ...args)).stdout;
}

testWith(
  "curl",
  "events: a response ends after four events, and its head names the media type",
  async () => {
    const { example, origin } = await launchExample("events.ts", "1");
    await using _ = example;
    const [head, body] = (await curl("-i", `${origin}/events`)).split("\r\n\r\n");
    assertMatch(head!, /^HTTP\/1\.1 200 OK\r\n/);
    assertStringIncludes(head!, "\r\nContent-Type: text/event-stream\r\nCache-Control: no-store");
    assertStringIncludes(head!, "\r\nTransfer-Encoding: chunked");
    assertEquals(body, eventsAfter(0));
    assertMatch(await curl("-i", `${origin}/elsewhere`), /^HTTP\/1\.1 404 /);
  },
);

testWith("curl", "events: continue after the Last-Event-ID", async () => {
  const { example, origin } = await launchExample("events.ts", "1");
  await using _ = example;
  for (
    const [id, last] of [["41", 41], ["0", 0], ["", 0], ["-1", 0], ["1e3", 0], ["9".repeat(99), 0]]
  ) {
    assertEquals(
      await curl(`${origin}/events`, "-H", `Last-Event-ID: ${id}`),
      eventsAfter(Number(last)),
    );
  }
});

testWith(
  "curl",
  "events: each is sent when it is there, and a client that goes stops them",
  async () => {
    const { example, origin } = await launchExample("events.ts", NEVER);
    await using _ = example;
    await using client = launch("curl", "-sN", `${origin}/events`);
    await client.line(/^data: 1, asked for after 0$/);
    client.kill("SIGKILL");
    await example.line(/^The client has gone after event 1$/);
    assertStringIncludes(await curl(`${origin}/`), "Events from a stream");
  },
);

testWith("chromium", "events: EventSource reconnects without a gap or a repeat", async () => {
  const { example, origin } = await launchExample("events.ts", "1");
  await using _ = example;
  await withPage(async (page) => {
    await page.goto(`${origin}/`);
    await page.locator("li").nth(9).waitFor();
    const events = (await page.locator("li").allTextContents()).slice(0, 10);
    assertEquals(
      events,
      [0, 0, 0, 0, 4, 4, 4, 4, 8, 8].map((last, i) => `${i + 1}, asked for after ${last}`),
    );
  });
});
