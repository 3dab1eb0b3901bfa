/**
 * State machines as tables: a closed set of named states, and for each the states that may
 * follow. Whatever owns a state assigns it in one place, through `moved`, so that a state
 * that the table does not allow is an error at once and not a fault somewhere later.
 */

/** For each state, the states that may follow it, the usual one first. */
export type Transitions<State extends string> = {
  readonly [from in State]: readonly State[];
};

/**
 * Returns `to`, where the table lets it follow `from`.
 *
 * @throws {Error} It does not: a fault of this module.
 */
export function moved<State extends string>(
  transitions: Transitions<State>,
  from: State,
  to: State,
): State {
  const allowed = transitions[from];
  // The usual move is the first of its row: a look at it is cheaper than a search.
  if (allowed[0] === to || allowed.includes(to)) return to;
  throw new Error(`State "${to}" must not follow "${from}"`);
}
