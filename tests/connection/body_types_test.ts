/** The body as the Web has it: `arrayBuffer()`, `blob()`, `formData()`. */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { fetchHandler, type HttpError, streaming } from "@asynchttp/server";
import type { Handler, Request } from "@asynchttp/server";
import { put } from "./bodies.ts";
import { converse, refused, response } from "./harness.ts";

const FORM_TYPE = "Content-Type: multipart/form-data; boundary=b\r\n";
const FORM = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n' +
  '--b\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\n' +
  "Content-Type: text/plain\r\n\r\ncontent\r\n--b--\r\n";
const URLENCODED_TYPE = "Content-Type: application/x-www-form-urlencoded\r\n";

/** The two kinds of handlers that get our `Request`. */
const KINDS: { readonly [kind: string]: (handler: Handler) => Handler } = {
  "a plain handler": (handler) => handler,
  "a streaming handler": streaming,
};

/** What a method makes of a body, as text. */
const READERS: { readonly [method: string]: (request: Request) => Promise<string> } = {
  async arrayBuffer(request) {
    const buffer = await request.arrayBuffer();
    assert(buffer instanceof ArrayBuffer);
    return new TextDecoder().decode(buffer);
  },
  async blob(request) {
    const blob = await request.blob();
    return `${blob.type} ${await blob.text()}`;
  },
  async formData(request) {
    const form = await request.formData();
    const file = form.get("f");
    if (!(file instanceof File)) return `${form.get("a")}`;
    return `${form.get("a")} ${file.name} ${file.type} ${await file.text()}`;
  },
};

/** The method, the fields and the body of a request, and what the method gives. */
const ROWS: readonly (readonly [method: string, fields: string, body: string, got: string])[] = [
  ["arrayBuffer", "", "abc", "abc"],
  ["arrayBuffer", "", "", ""],
  ["blob", "", "abc", " abc"],
  ["blob", "Content-Type: image/png\r\n", "abc", "image/png abc"],
  [
    "blob",
    "Content-Type: Text/Plain; Charset=UTF-8\r\n",
    "abc",
    "text/plain;charset=utf-8 abc",
  ],
  ["formData", FORM_TYPE, FORM, "one x.txt text/plain content"],
  ["formData", URLENCODED_TYPE, "a=b+c%21", "b c!"],
  ["formData", URLENCODED_TYPE, "", "null"],
];

for (const [kind, made] of Object.entries(KINDS)) {
  for (const [method, fields, body, got] of ROWS) {
    Deno.test(`${method}: in ${kind}, ${fields.trim() || "no Content-Type"}, ${body.length} bytes, twice`, async () => {
      const handler = made(async (request) => {
        const first = await READERS[method]!(request);
        assertEquals(await READERS[method]!(request), first);
        assertEquals(await request.text(), body);
        await request.respond(200, first);
      });
      const { output, errors } = await converse([put(body.length, fields) + body], handler);
      assertEquals([output, errors], [response("200 OK", got), []]);
    });
  }
}

Deno.test("arrayBuffer: a copy, so that its transfer leaves the body", async () => {
  const { output } = await converse([put(3) + "abc"], async (request) => {
    (await request.arrayBuffer()).transfer();
    assertEquals((await request.arrayBuffer()).byteLength, 3);
    await request.respond(200, request.body);
  });
  assertEquals(output, response("200 OK", "abc"));
});

for (const method of ["arrayBuffer", "blob", "formData"] as const) {
  Deno.test(`${method}: after the stream was read, a TypeError of the handler's`, async () => {
    const { output, errors } = await converse(
      [put(3, URLENCODED_TYPE) + "a=b"],
      streaming(async (request) => {
        await request.stream.getReader().read();
        await request[method]();
      }),
    );
    assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
    assertInstanceOf(errors[0], TypeError);
  });

  Deno.test(`${method}: a body over maxBody is rejected with 413`, async () => {
    const { output, errors } = await converse(
      [put(3, URLENCODED_TYPE) + "a=b"],
      streaming(async (request) => {
        request.maxBody = 2;
        await request[method]();
      }),
    );
    const wanted = refused("413 Content Too Large", "The body must be at most 2 bytes long");
    assertEquals([output, errors], [wanted, []]);
  });

  Deno.test(`${method}: the promise may be ignored`, async () => {
    const { output } = await converse([put(3) + "a=b"], async (request) => {
      void request[method]();
      await request.respond(200);
    });
    assertEquals(output, response("200 OK", ""));
  });
}

const BAD_FORM = refused(
  "400 Bad Request",
  "The body must be a form: multipart/form-data (RFC 7578) or application/x-www-form-urlencoded",
);

/** How a handler reads a body as a form, and lets the error pass. */
const FORM_READERS: { readonly [kind: string]: Handler } = {
  "a plain handler": async (request) => void await request.formData(),
  "a streaming handler": streaming(async (request) => void await request.formData()),
  "fetchHandler": fetchHandler(async (request) => {
    await request.formData();
    return new Response();
  }),
};

/** Bodies that are no forms. */
const NO_FORMS: readonly (readonly [fields: string, body: string])[] = [
  [FORM_TYPE, ""],
  [FORM_TYPE, "nonsense"],
  ["Content-Type: multipart/form-data\r\n", FORM],
  ["Content-Type: application/json\r\n", "{}"],
  ["", "a=b"],
];

for (const [kind, handler] of Object.entries(FORM_READERS)) {
  for (const [fields, body] of NO_FORMS) {
    Deno.test(`bad-form: ${kind} that lets ${JSON.stringify(body)} pass, ${fields.trim() || "no Content-Type"}: 400, and onReject hears`, async () => {
      const codes: string[] = [];
      const onReject = (error: HttpError) => void codes.push(error.code);
      const sent = put(body.length, fields) + body;
      const { output, errors } = await converse([sent], handler, { onReject });
      assertEquals([output, errors, codes], [BAD_FORM, [], ["bad-form"]]);
    });
  }
}

Deno.test("bad-form: the handler gets a TypeError that it can answer itself", async () => {
  const { output, errors } = await converse([put(1) + "a"], async (request) => {
    await assertRejects(() => request.formData(), TypeError);
    await request.respond(422, "sorry");
  });
  assertEquals([output, errors], [response("422 Unprocessable Content", "sorry"), []]);
});

Deno.test("bad-form: in fetchHandler, a body that was read before is the function's fault", async () => {
  const { output, errors } = await converse(
    [put(3, URLENCODED_TYPE) + "a=b"],
    fetchHandler(async (request) => {
      await request.text();
      await request.formData();
      return new Response();
    }),
  );
  assertEquals(output, refused("500 Internal Server Error", "Internal Server Error"));
  assert(errors[0] instanceof TypeError);
});
