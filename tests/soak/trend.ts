/**
 * Whether memory grows. A garbage-collected process goes up and down by tens of
 * megabytes: what matters is the lower envelope and the line through it.
 */

/** One measurement. */
export interface Sample {
  /** Seconds since the start. */
  readonly at: number;
  readonly value: number;
}

/** The line through the lower envelope. */
export interface Trend {
  /** The change per second. */
  readonly slope: number;
  /** The gain of the line from the first window to the last. */
  readonly growth: number;
  /** The lowest values of the first and of the last window. */
  readonly first: number;
  readonly last: number;
}

const WINDOWS = 10;

/** Returns the lowest of each window: when the garbage was collected within it does not matter. */
export function lowerEnvelope(samples: readonly Sample[], windows = WINDOWS): Sample[] {
  const [begin, end] = [samples[0]!.at, samples.at(-1)!.at];
  const lowest: Sample[] = [];
  for (const sample of samples) {
    const window = Math.min(windows - 1, Math.floor((sample.at - begin) / (end - begin) * windows));
    const middle = begin + (window + 0.5) / windows * (end - begin);
    const value = Math.min(lowest[window]?.value ?? Infinity, sample.value);
    lowest[window] = { at: middle, value };
  }
  // A machine that stalls for longer than a window leaves a hole.
  return lowest.filter((sample) => sample !== undefined);
}

/** Fits a line by least squares. */
export function trendOf(samples: readonly Sample[]): Trend {
  const points = lowerEnvelope(samples);
  const meanAt = mean(points.map(({ at }) => at));
  const meanValue = mean(points.map(({ value }) => value));
  let above = 0;
  let below = 0;
  for (const { at, value } of points) {
    above += (at - meanAt) * (value - meanValue);
    below += (at - meanAt) ** 2;
  }
  const slope = below === 0 ? 0 : above / below;
  const [first, last] = [points[0]!, points.at(-1)!];
  return { slope, growth: slope * (last.at - first.at), first: first.value, last: last.value };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
