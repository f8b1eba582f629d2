/** Where a replay keeps what it works on: laid out once in each call, for all its parts. */

/** Bytes of a change, flags and addresses; and of its biases and peaks. */
export const CHANGE: usize = 32, SIZES: usize = 32;
export const LEAVES = 1, ENTERS = 2, SAME = 4;
/** At most so many changes come at once, each with two keys. */
const KEYS: usize = 16;

/** Addresses of the keys that are scored, and where their scores go. */
export let list: usize = 0;
/** Scores and weights of four rows. */
export let scores: usize = 0;
export let weights: usize = 0;
/** Four rows of queries: pairs of columns of all four, one behind the other. */
export let wide: usize = 0;
/** Biases and peaks of changes. */
export let sizes: usize = 0;

/** Lays out scratch. */
export function layRoom(scratch: usize, changeSizes: usize): void {
  sizes = changeSizes;
  list = scratch;
  scores = list + (KEYS << 3);
  weights = scores + (KEYS << 5);
  wide = weights + (KEYS << 5);
}

/** Two doubles from two places. */
export function pairOf(first: usize, second: usize): v128 {
  return v128.load64_lane(second, v128.load64_zero(first), 1);
}
