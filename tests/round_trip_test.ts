/**
 * What an encoder writes the parser of the other side reads back, and nothing is left over: whole
 * conversations of generated messages, in pieces of any size.
 *
 * The seed is printed; `FUZZ_SEED=…` runs the same case again.
 */
import { assert, assertEquals } from "@std/assert";
import type { FieldPair } from "../src/wire/fields.ts";
import type { MessageEncoder } from "../src/wire/message_encoder.ts";
import { RequestEncoder } from "../src/wire/request_encoder.ts";
import type { RequestHead } from "../src/wire/request_head.ts";
import { RequestParser } from "../src/wire/request_parser.ts";
import { ResponseEncoder } from "../src/wire/response_encoder.ts";
import type { ResponseHead } from "../src/wire/response_head.ts";
import { ResponseParser } from "../src/wire/response_parser.ts";
import { bytesOf, textOf } from "./fixtures.ts";
import { fuzzSeed, Random } from "./random.ts";

const seed = fuzzSeed();

const TOKEN = "!#$%&'*+-.^_`|~09AZaz";
const VISIBLE = '!"#()*,-./09:;<=>?@AZ[\\]_az{}~\x80\x85\xa0\xff';
const ANY = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");

/** A field as encoders take it. */
type Pair = [name: string, value: string];

/** The content of a message: its pieces, what is said of its size, and its trailers. */
interface Content {
  readonly pieces: readonly string[];
  readonly size: number | null;
  readonly trailers: Pair[];
}

function fields(random: Random): Pair[] {
  return random.times(0, 4, (): Pair => {
    const value = random.text(VISIBLE, 1, 8) + random.text(VISIBLE + " \t", 0, 8);
    return [`X-${random.text(TOKEN, 1, 8)}`, `${value}.`];
  });
}

function content(random: Random, mayBeUnknown: boolean): Content {
  const pieces = random.times(0, 4, () => random.text(ANY, 0, random.pick([3, 300])));
  const isUnknown = mayBeUnknown && random.oneIn(2);
  return {
    pieces,
    size: isUnknown ? null : pieces.join("").length,
    trailers: isUnknown ? fields(random) : [],
  };
}

/** Returns the content and the end of the message whose head was encoded. */
function encoded(encoder: MessageEncoder, { pieces, trailers }: Content): string {
  const data = pieces.map((piece) => textOf(encoder.data(bytesOf(piece))));
  return data.join("") + textOf(encoder.end(trailers));
}

/** What came of one message. */
interface Received<Head> {
  readonly heads: readonly Head[];
  readonly body: string;
  readonly trailers: readonly FieldPair[];
}

interface EndEvent {
  readonly type: "end";
  readonly trailers: { pairs(): readonly FieldPair[] };
}

type Event<Head> =
  | Head
  | { readonly type: "data"; readonly bytes: Uint8Array }
  | EndEvent
  | { readonly type: "need-data" | "switched" };

/** Feeds pieces of any size; the message must end with the last byte. */
function received<Head extends { readonly type: "head" | "interim" }>(
  random: Random,
  parser: { next(): Event<Head>; finish(): unknown; input: { push(bytes: Uint8Array): void } },
  text: string,
  isLast: boolean,
): Received<Head> {
  const heads: Head[] = [];
  let body = "";
  let trailers: readonly FieldPair[] | null = null;
  const drain = () => {
    for (let event = parser.next(); event.type !== "need-data"; event = parser.next()) {
      assertEquals(trailers, null, "Nothing may follow the end");
      if (event.type === "data") body += textOf((event as { bytes: Uint8Array }).bytes);
      else if (event.type === "end") {
        trailers = (event as unknown as EndEvent).trailers.pairs();
      } else heads.push(event as Head);
    }
  };
  for (let at = 0; at < text.length;) {
    assertEquals(trailers, null, "The end must not come before the last byte");
    const end = at + random.integer(1, random.pick([1, 20, 5000]));
    parser.input.push(bytesOf(text.slice(at, end)));
    at = end;
    drain();
  }
  if (trailers === null && isLast) {
    parser.finish();
    drain();
  }
  assert(trailers !== null, "The message must be complete");
  return { heads, body, trailers };
}

/** One exchange; returns whether another may follow. */
function exchange(random: Random, sides: Sides): boolean {
  const minor = random.oneIn(4) ? 0 : 1;
  const method = random.pick(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "x-y"]);
  const target = `/${random.text("ab/%~", 0, 9)}${random.pick(["", "?", "?a=b"])}`;
  const sent = content(random, minor === 1);
  const connection: Pair[] = random.pick([[], [], [["Connection", "close"]], [[
    "Connection",
    "keep-alive",
  ]]]);
  const given: Pair[] = [["Host", "h:81"], ...fields(random), ...connection];
  const request = textOf(
    sides.client.head({ method, target, fields: given, size: sent.size, minor }),
  ) + encoded(sides.client, sent);
  const read = received<RequestHead>(random, sides.requests, request, false);
  const head = read.heads[0]!;
  assertEquals([read.heads.length, head.method, head.target], [1, method, target]);
  assertEquals(head.fields.pairs().slice(0, given.length), given);
  assertEquals([read.body, read.trailers], [sent.pieces.join(""), sent.trailers]);

  sides.responses.expect(sides.client.awaited);
  respond(random, sides, head);
  assertEquals(
    sides.client.state === "closed" || sides.server.state === "closed",
    sides.server.state === "closed",
  );
  return sides.server.state === "head" && sides.client.state === "head";
}

function respond(random: Random, { server, responses }: Sides, request: RequestHead): void {
  const { minor } = request.protocol;
  const interim = random.times(0, 2, () => random.pick([100, 102, 103]));
  const before = interim.map((status) => textOf(server.interim(request, status, fields(random))));
  const status = random.pick([200, 201, 204, 206, 304, 404, 500, 599]);
  const statusText = random.pick(["", "OK", "a \t\xff"]);
  const sent = content(random, true);
  const given = fields(random);
  const options = {
    status,
    statusText,
    fields: given,
    size: sent.size,
    date: random.pick([null, "now"]),
  };
  const head = textOf(server.head(request, options));
  const { sendsContent } = server;
  const text = before.join("") + head + encoded(server, sent);
  const read = received<ResponseHead>(random, responses, text, server.state === "closed");
  const final = read.heads.at(-1)!;
  assertEquals(read.heads.slice(0, -1).map(({ status }) => status), minor === 0 ? [] : interim);
  assertEquals([final.status, final.statusText], [status, statusText]);
  assertEquals(final.fields.pairs().slice(0, given.length), given);
  assertEquals(read.body, sendsContent ? sent.pieces.join("") : "");
  assertEquals(read.trailers, final.framing.content === "chunked" ? sent.trailers : []);
}

/** Both ends of one connection. */
interface Sides {
  readonly client: RequestEncoder;
  readonly requests: RequestParser;
  readonly server: ResponseEncoder;
  readonly responses: ResponseParser;
}

Deno.test("round trip: generated conversations are read back exactly", () => {
  const random = new Random(seed);
  let exchanges = 0;
  for (let i = 0; i < 400; i++) {
    const sides: Sides = {
      client: new RequestEncoder(),
      requests: new RequestParser(),
      server: new ResponseEncoder(),
      responses: new ResponseParser(),
    };
    do exchanges++; while (exchange(random, sides));
  }
  assert(exchanges > 500, `Only ${exchanges} exchanges`);
});
