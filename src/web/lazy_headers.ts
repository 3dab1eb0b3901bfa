/**
 * Header fields as the Web knows them, made when more than a look is taken.
 *
 * A genuine `Headers` of the 14 fields of a browser takes 8 µs, more than a whole small
 * request; most handlers get one or two of them. So they are given an object with the
 * prototype of `Headers` that knows `get` and `has`, and has everything else done by a
 * genuine one, made then. The state that the platform keeps in symbols of the instance
 * is passed on, too: `new Headers(headers)` takes it for what it is.
 */
import { isTrailerName } from "../wire/fields.ts";
import type { Fields } from "../wire/fields.ts";
import { isToken } from "../wire/syntax.ts";

/** Where the fields come from. */
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
      all = all === null ? value : `${all}, ${value}`;
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

  /** Not `nameIs`: that is for names of letters and hyphens. */
  #is(index: number, lower: string): boolean {
    return this.#fields.nameLength(index) === lower.length &&
      this.#fields.name(index).toLowerCase() === lower;
  }
}

/** What is no token is an error, which the platform's own words say best. */
function isPlain(name: unknown): name is string {
  return typeof name === "string" && isToken(name);
}

function genuineHeaders(fields: FieldSource): Headers {
  const headers = new Headers();
  for (let i = 0; i < fields.length; i++) headers.append(fields.name(i), fields.value(i));
  return headers;
}

Object.setPrototypeOf(LazyHeaders.prototype, Headers.prototype);
for (const key of Object.getOwnPropertySymbols(new Headers())) {
  Object.defineProperty(LazyHeaders.prototype, key, {
    get(this: LazyHeaders) {
      return Reflect.get(this.genuine(), key);
    },
  });
}

/** What a lazy one is tried out with. */
const PROBE: FieldSource = {
  length: 1,
  nameLength: () => 1,
  name: () => "A",
  value: () => "b",
};

/** Does the platform take what `make` makes for genuine Headers? It may keep its state elsewhere one day. */
function isTakenForHeaders(make: (fields: FieldSource) => Headers): boolean {
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

/** The better of two ways to make Headers of fields: lazily, where that works. */
export function headersMaker(lazily: (fields: FieldSource) => Headers): typeof genuineHeaders {
  return isTakenForHeaders(lazily) ? lazily : genuineHeaders;
}

/** The Web's view of fields. */
export const headersOf: (fields: FieldSource) => Headers = headersMaker(lazyHeaders);

/** Trailer fields as the Web knows them; those that must not be trailers are dropped. */
export function trailerHeaders(fields: Fields): Headers {
  return new Headers(fields.pairs().filter(([name]) => isTrailerName(name)) as [string, string][]);
}
