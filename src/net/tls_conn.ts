/**
 * TLS over a connection that this module has accepted itself, by Deno's own `node:tls`.
 *
 * `Deno.TlsConn.close()` leaves the socket open while the handshake is unfinished or a write
 * is pending (Deno 2.9.6): 200 silent peers kept 200 descriptors for as long as they liked.
 * Here the TCP connection is at hand, and closing it closes the socket, whatever TLS is
 * waiting for. `Deno.startTls` would do the same, but is for clients only.
 */
import { Duplex } from "node:stream";
import tls from "node:tls";
import type { ByteConn } from "./stream_conn.ts";

const READ_BYTES = 16_384;

/** The bytes of a TCP connection as `node:tls` takes them. */
function duplexOf(conn: Deno.Conn): Duplex {
  return new Duplex({
    async read() {
      try {
        const bytes = new Uint8Array(READ_BYTES);
        const count = await conn.read(bytes);
        this.push(count === null ? null : bytes.subarray(0, count));
      } catch (error) {
        this.destroy(error as Error);
      }
    },
    write(bytes: Uint8Array, _encoding, done) {
      writeAll(conn, bytes).then(() => done(), done);
    },
    final(done) {
      conn.closeWrite().then(() => done(), () => done());
    },
  });
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
}

/** The server's end of a TLS connection. */
export class TlsConn implements ByteConn {
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;
  readonly #conn: Deno.Conn;
  readonly #socket: tls.TLSSocket;
  readonly #secured = Promise.withResolvers<void>();
  /** The part of a record that did not fit into the buffer of the last read. */
  #rest = new Uint8Array(0);
  /** Settles the read in flight. */
  #reading: PromiseWithResolvers<void> | null = null;
  #failure: unknown = null;
  #ended = false;

  constructor(conn: Deno.Conn, secureContext: tls.SecureContext, alpnProtocols: string[]) {
    this.#conn = conn;
    this.localAddr = conn.localAddr;
    this.remoteAddr = conn.remoteAddr;
    this.#secured.promise.catch(() => {});
    const options = { isServer: true, secureContext, ALPNProtocols: alpnProtocols };
    // The declared type of the first argument is narrower than what node:tls takes.
    this.#socket = new tls.TLSSocket(duplexOf(conn) as never, options);
    this.#socket.allowHalfOpen = true;
    this.#listen();
  }

  /** Resolves when the handshake is complete. That it exists tells that the scheme is https. */
  handshake(): Promise<void> {
    return this.#secured.promise;
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const record: Uint8Array | null = this.#socket.read();
      if (record !== null) this.#rest = new Uint8Array(record);
      else if (this.#failure !== null) throw this.#failure;
      else if (this.#ended) return null;
      else await (this.#reading = Promise.withResolvers()).promise;
    }
    const count = Math.min(into.length, this.#rest.length);
    into.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  /** Resolves when TCP has taken the records. */
  write(bytes: Uint8Array): Promise<number> {
    return this.#settled((done) => this.#socket.write(bytes, done), bytes.length);
  }

  /** Sends `close_notify`, and ends the write side of TCP. */
  async closeWrite(): Promise<void> {
    await this.#settled((done) => this.#socket.end(done), 0);
  }

  /** Closes the socket at once: a handshake or a write that waits for the peer does not delay it. */
  close(): void {
    this.#conn.close();
    this.#fail(new Deno.errors.Interrupted("The connection was closed"));
    this.#socket.destroy();
  }

  #listen(): void {
    this.#socket.on("secure", () => this.#secured.resolve());
    this.#socket.on("readable", () => this.#wake());
    this.#socket.on("end", () => {
      this.#ended = true;
      this.#wake();
    });
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("close", () => this.#fail(new Deno.errors.ConnectionReset("TLS was closed")));
  }

  #settled(act: (done: (error?: Error | null) => void) => void, value: number): Promise<number> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#onFailure.add(reject);
    act((error) => {
      this.#onFailure.delete(reject);
      if (error) reject(error);
      else resolve(value);
    });
    return promise;
  }

  /** Rejects the writes in flight: `node:tls` calls nothing back once it was destroyed. */
  readonly #onFailure = new Set<(reason: unknown) => void>();

  #fail(reason: unknown): void {
    if (this.#ended && this.#onFailure.size === 0) return;
    this.#failure ??= reason;
    this.#secured.reject(this.#failure);
    for (const reject of this.#onFailure) reject(this.#failure);
    this.#onFailure.clear();
    this.#wake();
  }

  #wake(): void {
    this.#reading?.resolve();
    this.#reading = null;
  }
}
