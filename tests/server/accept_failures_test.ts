/** Accepts that fail: how long the loop waits, and what is reported. */
import { assertEquals } from "@std/assert";
import { AcceptFailures } from "../../src/server/accept_failures.ts";
import { standIn } from "../systems.ts";

function withCode(code: string | undefined): Error {
  // Deno has no code for ENFILE.
  return Object.assign(new Error("Too many open files in system (os error 23)"), code && { code });
}

/** Failures at given times, and the lines that are reported. */
function reports(code: string | undefined, times: readonly number[]): string[] {
  let now = 0;
  const lines: string[] = [];
  const failures = new AcceptFailures(
    (error) => void lines.push((error as Error).stack!),
    () => now,
  );
  for (now of times) failures.add(withCode(code));
  return lines;
}

Deno.test("the waits double up to a second, and start over after an accept", () => {
  const failures = new AcceptFailures(() => {}, () => 0);
  const waits = () => Array.from({ length: 10 }, () => failures.add(new Error("system")));
  const expected = [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000];
  assertEquals(waits(), expected);
  failures.reset();
  assertEquals(waits(), expected);
});

Deno.test("hardening 48: Windows has no ulimit to raise", () => {
  using _ = standIn("windows");
  assertEquals(reports("EMFILE", [0]), [
    "Error: No descriptors left, accepting again in 5 ms (once): set maxConnections",
  ]);
});

Deno.test("hardening 48: one line a second, with a count and without a stack", () => {
  using _ = standIn("linux");
  assertEquals(reports("EMFILE", [0, 1, 500, 999, 1000, 1001, 2500]), [
    "Error: No descriptors left, accepting again in 5 ms (once): raise ulimit -n or set maxConnections",
    "Error: No descriptors left, accepting again in 80 ms (4 times): raise ulimit -n or set maxConnections",
    "Error: No descriptors left, accepting again in 320 ms (2 times): raise ulimit -n or set maxConnections",
  ]);
});

Deno.test("hardening 48: what is missing is named", () => {
  assertEquals(reports(undefined, [0])[0]!.slice(0, 27), "Error: No descriptors left,");
  for (const code of ["ENOMEM", "ENOBUFS"]) {
    assertEquals(reports(code, [0]), [
      "Error: No memory for sockets left, accepting again in 5 ms (once): set maxConnections",
    ]);
  }
});
