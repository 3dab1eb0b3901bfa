/**
 * A `Headers` object that is created only when a handler does more than look up fields.
 *
 * A genuine `Headers` of the 14 fields of a browser takes 8 µs, more than a whole small
 * request; most handlers read one or two fields. So they get an object with the prototype
 * of `Headers` that implements `get` and `has`, and creates a genuine one to which it
 * delegates everything else. It also forwards the state that the platform keeps in symbols
 * of the instance, so that `new Headers(headers)` accepts it.
 */
import { isTrailerName } from "../wire/fields.ts";
import type { Fields } from "../wire/fields.ts";
import { isToken } from "../wire/syntax.ts";

/** The fields behind a lazy `Headers`. */
export interface FieldSource {
  readonly length: number;
  nameLength(index: number): number;
  name(index: number): string;
  value(index: number): string;
}

class LazyHeaders {
  readonly #fields: FieldSource;
  #genuine: Headers | undefined;

  constructor(fields: FieldSource) {
    this.#fields = fields;
  }

  get(name: string): string | null {
    if (this.#genuine !== undefined || !isPlain(name)) return this.genuine().get(name);
    const lower = name.toLowerCase();
    let all: string | null = null;
    for (let i = 0; i < this.#fields.length; i++) {
      if (!this.#is(i, lower)) continue;
      const value = this.#fields.value(i);
      all = all === null ? value : all + separatorOf(lower) + value;
    }
    return all;
  }

  has(name: string): boolean {
    if (this.#genuine !== undefined || !isPlain(name)) return this.genuine().has(name);
    const lower = name.toLowerCase();
    for (let i = 0; i < this.#fields.length; i++) if (this.#is(i, lower)) return true;
    return false;
  }

  genuine(): Headers {
    return this.#genuine ??= genuineHeaders(this.#fields);
  }

  /** Not `nameIs`, which works only for names of letters, digits and hyphens. */
  #is(index: number, lower: string): boolean {
    return this.#fields.nameLength(index) === lower.length &&
      this.#fields.name(index).toLowerCase() === lower;
  }
}

/** Whether `name` is a valid field name; the genuine `Headers` throws the error for any other. */
function isPlain(name: unknown): name is string {
  return typeof name === "string" && isToken(name);
}

/** A comma is part of a cookie's value, so Cookie lines are joined as HTTP/2 has it (RFC 9113, 8.2.3). */
function separatorOf(lower: string): string {
  return lower === "cookie" ? "; " : ", ";
}

function genuineHeaders(fields: FieldSource): Headers {
  const headers = new Headers();
  for (let i = 0; i < fields.length; i++) addField(headers, fields.name(i), fields.value(i));
  return headers;
}

function addField(headers: Headers, name: string, value: string): void {
  const cookies = name.toLowerCase() === "cookie" ? headers.get(name) : null;
  if (cookies === null) headers.append(name, value);
  else headers.set(name, cookies + separatorOf("cookie") + value);
}

Object.setPrototypeOf(LazyHeaders.prototype, Headers.prototype);
for (const key of Object.getOwnPropertySymbols(new Headers())) {
  Object.defineProperty(LazyHeaders.prototype, key, {
    get(this: LazyHeaders) {
      return Reflect.get(this.genuine(), key);
    },
  });
}

/** Fields for the test whether the platform accepts a lazy `Headers`. */
const PROBE: FieldSource = {
  length: 1,
  nameLength: () => 1,
  name: () => "A",
  value: () => "b",
};

/** Whether the platform accepts the objects that `make` returns as `Headers`; a later Deno may keep their state elsewhere. */
function isAcceptedAsHeaders(make: (fields: FieldSource) => Headers): boolean {
  try {
    const headers = make(PROBE);
    headers.append("c", "d");
    return JSON.stringify([...new Headers(headers)]) === '[["a","b"],["c","d"]]' &&
      headers.get("c") === "d";
  } catch {
    return false;
  }
}

function lazyHeaders(fields: FieldSource): Headers {
  return new LazyHeaders(fields) as unknown as Headers;
}

/** Returns `lazily` if the platform accepts its objects, otherwise a function that creates genuine `Headers`. */
export function headersMaker(lazily: (fields: FieldSource) => Headers): typeof genuineHeaders {
  return isAcceptedAsHeaders(lazily) ? lazily : genuineHeaders;
}

/** Returns fields as a Web `Headers`. */
export const headersOf: (fields: FieldSource) => Headers = headersMaker(lazyHeaders);

/** Returns trailer fields as a Web `Headers`, without those that must not be trailers. */
export function trailerHeaders(fields: Fields): Headers {
  return new Headers(fields.pairs().filter(([name]) => isTrailerName(name)) as [string, string][]);
}
