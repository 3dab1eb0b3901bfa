/** Shrinks a failing input (delta debugging). */

/**
 * Removes pieces of `bytes`, large ones first, while `fails` still returns true; ends when no
 * single byte can be removed, or after `maxTrials` trials.
 */
export function minimise(
  bytes: Uint8Array,
  fails: (bytes: Uint8Array) => boolean,
  maxTrials = 20_000,
): Uint8Array {
  let smallest: Uint8Array = bytes.slice();
  let trials = 0;
  for (let size = Math.ceil(smallest.length / 2); size >= 1 && trials < maxTrials;) {
    const before = smallest.length;
    for (let at = 0; at < smallest.length && trials < maxTrials; trials++) {
      const shorter = without(smallest, at, size);
      if (fails(shorter)) smallest = shorter;
      else at += size;
    }
    if (size > 1) size = Math.floor(size / 2);
    else if (smallest.length === before) break;
  }
  return smallest;
}

function without(bytes: Uint8Array, at: number, size: number): Uint8Array {
  const rest = bytes.subarray(at + size);
  const shorter = new Uint8Array(at + rest.length);
  shorter.set(bytes.subarray(0, at));
  shorter.set(rest, at);
  return shorter;
}
