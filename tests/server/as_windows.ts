/**
 * Lets an example take this system for Windows, as Deno is there up to 2.7.5: loaded before it, by
 * `--preload`. SIGUSR2 stands in for SIGBREAK, which no other system has.
 */
import { standIn } from "../systems.ts";

const { addSignalListener, removeSignalListener } = Deno;

function standInFor(signal: Deno.Signal): Deno.Signal {
  if (signal === "SIGBREAK") return "SIGUSR2";
  if (signal !== "SIGINT") throw new TypeError(`Windows does not have ${signal}`);
  return signal;
}

Deno.addSignalListener = (signal, listener) => addSignalListener(standInFor(signal), listener);
Deno.removeSignalListener = (signal, listener) =>
  removeSignalListener(standInFor(signal), listener);
standIn("windows");
