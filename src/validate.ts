/**
 * Rejects unknown options, and values of a wrong type or out of range.
 *
 * A misspelt option that is silently ignored is a limit that does not hold.
 */

/** Throws if the value of the option `name` is invalid. */
export type Check = (name: string, value: unknown) => void;

/** Checks the keys and values of a record of options; an undefined value counts as left out. */
export function checkRecord(
  name: string,
  record: unknown,
  checks: { readonly [key: string]: Check },
): void {
  if (typeof record !== "object" || record === null) {
    throw new TypeError(`${capitalized(name)} must be an object: got ${inspected(record)}`);
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

/** Returns a check for a record, each option of which has its own check. */
export function isRecord(checks: { readonly [key: string]: Check }): Check {
  return (name, value) => checkRecord(name, value, checks);
}

/** Returns a check for each key of `defaults`: its value must be a count, which may be 0. */
export function countsOf(defaults: object): { readonly [key: string]: Check } {
  return Object.fromEntries(Object.keys(defaults).map((key) => [key, isCount(0)]));
}

/** Returns the defaults, overridden by each value of `given` that is not undefined. */
export function withDefaults<T extends object>(defaults: T, given: Partial<T> | undefined): T {
  const defined = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(defined) };
}

/** Returns a check for an integer from `min` on, or Infinity, which means no limit. */
export function isCount(min: number): Check {
  return (name, value) => {
    if (typeof value !== "number") {
      throw new TypeError(`Option ${name} must be a number: got ${inspected(value)}`);
    }
    if (value === Infinity || (Number.isInteger(value) && value >= min)) return;
    throw new RangeError(
      `Option ${name} must be an integer from ${min} on, or Infinity: got ${value}`,
    );
  };
}

/** Returns a check for integers from `min` to `max`. */
export function isIntegerWithin(min: number, max: number): Check {
  return (name, value) => {
    if (typeof value !== "number") {
      throw new TypeError(`Option ${name} must be a number: got ${inspected(value)}`);
    }
    if (Number.isInteger(value) && value >= min && value <= max) return;
    throw new RangeError(`Option ${name} must be an integer from ${min} to ${max}: got ${value}`);
  };
}

/** Checks that a value is a boolean. */
export function isBoolean(name: string, value: unknown): void {
  if (typeof value === "boolean") return;
  throw new TypeError(`Option ${name} must be true or false: got ${inspected(value)}`);
}

/** Checks that a value is a string. */
export function isText(name: string, value: unknown): void {
  if (typeof value === "string") return;
  throw new TypeError(`Option ${name} must be a string: got ${inspected(value)}`);
}

/** Checks that a value is a function. */
export function isFunction(name: string, value: unknown): void {
  if (typeof value === "function") return;
  throw new TypeError(`Option ${name} must be a function: got ${inspected(value)}`);
}

/** Returns a check for one of the given strings. */
export function isOneOf(...values: string[]): Check {
  return (name, value) => {
    if (values.includes(value as string)) return;
    const wanted = values.map((each) => JSON.stringify(each)).join(" or ");
    throw new TypeError(`Option ${name} must be ${wanted}: got ${inspected(value)}`);
  };
}

/** Describes a value of a wrong type for a message. */
export function inspected(value: unknown): string {
  if (typeof value === "string") return `${JSON.stringify(value)}, a string`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  const { name } = value.constructor ?? Object;
  if (name === "Object" || name === "") return "an object";
  return /^[AEIOU]/.test(name) ? `an ${name}` : `a ${name}`;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
