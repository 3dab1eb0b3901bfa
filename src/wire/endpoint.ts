/** The ends of connections as values: `Deno.Addr` without the runtime. */
import { ipText } from "./ip_address.ts";
import type { IpAddress } from "./ip_address.ts";

/** An end of a TCP connection. */
export interface TcpEndpoint {
  readonly transport: "tcp";
  /** An IP address; behind a proxy that hides it, `"unknown"` or an identifier such as `"_a1"`. */
  readonly hostname: string;
  /** The port; 0 if it is unknown. */
  readonly port: number;
}

/** An end of a connection over a Unix socket. */
export interface UnixEndpoint {
  readonly transport: "unix";
  /** The path; empty if the socket has none. */
  readonly path: string;
}

/** An end of a connection. */
export type Endpoint = TcpEndpoint | UnixEndpoint;

/** Returns the end of a TCP connection. */
export function tcpEndpoint(address: IpAddress, port: number): TcpEndpoint {
  return { transport: "tcp", hostname: ipText(address), port };
}
