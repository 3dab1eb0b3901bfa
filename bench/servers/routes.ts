/** The work a server is started for: its only argument. */
export type Route =
  | "hello"
  | "browser"
  | "json"
  | "buffered"
  | "streamed"
  | "bytes"
  | "stream"
  | "echo"
  | "beside";

/** Returns the handler that the command line names. */
export function chosen<Handler>(handlers: Readonly<Record<Route, Handler>>): Handler {
  const route = Deno.args[0] ?? "hello";
  if (Object.hasOwn(handlers, route)) return handlers[route as Route];
  throw new TypeError(
    `Route must be one of ${Object.keys(handlers).join(", ")}: got "${route}"`,
  );
}
