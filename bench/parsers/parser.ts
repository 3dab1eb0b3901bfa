/** What is common to the parsers that are compared. */

/** A field as it was sent. */
export type Field = readonly [name: string, value: string];

/** A parser that reads one request after another. */
export interface Parser {
  /** How many requests it has read to their end. */
  readonly complete: number;
  /** The bytes in the form that it takes; made before the time is taken. */
  prepare(bytes: Uint8Array): Uint8Array;
  /** Reads on. */
  feed(bytes: Uint8Array): void;
  /** All fields of the last request, as strings. */
  fields(): readonly Field[];
}
