/** The command line of the load benchmark. */
import type { Generator } from "./driver.ts";

/** What was asked for. */
export interface Options {
  /** The names of the scenarios; null for all. */
  readonly only: readonly string[] | null;
  readonly rounds: number;
  /** Of each measurement. */
  readonly seconds: number;
  /** Null for wrk where it is installed, else the generator of ours. */
  readonly generator: Generator | null;
  /** Where the results are written; null where nobody said. */
  readonly out: string | null;
}

const NAMES = ["only", "rounds", "seconds", "generator", "out"] as const;
type Name = typeof NAMES[number];

/** Enough that one disturbed round does not move the median. */
const ROUNDS = 7;
const SECONDS = 3;

/**
 * @throws {TypeError} An option is unknown, lacks its value, or has one that makes no sense.
 */
export function parseOptions(args: readonly string[], scenarios: readonly string[]): Options {
  const values = valuesOf(args);
  const only = values.get("only")?.split(",") ?? null;
  for (const name of only ?? []) checkOneOf("only", name, scenarios);
  const generator = values.get("generator");
  if (generator !== undefined) checkOneOf("generator", generator, ["ours", "wrk"]);
  return {
    only,
    rounds: count("rounds", values.get("rounds"), ROUNDS),
    seconds: count("seconds", values.get("seconds"), SECONDS),
    generator: generator as Generator | undefined ?? null,
    out: values.get("out") ?? null,
  };
}

/** `--name value`, any number of times; `--` alone, which `deno task` hands on, is skipped. */
function valuesOf(args: readonly string[]): Map<Name, string> {
  const values = new Map<Name, string>();
  const rest = args.filter((arg) => arg !== "--");
  for (let at = 0; at < rest.length; at += 2) {
    const name = NAMES.find((known) => rest[at] === `--${known}`);
    const value = rest[at + 1];
    if (name === undefined) {
      throw new TypeError(
        `Unknown option "${rest[at]}": there are ${NAMES.map((known) => `--${known}`).join(", ")}`,
      );
    }
    if (value === undefined) throw new TypeError(`Option --${name} needs a value`);
    values.set(name, value);
  }
  return values;
}

function count(name: Name, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new TypeError(`Option --${name} must be an integer above 0: got "${text}"`);
}

function checkOneOf(name: Name, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw new TypeError(`Option --${name} must be one of ${allowed.join(", ")}: got "${value}"`);
}
