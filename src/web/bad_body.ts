/**
 * Tells the error of a client's body that is no JSON, or no form, from those of a handler's own.
 *
 * The Web throws the same SyntaxError and TypeError about either; only the one about the
 * client's body is the client's fault, if a handler lets it pass.
 */
import type { RejectCode } from "../errors.ts";

/** What is wrong with a body that a handler reads as JSON or as a form. */
export type BadBodyCode = Extract<RejectCode, "bad-json" | "bad-form">;

const faults = new WeakMap<Error, BadBodyCode>();

/** Passes the value of `json` on, and remembers its error. */
export async function notingBadJson<T>(json: Promise<T>): Promise<T> {
  try {
    return await json;
  } catch (error) {
    if (error instanceof SyntaxError) faults.set(error, "bad-json");
    throw error;
  }
}

/** Parses a body as the form that its Content-Type names, and remembers the error. */
export async function formOf(content: Response): Promise<FormData> {
  try {
    return await content.formData();
  } catch (error) {
    faults.set(error as Error, "bad-form");
    throw error;
  }
}

/** A body with its Content-Type, as the Web's functions parse one. */
export function typedContent(bytes: Uint8Array | ArrayBuffer, headers: Headers): Response {
  const type = headers.get("content-type");
  // Not shared with a worker: the server has made the buffer itself.
  return new Response(
    bytes as BodyInit,
    type === null ? undefined : { headers: { "content-type": type } },
  );
}

/** What was wrong with a client's body, if that is what the error says. */
export function badBodyCode(error: unknown): BadBodyCode | undefined {
  return error instanceof Error ? faults.get(error) : undefined;
}
