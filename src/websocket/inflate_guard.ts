/**
 * Keeps a message that cannot be inflated from ending the process.
 *
 * Deno (2.9.6) calls the callback of `flush` of a zlib stream that has failed, with the error and
 * before it emits the error; Node does not. `ws` takes the call for a success, and resets the
 * stream, which throws where nothing can catch it: 60 bytes of a client ended the server.
 */
// @ts-types="@types/ws"
import type { WebSocket as Connection } from "ws";

/** The part of a zlib stream that `ws` calls. */
interface Inflate {
  flush(callback: (error?: Error | null) => void): void;
}

/** What `ws` keeps for a connection, by the name of the extension. */
interface Extensions {
  readonly "permessage-deflate"?: { _inflate: Inflate | null };
}

/** Lets `ws` hear of the failures of a connection's inflate streams by their errors alone. */
export function guardInflate(connection: Connection): void {
  const { _extensions } = connection as unknown as { readonly _extensions: Extensions };
  const extension = _extensions["permessage-deflate"];
  if (extension === undefined) return;
  let current: Inflate | null = null;
  Object.defineProperty(extension, "_inflate", {
    get: () => current,
    set: (stream: Inflate | null) => current = stream && guarded(stream),
  });
}

function guarded(stream: Inflate): Inflate {
  const flush = stream.flush.bind(stream);
  stream.flush = (callback) => flush((error) => error || callback());
  return stream;
}
