/**
 * What is made of samples: medians, their spread, and the order in which ways take their turns.
 *
 * @module
 */

/** The middle number of an odd count, the mean of the two middle ones of an even count. */
export function median(numbers: ArrayLike<number>): number {
  const { length } = numbers;
  if (length === 0) {
    throw new RangeError(
      "Cannot take a median: there are 0 numbers, there should be 1 or more",
    );
  }
  const sorted = Float64Array.from(numbers).sort();
  return (sorted[(length - 1) >> 1] + sorted[length >> 1]) / 2;
}

/** How far the middle half of the samples reaches, as a share of their median: what noise there was. */
export function spread(numbers: ArrayLike<number>): number {
  const sorted = Float64Array.from(numbers).sort(), last = sorted.length - 1;
  const quartile = (share: number) => sorted[Math.round(share * last)];
  return (quartile(3 / 4) - quartile(1 / 4)) / median(sorted);
}

/** Who runs when in a round: everybody once, each round beginning with the next one. */
export function rotation(count: number, round: number): number[] {
  return Array.from({ length: count }, (_, turn) => (round + turn) % count);
}

/** How many calls a sample of at least `least` has to hold, when a call takes `each`; both in ns. */
export function callsFor(least: number, each: number): number {
  return Math.max(1, Math.ceil(least / Math.max(each, 1)));
}

/** Whether a way that has made so many calls in so many ns is warm. */
export function isWarm(calls: number, spent: number): boolean {
  return spent >= WARM_UP || (calls >= WARM_CALLS && spent >= WARM_LEAST);
}

/** V8 compiles a WebAssembly function anew by the 20th call, which matters most where a call is short. */
const WARM_CALLS = 20;
/**
 * A call of microseconds is not warm after 20 of them, nor after 50 ms where an engine compiles on a busy processor; one
 * of seconds need not wait for as many. In ns.
 */
const WARM_LEAST = 300e6, WARM_UP = 1e9;

/** How many samples a way gives: fewer where one call takes a second or more, but three. */
export function samplesFor(asked: number, each: number): number {
  return each >= SLOW ? Math.min(asked, SLOW_SAMPLES) : asked;
}

const SLOW = 1e9, SLOW_SAMPLES = 3;

/** How many calls come before a sample without being timed: a millisecond of them, unless one is long itself. */
export function callsAhead(each: number): number {
  return each < LONG ? callsFor(AHEAD, each) : 0;
}

/** In ns. */
const AHEAD = 1e6, LONG = 50e6;
