/**
 * Tests of servers without sockets, and of clients against servers that fail: an entry of its
 * own, for tests only.
 *
 * @example
 * ```ts
 * import { serveInMemory } from "@asynchttp/server/testing";
 *
 * await using server = serveInMemory((request) => request.respond(200, "hello"));
 * console.log(await (await server.fetch("/")).text()); // hello
 * ```
 *
 * @module
 */
export { InMemoryServer, serveInMemory } from "./src/testing/in_memory_server.ts";
export type { FetchInput } from "./src/testing/in_memory_fetch.ts";
export { ManualClock } from "./src/testing/manual_clock.ts";
export type { InMemoryConn } from "./src/testing/memory_conn.ts";
export { faulty } from "./src/testing/faulty.ts";
export type { Fault, PlannedFault } from "./src/testing/fault_plan.ts";
export type {
  Har,
  HarContent,
  HarEntry,
  HarMessage,
  HarPair,
  HarRequest,
  HarResponse,
} from "./src/testing/har.ts";
export {
  type Exchanging,
  record,
  type Recording,
  type RecordOptions,
} from "./src/testing/record.ts";
export { replay, type ReplayOptions } from "./src/testing/replay.ts";
