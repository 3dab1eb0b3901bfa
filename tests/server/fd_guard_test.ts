/** The guard: each source of its count, and which waiter wakes when. */
import { assert, assertEquals } from "@std/assert";
import { Clock } from "../../src/net/clock.ts";
import {
  descriptorCounter,
  descriptorLimit,
  FdGuard,
  maxDescriptorsFallback,
} from "../../src/server/fd_guard.ts";
import { standIn } from "../systems.ts";
import { run, testWith } from "./tools.ts";

function guard(options: Partial<ConstructorParameters<typeof FdGuard>[0]> = {}): FdGuard {
  return new FdGuard({ maxConnections: Infinity, clock: new Clock(), ...options });
}

Deno.test("a negative number of assumed descriptors: always accepts, as the original does", () => {
  const full = guard({ maxFDs: 10, maxConnections: 1, countDescriptors: () => 1000 });
  full.opened();
  assert(full.admits(-1));
  assert(!full.admits(0));
});

Deno.test("descriptors in use and those assumed must stay below maxFDs", () => {
  const counted = guard({ maxFDs: 30, countDescriptors: () => 24 });
  assert(counted.admits(5));
  assert(!counted.admits(6));
});

Deno.test("opens and closes update a count of the user's own", () => {
  let calls = 0;
  const counted = guard({
    maxFDs: 10_000,
    countDescriptors: () => {
      calls++;
      return 5000;
    },
  });
  for (let i = 0; i < 1000; i++) {
    assert(counted.admits(5));
    counted.opened();
  }
  assertEquals(calls, 1);
});

Deno.test("near the limit it counts again, which shows descriptors that others closed", () => {
  let files = 90;
  const counted = guard({ maxFDs: 100, countDescriptors: () => files });
  assert(!counted.admits(10));
  files = 20;
  assert(counted.admits(10));
});

Deno.test("near a high limit each call costs a bounded part of a count", () => {
  let calls = 0;
  const counted = guard({
    maxFDs: 20_000,
    countDescriptors: () => {
      calls++;
      return 19_990;
    },
  });
  for (let i = 0; i < 7900; i++) counted.admits(5);
  // 19,990 entries at 256 a question: every 79th question counts.
  assertEquals(calls, 100);
});

Deno.test("a count that fails means that the table is full", () => {
  let full = true;
  const counted = guard({
    maxFDs: 100,
    countDescriptors: () => {
      if (full) throw new Error("Too many open files");
      return 50;
    },
  });
  assert(!counted.admits(5));
  full = false;
  assert(counted.admits(5));
});

Deno.test("maxConnections includes connections that are being accepted", () => {
  const two = guard({ maxConnections: 2 });
  two.opened();
  assert(two.hasSlot());
  two.opened();
  assert(!two.hasSlot() && !two.admits(0));
  two.closed();
  assert(two.hasSlot());
});

Deno.test("a waiter wakes at the close that makes room, and at no other", async () => {
  const clock = new Clock();
  const one = guard({ maxConnections: 1, clock });
  await one.until(() => one.hasSlot());
  one.opened();
  one.opened();
  let woken = 0;
  const waiting = one.until(() => one.hasSlot()).then(() => woken++);
  one.closed();
  await Promise.resolve();
  assertEquals(woken, 0);
  one.closed();
  await waiting;
  assertEquals(clock.size, 0);
});

Deno.test("files that others close wake a waiter at the next tick", async () => {
  const clock = new Clock();
  let files = 100;
  const counted = guard({ maxFDs: 100, clock, countDescriptors: () => files });
  const waiting = counted.until(() => counted.admits(5));
  clock.tick(1, 1);
  assertEquals(clock.size, 1);
  files = 50;
  clock.tick(2, 2);
  await waiting;
  assertEquals(clock.size, 0);
});

Deno.test("releaseAll wakes every waiter", async () => {
  const none = guard({ maxConnections: 1 });
  none.opened();
  const waiting = none.until(() => none.hasSlot());
  none.releaseAll();
  await waiting;
});

/** Folders with so many entries, and files, in the place of those of this system. */
class StandInFiles implements Disposable {
  readonly #readDirSync = Deno.readDirSync;
  readonly #readTextFileSync = Deno.readTextFileSync;

  constructor(entries: { [folder: string]: number }, texts: { [file: string]: string }) {
    Deno.readDirSync = (path) =>
      Array(entries[`${path}`]).values() as IteratorObject<Deno.DirEntry>;
    Deno.readTextFileSync = (path) => texts[`${path}`]!;
  }

  [Symbol.dispose](): void {
    Deno.readDirSync = this.#readDirSync;
    Deno.readTextFileSync = this.#readTextFileSync;
  }
}

/** Where each system counts, if it has all these files: on Windows anybody may have made them. */
const SYSTEMS = [
  ["linux", 50, 1024],
  ["android", 50, 1024],
  ["darwin", 40, maxDescriptorsFallback],
  ["freebsd", undefined, maxDescriptorsFallback],
  ["windows", undefined, maxDescriptorsFallback],
] as const;

for (const [os, count, limit] of SYSTEMS) {
  Deno.test(`on ${os} the count is ${count ?? "an estimate"}, and the limit ${limit}`, () => {
    using _os = standIn(os);
    using _files = new StandInFiles(
      { "/proc/self/fd": 50, "/dev/fd": 40 },
      { "/proc/self/limits": "Max open files            1024                 4096\n" },
    );
    assertEquals(descriptorCounter()?.(), count);
    assertEquals(descriptorLimit(), limit);
    // Without a count it assumes 24 descriptors of the runtime.
    const inUse = count ?? 24;
    assert(guard({ maxFDs: inUse + 6 }).admits(5));
    assert(!guard({ maxFDs: inUse + 5 }).admits(5));
  });
}

testWith("list of descriptors", "with all permissions the count is that of the system", () => {
  const count = descriptorCounter()!;
  // Other threads of the process may open descriptors meanwhile, but not each time.
  const openings = Array.from({ length: 5 }, () => {
    const before = count()!;
    const file = Deno.openSync(new URL(import.meta.url));
    const after = count()!;
    file.close();
    return after - before;
  });
  assertEquals(Math.min(...openings), 1);
  assert(descriptorLimit() > 0);
  assert(guard().admits(5));
});

/** Prints what the guard counts in a process of its own. */
const PROBE = `
  import { descriptorCounter, descriptorLimit, FdGuard } from "${new URL(
  "../../src/server/fd_guard.ts",
  import.meta.url,
)}";
  import { Clock } from "${new URL("../../src/net/clock.ts", import.meta.url)}";
  const count = descriptorCounter();
  const guard = new FdGuard({ maxFDs: 30, maxConnections: 100, clock: new Clock() });
  const listener = Deno.listen({ port: 0 });
  const answers = [guard.admits(5), guard.admits(6)];
  // The runtime may open a descriptor of its own meanwhile, but not each time.
  const openings = Array.from({ length: 5 }, () => {
    const before = count?.();
    const another = Deno.listen({ port: 0 });
    const after = count?.();
    another.close();
    return after - before;
  });
  const opened = count && Math.min(...openings);
  console.log(JSON.stringify({ counts: count !== null, opened, limit: descriptorLimit(), answers }));
  listener.close();
`;

async function probe(
  source: string,
  program: string,
  ...args: string[]
): Promise<Record<string, unknown>> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, source);
    const { stdout, stderr } = await run(program, ...args, file);
    assert(stdout.startsWith("{"), stderr);
    return JSON.parse(stdout);
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("with --allow-net alone it counts its own connections and 24, and asks for no permission", async () => {
  for (const permissions of [["--allow-net"], ["--allow-net", "--allow-read"]]) {
    assertEquals(await probe(PROBE, Deno.execPath(), "run", "--quiet", ...permissions), {
      counts: false,
      opened: null,
      limit: maxDescriptorsFallback,
      answers: [true, false],
    });
  }
});

testWith("list of descriptors", "with --allow-all it counts the open descriptors", async () => {
  const { counts, opened, limit } = await probe(
    PROBE,
    Deno.execPath(),
    "run",
    "--quiet",
    "--allow-all",
  );
  assertEquals({ counts, opened }, { counts: true, opened: 1 });
  assert(typeof limit === "number" && limit > 0);
});

/** Counts, revokes the permission, and counts again. On a terminal a prompt would stop the process. */
const REVOKES = `
  import { descriptorCounter, FdGuard } from "${new URL(
  "../../src/server/fd_guard.ts",
  import.meta.url,
)}";
  import { Clock } from "${new URL("../../src/net/clock.ts", import.meta.url)}";
  const count = descriptorCounter();
  const guard = new FdGuard({ maxFDs: 1000, maxConnections: 5000, clock: new Clock() });
  const before = guard.admits(5);
  await Deno.permissions.revoke({ name: "read" });
  const counted = count();
  let admitted = 0;
  while (guard.admits(5) && admitted < 5000) {
    guard.opened();
    admitted++;
  }
  for (let i = 0; i < admitted; i++) guard.closed();
  console.log(JSON.stringify({ before, counted, admitted, after: guard.admits(5) }));
`;

const REVOKED =
  "hardening 43: with the permission revoked it counts its own connections, and asks for nothing";
testWith("list of descriptors", REVOKED, async () => {
  const found = await probe(REVOKES, Deno.execPath(), "run", "--quiet", "--allow-all");
  assertEquals(found, { before: true, counted: null, admitted: 971, after: true });
});

const DENO_1 = Deno.env.get("DENO_1");
if (DENO_1 === undefined) {
  console.log(
    "skipped, DENO_1 names no Deno 1.46.3: Deno.resources is counted where the runtime has it",
  );
}
Deno.test({
  name: "Deno.resources is counted where the runtime has it (Deno 1.46.3)",
  ignore: DENO_1 === undefined,
  fn: async () => {
    const { counts, opened, limit } = await probe(PROBE, DENO_1!, "run", "--quiet", "--allow-net");
    assertEquals({ counts, opened, limit }, {
      counts: true,
      opened: 1,
      limit: maxDescriptorsFallback,
    });
  },
});
