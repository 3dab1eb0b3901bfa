/**
 * Measures how long one client after another waits for its response while another disturbs:
 * `beside.ts PORT SECONDS DISTURBANCE`.
 *
 * Disturbances: `pipeline:MS` sends requests without an end over one connection, whose handler
 * works for that time each; `chunks:BYTES` reads a stream without an end, in such chunks;
 * `crowd:N` keeps N connections busy with wrk. Prints rate, p50, p99 and maximum in ms.
 */

/** Milliseconds before anything is recorded. */
const WARM_UP = 1000;

/** What a client waits for at the most, in milliseconds: it counts as that then. */
const PATIENCE = 10_000;

const [portText, secondsText, disturbance] = Deno.args;
const [kind, amount] = disturbance!.split(":");
const port = Number(portText);
const seconds = Number(secondsText);
const LOOPBACK = { hostname: "127.0.0.1", port };

function get(target: string, fields = ""): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`);
}

/** Sends and reads without an end, until the connection is closed. */
async function disturb(target: string, repeat: number): Promise<Deno.TcpConn> {
  const conn = await Deno.connect(LOOPBACK);
  const requests = new Uint8Array(get(target).length * repeat);
  for (let i = 0; i < repeat; i++) requests.set(get(target), i * get(target).length);
  const send = async () => {
    do for (let rest = requests; rest.length > 0;) {
      rest = rest.subarray(await conn.write(rest));
    } while (repeat > 1);
  };
  const receive = async () => {
    const into = new Uint8Array(262_144);
    while (await conn.read(into) !== null);
  };
  for (const endless of [send(), receive()]) endless.catch(() => {});
  return conn;
}

function crowd(): Disposable {
  const time = Math.ceil(seconds + (WARM_UP + PATIENCE) / 1000);
  const args = ["-t1", `-c${amount}`, `-d${time}`, `http://127.0.0.1:${port}/`];
  const child = new Deno.Command("wrk", { args, stdout: "null", stderr: "null" }).spawn();
  return { [Symbol.dispose]: () => child.kill("SIGKILL") };
}

function start(): Disposable | Promise<Disposable> {
  if (kind === "crowd") return crowd();
  return kind === "chunks" ? disturb(`/?chunks=${amount}`, 1) : disturb(`/?work=${amount}`, 100);
}

/** The time from the connect to the first byte of the response. */
async function newcomer(): Promise<number> {
  const begin = performance.now();
  using conn = await Deno.connect(LOOPBACK);
  await conn.write(get("/", "Connection: close\r\n"));
  const timer = setTimeout(() => conn.close(), PATIENCE);
  try {
    await conn.read(new Uint8Array(1024));
  } finally {
    clearTimeout(timer);
  }
  return performance.now() - begin;
}

const latencies: number[] = [];
{
  using _disturbance = await start();
  await new Promise((resolve) => setTimeout(resolve, WARM_UP));
  for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
    latencies.push(await newcomer().catch(() => PATIENCE));
  }
}
latencies.sort((one, other) => one - other);
const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))];
const rate = latencies.length / seconds;
console.log(JSON.stringify({ rate, p50: at(0.5), p99: at(0.99), max: at(1) }));
Deno.exit(0);
