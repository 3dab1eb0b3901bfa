/** A program whose `main` forgets to return its server. */
import { cluster } from "@asynchttp/server/cluster";

await cluster({
  workers: 1,
  flags: ["--allow-net=127.0.0.1"],
  main: (() => {}) as unknown as Parameters<typeof cluster>[0]["main"],
});
