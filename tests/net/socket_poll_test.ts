/** Polls of the sockets: with a pair of sockets, and without the permission for one. */
import { assert, assertEquals } from "@std/assert";
import { SocketPoll } from "../../src/net/socket_poll.ts";

/** Waits until the pair is there: polls before that use a timer. */
async function opened(poll: SocketPoll): Promise<void> {
  for (let i = 0; i < 20; i++) await poll.poll();
}

Deno.test("SocketPoll: what has arrived before a poll is read when it resolves", async () => {
  const poll = new SocketPoll();
  await opened(poll);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  using near = await Deno.connect({ hostname: "127.0.0.1", port });
  using far = await listener.accept();
  for (let i = 0; i < 50; i++) {
    let arrived = false;
    const reading = far.read(new Uint8Array(8)).then(() => arrived = true);
    await near.write(new Uint8Array(1));
    await poll.poll();
    assert(arrived);
    await reading;
  }
  poll.close();
});

Deno.test("SocketPoll: closing ends a poll in progress, and the next one opens another pair", async () => {
  const poll = new SocketPoll();
  const first = poll.poll();
  poll.close();
  await first;
  await opened(poll);
  const second = poll.poll();
  poll.close();
  await second;
  await opened(poll);
  poll.close();
});

Deno.test("SocketPoll: a connect that fails after the poll was closed changes nothing", async () => {
  const { connect } = Deno;
  const failing = Promise.withResolvers<never>();
  Deno.connect = () => failing.promise;
  const poll = new SocketPoll();
  await poll.poll();
  poll.close();
  Deno.connect = connect;
  failing.reject(new Deno.errors.ConnectionRefused("late"));
  await failing.promise.catch(() => {});
  await opened(poll);
  assertEquals(poll.isSlow, false);
  poll.close();
});

Deno.test({
  name: "SocketPoll: without the permission for the net a timer polls, without a prompt",
  permissions: { net: false },
  async fn() {
    const poll = new SocketPoll();
    for (let i = 0; i < 3; i++) await poll.poll();
    const { state } = await Deno.permissions.query({ name: "net", host: "127.0.0.1" });
    assertEquals(state === "granted", false);
    poll.close();
  },
});
