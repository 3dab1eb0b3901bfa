/**
 * A doubly linked list, for members that are added and removed by the thousand.
 *
 * Not a `Set`: when V8 rebuilds the table of a Set, the old table keeps its entries, and
 * refers to the new one. A table that has survived two collections keeps all later ones alive,
 * and every value that was in them, until the next full collection: with a connection for each
 * request the collector copied 8 MB of ended connections 13 times a second (9 ms each).
 */

/** The node of a value, with which it is removed; a removed node holds no references. */
export interface ListNode<T> {
  value: T | null;
  previous: ListNode<T> | null;
  next: ListNode<T> | null;
}

/** A list in insertion order that adds and removes in constant time, and keeps no removed value alive. */
export class LinkedList<T> {
  #size = 0;
  #first: ListNode<T> | null = null;
  #last: ListNode<T> | null = null;

  /** The number of values. */
  get size(): number {
    return this.#size;
  }

  /** The oldest value; null if the list is empty. */
  get first(): T | null {
    return this.#first?.value ?? null;
  }

  /** Appends a value; returns its node. */
  add(value: T): ListNode<T> {
    const node: ListNode<T> = { value, previous: this.#last, next: null };
    if (this.#last === null) this.#first = node;
    else this.#last.next = node;
    this.#last = node;
    this.#size++;
    return node;
  }

  /** Removes a node; has no effect if it has been removed already. */
  remove(node: ListNode<T>): void {
    if (node.value === null) return;
    const { previous, next } = node;
    if (previous === null) this.#first = next;
    else previous.next = next;
    if (next === null) this.#last = previous;
    else next.previous = previous;
    node.value = node.previous = node.next = null;
    this.#size--;
  }

  /** Returns the current values in a new array. */
  values(): T[] {
    return this.#nodes().map(({ value }) => value!);
  }

  /** Calls `each` for every value; skips values that are added or removed during the visit. */
  forEach(each: (value: T) => void): void {
    for (const { value } of this.#nodes()) if (value !== null) each(value);
  }

  #nodes(): ListNode<T>[] {
    const nodes: ListNode<T>[] = [];
    for (let node = this.#first; node !== null; node = node.next) nodes.push(node);
    return nodes;
  }
}
