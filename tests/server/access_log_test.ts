/** `accessLog`: one line for each request, which no client can forge; goaccess reads it. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { accessLog } from "@asynchttp/server";
import type { AccessLogOptions, Request, RequestOutcome } from "@asynchttp/server";
import { NOW, settle, start } from "../connection/harness.ts";
import { EOF } from "../connection/scripted_conn.ts";
import { GET } from "../fixtures.ts";
import { fuzzSeed, Random } from "../random.ts";
import { run, servingWell, testWith, withFolder } from "./tools.ts";

/** What `"[^"]*"` of a filter sees: exactly three quoted fields, of ASCII without controls. */
const COMBINED =
  /^[!-~]+ - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "([ !#-~]+)" (\d{3}) (\d+) "([ !#-~]+)" "([ !#-~]+)"$/;

const hello = (request: Request) => request.respond(200, "hello");

/** The lines of a connection, and its outcomes. */
async function logged(
  sent: string,
  format: AccessLogOptions["format"],
): Promise<{ lines: string[]; outcomes: RequestOutcome[] }> {
  const lines: string[] = [];
  const outcomes: RequestOutcome[] = [];
  const log = accessLog({ format, write: (line) => void lines.push(line) });
  const onResponse = (outcome: RequestOutcome) => {
    outcomes.push(outcome);
    log(outcome);
  };
  const run = start([sent, EOF], hello, { onResponse, onError: () => {} });
  await run.done;
  await settle();
  return { lines, outcomes };
}

const TIME = "[06/Nov/1994:08:49:37 +0000]";
const CLIENT = "192.0.2.1";

interface Row {
  readonly title: string;
  readonly sent: string;
  /** The line behind the time. */
  readonly line: string;
}

const ROWS: readonly Row[] = [
  { title: "a request", sent: GET, line: '"GET / HTTP/1.1" 200 5 "-" "-"' },
  {
    title: "referer and user agent",
    sent: "GET /a?b HTTP/1.1\r\nHost: x\r\nReferer: http://y/\r\nUser-Agent: curl/8\r\n\r\n",
    line: '"GET /a?b HTTP/1.1" 200 5 "http://y/" "curl/8"',
  },
  {
    title: "a quote, a backslash, a byte above ASCII",
    sent: 'GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: a" 200 \\x22 \xe9\r\n\r\n',
    line: '"GET / HTTP/1.1" 200 5 "-" "a\\x22 200 \\x5Cx22 \\xE9"',
  },
  {
    title: "a head that is refused",
    sent: "GET / HTTP/1.1\r\n\r\n",
    line: '"GET / HTTP/1.1" 400 49 "-" "-"',
  },
  {
    title: "a request line that is refused",
    sent: '\x16\x03"\x1b[31m\r\n\r\n',
    line: '"\\x16\\x03\\x22\\x1B[31m" 400',
  },
];

for (const { title, sent, line } of ROWS) {
  Deno.test(`access log: combined: ${title}`, async () => {
    const { lines } = await logged(sent, "combined");
    assertEquals(lines.length, 1);
    const prefix = `${CLIENT} - - ${TIME} `;
    assertEquals(lines[0]!.slice(0, prefix.length + line.length), prefix + line);
    assertMatch(lines[0]!, COMBINED);
  });
}

Deno.test("access log: json: every value as the client sent it", async () => {
  const agent = 'a"\\ \xe9\x85';
  const sent = `GET /a HTTP/1.1\r\nHost: x\r\nUser-Agent: ${agent}\r\n\r\n`;
  const { lines } = await logged(sent, "json");
  assertEquals(lines.length, 1);
  assertMatch(lines[0]!, /^[ -~]+$/);
  const { headMs, totalMs, ...rest } = JSON.parse(lines[0]!);
  assert(headMs >= 0 && totalMs >= headMs);
  assertEquals(rest, {
    time: new Date(NOW).toISOString(),
    client: CLIENT,
    line: "GET /a HTTP/1.1",
    method: "GET",
    target: "/a",
    status: 200,
    bytes: 5,
    ended: "complete",
    rejection: null,
    referer: null,
    userAgent: agent,
  });
});

Deno.test("access log: 499 where the client has gone without a response, 444 otherwise", () => {
  const lines: string[] = [];
  const log = accessLog({ write: (line) => void lines.push(line) });
  log({ ...OUTCOME, status: null, ended: "client-gone" });
  log({ ...OUTCOME, status: null, ended: "cut" });
  assertEquals(lines.map((line) => COMBINED.exec(line)![2]), ["499", "444"]);
});

Deno.test("access log: a client on a Unix socket, and one with a hostile address", () => {
  const lines: string[] = [];
  const log = accessLog({ write: (line) => void lines.push(line) });
  const addresses: Deno.Addr[] = [
    { transport: "unix", path: "a b" },
    { transport: "tcp", hostname: 'a" b\n', port: 1 },
  ];
  for (const remoteAddr of addresses) {
    log({ ...OUTCOME, request: { ...OUTCOME.request, remoteAddr } });
  }
  assertEquals(lines.map((line) => line.split(" - ")[0]), ["unix:", "a\\x22\\x20b\\x0A"]);
});

Deno.test("access log: an unknown option is rejected", () => {
  assertThrows(() => accessLog({ file: "a" } as never), TypeError, "Unknown option file");
  assertThrows(() => accessLog({ format: "common" } as never), TypeError, "format");
});

Deno.test("access log: what write throws, or rejects with, goes to onError", async () => {
  const failures = [
    () => {
      throw new Error("full");
    },
    () => Promise.reject(new Error("full")),
  ];
  for (const write of failures) {
    const errors: unknown[] = [];
    const onError = (error: unknown) => void errors.push(error);
    const run = start([GET, EOF], hello, { onResponse: accessLog({ write }), onError });
    await run.done;
    await settle();
    assertEquals(errors.map((error) => (error as Error).message), ["full"]);
  }
});

/** Pieces of requests, of lines that one would like to forge, and any bytes. */
function hostileBytes(random: Random): string {
  const pieces = [
    "GET / HTTP/1.1\r\n",
    "Host: x\r\n",
    "\r\n",
    "\n",
    "\r",
    '"',
    "\\",
    ' 200 5 "-" "-"',
  ];
  pieces.push("User-Agent: ", "Referer: ", " ", "POST /", "HTTP/1.1", "\\x22", "\x00", "\x85", GET);
  let bytes = "";
  for (let i = random.below(12); i >= 0; i--) {
    const any = String.fromCharCode(random.below(256));
    bytes += random.below(4) === 0 ? any : pieces[random.below(pieces.length)];
  }
  return bytes;
}

Deno.test("access log: whatever a client sends, each request gives one line that parses", async () => {
  const random = new Random(fuzzSeed());
  let lineCount = 0;
  for (let round = 0; round < 500; round++) {
    const sent = hostileBytes(random);
    const combined = await logged(sent, "combined");
    const json = await logged(sent, "json");
    lineCount += combined.lines.length;
    assertEquals(combined.lines.length, combined.outcomes.length);
    for (const line of combined.lines) assertMatch(line, COMBINED, JSON.stringify(sent));
    assertEquals(json.lines.length, combined.lines.length);
    for (const [i, line] of json.lines.entries()) {
      assertMatch(line, /^[ -~]+$/);
      assertEquals(JSON.parse(line).line, json.outcomes[i]!.request.line);
    }
  }
  assert(lineCount > 250, `only ${lineCount} lines`);
});

const MOD = new URL("../../mod.ts", import.meta.url).href;

/** A command that calls `log(OUTCOME)`, with a hook that writes to stdout. */
function logging(program: string): [string, ...string[]] {
  const start = `import { accessLog } from ${JSON.stringify(MOD)}; const log = accessLog();
    const request = { line: "a".repeat(80), headers: new Headers(), remoteAddr: { hostname: "h" } };
    const OUTCOME = { request, status: 200, bytesSent: 1, startedAt: 0 };`;
  return [Deno.execPath(), "eval", "--no-lock", start + program];
}

function runLogging(program: string) {
  return run(...logging(program));
}

Deno.test("access log: Deno.exit loses no line", async () => {
  const { stdout } = await runLogging("for (let i = 0; i < 10; i++) log(OUTCOME); Deno.exit(0);");
  assertMatch(stdout, /^(?:h - - \[.*\] "a+" 200 1 "-" "-"\n){10}$/);
});

Deno.test("access log: Deno.exit within a write loses nothing that waits behind it", async () => {
  const source = new URL("../../src/server/stdout_lines.ts", import.meta.url).href;
  const program = `import { passToStdout, writeToStdout } from ${JSON.stringify(source)};
    for (const piece of ["a", "b", "c"]) passToStdout(new TextEncoder().encode(piece + "\\n"));
    for (const line of ["d", "e"]) writeToStdout(line);
    await null;
    writeToStdout("f");
    await null;
    Deno.exit(0);`;
  const { stdout } = await run(Deno.execPath(), "eval", "--no-lock", program);
  // The write of "a" is under way, and may be cut, or come late.
  assertEquals(stdout.match(/[b-f]/g), ["b", "c", "d", "e", "f"]);
});

Deno.test("access log: lines that stdout does not take in time are counted, not kept", async () => {
  const lines = 20_000; // 3 MB in one turn
  const { stdout, stderr } = await runLogging(`for (let i = 0; i < ${lines}; i++) log(OUTCOME);`);
  const written = stdout.match(/^h - - \[.*\] "a+" 200 1 "-" "-"$/gm)!.length;
  assert(stdout.length < 1_048_577 && stdout.length > 1_000_000);
  assertMatch(stderr, new RegExp(`^${lines - written} log lines were dropped: `));
});

Deno.test("hardening 54: Deno.exit does not wait for a reader that stalls", async () => {
  const [program, ...args] = logging(`
    const logMany = () => { for (let i = 0; i < 3000; i++) log(OUTCOME); };
    logMany();
    setTimeout(() => { logMany(); Deno.exit(3); }, 1500);`);
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "piped" }).spawn();
  // Nothing reads until the process has ended.
  assertEquals((await child.status).code, 3);
  assertMatch(await new Response(child.stdout).text(), /^h - - /);
});

testWith("goaccess", "access log: goaccess counts every line", async () => {
  const lines: string[] = [];
  const onResponse = accessLog({ write: (line) => void lines.push(line) });
  await servingWell(hello, async (port) => {
    const url = `http://127.0.0.1:${port}`;
    for (const agent of ["a", 'a" \\ b', "\xe9", "%h - [x]"]) {
      await (await fetch(`${url}/page?q="1"`, { headers: { "User-Agent": agent } })).text();
    }
  }, { onResponse });
  lines.push(...(await logged("GET /none HTTP/1.1\r\n\r\n", "combined")).lines);
  lines.push(...(await logged('\x16\x03\x01" \r\n\r\n', "combined")).lines);
  const silent = accessLog({ write: (line) => void lines.push(line) });
  const request = { ...OUTCOME.request, line: "" };
  silent({ ...OUTCOME, request, status: null, ended: "cut" });
  assertEquals(lines.length, 7);
  const { general, status_codes } = await goaccess(lines);
  assertEquals([general.valid_requests, general.failed_requests], [7, 0]);
  const counts = status_codes.data.flatMap(({ items }) => items).map(({ data, hits }) =>
    `${data.slice(0, 3)}: ${hits.count}`
  );
  assertEquals(counts.toSorted(), ["200: 4", "400: 2", "444: 1"]);
});

testWith(
  "fail2ban-regex",
  "access log: fail2ban finds the refusals, with the filter of the docs",
  async () => {
    const page = await Deno.readTextFile(new URL("../../docs/observability.md", import.meta.url));
    const [, filter] = /^```text\n(\[Definition\]\n[^]*?)^```$/m.exec(page)!;
    const forged = `a" 400 1 "-" "-"`;
    const sent = [
      "GET / HTTP/1.1\r\n\r\n",
      GET.replace("\r\n\r\n", `\r\nReferer: ${forged}\r\n\r\n`),
    ];
    const lines: string[] = [];
    for (const each of sent) lines.push(...(await logged(each, "combined")).lines);
    assertEquals(lines.length, 2);
    await withFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/access.log`, lines.join("\n") + "\n");
      await Deno.writeTextFile(`${folder}/filter.conf`, filter!);
      const { stdout } = await run(
        "fail2ban-regex",
        `${folder}/access.log`,
        `${folder}/filter.conf`,
      );
      assertMatch(stdout, /^Lines: 2 lines, 0 ignored, 1 matched, 1 missed/m);
    });
  },
);

interface Report {
  general: { valid_requests: number; failed_requests: number };
  status_codes: { data: { items: { data: string; hits: { count: number } }[] }[] };
}

async function goaccess(lines: readonly string[]): Promise<Report> {
  const reports: Report[] = [];
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/access.log`, lines.join("\n") + "\n");
    const args = ["--no-global-config", "--log-format=COMBINED", "-o", `${folder}/report.json`];
    await run("goaccess", `${folder}/access.log`, ...args);
    reports.push(JSON.parse(await Deno.readTextFile(`${folder}/report.json`)));
  });
  return reports[0]!;
}

const ADDR: Deno.Addr = { transport: "tcp", hostname: CLIENT, port: 1 };

const REQUEST = {
  line: "GET / HTTP/1.1",
  method: "GET",
  target: "/",
  version: "HTTP/1.1",
  headers: new Headers(),
  localAddr: ADDR,
  remoteAddr: ADDR,
  peerAddr: ADDR,
};

const OUTCOME = {
  request: REQUEST,
  status: 200,
  bytesSent: 0,
  startedAt: NOW,
  headMs: 0,
  totalMs: 0,
  ended: "complete",
  rejection: null,
  handled: true,
} satisfies RequestOutcome;
