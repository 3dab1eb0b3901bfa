/**
 * The connections of a server that were handed over to another protocol, and are told when the
 * server closes. Without it a shutdown would end the process in the middle of their messages.
 */
import { LinkedList } from "../net/linked_list.ts";

/** A protocol that has taken a connection over. */
export interface Successor {
  /** Ends the connection in the manner of the protocol. */
  close(): void;
  /** Ends the connection at once. */
  destroy(): void;
  /** Resolves when the connection has ended. */
  readonly done: Promise<void>;
}

/** The successors whose connections are open. */
export class HandedOver {
  readonly #open = new LinkedList<Successor>();
  #closing = false;

  /** Adds a successor until it is done; closes it at once if the server has been closed. */
  add(successor: Successor): void {
    const node = this.#open.add(successor);
    successor.done.then(() => this.#open.remove(node));
    if (this.#closing) successor.close();
  }

  /** Closes all, and those that are added later. */
  close(): void {
    this.#closing = true;
    for (const successor of this.#open.values()) successor.close();
  }

  /** Returns those whose connections are open. */
  values(): Successor[] {
    return this.#open.values();
  }
}
