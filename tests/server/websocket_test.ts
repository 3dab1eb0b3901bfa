/** The chat of examples/websocket.ts, with two browsers and with clients that misbehave. */
import { connect } from "node:net";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { withPage } from "./browser.ts";
import { exchangeBytes, launch, readText, readUntil, run, testWith, writeText } from "./tools.ts";
import type { Running } from "./tools.ts";

/** The command in the example's header. */
async function launchChat(): Promise<{ example: Running; port: number }> {
  const path = fileURLToPath(new URL("../../examples/websocket.ts", import.meta.url));
  const env = "--allow-env=WS_NO_BUFFER_UTIL,WS_NO_UTF_8_VALIDATE";
  const example = launch(Deno.execPath(), "run", "--allow-net", env, path, "0");
  const [, port] = await example.line(/^Listening on http:\/\/127\.0\.0\.1:(\d+)\/$/);
  return { example, port: Number(port) };
}

/** A client of the chat, and the lines that it receives. */
class Guest implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #heard: string[] = [];
  #wake: () => void = () => {};

  constructor(port: number) {
    this.#socket = new WebSocket(`ws://127.0.0.1:${port}/chat`);
    this.#socket.onmessage = ({ data }) => {
      this.#heard.push(data);
      this.#wake();
    };
  }

  /** Connects a client and waits for the line about its own arrival. */
  static async number(number: number, port: number): Promise<Guest> {
    const guest = new Guest(port);
    assertEquals(await guest.hears(), `Guest ${number} has come`);
    return guest;
  }

  say(text: string): void {
    this.#socket.send(text);
  }

  /** Resolves with the next line. */
  async hears(): Promise<string> {
    while (this.#heard.length === 0) await new Promise<void>((wake) => this.#wake = wake);
    return this.#heard.shift()!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    this.#socket.close();
    await closed;
  }
}

const HANDSHAKE = [
  "GET /chat HTTP/1.1",
  "Host: localhost",
  "Connection: keep-alive, Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

function request(lines: readonly string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** A text frame with a mask of zeros. */
function textFrame(text: string): string {
  return `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`;
}

testWith("chromium", "websocket: two pages exchange messages", async () => {
  const { example, port } = await launchChat();
  await using _ = example;
  await withPage(async (first) => {
    await first.goto(`http://127.0.0.1:${port}/`);
    await first.getByText("Guest 1 has come").waitFor();
    await withPage(async (second) => {
      await second.goto(`http://127.0.0.1:${port}/`);
      await first.getByText("Guest 2 has come").waitFor();
      await first.fill("input", "Hello");
      await first.press("input", "Enter");
      await second.getByText("Guest 1: Hello").waitFor();
      await second.fill("input", "<b>Grüße</b> 🦕");
      await second.click("button");
      await first.getByText("Guest 2: <b>Grüße</b> 🦕").waitFor();
    });
    await first.getByText("Guest 2 has gone").waitFor();
    assertEquals(await first.locator("li").allTextContents(), [
      "Guest 1 has come",
      "Guest 2 has come",
      "Guest 1: Hello",
      "Guest 2: <b>Grüße</b> 🦕",
      "Guest 2 has gone",
    ]);
  });
});

Deno.test("websocket: Deno's own client", async () => {
  const { example, port } = await launchChat();
  await using _ = example;
  await using first = await Guest.number(1, port);
  {
    await using second = await Guest.number(2, port);
    assertEquals(await first.hears(), "Guest 2 has come");
    const long = "x".repeat(4096);
    second.say(long);
    assertEquals(await first.hears(), `Guest 2: ${long}`);
    assertEquals(await second.hears(), `Guest 2: ${long}`);
  }
  assertEquals(await first.hears(), "Guest 2 has gone");
});

testWith("curl", "websocket: a request without an upgrade gets 426", async () => {
  const { example, port } = await launchChat();
  await using _ = example;
  const { stdout } = await run("curl", "-si", `http://127.0.0.1:${port}/chat`);
  assertMatch(stdout, /^HTTP\/1\.1 426 Upgrade Required\r\n/);
  assertMatch(stdout, /\r\nUpgrade: websocket\r\n/i);
  assertMatch(stdout, /\r\nConnection: upgrade\r\n/i);
  const { stdout: elsewhere } = await run("curl", "-si", `http://127.0.0.1:${port}/elsewhere`);
  assertMatch(elsewhere, /^HTTP\/1\.1 404 /);
});

Deno.test("websocket: an invalid handshake is not upgraded", async (t) => {
  const { example, port } = await launchChat();
  await using _ = example;
  const [line, ...fields] = HANDSHAKE;
  const without = (name: string) => HANDSHAKE.filter((field) => !field.startsWith(name));
  const cases: [title: string, lines: readonly string[], status: number][] = [
    ["no Connection", without("Connection"), 426],
    ["another protocol", [...without("Upgrade"), "Upgrade: h2c"], 426],
    ["HTTP/1.0", ["GET /chat HTTP/1.0", ...fields], 426],
    ["a page of another origin", [...HANDSHAKE, "Origin: http://attacker.example"], 403],
    ["no key", without("Sec-WebSocket-Key"), 400],
    ["another version", [...without("Sec-WebSocket-Version"), "Sec-WebSocket-Version: 1"], 426],
    ["another method", [line!.replace("GET", "PUT"), ...fields], 405],
  ];
  for (const [title, lines, status] of cases) {
    await t.step(title, async () => {
      assertMatch(await exchangeBytes(port, request(lines)), new RegExp(`^HTTP/1\\.1 ${status} `));
    });
  }
});

Deno.test("websocket: a frame sent with the handshake is delivered, and a half-close ends the connection", async () => {
  const { example, port } = await launchChat();
  await using _ = example;
  await using guest = await Guest.number(1, port);
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeText(conn, request(HANDSHAKE) + textFrame("early"));
  assertEquals(await guest.hears(), "Guest 2 has come");
  assertEquals(await guest.hears(), "Guest 2: early");
  await conn.closeWrite();
  assertEquals(await guest.hears(), "Guest 2 has gone");
  // The key and its response are those of RFC 6455, 1.3.
  const answer = await readText(conn);
  assertStringIncludes(answer, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
  assert(answer.startsWith("HTTP/1.1 101 Switching Protocols\r\n"));
});

Deno.test("websocket: a client that resets does not affect others", async () => {
  const { example, port } = await launchChat();
  await using _ = example;
  await using guest = await Guest.number(1, port);
  for (let i = 2; i < 12; i++) {
    // Node's sockets can be reset on purpose, Deno's cannot.
    const client = connect(port, "127.0.0.1");
    client.write(request(HANDSHAKE));
    assertEquals(await guest.hears(), `Guest ${i} has come`);
    client.resetAndDestroy();
    assertEquals(await guest.hears(), `Guest ${i} has gone`);
  }
  guest.say("Still here");
  assertEquals(await guest.hears(), "Guest 1: Still here");
});

Deno.test("websocket: invalid and oversized frames end their own connection only", async () => {
  const { example, port } = await launchChat();
  await using _ = example;
  await using guest = await Guest.number(1, port);
  const bad: [frame: string, why: RegExp][] = [
    ["\xff\xff\xff\xff", /^Guest 2: Invalid WebSocket frame/],
    ["\x81\x02hi", /^Guest 3: Invalid WebSocket frame: MASK must be set/],
    ["\x81\x82\0\0\0\0\xc3\x28", /^Guest 4: Invalid WebSocket frame: invalid UTF-8/],
    ["\x81\xfe\x10\x01\0\0\0\0", /^Guest 5: Max payload size exceeded/],
  ];
  for (const [frame, why] of bad) {
    {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await writeText(conn, request(HANDSHAKE));
      assertMatch(await guest.hears(), / has come$/);
      await writeText(conn, frame);
      await readUntil(conn, (text) => text.includes("\x88"));
    }
    await example.line(why);
    assertMatch(await guest.hears(), / has gone$/);
  }
});
