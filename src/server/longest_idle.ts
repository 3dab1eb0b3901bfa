/**
 * Finds the connection that has idled longest, to close it for a new one.
 *
 * A list kept in order would cost every request two moves, although only a full server needs
 * it. A scan for each new connection would cost a full server 100 µs. So one scan takes the
 * longest-idle connections as a batch, and the next scan waits until the batch is used up;
 * those that have become busy meanwhile are skipped.
 */
import type { Connection } from "../connection/connection.ts";

/** Connections that one scan takes. */
const MAX_BATCH = 64;

interface Candidate {
  readonly connection: Connection;
  readonly since: number;
}

/** The idle connections of a server, longest idle first. */
export class LongestIdle {
  readonly #connections: () => readonly Connection[];
  readonly #mayBeClosed: (connection: Connection) => boolean;
  /** In reverse order: the longest-idle connection is the last. */
  #batch: Candidate[] = [];

  constructor(
    connections: () => readonly Connection[],
    mayBeClosed: (connection: Connection) => boolean,
  ) {
    this.#connections = connections;
    this.#mayBeClosed = mayBeClosed;
  }

  /** Whether there is a connection that may be closed. */
  get exists(): boolean {
    return this.#find() !== undefined;
  }

  /** Closes the connection that has idled longest; returns `false` if none may be closed. */
  close(): boolean {
    const found = this.#find();
    found?.connection.closeIfIdle();
    return found !== undefined;
  }

  #find(): Candidate | undefined {
    return this.#top() ?? this.#scan();
  }

  #top(): Candidate | undefined {
    while (this.#batch.length > 0) {
      const candidate = this.#batch.at(-1)!;
      if (isStillIdle(candidate)) return candidate;
      this.#batch.pop();
    }
  }

  #scan(): Candidate | undefined {
    this.#batch = this.#connections()
      .filter((connection) => isOpen(connection) && this.#mayBeClosed(connection))
      .map((connection) => ({ connection, since: connection.idleSince }))
      .sort((one, other) => one.since - other.since)
      .slice(0, MAX_BATCH)
      .reverse();
    return this.#batch.at(-1);
  }
}

/** A connection that was closed while idle stays in the idle phase. */
function isOpen({ transport }: Connection): boolean {
  return !transport.closed;
}

function isStillIdle({ connection, since }: Candidate): boolean {
  return isOpen(connection) && connection.isIdle && connection.idleSince === since;
}
