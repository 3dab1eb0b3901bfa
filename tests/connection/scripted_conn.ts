/**
 * An in-memory connection that follows a script: what the client sends and when, and what
 * fails.
 *
 * It is stricter than a socket: a read first overwrites the whole buffer, which exposes any
 * view that is kept beyond the next read; and a write takes as few bytes as it is told.
 */
import { assert } from "@std/assert";
import { textOf } from "../fixtures.ts";

/**
 * What the client does next.
 *
 * - a string: sends these bytes (one byte a character).
 * - {@linkcode EOF}, {@linkcode RESET}, {@linkcode STALL}: half-closes, resets, sends nothing
 *   for ever.
 * - a promise: waits for it.
 */
export type Step = string | typeof EOF | typeof RESET | typeof STALL | Promise<unknown>;

export const EOF = Symbol("the client closes its side");
export const RESET = Symbol("the client resets the connection");
export const STALL = Symbol("the client sends nothing for ever");

const ADDRESS: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 8080 };
const CLIENT: Deno.NetAddr = { transport: "tcp", hostname: "192.0.2.1", port: 54_321 };

/** What goes wrong, besides what the client does. */
export interface Faults {
  /** Bytes that a write takes at the most. */
  writeAtMost?: number;
  /** Writes fail once so many bytes have been taken. */
  failAfter?: number;
  /** A write waits for this. */
  writeGate?: () => Promise<unknown>;
  /** Called with the bytes that a read has brought, before the reader is told. */
  delivered?: (bytes: string) => void;
}

/** A `Deno.Conn` that follows a script. */
export class ScriptedConn implements Deno.Conn {
  readonly localAddr = ADDRESS;
  readonly remoteAddr = CLIENT;
  /** One string for each write, one character a byte. */
  readonly writes: string[] = [];
  closed = false;
  writeClosed = false;
  /** How many writes there had been when Nagle's algorithm was switched off. */
  readonly noDelaySince: number[] = [];
  /** How many bytes were read. */
  bytesRead = 0;
  readonly #script: Step[];
  readonly #faults: Faults;
  readonly #ended = Promise.withResolvers<never>();
  #written = 0;

  constructor(script: readonly Step[], faults: Faults = {}) {
    this.#script = [...script];
    this.#faults = faults;
    this.#ended.promise.catch(() => {});
  }

  get output(): string {
    return this.writes.join("");
  }

  async read(into: Uint8Array): Promise<number | null> {
    into.fill(0xaa);
    await Promise.resolve();
    if (this.closed) throw new Deno.errors.BadResource("closed");
    const step = this.#script.shift();
    if (step === undefined || step === EOF) {
      this.#script.unshift(EOF);
      return null;
    }
    if (step === RESET) throw new Deno.errors.ConnectionReset("reset");
    if (step === STALL) return await this.#ended.promise;
    if (typeof step !== "string") {
      await Promise.race([step, this.#ended.promise]);
      return this.read(into);
    }
    return this.#deliver(step, into);
  }

  async write(bytes: Uint8Array): Promise<number> {
    const { writeAtMost = Infinity, failAfter = Infinity, writeGate } = this.#faults;
    if (this.closed) throw new Deno.errors.BadResource("closed");
    const count = Math.min(bytes.length, writeAtMost, failAfter - this.#written);
    if (count === 0 && bytes.length > 0) throw new Deno.errors.BrokenPipe("gone");
    const before = textOf(bytes.subarray(0, count));
    if (writeGate !== undefined) await Promise.race([writeGate(), this.#ended.promise]);
    // Bytes that change while they are written have two owners.
    const text = textOf(bytes.subarray(0, count));
    if (text !== before) throw new Error("The bytes were changed while they were being written");
    this.#written += count;
    this.writes.push(text);
    return count;
  }

  closeWrite(): Promise<void> {
    this.writeClosed = true;
    return Promise.resolve();
  }

  close(): void {
    if (this.closed) throw new Deno.errors.BadResource("closed twice");
    this.closed = true;
    this.#ended.reject(new Deno.errors.Interrupted("closed while reading"));
  }

  setNoDelay(on: boolean): void {
    assert(on);
    this.noDelaySince.push(this.writes.length);
  }

  ref(): void {}
  unref(): void {}

  get readable(): never {
    throw new Error("cancel() on it would close the socket: the server must not use it");
  }

  get writable(): never {
    throw new Error("The server writes through write()");
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #deliver(step: string, into: Uint8Array): number {
    const count = Math.min(step.length, into.length);
    for (let i = 0; i < count; i++) into[i] = step.charCodeAt(i);
    if (count < step.length) this.#script.unshift(step.slice(count));
    this.bytesRead += count;
    this.#faults.delivered?.(step);
    return count;
  }
}
