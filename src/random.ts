/**
 * A seeded generator: the same seed gives the same numbers in every engine.
 *
 * The generator is Mulberry32 (Tommy Ettinger, 2017): one 32-bit word of state, integer arithmetic only. Randomness
 * reaches the library through it and nowhere else.
 *
 * @module
 */

/** A stream of pseudo-random numbers. */
export interface Random {
  /** The next number, uniform in [0, 1) with 32 random bits. */
  uniform(): number;
  /** The next number, normal with mean 0 and deviation 1. */
  normal(): number;
  /** The next integer, uniform in 0 … below − 1. */
  integer(below: number): number;
}

/** Makes the stream of a seed. */
export function seeded(seed: number): Random {
  let word = seed >>> 0;
  const uniform = () => {
    word = (word + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(word ^ (word >>> 15), word | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    uniform,
    normal: () =>
      Math.sqrt(-2 * Math.log(1 - uniform())) *
      Math.cos(2 * Math.PI * uniform()),
    integer: (below) => Math.floor(uniform() * below),
  };
}
