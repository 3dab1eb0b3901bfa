/** The pages of the entries: they name every option and every fault that the code knows. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { ClusterOptions } from "@asynchttp/server/cluster";
import { faulty, record } from "@asynchttp/server/testing";
import type { PlannedFault, RecordOptions } from "@asynchttp/server/testing";
import { upgradeWebSocket } from "@asynchttp/server/websocket";
import { resolveClusterOptions } from "../../src/cluster/options.ts";

function page(name: string): Promise<string> {
  return Deno.readTextFile(new URL(`../../docs/${name}`, import.meta.url));
}

/** The names that a check lists when it meets an unknown one. */
function knownNames(attempt: () => unknown): string[] {
  const { message } = assertThrows(attempt, TypeError, "known are ");
  return message.slice(message.indexOf("known are ") + "known are ".length).split(", ");
}

/** The names in the first words of the items of a list. */
function itemsOf(text: string): string[] {
  return [...text.matchAll(/^- `(\w+)`[ :]/gm)].map(([, name]) => name!);
}

Deno.test("docs/websocket.md: has every option of upgradeWebSocket", async () => {
  const request = new Request("http://localhost/");
  const names = knownNames(() => upgradeWebSocket(request, { x: 1 } as never));
  const [, section] = /^## Options\n([^]*?)^## /m.exec(await page("websocket.md"))!;
  // `protocol` is described with `protocols`.
  assertEquals([...itemsOf(section!), "protocol"].toSorted(), names.toSorted());
});

Deno.test("docs/cluster.md: has every option of cluster", async () => {
  const names = knownNames(() => resolveClusterOptions({ x: 1 } as unknown as ClusterOptions));
  const [, section] = /^## Options\n([^]*?)^## /m.exec(await page("cluster.md"))!;
  // `restartWindow` is described with `maxRestarts`.
  assertEquals([...itemsOf(section!), "restartWindow"].toSorted(), names.toSorted());
});

Deno.test("docs/testing.md: has every fault with its options", async () => {
  const { message } = assertThrows(() => faulty(() => {}, [{} as PlannedFault]), TypeError);
  const names = [...message.matchAll(/"([a-z-]+)"/g)].map(([, name]) => name!);
  assert(names.length > 5, message);
  const text = await page("testing.md");
  const documented = [...text.matchAll(/^- `\{ fault: "([a-z-]+)"(?:, (\w+))? \}`: /gm)];
  assertEquals(documented.map(([, name]) => name).toSorted(), names.toSorted());
  for (const [, fault, option] of documented) {
    const known = knownNames(() => faulty(() => {}, [{ fault, x: 1 } as unknown as PlannedFault]));
    const timing = ["fault", "probability", "burst", "times"];
    assertEquals(known.filter((name) => !timing.includes(name)), option ? [option] : []);
    for (const name of timing.slice(1)) assert(text.includes(`\n- \`${name}\` (`), name);
  }
});

Deno.test("docs/testing.md: has the options of record", async () => {
  const names = knownNames(() => record(fetch, { x: 1 } as RecordOptions));
  const text = await page("testing.md");
  for (const name of names) assert(text.includes(`\`${name}\``), name);
});
