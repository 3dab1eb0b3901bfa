/** Protocols that have taken a connection over: told when the server closes, forgotten when done. */
import { assertEquals } from "@std/assert";
import { HandedOver } from "../../src/connection/handed_over.ts";
import { settle } from "./harness.ts";

/** A successor that notes what it is told. */
function successor(notes: string[], name: string) {
  const { promise: done, resolve } = Promise.withResolvers<void>();
  return {
    done,
    end: resolve,
    close: () => void notes.push(`close ${name}`),
    destroy: () => void notes.push(`destroy ${name}`),
  };
}

Deno.test("HandedOver: closes those that are open, and those that come later, once each", async () => {
  const notes: string[] = [];
  const handedOver = new HandedOver();
  const [a, b, c] = ["a", "b", "c"].map((name) => successor(notes, name));
  handedOver.add(a!);
  handedOver.add(b!);
  assertEquals(handedOver.values().length, 2);
  a!.end();
  await settle();
  assertEquals(handedOver.values(), [b!]);
  handedOver.close();
  assertEquals(notes, ["close b"]);
  handedOver.add(c!);
  assertEquals(notes, ["close b", "close c"]);
  b!.end();
  c!.end();
  await settle();
  assertEquals(handedOver.values(), []);
});
