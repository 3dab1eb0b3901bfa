/** Whether a connection persists: every combination of what was sent, what was read, and what both sides want. */
import { assertEquals } from "@std/assert";
import { nextStep, responseMayPersist } from "../../src/connection/keep_alive.ts";
import type { NextStep } from "../../src/connection/keep_alive.ts";
import type { ReadPosition } from "../../src/connection/request_reader.ts";
import { RESPONSE_TRANSITIONS } from "../../src/connection/response_state.ts";
import type { ResponseState } from "../../src/connection/response_state.ts";

const STATES = Object.keys(RESPONSE_TRANSITIONS) as ResponseState[];

/** What follows a response that is sent whole, where both sides want to go on. */
const ANSWERED: { readonly [position in ReadPosition]: NextStep } = {
  head: "close",
  body: "drain",
  done: "reuse",
  raw: "close",
  failed: "close",
};
const POSITIONS = Object.keys(ANSWERED) as ReadPosition[];

Deno.test("RFC 9112, 9.3: only a whole response that both sides want to persist is followed by a request", () => {
  for (const state of STATES) {
    for (const position of POSITIONS) {
      for (const persistent of [true, false]) {
        const goesOn = state === "answered" && persistent ? ANSWERED[position] : "close";
        const expected = state === "hijacked" ? "detach" : goesOn;
        assertEquals(nextStep(state, position, persistent), expected, `${state}, ${position}`);
      }
    }
  }
});

Deno.test("RFC 9112, 9.3: a head promises to persist where the rest of the request is read or can be dropped", () => {
  const allowed = POSITIONS.flatMap((position) =>
    [true, false].filter((isDrainable) => responseMayPersist(position, isDrainable))
      .map((isDrainable) => `${position}, ${isDrainable}`)
  );
  assertEquals(allowed, ["body, true", "done, true", "done, false"]);
});
