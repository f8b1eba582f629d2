/**
 * What the processor can do at most, as the AssemblyScript of a small module: chains of multiply-adds in registers, sums
 * over memory, and exp2 of four numbers at a time.
 *
 * @module
 */

/** Chains that run side by side; more than the units of any processor are deep, and with two operands below 16 registers. */
const CHAINS = 12;
/** Links of a chain in a round of the loop. */
export const UNROLLED = 8;
/** Streams that are read side by side. */
const STREAMS = 8;
/** Bytes of a vector. */
const VECTOR = 16;
/** Where the constants lie, before what is read and worked on. */
const CONSTANTS = 1024;
/** Vectors of constants: 0 and 1 for the chains, the others for exp2. */
export const CONSTANT_VECTORS = 16;

/** Flops in a round of {@linkcode chainSource}: four lanes, a multiplication and an addition. */
export const FLOPS = CHAINS * UNROLLED * 4 * 2;

const times = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join("\n");
const constant = (i: number) => `v128.load(${CONSTANTS}, ${i * VECTOR})`;

/** a ← a·x + y in all chains, `link` says how. */
function chainSource(name: string, link: (a: string) => string): string {
  return `
export function ${name}(rounds: i32): f32 {
  const x = ${constant(0)}, y = ${constant(1)};
  ${times(CHAINS, (i) => `let a${i} = ${constant(i)};`)}
  for (let round = 0; round < rounds; round++) {
    ${times(UNROLLED, () => times(CHAINS, (i) => `a${i} = ${link(`a${i}`)};`))}
  }
  ${times(CHAINS - 1, (i) => `a0 = f32x4.add(a0, a${i + 1});`)}
  return f32x4.extract_lane(a0, 0);
}`;
}

/** Sums what lies from `from` on: one stream of `bytes`, or eight of an eighth each. */
function streamSource(name: string, apart: string): string {
  return `
export function ${name}(from: usize, bytes: usize): f32 {
  const step: usize = ${apart};
  const end: usize = from + bytes / ${STREAMS} * (step == ${VECTOR} ? ${STREAMS} : 1);
  const stride: usize = step == ${VECTOR} ? ${STREAMS * VECTOR} : ${VECTOR};
  ${times(STREAMS, (i) => `let a${i} = ${constant(0)};`)}
  for (let p = from; p < end; p += stride) {
    ${
    times(
      STREAMS,
      (i) => `a${i} = f32x4.add(a${i}, v128.load(p + ${i} * step));`,
    )
  }
  }
  ${times(STREAMS - 1, (i) => `a0 = f32x4.add(a0, a${i + 1});`)}
  return f32x4.extract_lane(a0, 0);
}`;
}

/** 2^t of `count` numbers, in place into `to`: t rounded to a whole number through a large one, a polynomial of the rest. */
const EXP2 = `
export function exp2(from: usize, to: usize, count: i32): void {
  const least = ${constant(2)}, large = ${constant(3)};
  const c0 = ${constant(4)}, c1 = ${constant(5)}, c2 = ${constant(6)}, c3 = ${
  constant(7)
};
  const c4 = ${constant(8)}, c5 = ${constant(9)}, c6 = ${constant(10)};
  for (let i = 0; i < count; i += 4) {
    const t = f32x4.max(v128.load(from + (i << 2)), least);
    const z = f32x4.add(t, large);
    const r = f32x4.sub(t, f32x4.sub(z, large));
    let p = f32x4.relaxed_madd(c6, r, c5);
    p = f32x4.relaxed_madd(p, r, c4);
    p = f32x4.relaxed_madd(p, r, c3);
    p = f32x4.relaxed_madd(p, r, c2);
    p = f32x4.relaxed_madd(p, r, c1);
    p = f32x4.relaxed_madd(p, r, c0);
    v128.store(to + (i << 2), i32x4.add(p, i32x4.shl(z, 23)));
  }
}`;

/** Adds 1 to 2^t's exponent when it is added to the bits: 1.5 · 2²³, at which f32 has a unit of 1. */
const LARGE = 1.5 * 2 ** 23;
/** 2^t below it is not normal. */
const LEAST = -126;
/** ln 2^k / k!: the series of 2^r, |r| ≤ ½. */
const SERIES = Array.from({ length: 7 }, (_, k) => {
  let term = 1;
  for (let i = 1; i <= k; i++) term *= Math.LN2 / i;
  return term;
});

/** What {@linkcode SOURCE} finds where its constants are: vectors of four alike. */
export const CONSTANT_VALUES: readonly number[] = [
  0.5,
  1,
  LEAST,
  LARGE,
  ...SERIES,
];

/** Where a module's constants begin, in bytes, and where there is room. */
export const LAYOUT = { constants: CONSTANTS, room: 65536 };

/** The module. */
export const SOURCE: string = [
  chainSource("relaxed", (a) => `f32x4.relaxed_madd(${a}, x, y)`),
  chainSource("simd", (a) => `f32x4.add(f32x4.mul(${a}, x), y)`),
  streamSource("stream", `${VECTOR}`),
  streamSource("streams", `bytes / ${STREAMS}`),
  EXP2,
].join("\n");
