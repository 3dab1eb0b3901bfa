/** The command line of the programs in this folder: `--name value`, and nothing else. */

/** The values by name; `--` alone, which `deno task` hands on, is skipped. */
export function parseArgs<Name extends string>(
  args: readonly string[],
  names: readonly Name[],
): Map<Name, string> {
  const values = new Map<Name, string>();
  const rest = args.filter((arg) => arg !== "--");
  for (let at = 0; at < rest.length; at += 2) {
    const name = names.find((known) => rest[at] === `--${known}`);
    const value = rest[at + 1];
    if (name === undefined || value === undefined) {
      console.error(`Arguments: ${names.map((known) => `[--${known} VALUE]`).join(" ")}`);
      Deno.exit(2);
    }
    values.set(name, value);
  }
  return values;
}

/** A number of the command line's. */
export function numberOf(text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  console.error(`A number above 0 was expected: got ${text}`);
  Deno.exit(2);
}
