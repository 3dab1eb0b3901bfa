/**
 * Finds the connection that has idled longest, to close it for a newcomer.
 *
 * A list kept in order would cost every request two moves, for something that only a full
 * server needs. A scan of all for each newcomer would cost a full server 100 µs. So a scan
 * takes the longest idle ones as a batch, and those that have not become busy since are used
 * up before the next scan.
 */
import type { Connection } from "../connection/connection.ts";

const BATCH = 64;

interface Candidate {
  readonly connection: Connection;
  readonly since: number;
}

/** The idle connections of a server, longest idle first. */
export class LongestIdle {
  readonly #connections: () => readonly Connection[];
  readonly #mayBeClosed: (connection: Connection) => boolean;
  /** The longest idle one is the last. */
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

  /** Closes the connection that has idled longest; false where none may be closed. */
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
      .filter(this.#mayBeClosed)
      .map((connection) => ({ connection, since: connection.idleSince }))
      .sort((one, other) => one.since - other.since)
      .slice(0, BATCH)
      .reverse();
    return this.#batch.at(-1);
  }
}

function isStillIdle({ connection, since }: Candidate): boolean {
  return connection.isIdle && connection.idleSince === since;
}
