/** What a server is put under, and what it must answer. */

/** Requests, over how many connections, and the answer to each. */
export interface Load {
  /** Sent in one write. */
  readonly request: Uint8Array<ArrayBuffer>;
  /** How many requests these are. */
  readonly pipelined: number;
  readonly connections: number;
  /** Does the server close behind each answer? */
  readonly closes: boolean;
  readonly answer: Expected;
}

/** What every answer must be: its text where it is short, its length where it is not. */
export interface Expected {
  readonly status: number;
  readonly content: string | number;
}

/** Bytes of the content. */
export function lengthOf({ content }: Expected): number {
  return typeof content === "string" ? content.length : content;
}

/** What came of a load. */
export interface Driven {
  /** Answers, all of them right. */
  readonly answered: number;
  readonly seconds: number;
  /** The 99th percentile of the latencies in milliseconds, from the time at which each request was due. */
  readonly p99?: number;
}

/** What a process of the generator's is told; as JSON, its only argument. */
export interface Plan {
  readonly port: number;
  /** The file that holds the request. */
  readonly requestFile: string;
  readonly pipelined: number;
  readonly connections: number;
  readonly closes: boolean;
  readonly status: number;
  readonly length: number;
  readonly seconds: number;
  /** Requests a second that are sent on time, whatever the server does; null to send as fast as it answers. */
  readonly rate: number | null;
}
