/** The fields of a response, as a handler gives them. */

/**
 * Header fields to send: what the Web's `HeadersInit` allows, or a record whose value may be
 * an array, one line for each of its items.
 *
 * @example Two cookies
 * ```ts
 * import type { FieldsInit } from "@asynchttp/server";
 *
 * const headers: FieldsInit = { "Content-Type": "text/plain", "Set-Cookie": ["a=1", "b=2"] };
 * ```
 */
export type FieldsInit = HeadersInit | { readonly [name: string]: string | readonly string[] };
