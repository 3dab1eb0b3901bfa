/**
 * What is refused at the door: options that nobody knows, and values out of range.
 *
 * A misspelt option that is silently ignored is a limit that does not hold.
 */

/** Throws when the value of an option is not what is wanted. */
export type Check = (name: string, value: unknown) => void;

/** Checks the keys and values of a record of options; undefined means that an option is left out. */
export function checkRecord(
  name: string,
  record: unknown,
  checks: { readonly [key: string]: Check },
): void {
  if (typeof record !== "object" || record === null) {
    throw new TypeError(`${capitalized(name)} must be an object: got ${shown(record)}`);
  }
  for (const [key, value] of Object.entries(record)) {
    if (!Object.hasOwn(checks, key)) {
      throw new TypeError(
        `Unknown option ${key} in ${name}: known are ${Object.keys(checks).join(", ")}`,
      );
    }
    if (value !== undefined) checks[key]!(key, value);
  }
}

/** A record whose own options are checked. */
export function isRecord(checks: { readonly [key: string]: Check }): Check {
  return (name, value) => checkRecord(name, value, checks);
}

/** The same keys as `defaults` has, each a count. */
export function countsOf(defaults: object): { readonly [key: string]: Check } {
  return Object.fromEntries(Object.keys(defaults).map((key) => [key, isCount(0)]));
}

/** The defaults, and what of the given record is not undefined. */
export function withDefaults<T extends object>(defaults: T, given: Partial<T> | undefined): T {
  const said = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(said) };
}

/** A whole number from `least` on, or Infinity: no limit. */
export function isCount(least: number): Check {
  return (name, value) => {
    if (typeof value !== "number") {
      throw new TypeError(`Option ${name} must be a number: got ${shown(value)}`);
    }
    if (value === Infinity || (Number.isInteger(value) && value >= least)) return;
    throw new RangeError(
      `Option ${name} must be an integer from ${least} on, or Infinity: got ${value}`,
    );
  };
}

/** True or false. */
export function isBoolean(name: string, value: unknown): void {
  if (typeof value === "boolean") return;
  throw new TypeError(`Option ${name} must be true or false: got ${shown(value)}`);
}

/** A string. */
export function isText(name: string, value: unknown): void {
  if (typeof value === "string") return;
  throw new TypeError(`Option ${name} must be a string: got ${shown(value)}`);
}

/** A function. */
export function isFunction(name: string, value: unknown): void {
  if (typeof value === "function") return;
  throw new TypeError(`Option ${name} must be a function: got ${shown(value)}`);
}

/** One of a few words. */
export function isOneOf(...values: string[]): Check {
  return (name, value) => {
    if (values.includes(value as string)) return;
    const wanted = values.map((each) => JSON.stringify(each)).join(" or ");
    throw new TypeError(`Option ${name} must be ${wanted}: got ${shown(value)}`);
  };
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
