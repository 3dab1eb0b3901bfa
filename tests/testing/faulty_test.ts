/** `faulty`: which request is hit, and every byte that a hit one gets. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { fetchHandler, streaming } from "@asynchttp/server";
import type { Handler } from "@asynchttp/server";
import { faulty, serveInMemory } from "@asynchttp/server/testing";
import type { InMemoryServer, PlannedFault } from "@asynchttp/server/testing";
import { FaultPlan } from "../../src/testing/fault_plan.ts";
import { bytesOf, GET, streamOf, textOf } from "../fixtures.ts";
import { DATE } from "../connection/harness.ts";

/** The faults that hit so many requests, by their first letters; "-" for none. */
function hits(count: number, plan: readonly PlannedFault[], seed = 1): string {
  const faults = new FaultPlan(plan, seed);
  return Array.from({ length: count }, () => faults.next()?.fault[0] ?? "-").join("");
}

const UNAVAILABLE = { fault: "unavailable" } as const;

Deno.test("faulty: times, bursts and order of the plan", () => {
  assertEquals(hits(4, []), "----");
  assertEquals(hits(4, [UNAVAILABLE]), "uuuu");
  assertEquals(hits(4, [{ ...UNAVAILABLE, times: 2 }]), "uu--");
  assertEquals(hits(4, [{ ...UNAVAILABLE, times: 0 }]), "----");
  assertEquals(hits(5, [{ ...UNAVAILABLE, times: 1, burst: 3 }]), "uuu--");
  assertEquals(
    hits(6, [{ ...UNAVAILABLE, times: 1, burst: 2 }, { fault: "delay", ms: 1, times: 2 }]),
    "uudd--",
  );
});

Deno.test("faulty: a seed repeats a run, and probabilities are kept", () => {
  const plan = [{ ...UNAVAILABLE, probability: 0.3 }];
  assertEquals(hits(1000, plan, 7), hits(1000, plan, 7));
  assert(hits(1000, plan, 7) !== hits(1000, plan, 8));
  const count = [...hits(10_000, plan, 7)].filter((hit) => hit === "u").length;
  assert(count > 2800 && count < 3200, `${count} of 10,000`);
  assertEquals(hits(100, [{ ...UNAVAILABLE, probability: 0 }]), "-".repeat(100));
  assertEquals(hits(100, [{ ...UNAVAILABLE, probability: 1 }]), "u".repeat(100));
});

Deno.test("faulty: a plan that cannot be meant is rejected", () => {
  const bad: readonly (readonly [planned: unknown, why: string])[] = [
    [{ fault: "explode" }, 'Option fault must be "delay" or "dribble"'],
    [{}, "Option fault must be"],
    [null, "Option fault must be"],
    [{ fault: "delay", ms: Infinity }, "Option ms must be an integer from 0 to 2147483647"],
    [{ fault: "delay" }, 'Option ms must be given for fault "delay"'],
    [{ fault: "cut", ms: 1 }, "Unknown option ms"],
    [{ fault: "cut", afterBytes: -1 }, "Option afterBytes must be an integer from 0 on"],
    [{ fault: "wrong-length", by: 0.5 }, "Option by must be an integer: got 0.5"],
    [{ fault: "cut-chunk", probability: 2 }, "Option probability must be a number from 0 to 1"],
    [{ fault: "cut-chunk", burst: 0 }, "Option burst must be an integer from 1 on"],
  ];
  for (const [planned, why] of bad) {
    assertThrows(() => faulty(() => {}, [planned as PlannedFault]), Error, why);
  }
});

const HEAD = `HTTP/1.1 200 OK\r\n${DATE}Connection: close\r\n`;
const SIZED = `${HEAD}Content-Length: 6\r\n\r\n`;
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

const whole: Handler = (request) => request.respond(200, "abcdef");
const chunked: Handler = (request) => request.respond(200, streamOf("abcdef"));

/** What the client receives until the connection ends. */
async function received(server: InMemoryServer, sent: string): Promise<string> {
  using conn = server.connect();
  await conn.write(bytesOf(sent));
  await conn.closeWrite();
  return textOf(await new Response(conn.readable).bytes());
}

const BYTES: readonly (readonly [
  title: string,
  planned: PlannedFault,
  handler: Handler,
  got: string,
])[] = [
  ["dribble", { fault: "dribble" }, whole, `${SIZED}abcdef`],
  ["dribble, chunked", { fault: "dribble" }, chunked, `${CHUNKED}6\r\nabcdef\r\n0\r\n\r\n`],
  ["cut at once", { fault: "cut", afterBytes: 0 }, whole, ""],
  ["cut within the head", { fault: "cut", afterBytes: 12 }, whole, "HTTP/1.1 200"],
  ["cut within the content", { fault: "cut", afterBytes: SIZED.length + 2 }, whole, `${SIZED}ab`],
  ["cut behind the end", { fault: "cut", afterBytes: 1000 }, whole, `${SIZED}abcdef`],
  ["silence", { fault: "silence" }, whole, ""],
  ["silence later", { fault: "silence", afterBytes: 5 }, whole, "HTTP/"],
  ["cut-chunk", { fault: "cut-chunk" }, whole, `${CHUNKED}6\r\nabc`],
  ["cut-chunk, chunked", { fault: "cut-chunk" }, chunked, `${CHUNKED}6\r\nabc`],
  [
    "wrong-length above",
    { fault: "wrong-length", by: 4 },
    whole,
    `${HEAD}Content-Length: 10\r\n\r\nabcdef`,
  ],
  [
    "wrong-length below",
    { fault: "wrong-length", by: -2 },
    chunked,
    `${HEAD}Content-Length: 4\r\n\r\nabcdef`,
  ],
  [
    "wrong-length behind an interim response",
    { fault: "wrong-length", by: 4 },
    async (request) => {
      await request.inform(103);
      await request.respond(200, "abcdef");
    },
    `${HEAD}Content-Length: 10\r\n\r\nabcdef`,
  ],
  [
    "wrong-length below 0",
    { fault: "wrong-length", by: -9 },
    whole,
    `${HEAD}Content-Length: 0\r\n\r\nabcdef`,
  ],
];

for (const [title, planned, handler, got] of BYTES) {
  Deno.test(`faulty: ${title}, byte for byte`, async () => {
    await using server = serveInMemory(faulty(handler, [planned]));
    assertEquals(await received(server, GET), got);
    assertEquals(server.stats().requests, 1);
  });
}

Deno.test("faulty: unavailable, with Retry-After, on a connection that persists", async () => {
  const plan = [{ fault: "unavailable", retryAfter: 7, times: 1 }] as const;
  await using server = serveInMemory(faulty(whole, plan));
  const got = await received(server, GET + GET);
  assert(got.startsWith(`HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n${DATE}`), got);
  assert(got.endsWith("\r\n\r\nabcdef"), got);
});

Deno.test("faulty: the handler gets the request as it was sent, in each kind of handler", async () => {
  const seen: unknown[] = [];
  const kinds: readonly Handler[] = [
    async (request) => {
      seen.push([request.method, request.target, request.body, request.rawHeaders]);
      await request.respond(200);
    },
    streaming(async (request) => {
      const body = await request.text();
      seen.push([request.method, request.target, body, request.rawHeaders]);
      await request.respond(200);
    }),
  ];
  const fields = "Host: x\r\nx-A: 1\r\nX-a: 2\r\n";
  for (const handler of kinds) {
    for (
      const sent of [
        `PUT /a?b HTTP/1.1\r\n${fields}Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc`,
        `PUT /a?b HTTP/1.1\r\n${fields}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
        `PUT /a?b HTTP/1.1\r\n${fields}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      ]
    ) {
      await using server = serveInMemory(faulty(handler, [{ fault: "dribble" }]));
      const got = await received(server, sent);
      // 100 is sent once, by the server itself.
      assertEquals(got.split("100 Continue").length, sent.includes("Expect") ? 2 : 1);
      const [method, target, body, headers] = seen.pop() as [string, string, string, unknown[]];
      assertEquals([method, target, body], ["PUT", "/a?b", sent.includes("abc") ? "abc" : ""]);
      assertEquals(headers.slice(0, 3), [["Host", "x"], ["x-A", "1"], ["X-a", "2"]]);
    }
  }
});

Deno.test("faulty: delays pass by the clock of a server in memory", async () => {
  const app = fetchHandler(() => new Response("done"));
  await using server = serveInMemory(faulty(app, [{ fault: "delay", ms: 5000, times: 1 }]));
  let response: Response | undefined;
  const fetching = server.fetch("/").then((got) => response = got);
  await server.clock.advance(4750);
  assertEquals(response, undefined);
  await server.clock.advance(250);
  assertEquals(await (await fetching).text(), "done");

  await using slow = serveInMemory(faulty(app, [{ fault: "dribble", ms: 1000 }]));
  using conn = slow.connect();
  await conn.write(bytesOf(GET));
  await slow.clock.advance(0);
  const buffer = new Uint8Array(100);
  let text = "";
  for (let i = 0; i < 4; i++) {
    text += textOf(buffer.subarray(0, (await conn.read(buffer))!));
    assertEquals(text.length, i + 1);
    await slow.clock.advance(1000);
  }
  assertEquals(text, "HTTP");
});

Deno.test("faulty: the error of a handler is reported once, and its 500 is damaged too", async () => {
  const errors: unknown[] = [];
  const failing: Handler = () => {
    throw new Error("a mistake");
  };
  await using server = serveInMemory(faulty(failing, [{ fault: "cut", afterBytes: 12 }]), {
    onError: (error) => void errors.push(String(error)),
  });
  assertEquals(await received(server, GET), "HTTP/1.1 500");
  assertEquals(errors, ["Error: a mistake"]);
});

Deno.test("faulty: a silence lasts for as long as the client waits, whatever the timeouts", async () => {
  await using server = serveInMemory(faulty(whole, [{ fault: "silence", afterBytes: 4 }]));
  using conn = server.connect();
  await conn.write(bytesOf(GET));
  await conn.read(new Uint8Array(4));
  await server.clock.advance(600_000);
  assertEquals(server.stats().connections.open, 1);
});

Deno.test("faulty: a client that goes ends a silence, and frees its connection", async () => {
  await using server = serveInMemory(faulty(whole, [{ fault: "silence" }]));
  const conn = server.connect();
  await conn.write(bytesOf(GET));
  await server.clock.advance(0);
  assertEquals(server.stats().connections.open, 1);
  conn.close();
  await server.clock.advance(0);
  assertEquals(server.stats().connections.open, 0);
});
