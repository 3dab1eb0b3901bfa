/** What handlers do, well or badly: what a fault of a client meets. */
import { fetchHandler, streaming } from "@asynchttp/server";
import type { Handler, Request } from "@asynchttp/server";
import { isStreaming } from "../../../src/connection/handlers.ts";
import { pattern, soon, streamOf, utf8 } from "../../fixtures.ts";

/** A handler, and the messages of the errors that it may cause `onError` to get. */
export interface Kind {
  readonly handler: Handler;
  readonly reports?: RegExp;
  /** Whether its response lasts as long as its client stays. */
  readonly endless?: true;
  /** Whether it may keep the connection for as long as its client stays. */
  readonly keepsSocket?: true;
}

const LARGE = pattern(4_000_000);

function pieces(count: number, fails = false): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      await soon();
      if (count-- > 0) controller.enqueue(utf8("piece"));
      else if (fails) controller.error(new Error("The source fails"));
      else controller.close();
    },
  }, { highWaterMark: 0 });
}

/** Serves a request for the neighbour well, and leaves all others to `handler`. */
function withNeighbour(handler: Handler): Handler {
  return (request) =>
    request.target === "/neighbour" ? request.respond(200, "served") : handler(request);
}

async function tunnels(request: Request): Promise<void> {
  using conn = request.hijack();
  const into = new Uint8Array(1000);
  for (let count; (count = await conn.read(into)) !== null;) {
    await conn.write(into.subarray(0, count));
  }
}

async function upgrades(request: Request): Promise<void> {
  if (request.headers.get("upgrade") === null) return await request.respond(426);
  using conn = await request.upgrade();
  await conn.readable.pipeTo(conn.writable);
}

async function writesItself({ client }: Request): Promise<void> {
  await client.write(utf8("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"));
  await soon();
  await client.write(utf8("ok"));
}

const LATE = /^The handler rejects late$/;

/** The kinds of handlers; each is called for what the faults of a client make of a request. */
export const KINDS: ReadonlyMap<string, Kind> = new Map(
  Object.entries<Kind>({
    "responds": { handler: (request) => request.respond(200, request.bytes) },
    "responds later": {
      async handler(request) {
        void request.signal;
        for (let i = 0; i < 5; i++) await soon();
        await request.respond(200, "later");
      },
    },
    "responds at length": { handler: (request) => request.respond(200, LARGE) },
    "reads in parts and responds in parts": {
      handler: streaming(async (request) => {
        for await (const _ of request.stream) await soon();
        await request.inform(103, { Link: "</>" });
        await request.respond(200, pieces(5), {}, { trailers: () => ({ "X-Trailer": "y" }) });
      }),
    },
    "does not read, and responds in parts": {
      handler: streaming((request) => request.respond(200, pieces(5))),
    },
    "sends back what it reads": {
      handler: streaming((request) => request.respond(200, request.stream)),
    },
    "has a stream that never ends": {
      handler: (request) =>
        request.respond(
          200,
          new ReadableStream({ start: (controller) => controller.enqueue(utf8("event")) }),
        ),
      endless: true,
    },
    "has a stream that fails": {
      handler: (request) => request.respond(200, pieces(2, true)),
      reports: /^The source fails$/,
    },
    "takes Web requests": {
      handler: fetchHandler(async (request) => new Response(await request.text() + "!")),
    },
    "returns Web streams": { handler: fetchHandler(() => new Response(streamOf("one", "two"))) },
    "takes the connection over": { handler: tunnels, keepsSocket: true },
    "upgrades": { handler: upgrades, keepsSocket: true },
    "writes to the socket itself": { handler: writesItself },
    "never responds": { handler: () => new Promise(() => {}) },
    "returns without a response": {
      handler: () => {},
      reports: /^The handler returned without having answered/,
    },
    "throws": {
      handler() {
        throw new Error("The handler throws");
      },
      reports: /^The handler throws$/,
    },
    "rejects within its response": {
      async handler(request) {
        const responding = request.respond(200, pieces(3));
        await soon();
        responding.catch(() => {});
        throw new Error("The handler rejects late");
      },
      reports: LATE,
    },
    "rejects behind its response": {
      async handler(request) {
        await request.respond(200, "done");
        throw new Error("The handler rejects late");
      },
      reports: LATE,
    },
    "responds twice, and again when it has returned": {
      handler(request) {
        void request.respond(200, "one");
        void request.respond(200, "two");
        void soon().then(() => void request.respond(200, "three"));
      },
      reports: /^Cannot respond: the request has already been answered$/,
    },
    "ignores all promises": {
      handler: streaming((request) => {
        void request.text();
        void request.trailers;
        void request.inform(103);
        void request.respond(200, pieces(2));
        void request.client.write(utf8("x"));
      }),
    },
  }).map(([title, kind]) => [title, { ...kind, handler: handlerOf(kind) }]),
);

function handlerOf({ handler }: Kind): Handler {
  return isStreaming(handler) ? streaming(withNeighbour(handler)) : withNeighbour(handler);
}
