/**
 * Whether who is good at one pattern is good at another.
 *
 * @module
 */

/** Pearson's correlation of the pairs in which nothing is missing. */
export interface Correlation {
  /** Null for fewer than three pairs, which correlate by themselves, and where one side does not vary. */
  coefficient: number | null;
  /** How many there are. */
  pairs: number;
}

const LEAST_PAIRS = 3;

/** Correlates scores of the same methods. */
export function correlate(
  some: readonly (number | null)[],
  others: readonly (number | null)[],
): Correlation {
  const pairs: [number, number][] = [];
  some.forEach((x, at) => {
    const y = others[at];
    if (x !== null && y !== null) pairs.push([x, y]);
  });
  const { length } = pairs;
  if (length < LEAST_PAIRS) return { coefficient: null, pairs: length };
  const mean = (side: 0 | 1) =>
    pairs.reduce((sum, pair) => sum + pair[side], 0) / length;
  const x = mean(0), y = mean(1);
  let both = 0, left = 0, right = 0;
  for (const [a, b] of pairs) {
    both += (a - x) * (b - y);
    left += (a - x) ** 2;
    right += (b - y) ** 2;
  }
  const coefficient = left === 0 || right === 0
    ? null
    : both / Math.sqrt(left * right);
  return { coefficient, pairs: length };
}
