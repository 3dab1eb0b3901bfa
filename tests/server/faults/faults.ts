/** What clients do wrong: each fault as a short script. The client stays as the script leaves it. */
import { Peer } from "./peer.ts";
import type { Handshake, Route } from "./peer.ts";
import { utf8 } from "../../fixtures.ts";

/** A fault. Resolves to its client when nothing more is done. */
export type Fault = (route: Route) => Promise<Peer>;

/** What a client sends before something goes wrong, as far as a handler is concerned. */
const PHASES: { readonly [phase: string]: string } = {
  "before a byte": "",
  "within a head": "GET / HTTP/1.1\r\nHost: lo",
  "within a body": "PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc",
  "within a chunk":
    "PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
  "within trailers":
    "PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n",
  "before its body is asked for":
    "PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
  "behind a request": "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "behind its last request": "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  "behind a request of HTTP/1.0": "GET / HTTP/1.0\r\n\r\n",
  "behind a request and a half": "GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HT",
  "behind an offer of another protocol":
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\nother",
  "behind a refused request": "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
};

/** What a client does then. */
const ENDS: { readonly [end: string]: (peer: Peer) => Promise<void> | void } = {
  "falls silent": () => {},
  "reads on, and sends nothing": (peer) => peer.readAll(),
  "closes its side": (peer) => peer.closeSide(),
  "resets": (peer) => peer.reset(),
  "reads a little, and closes its side": (peer) => peer.readSome().then(() => peer.closeSide()),
  "reads a little, and resets": (peer) => peer.readSome().then(() => peer.reset()),
};

function interrupted(sent: string, end: (peer: Peer) => Promise<void> | void): Fault {
  return async (route) => {
    const peer = await Peer.connect(route);
    if (sent !== "") await peer.send(sent);
    await end(peer);
    return peer;
  };
}

function sending(script: (peer: Peer) => Promise<void>, handshake?: Handshake): Fault {
  return async (route) => {
    const peer = await Peer.connect(route, handshake);
    await script(peer);
    return peer;
  };
}

const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const CHUNKED = "PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";

const FLOODS: { readonly [title: string]: Fault } = {
  "pipelines, and reads nothing": sending((peer) => peer.flood(GET.repeat(20), 5)),
  "pipelines, reads, and resets": sending(async (peer) => {
    peer.readAll();
    await peer.flood(GET.repeat(20), 5);
    await peer.reset();
  }),
  "pipelines behind an upload that it does not finish": sending((peer) =>
    peer.flood(PHASES["within a body"] + GET.repeat(20), 5)
  ),
  "pipelines, and reads a byte now and then": sending(async (peer) => {
    await peer.flood(GET.repeat(20), 2);
    await peer.readSlowly();
  }),
  "sends tiny chunks": sending(async (peer) => {
    await peer.send(CHUNKED);
    await peer.flood("1\r\nx\r\n".repeat(100), 30);
  }),
  "sends on while it gets its 413": sending(async (peer) => {
    await peer.send("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n");
    await peer.flood("x".repeat(100_000), 20);
  }),
  "sends on while it gets its 413, reads, and resets": sending(async (peer) => {
    peer.readAll();
    await peer.send("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n");
    await peer.flood("x".repeat(100_000), 20);
    await peer.reset();
  }),
  "sends garbage without an end": sending((peer) => peer.flood("\xff\x00\r\n".repeat(1000), 20)),
};

function* interruptions(): Generator<[title: string, fault: Fault]> {
  for (const [phase, sent] of Object.entries(PHASES)) {
    for (const [end, act] of Object.entries(ENDS)) {
      yield [`${phase} it ${end}`, interrupted(sent, act)];
    }
  }
}

/** What a client does wrong whatever carries its requests. */
export const FAULTS: ReadonlyMap<string, Fault> = new Map([
  ...interruptions(),
  ...Object.entries(FLOODS),
]);

/** The beginning of a ClientHello: its record says 512 bytes, and 4 of them follow. */
const HALF_A_HELLO = Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1, 252);

function plain(bytes: Uint8Array, end: (peer: Peer) => Promise<void> | void = () => {}): Fault {
  return async (route) => {
    const peer = await Peer.tcp(route);
    await peer.sendPlain(bytes);
    await end(peer);
    return peer;
  };
}

/** Sends bytes that are no record of the connection's, behind the handshake and a request. */
function injected(bytes: Uint8Array): Fault {
  return sending(async (peer) => {
    await peer.send(GET);
    await peer.sendPlain(bytes);
  });
}

/** What a client does wrong in TLS itself. */
export const TLS_FAULTS: ReadonlyMap<string, Fault> = new Map([
  ["it speaks HTTP without TLS", plain(utf8(GET))],
  ["it sends random bytes", plain(crypto.getRandomValues(new Uint8Array(5000)))],
  ["it sends half a ClientHello", plain(HALF_A_HELLO)],
  ["it sends half a ClientHello, and closes", plain(HALF_A_HELLO, ENDS["closes its side"])],
  ["it sends half a ClientHello, and resets", plain(HALF_A_HELLO, ENDS["resets"])],
  ["it says that a record is larger than any", plain(Uint8Array.of(22, 3, 1, 255, 255, 1, 2))],
  ["it sends empty records", plain(new Uint8Array(50_000).map((_, i) => [22, 3, 1, 0, 0][i % 5]!))],
  ["it begins with an alert", plain(Uint8Array.of(21, 3, 3, 0, 2, 2, 80))],
  ["it accepts HTTP/2 only", sending((peer) => peer.send(GET), { ALPNProtocols: ["h2"] })],
  ["it names another host", sending((peer) => peer.send(GET), { servername: "other.invalid" })],
  ["it has a certificate of its own", (route) => Peer.connect(route, route.certificate!)],
  ["it speaks TLS 1.2", sending((peer) => peer.send(GET), { maxVersion: "TLSv1.2" })],
  [
    "it begins a second handshake within TLS 1.2",
    sending(async (peer) => {
      await peer.send(GET);
      await peer.sendPlain(HALF_A_HELLO);
    }, { maxVersion: "TLSv1.2" }),
  ],
  ["it sends a record that is not encrypted", injected(Uint8Array.of(23, 3, 3, 0, 3, 1, 2, 3))],
  ["it sends an alert that is not encrypted", injected(Uint8Array.of(21, 3, 3, 0, 2, 1, 0))],
  ["it sends half a record", injected(Uint8Array.of(23, 3, 3, 0, 100, 1, 2, 3))],
  [
    "it sends a record of garbage",
    injected(Uint8Array.of(23, 3, 3, 0, 100, ...new Uint8Array(100))),
  ],
]);
