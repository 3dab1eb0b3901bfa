/**
 * Makes the runtime poll its sockets.
 *
 * The runtime polls them when no task of its own is ready, or after 61 of these have run
 * (`DENO_TOKIO_EVENT_INTERVAL`). `setImmediate` keeps a task ready, so that turns of the event
 * loop delay a poll instead of bringing one. What brings one is to wait, with nothing else to
 * do, for something that only a poll can complete: here a byte from this process to itself,
 * over a pair of loopback sockets (8 µs, measured). Without the permission for such a pair, or
 * a descriptor, a timer does it, in 1 ms or more.
 */

/** The genuine ones: a program's test may replace the global ones by timers that do not run. */
const { setTimeout, clearTimeout } = globalThis;

/** Polls the sockets of the process. */
export class SocketPoll {
  #pair: SocketPair | null = null;
  /** The attempt to open a pair; kept when it has failed, so that it is made once. Null before it. */
  #opening: Promise<SocketPair> | null = null;
  #endWait: () => void = () => {};

  /** Whether a timer makes the poll. */
  get isSlow(): boolean {
    return this.#pair === null;
  }

  /** Resolves once the sockets have been polled. Never rejects. */
  async poll(): Promise<void> {
    this.#opening ??= this.#open();
    try {
      if (this.#pair === null) await this.#wait();
      else await this.#pair.exchange();
    } catch {
      // Closed meanwhile, or broken: the next poll opens another pair.
      this.close();
    }
  }

  /** Releases the sockets, and ends a poll in progress. */
  close(): void {
    this.#pair?.close();
    this.#pair = null;
    this.#opening = null;
    this.#endWait();
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 0);
      this.#endWait = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Without a pair a timer makes the polls, so a failure needs no report. */
  #open(): Promise<SocketPair> {
    const opening = SocketPair.open();
    opening.then((pair) => {
      // Closed meanwhile, or closed and opened anew.
      if (this.#opening === opening) this.#pair = pair;
      else pair.close();
    }, () => {});
    return opening;
  }
}

/** Two sockets of this process, connected with each other. */
class SocketPair {
  readonly #near: Deno.TcpConn;
  readonly #far: Deno.TcpConn;
  readonly #byte = new Uint8Array(1);
  readonly #received = new Uint8Array(1);

  private constructor(near: Deno.TcpConn, far: Deno.TcpConn) {
    this.#near = near;
    this.#far = far;
    near.setNoDelay(true);
  }

  static async open(): Promise<SocketPair> {
    if (!mayConnectToItself()) {
      throw new Deno.errors.NotCapable("No permission for a loopback socket");
    }
    using listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    using opened = new DisposableStack();
    const near = opened.use(await Deno.connect({ hostname: LOOPBACK, port }));
    const far = opened.use(await listener.accept());
    // Another process was faster: it must not be able to end our polls.
    if (!samePort(near.localAddr, far.remoteAddr)) {
      throw new Deno.errors.ConnectionRefused("Another process has used the listener");
    }
    opened.move();
    return new SocketPair(near, far);
  }

  /** Sends a byte to itself; resolves when it has come. */
  async exchange(): Promise<void> {
    const received = this.#far.read(this.#received);
    this.#near.write(this.#byte).catch(() => {});
    if (await received === null) throw new Deno.errors.UnexpectedEof();
  }

  close(): void {
    this.#near.close();
    this.#far.close();
  }
}

const LOOPBACK = "127.0.0.1";

function samePort(one: Deno.Addr, other: Deno.Addr): boolean {
  return (one as Deno.NetAddr).port === (other as Deno.NetAddr).port;
}

/** Whether the sockets need no prompt. */
function mayConnectToItself(): boolean {
  return Deno.permissions.querySync({ name: "net", host: LOOPBACK }).state === "granted";
}
