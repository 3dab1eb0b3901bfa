/**
 * The connections that the kernel has accepted for a listener, and the listener has not taken.
 *
 * When a listener closes, the kernel resets them, although another process listens on the same
 * port: each process has a queue of its own (`SO_REUSEPORT`). So a server that leaves while
 * others stay takes all that is queued before it closes. What arrives between the last look and
 * the close is still reset; Linux moves it to the others with `net.ipv4.tcp_migrate_req=1`
 * (docs/cluster.md has the figures).
 */
import { nextTurn } from "../net/next_turn.ts";

/** The genuine one: a program's test may replace the global one by timers that do not run. */
const { setTimeout } = globalThis;

/** How often the queue is looked at; each look takes 1 ms or more. */
const MAX_LOOKS = 1000;

/**
 * Resolves when the accept loop has found its queue empty, or was still busy after a second and
 * more. `waiting` returns the number of connections accepted, or null while the loop does not wait
 * for the kernel.
 */
export async function backlogTaken(waiting: () => number | null): Promise<void> {
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const accepted = waiting();
    // A timer makes the runtime poll its sockets; the turn behind it hands out what it has found.
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
    await nextTurn();
    if (accepted !== null && waiting() === accepted) return;
  }
}
