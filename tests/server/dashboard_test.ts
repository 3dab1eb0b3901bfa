/** `examples/dashboard.ts`: what it counts, what it serves, and its page in a browser. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { type Page, withBrowser } from "./browser.ts";
import { launchDocumented } from "./example_commands.ts";
import { curl, exchangeBytes, type Running, testWith } from "./tools.ts";

const GOOD = 20;

interface Dashboard {
  readonly example: Running;
  /** The origin of the watched server. */
  readonly watched: string;
  readonly origin: string;
}

async function launchDashboard(): Promise<Dashboard> {
  const { example, origin: watched } = await launchDocumented("dashboard.ts", ["0", "0"]);
  const [, origin] = await example.line(/^Dashboard on (http:\/\/127\.0\.0\.1:\d+)\/$/);
  return { example, watched, origin: origin! };
}

/** Sends requests, one of which is refused. */
async function sendRequests(watched: string): Promise<void> {
  for (let i = 0; i < GOOD; i++) await (await fetch(watched)).body?.cancel();
  await exchangeBytes(Number(new URL(watched).port), "GET / HTTP/1.1\r\n\r\n");
}

/** Yields the samples of each event. */
async function* events(origin: string, last?: number) {
  const headers = new Headers();
  if (last !== undefined) headers.set("Last-Event-ID", String(last));
  const { body } = await fetch(`${origin}/events`, { headers });
  let rest = "";
  for await (const text of body!.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n\n");
    rest = parts.pop()!;
    for (const part of parts) {
      const [, id, data] = /^id: (\d+)\ndata: (.*)$/.exec(part)!;
      const samples = JSON.parse(data!);
      assertEquals(Number(id), samples.at(-1).time);
      yield samples;
    }
  }
}

Deno.test("examples/dashboard.ts: counts every request and each refusal", async () => {
  const { example, watched, origin } = await launchDashboard();
  await using _ = example;
  await sendRequests(watched);
  let [requests, bytesIn, bytesOut, rejected, timed, last] = [0, 0, 0, 0, 0, 0];
  for await (const samples of events(origin)) {
    for (const sample of samples) {
      assert(sample.time > last);
      assert(sample.seconds > 0);
      last = sample.time;
      requests += sample.requests;
      bytesIn += sample.bytesIn;
      bytesOut += sample.bytesOut;
      rejected += sample.rejected;
      if (sample.latency === null) continue;
      const { p50, p90, p99 } = sample.latency;
      assert(0 < p50 && p50 <= p90 && p90 <= p99, JSON.stringify(sample.latency));
      timed++;
    }
    if (requests < GOOD || rejected < 1) continue;
    assertEquals(samples.at(-1).rejections, { "bad-host": 1 });
    break;
  }
  assertEquals([requests, rejected], [GOOD, 1]);
  assert(timed > 0 && bytesIn > GOOD * 20 && bytesOut > GOOD * 20);
  // A page that reconnects gets what it has not seen, and nothing twice.
  for await (const samples of events(origin, last)) {
    assert(samples[0].time > last);
    break;
  }
});

testWith(
  "curl",
  "examples/dashboard.ts: serves everything itself, and to this machine's names",
  async () => {
    const { example, origin } = await launchDashboard();
    await using _ = example;
    for (const path of ["/", "/page.js", "/style.css", "/uplot.js", "/uplot.css"]) {
      const answer = await curl(`${origin}${path}`);
      assertMatch(answer, /^HTTP\/1\.1 200 OK\r\n/, path);
      assertMatch(answer, /\r\nContent-Security-Policy: default-src 'self';/, path);
    }
    assertMatch(await curl(`${origin}/elsewhere`), /^HTTP\/1\.1 404 /);
    assertMatch(await curl("-H", "Host: evil.example", `${origin}/events`), /^HTTP\/1\.1 421 /);
  },
);

/** Opens the page in a context of its own; fails on any error in it, and on any request elsewhere. */
async function withDashboard(
  options: { readonly colorScheme: "light" | "dark"; readonly width: number },
  use: (page: Page) => Promise<void>,
): Promise<void> {
  const { example, watched, origin } = await launchDashboard();
  await using _ = example;
  await sendRequests(watched);
  await withBrowser(async (browser) => {
    const viewport = { width: options.width, height: 800 };
    const context = await browser.newContext({ colorScheme: options.colorScheme, viewport });
    const page = await context.newPage();
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(origin) && !url.startsWith("data:")) faults.push(url);
    });
    await page.goto(`${origin}/`);
    await page.locator("#status", { hasText: "Live" }).waitFor();
    await page.locator("#rejections td", { hasText: "bad-host" }).waitFor();
    // A line needs two points.
    await page.locator(".plot[aria-valuenow]:not([aria-valuenow='0'])").first().waitFor();
    await use(page);
    assertEquals(faults, []);
  });
}

/** Returns the opaque colours of each canvas. */
function paintedColors(page: Page): Promise<string[]> {
  return page.evaluate(`[...document.querySelectorAll("canvas")].map((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colors = new Set();
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] === 255) colors.add(data.slice(i, i + 3).join());
    }
    return [...colors].join(" ");
  })`);
}

testWith(
  "chromium",
  "examples/dashboard.ts: light and dark pages draw in their own colours",
  async () => {
    const painted: string[][] = [];
    const backgrounds: unknown[] = [];
    for (const colorScheme of ["light", "dark"] as const) {
      await withDashboard({ colorScheme, width: 1280 }, async (page) => {
        painted.push(await paintedColors(page));
        backgrounds.push(await page.evaluate("getComputedStyle(document.body).backgroundColor"));
      });
    }
    assertNotEquals(backgrounds[0], backgrounds[1]);
    const [light, dark] = painted;
    assertEquals(light!.length, 4);
    // The line of requests: #2f5bd7 and #86a8ff. A colour that a canvas cannot read would be black.
    assert(light![0]!.includes("47,91,215"), light![0]);
    assert(dark![0]!.includes("134,168,255"), dark![0]);
  },
);

testWith(
  "chromium",
  "examples/dashboard.ts: keyboard, pause, and the numbers as text",
  async () => {
    await withDashboard({ colorScheme: "light", width: 1280 }, async (page) => {
      const chart = page.getByRole("slider", { name: "Latency" });
      const value = () => chart.getAttribute("aria-valuetext");
      await page.getByRole("button", { name: "Pause" }).press("Enter");
      await page.locator("#status", { hasText: "Paused" }).waitFor();
      await chart.focus();
      assertMatch((await value())!, /^Latency, now: p50 .+, p90 .+, p99 .+$/);
      await page.keyboard.press("ArrowLeft");
      assertMatch((await value())!, /^Latency, [\d:]+: p50 .+, p90 .+, p99 .+$/);
      await page.keyboard.press("Escape");
      assertMatch((await value())!, /^Latency, now: /);
      await page.locator("summary").press("Enter");
      await page.locator("#numbers tbody tr").nth(1).waitFor();
      const before = await page.locator("#numbers tbody tr").count();
      await page.getByRole("button", { name: "Resume" }).press("Enter");
      await page.locator("#numbers tbody tr").nth(before).waitFor();
      await page.getByRole("radio", { name: "2 min" }).press("ArrowRight");
      assert(await page.getByRole("radio", { name: "5 min" }).isChecked());
    });
  },
);

testWith("chromium", "examples/dashboard.ts: fits a screen of 375 pixels", async () => {
  await withDashboard({ colorScheme: "dark", width: 375 }, async (page) => {
    await page.locator("summary").click();
    assertEquals(await page.evaluate("document.documentElement.scrollWidth"), 375);
    const widths = await page.evaluate<number[]>(
      "[...document.querySelectorAll('.plot')].map((plot) => plot.clientWidth)",
    );
    for (const width of widths) assert(width > 280 && width < 375, String(width));
  });
});
