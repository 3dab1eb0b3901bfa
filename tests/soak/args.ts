/** The command line of the programs in this folder: `--name value` pairs. */

/** Returns the values by name; skips a lone `--`, which `deno task` passes on. */
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

/** Returns the number that an option has, or its default. */
export function numberOf(text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  console.error(`Number must be above 0: got "${text}"`);
  Deno.exit(2);
}
