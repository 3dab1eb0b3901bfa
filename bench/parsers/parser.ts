/** The interface that the compared parsers share. */

/** A field as received. */
export type Field = readonly [name: string, value: string];

/** A parser that reads one request after another. */
export interface Parser {
  /** The number of requests read to their end. */
  readonly complete: number;
  /** Converts bytes into the form that `feed` takes; not part of the measured time. */
  prepare(bytes: Uint8Array): Uint8Array;
  /** Parses more bytes. */
  feed(bytes: Uint8Array): void;
  /** All fields of the last request, as strings. */
  fields(): readonly Field[];
}
