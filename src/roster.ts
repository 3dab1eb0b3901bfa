/**
 * Members that come and go by the thousand, in the order in which they came.
 *
 * Not a `Set`: when V8 makes the table of a Set anew, the old table keeps its entries, and
 * refers to the new one. One that has survived two collections keeps all later ones, and
 * whoever was in them, until the next full collection: with a connection for each request
 * the collector copied 8 MB of ended connections 13 times a second (9 ms each).
 */

/** A member's place in a roster, by which it leaves. */
export interface Seat<T> {
  member: T | null;
  before: Seat<T> | null;
  behind: Seat<T> | null;
}

/** A list that is cheap to enter and to leave, and keeps nobody who has left. */
export class Roster<T> {
  #size = 0;
  #first: Seat<T> | null = null;
  #last: Seat<T> | null = null;

  /** How many are in it. */
  get size(): number {
    return this.#size;
  }

  /** Takes one in. */
  enter(member: T): Seat<T> {
    const seat: Seat<T> = { member, before: this.#last, behind: null };
    if (this.#last === null) this.#first = seat;
    else this.#last.behind = seat;
    this.#last = seat;
    this.#size++;
    return seat;
  }

  /** Lets one go; harmless when it has gone. */
  leave(seat: Seat<T>): void {
    if (seat.member === null) return;
    const { before, behind } = seat;
    if (before === null) this.#first = behind;
    else before.behind = behind;
    if (behind === null) this.#last = before;
    else behind.before = before;
    seat.member = seat.before = seat.behind = null;
    this.#size--;
  }

  /** Those who are in it now: an array of the caller's own. */
  members(): T[] {
    return this.#seats().map(({ member }) => member!);
  }

  /** Visits all of them; who leaves meanwhile, before the visit, is not visited. */
  visit(each: (member: T) => void): void {
    for (const { member } of this.#seats()) if (member !== null) each(member);
  }

  #seats(): Seat<T>[] {
    const seats: Seat<T>[] = [];
    for (let seat = this.#first; seat !== null; seat = seat.behind) seats.push(seat);
    return seats;
  }
}
