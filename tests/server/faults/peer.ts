/**
 * A client that does what no library would: it resets, half-closes and falls silent at any
 * point, over TCP and over TLS. On `node:net`, which alone can reset a connection.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import tls from "node:tls";
import { soon, textOf } from "../../fixtures.ts";

/** A certificate and its key, in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** How a client connects: the port, and the server's certificate, where it speaks TLS. */
export interface Route {
  readonly port: number;
  readonly certificate: Certificate | null;
}

/** How a client's handshake differs from the usual one. */
export type Handshake = Pick<
  tls.ConnectionOptions,
  "ALPNProtocols" | "servername" | "maxVersion" | "cert" | "key"
>;

/** One client. It reads nothing unless it is told to. */
export class Peer implements Disposable {
  /** The TCP connection. */
  readonly socket: Socket;
  /** What requests are sent over: the same, or TLS on it. */
  readonly stream: Socket;
  /** How many bytes it has read. */
  received = 0;

  private constructor(socket: Socket, stream: Socket) {
    this.socket = socket;
    this.stream = stream;
    for (const each of [socket, stream]) each.on("error", () => {});
  }

  /** Connects, with a handshake where the server speaks TLS. */
  static async connect(route: Route, handshake: Handshake = {}): Promise<Peer> {
    const peer = await Peer.tcp(route);
    if (route.certificate === null) return peer;
    const { socket } = peer;
    const ca = route.certificate.cert;
    const secured = tls.connect({ socket, ca, servername: "localhost", ...handshake });
    const settled = Promise.withResolvers<void>();
    for (const event of ["secureConnect", "error", "close"]) secured.once(event, settled.resolve);
    await settled.promise;
    return new Peer(socket, secured);
  }

  /** Connects over TCP only. */
  static async tcp({ port }: Route): Promise<Peer> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    await once(socket, "connect");
    return new Peer(socket, socket);
  }

  /** Sends bytes, one a character. Does not wait for a server that does not read. */
  async send(text: string): Promise<void> {
    this.stream.write(text, "latin1");
    await soon();
  }

  /** Sends a text up to so many times, for as long as the server takes it. */
  async flood(text: string, times: number): Promise<void> {
    for (let i = 0; i < times && this.stream.writable; i++) {
      if (!this.stream.write(text, "latin1")) await soon();
      if (this.stream.writableLength > 1_000_000) return;
    }
  }

  /** Sends bytes of its own past TLS. */
  async sendPlain(bytes: Uint8Array): Promise<void> {
    this.socket.write(bytes);
    await soon();
  }

  /** Reads a byte now and then. */
  async readSlowly(): Promise<void> {
    for (let i = 0; i < 20; i++) {
      this.stream.read(1);
      await soon();
    }
  }

  /** Reads until something has arrived, or for some turns of the event loop. */
  async readSome(): Promise<void> {
    const before = this.received;
    for (let i = 0; i < 10 && this.received === before; i++) {
      this.received += this.stream.read()?.length ?? 0;
      await soon();
    }
  }

  /** Reads to the end, one character a byte. */
  async text(): Promise<string> {
    let text = "";
    for await (const piece of this.stream) text += textOf(piece);
    return text;
  }

  /** Reads whatever comes, to the end. */
  readAll(): void {
    this.stream.resume();
  }

  /** Closes its side: over TLS without `close_notify`. */
  async closeSide(): Promise<void> {
    this.socket.end();
    await soon();
  }

  /** Resets the connection. */
  async reset(): Promise<void> {
    this.socket.resetAndDestroy();
    await soon();
  }

  [Symbol.dispose](): void {
    this.stream.destroy();
    this.socket.destroy();
  }
}
