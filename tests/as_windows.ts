/**
 * Lets a program take this system for Windows, as Deno is there up to 2.7.5, and takes away what
 * Windows lacks. Loaded before an example, or before tests, to see which of them rely on it:
 *
 * ```sh
 * deno test -A --preload=tests/as_windows.ts $(deno run -A tests/jsr_or_npm.ts) tests/server
 * ```
 *
 * SIGUSR2 stands in for SIGBREAK, which no other system has.
 */
import process from "node:process";
import { standIn } from "./systems.ts";

// deno-lint-ignore no-explicit-any -- what stands in has the types of what it replaces
type Any = any;

const deno = { ...Deno };
const DENO = deno.execPath();

/** Also the old Deno that a test has of its own. */
function isDeno(program: string | URL): boolean {
  return `${program}`.split("/").at(-1) === DENO.split("/").at(-1);
}

/** Replaces functions of Deno: `missing` says what a call needs that Windows lacks; undefined if nothing. */
function guard(names: readonly string[], missing: (...args: Any[]) => string | undefined): void {
  for (const name of names) {
    const genuine = (deno as Any)[name];
    (Deno as Any)[name] = (...args: Any[]) => {
      const what = missing(...args);
      if (what !== undefined) throw new TypeError(`Windows does not have ${what}`);
      return genuine(...args);
    };
  }
}

const FILES = ["readDir", "readDirSync", "readTextFile", "readTextFileSync", "readLink"];
guard(["listen", "connect"], ({ transport }) => transport === "unix" ? "Unix sockets" : undefined);
guard(["symlink", "symlinkSync"], () => "symbolic links for everybody");
guard(
  [...FILES, "readLinkSync", "writeTextFileSync"],
  (path) => /^\/(?:proc|dev)\b/.test(`${path}`) ? `${path}` : undefined,
);
/** What Windows cannot send to a process: all others end it there, without asking it. */
const lackingKill = (signal: string) => signal === "SIGKILL" ? undefined : signal;
guard(["kill"], (_pid, signal) => lackingKill(signal));

Deno.Command = class extends deno.Command {
  constructor(program: string | URL, options?: Deno.CommandOptions) {
    if (!isDeno(program)) throw new TypeError(`Windows does not have ${program}`);
    super(program, options);
  }

  override spawn(): Deno.ChildProcess {
    const child = super.spawn();
    const kill = child.kill.bind(child);
    child.kill = (signal = "SIGTERM") => {
      const what = lackingKill(`${signal}`);
      if (what !== undefined) throw new TypeError(`Windows does not have ${what}`);
      kill(signal);
    };
    return child;
  }
};

function signalHere(signal: Deno.Signal): Deno.Signal {
  if (signal === "SIGBREAK") return "SIGUSR2";
  if (signal !== "SIGINT") throw new TypeError(`Windows does not have ${signal}`);
  return signal;
}

Deno.addSignalListener = (signal, listener) => deno.addSignalListener(signalHere(signal), listener);
Deno.removeSignalListener = (signal, listener) =>
  deno.removeSignalListener(signalHere(signal), listener);

Object.defineProperty(process, "platform", { value: "win32" });
standIn("windows");
