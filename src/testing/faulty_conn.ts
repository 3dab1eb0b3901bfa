/**
 * A connection whose one response is damaged on its way to the client.
 *
 * The handler responds over it as over any other, so that the damage is done to the very bytes
 * that the client would have received.
 */
import type { ByteConn } from "../net/stream_conn.ts";
import { encodeChunkSize } from "../wire/chunked.ts";
import { WriteBuffer } from "../wire/write_buffer.ts";
import type { Fault } from "./fault_plan.ts";
import { ResponseReader } from "./response_reader.ts";

/** Waits for so many milliseconds of the server's time. */
export type Pause = (ms: number) => Promise<void>;

/** A fault that is done to bytes. */
export type ByteFault = Exclude<Fault, { fault: "delay" | "unavailable" }>;

/** Delivers `request`, and then what arrives; damages what is sent. */
export class FaultyConn implements ByteConn {
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;
  readonly #conn: Deno.Conn;
  readonly #method: string;
  readonly #fault: ByteFault;
  readonly #pause: Pause;
  #request: Uint8Array;
  /** Bytes of the response that the client has been sent. */
  #sent = 0;
  /** The response so far, where all of it is needed. */
  readonly #held = new WriteBuffer();

  constructor(
    conn: Deno.Conn,
    request: Uint8Array,
    method: string,
    fault: ByteFault,
    pause: Pause,
  ) {
    this.localAddr = conn.localAddr;
    this.remoteAddr = conn.remoteAddr;
    this.#conn = conn;
    this.#request = request;
    this.#method = method;
    this.#fault = fault;
    this.#pause = pause;
  }

  async read(into: Uint8Array): Promise<number | null> {
    if (this.#request.length === 0) return await this.#conn.read(into);
    const count = Math.min(into.length, this.#request.length);
    into.set(this.#request.subarray(0, count));
    this.#request = this.#request.subarray(count);
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const fault = this.#fault;
    switch (fault.fault) {
      case "dribble":
        await this.#dribble(bytes, fault.ms ?? 0);
        break;
      case "cut":
        if (await this.#sendsAll(bytes, fault.afterBytes)) this.#cut();
        break;
      case "silence":
        if (await this.#sendsAll(bytes, fault.afterBytes ?? 0)) await this.#untilClientGoes();
        break;
      default:
        this.#held.copy(bytes);
    }
    return bytes.length;
  }

  async closeWrite(): Promise<void> {
    const fault = this.#fault;
    if (fault.fault === "cut-chunk" || fault.fault === "wrong-length") {
      await this.#conn.write(await damaged(this.#held.take(), this.#method, fault));
    }
    await this.#conn.closeWrite();
  }

  close(): void {
    this.#conn.close();
  }

  async #dribble(bytes: Uint8Array, ms: number): Promise<void> {
    for (let at = 0; at < bytes.length; at++) {
      await this.#conn.write(bytes.subarray(at, at + 1));
      await this.#pause(ms);
    }
  }

  /** Sends what is left of the first `limit` bytes of the response; true when that is all of them. */
  async #sendsAll(bytes: Uint8Array, limit: number): Promise<boolean> {
    const part = bytes.subarray(0, limit - this.#sent);
    this.#sent += part.length;
    if (part.length > 0) await this.#conn.write(part);
    return this.#sent === limit;
  }

  #cut(): never {
    this.#conn.close();
    throw new Deno.errors.ConnectionReset("The connection was cut, as planned");
  }

  async #untilClientGoes(): Promise<never> {
    const buffer = new Uint8Array(1024);
    while (await this.#conn.read(buffer) !== null);
    this.#cut();
  }
}

/** A fault that is done to the response as a whole. */
type WholeFault = Extract<Fault, { fault: "cut-chunk" | "wrong-length" }>;

/** Returns the response with a framing that does not fit its content. */
async function damaged(
  response: Uint8Array,
  method: string,
  fault: WholeFault,
): Promise<Uint8Array> {
  const { status, statusText, fields, content } = await read(response, method);
  const framing = fault.fault === "cut-chunk"
    ? "Transfer-Encoding: chunked"
    : `Content-Length: ${Math.max(0, content.length + fault.by)}`;
  const lines = [
    `HTTP/1.1 ${status} ${statusText}`,
    ...fields.filter(([name]) => !FRAMING.test(name)).map(([name, value]) => `${name}: ${value}`),
    framing,
  ];
  const out = new WriteBuffer();
  out.latin1(`${lines.join("\r\n")}\r\n\r\n`);
  if (fault.fault === "wrong-length") {
    out.copy(content);
  } else {
    // A chunk that announces all of the content, and brings half of it.
    encodeChunkSize(out, Math.max(1, content.length));
    out.copy(content.subarray(0, content.length >> 1));
  }
  return out.take();
}

const FRAMING = /^(?:content-length|transfer-encoding)$/i;

async function read(bytes: Uint8Array, method: string) {
  let rest = bytes;
  const reader = new ResponseReader({
    read(into) {
      const count = Math.min(rest.length, into.length);
      into.set(rest.subarray(0, count));
      rest = rest.subarray(count);
      return Promise.resolve(count === 0 ? null : count);
    },
  });
  // Interim responses are left out: what is damaged is the final one.
  let response = await reader.next(method);
  while (response.status < 200) response = await reader.next(method);
  return { ...response, content: await new Response(response.content).bytes() };
}
