/**
 * Pings a silent peer, and gives one up that stays silent.
 *
 * A peer whose machine or network has gone sends nothing, not even an end: without pings its
 * socket would stay open for ever. Any byte counts as a sign of life.
 */
import type { Clock, Subscriber } from "../net/clock.ts";
import { Deadline } from "../net/deadline.ts";

/** What a heartbeat watches. */
export interface Peer {
  /** How many bytes it has sent. */
  bytesIn(): number;
  /** Sends it a ping. */
  ping(): void;
  /** Ends its connection. */
  giveUp(): void;
}

/** Starts to watch `peer` for silences of `ms` milliseconds; the returned function ends it. */
export function startHeartbeat(clock: Clock, ms: number, peer: Peer): () => void {
  const subscription = clock.subscribe(new Heartbeat(ms, peer));
  return () => clock.unsubscribe(subscription);
}

class Heartbeat implements Subscriber {
  readonly #ms: number;
  readonly #peer: Peer;
  readonly #deadline = new Deadline();
  #bytesSeen = -1;
  #pinged = false;

  constructor(ms: number, peer: Peer) {
    this.#ms = ms;
    this.#peer = peer;
  }

  tick(now: number): void {
    this.#noteBytes();
    if (!this.#deadline.isOver(now)) return;
    if (this.#pinged) return this.#peer.giveUp();
    this.#pinged = true;
    this.#deadline.set(this.#ms);
    this.#deadline.isOver(now);
    this.#peer.ping();
  }

  #noteBytes(): void {
    const bytes = this.#peer.bytesIn();
    if (bytes === this.#bytesSeen) return;
    this.#bytesSeen = bytes;
    this.#pinged = false;
    this.#deadline.set(this.#ms);
  }
}
