/** What real clients make of each fault: `fetch`, curl, `node:http` and undici, over sockets. */
import http from "node:http";
import { assert, assertEquals } from "@std/assert";
import type { Handler } from "@asynchttp/server";
import { faulty } from "@asynchttp/server/testing";
import type { PlannedFault } from "@asynchttp/server/testing";
import * as undici from "npm:undici@8.12.4";
import { run, servingWell, testWith } from "../server/tools.ts";

/** Milliseconds after which a client gives up that waits for nothing: long before any timeout of the server. */
const IMPATIENCE = 300;
/** The same for one that gets a response, or notices by itself that it does not: never reached. */
const PATIENCE = 60_000;
const CONTENT = "abcdef".repeat(100);

/** Returns status and content as a client got them; rejects where it found a fault, and after `patience` ms. */
type Client = (url: string, patience: number) => Promise<string>;

/** How a client ends with each fault, in the versions that the tests use. */
interface Expected {
  readonly silence: RegExp;
  readonly cut: RegExp;
  readonly cutHead: RegExp;
  readonly cutChunk: RegExp;
  readonly short: RegExp;
  readonly long: RegExp;
}

async function byFetch(url: string, patience: number): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(patience) });
  return `${response.status} ${await response.text()}`;
}

async function byCurl(url: string, patience: number): Promise<string> {
  const { code, stdout } = await run(
    "curl",
    ...["-s", "--max-time", `${patience / 1000}`, "-w", "%{stderr}%{http_code}", "-i", url],
  );
  if (code !== 0) throw new Error(`curl ended with ${code}`);
  return `${/^HTTP\/1.1 (\d+)/.exec(stdout)![1]} ${stdout.split("\r\n\r\n")[1] ?? ""}`;
}

function byNode(url: string, patience: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { timeout: patience, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => text += chunk);
      response.on("error", reject);
      response.on("aborted", () => reject(new Error("aborted")));
      response.on("end", () => {
        if (response.complete) resolve(`${response.statusCode} ${text}`);
        else reject(new Error("incomplete"));
      });
    });
    request.on("timeout", () => request.destroy(new Error("timeout")));
    request.on("error", reject);
  });
}

async function byUndici(url: string, patience: number): Promise<string> {
  const dispatcher = new undici.Agent({ headersTimeout: patience, bodyTimeout: patience });
  try {
    const { statusCode, body } = await undici.request(url, {
      dispatcher,
      signal: AbortSignal.timeout(patience * 3),
    });
    return `${statusCode} ${await body.text()}`;
  } finally {
    await dispatcher.destroy();
  }
}

const ALL_BUT_100 = new RegExp(`^200 ${CONTENT.slice(0, -100)}$`);

const CLIENTS: readonly (readonly [string, Client, Expected])[] = [
  ["fetch", byFetch, {
    silence: /^failed: .*aborted due to timeout/,
    cut: /^failed: error reading a body/,
    cutHead: /^failed: fetch failed/,
    cutChunk: /^failed: error reading a body/,
    short: /^failed: error reading a body/,
    long: ALL_BUT_100,
  }],
  ["curl", byCurl, {
    silence: /^failed: curl ended with 28$/,
    cut: /^failed: curl ended with 18$/,
    // Status 0: curl takes half a head for a whole one.
    cutHead: /^200 $/,
    cutChunk: /^failed: curl ended with 18$/,
    short: /^failed: curl ended with 18$/,
    long: ALL_BUT_100,
  }],
  ["node:http", byNode, {
    silence: /^failed: timeout/,
    cut: /^failed: aborted/,
    cutHead: /^failed: socket hang up/,
    cutChunk: /^failed: aborted/,
    short: /^failed: aborted/,
    long: /^failed: Parse Error: Data after `Connection: close`/,
  }],
  ["undici", byUndici, {
    silence: /^failed: .*(?:Timeout|aborted)/i,
    cut: /^failed: Response body length does not match content-length header/,
    cutHead: /^failed: other side closed/,
    cutChunk: /^failed: .*Invalid EOF state/,
    short: /^failed: Response body length does not match content-length header/,
    long: ALL_BUT_100,
  }],
];

/** How a client ends that meets a fault. */
async function outcome(
  client: Client,
  planned: PlannedFault,
  patience = PATIENCE,
): Promise<string> {
  let text = "";
  const handler: Handler = faulty((request) => request.respond(200, CONTENT), [planned]);
  await servingWell(handler, async (port, server) => {
    const url = `http://127.0.0.1:${port}/`;
    text = await client(url, patience).catch((error) => `failed: ${error.message}`);
    await server.shutdown({ grace: 0 });
  });
  return text;
}

const WHOLE = `200 ${CONTENT}`;
/** Within the content: the head has less than 200 bytes. */
const WITHIN = 300;

for (const [name, client, expected] of CLIENTS) {
  const test = (title: string, run: () => Promise<void>) =>
    name === "curl" ? testWith("curl", title, run) : Deno.test(title, run);
  const ends = async (planned: PlannedFault, pattern: RegExp, patience?: number) => {
    const text = await outcome(client, planned, patience);
    assert(pattern.test(text), `${planned.fault}: ${text}`);
  };

  test(`${name}: reads through a delay, a dribble and a burst of 503`, async () => {
    assertEquals(await outcome(client, { fault: "delay", ms: 20 }), WHOLE);
    assertEquals(await outcome(client, { fault: "dribble" }), WHOLE);
    assertEquals(await outcome(client, { fault: "unavailable" }), "503 Service Unavailable\n");
  });

  test(`${name}: gives up on silence, at once and within the content`, async () => {
    await ends({ fault: "silence" }, expected.silence, IMPATIENCE);
    await ends({ fault: "silence", afterBytes: WITHIN }, expected.silence, IMPATIENCE);
    await ends({ fault: "delay", ms: IMPATIENCE * 4 }, expected.silence, IMPATIENCE);
  });

  test(`${name}: finds a cut, within head, content and chunk, and a length that is too large`, async () => {
    await ends({ fault: "cut", afterBytes: 20 }, expected.cutHead);
    await ends({ fault: "cut", afterBytes: WITHIN }, expected.cut);
    await ends({ fault: "cut-chunk" }, expected.cutChunk);
    await ends({ fault: "wrong-length", by: 5 }, expected.short);
  });

  test(`${name}: meets a length that is too small`, async () => {
    await ends({ fault: "wrong-length", by: -100 }, expected.long);
  });
}

Deno.test("fetch: repeats a request by itself whose reused connection is cut within the head", async () => {
  let requests = 0;
  const counting: Handler = (request) => {
    requests++;
    return request.respond(200, CONTENT);
  };
  const plan = [
    { fault: "unavailable", times: 1 },
    { fault: "cut", afterBytes: 20, times: 1 },
  ] as const;
  await servingWell(faulty(counting, plan), async (port) => {
    assertEquals(await byFetch(`http://127.0.0.1:${port}/`, PATIENCE), "503 Service Unavailable\n");
    assertEquals(await byFetch(`http://127.0.0.1:${port}/`, PATIENCE), WHOLE);
  });
  assertEquals(requests, 2);
});
