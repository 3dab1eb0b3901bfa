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

/** Bytes that TCP is read into: few while little comes, since an idle connection keeps its buffer. */
const MIN_READ_BYTES = 1024;
const MAX_READ_BYTES = 65_536;

/**
 * Bytes that `node:tls` is given to encrypt at a time. It takes all of a write into memory, and
 * tells only when TCP has the last of it: a client at 10 KB/s would seem to have stalled
 * within a response of a megabyte, and 300 such clients would hold it 300 times.
 */
const MAX_WRITE_BYTES = 65_536;

/**
 * The bytes of a TCP connection as `node:tls` takes them.
 *
 * Reads TCP only when `wanted` resolves: `node:tls` reads on without bound while its own reader
 * pauses (Deno 2.9.6; one upload that no handler read took 655 MB).
 */
function duplexOf(conn: ByteConn, wanted: () => Promise<void>): Duplex {
  let size = MIN_READ_BYTES;
  return new Duplex({
    async read() {
      try {
        await wanted();
        const bytes = new Uint8Array(size);
        const count = await conn.read(bytes);
        size = count === size ? Math.min(4 * size, MAX_READ_BYTES) : MIN_READ_BYTES;
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

async function writeAll(conn: ByteConn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
}

/** The parts of a fatal alert (RFC 8446, 6; RFC 7301, 3.2). */
const ALERT = 21;
const TLS_1_2 = [3, 3];
const FATAL = 2;
const HANDSHAKE_FAILURE = 40;
const NO_APPLICATION_PROTOCOL = 120;

/** The server's end of a TLS connection. */
export class TlsConn implements ByteConn {
  readonly #conn: ByteConn;
  readonly #socket: tls.TLSSocket;
  readonly #secured = Promise.withResolvers<void>();
  /** The part of a record that did not fit into the buffer of the last read. */
  #rest = new Uint8Array(0);
  /** Resolves the reads in flight. */
  #reading: PromiseWithResolvers<void> | null = null;
  /** Lets TCP be read once the next read waits for a record. */
  #wanted: PromiseWithResolvers<void> | null = null;
  #isSecured = false;
  #failure: unknown = null;
  #ended = false;

  constructor(conn: ByteConn, secureContext: tls.SecureContext, alpnProtocols: string[]) {
    this.#conn = conn;
    this.#secured.promise.catch(() => {});
    const options = { isServer: true, secureContext, ALPNProtocols: alpnProtocols };
    // The declared type of the first argument is narrower than what node:tls takes.
    this.#socket = new tls.TLSSocket(
      duplexOf(conn, () => this.#readWanted()) as never,
      options,
    );
    this.#socket.allowHalfOpen = true;
    this.#listen();
  }

  get localAddr(): Deno.Addr {
    return this.#conn.localAddr;
  }

  get remoteAddr(): Deno.Addr {
    return this.#conn.remoteAddr;
  }

  /** Part of {@linkcode ByteConn}. */
  get peerAddr(): Deno.Addr | undefined {
    return this.#conn.peerAddr;
  }

  /** Part of {@linkcode ByteConn}: the header comes before the handshake. */
  proxyHeader(): Promise<void> | undefined {
    return this.#conn.proxyHeader?.();
  }

  /** Resolves when the handshake is complete. `Connection` takes the presence of this method as the sign of https. */
  handshake(): Promise<void> {
    return this.#secured.promise;
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const record: Uint8Array | null = this.#socket.read();
      if (record !== null) this.#rest = new Uint8Array(record);
      else if (this.#failure !== null) throw this.#failure;
      else if (this.#ended) return null;
      else await this.#readable();
    }
    const count = Math.min(into.length, this.#rest.length);
    into.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  /** Writes the beginning of `bytes`; resolves to its length when TCP has taken the records. */
  write(bytes: Uint8Array): Promise<number> {
    const part = bytes.subarray(0, MAX_WRITE_BYTES);
    return this.#settled((done) => this.#socket.write(part, done), part.length);
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
    this.#socket.on("secure", () => {
      this.#isSecured = true;
      this.#secured.resolve();
    });
    this.#socket.on("readable", () => this.#wake());
    this.#socket.on("end", () => {
      this.#ended = true;
      this.#wake();
    });
    this.#socket.on("error", (error: Error & { code?: string }) => {
      if (!this.#isSecured) this.#sendAlert(error);
      this.#fail(error);
    });
    // A record that cannot be decrypted is no "error" to `node:tls`, which reads on for ever and
    // keeps what it reads (Deno 2.9.6; one connection took 1.6 GB in 5 s).
    this.#socket.on("_tlsError", (error: Error) => this.#fail(error));
    this.#socket.on("close", () => this.#fail(new Deno.errors.ConnectionReset("TLS was closed")));
  }

  /**
   * Tells the peer that the handshake has failed (RFC 8446, 6.2): `node:tls` closes without a
   * word. Unencrypted, as most handshakes fail with the ClientHello, before there are keys.
   */
  #sendAlert({ code }: { code?: string }): void {
    const isAlpn = code === "ERR_SSL_NO_APPLICATION_PROTOCOL";
    const description = isAlpn ? NO_APPLICATION_PROTOCOL : HANDSHAKE_FAILURE;
    const alert = Uint8Array.of(ALERT, ...TLS_1_2, 0, 2, FATAL, description);
    this.#conn.write(alert).catch(() => {});
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

  /** After the client's end the socket closes in order: no failure, unless a write waits. */
  #fail(reason: unknown): void {
    if (this.#ended && this.#onFailure.size === 0) return;
    this.#failure ??= reason;
    this.#secured.reject(this.#failure);
    for (const reject of this.#onFailure) reject(this.#failure);
    this.#onFailure.clear();
    this.#wake();
  }

  /** Waits for a record, or for the end. */
  #readable(): Promise<void> {
    this.#reading ??= Promise.withResolvers();
    this.#wanted?.resolve();
    this.#wanted = null;
    return this.#reading.promise;
  }

  /** Resolves when a read waits; at once during the handshake, which nothing else drives. */
  #readWanted(): Promise<void> {
    if (!this.#isSecured || this.#reading !== null) return Promise.resolve();
    return (this.#wanted ??= Promise.withResolvers()).promise;
  }

  #wake(): void {
    this.#reading?.resolve();
    this.#reading = null;
  }
}
