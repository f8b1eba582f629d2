/**
 * What the suite holds an attention against: softmax attention as in the textbook, seeded rows, and a digest of bits.
 *
 * @module
 */

/** Outputs carry 32 significant bits; one bit more is room for the evaluation in double precision. */
const ROUNDING = 2 ** -31;

/** Softmax attention as in the textbook, row by row. */
export function softmax(queries, model, admits = () => true) {
  const width = model.values().next().value.value.length;
  return queries.flatMap((query, row) => {
    const output = new Array(width).fill(0);
    for (
      const [id, weight] of weights(query, model, (key) => admits(row, key))
    ) {
      const { value } = model.get(id);
      for (let c = 0; c < width; c++) output[c] += weight * value[c];
    }
    return output;
  });
}

/** What a query attends to: pairs of id and weight. */
export function weights(query, model, admits = () => true) {
  const admitted = [...model].filter(([id, { bias }]) =>
    bias > -Infinity && admits(id)
  );
  const scores = admitted.map(([id, entry]) => {
    const dot = entry.key.reduce((sum, x, at) => sum + x * query[at], 0);
    return [id, dot / Math.sqrt(query.length) + entry.bias];
  });
  const top = Math.max(...scores.map(([, score]) => score));
  const parts = scores.map(([id, score]) => [id, Math.exp(score - top)]);
  const sum = parts.reduce((total, [, part]) => total + part, 0);
  return parts.map(([id, part]) => [id, part / sum]);
}

/** Rows of 32-bit floats in −1 … 1. */
export function rows(count, width, seed) {
  const random = numbers(seed);
  return Array.from(
    { length: count },
    () => Array.from({ length: width }, () => Math.fround(random())),
  );
}

/** Whole numbers from 0 to below what is asked for. */
export function chance(seed) {
  const random = numbers(seed);
  return (below) => Math.floor((random() + 1) / 2 * below);
}

/** A linear congruential generator (Numerical Recipes, 1992) in −1 … 1. */
function numbers(seed) {
  let word = seed;
  const next = () => {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    return word / 2 ** 31 - 1;
  };
  // The first numbers of near seeds are near.
  for (let skip = 0; skip < 8; skip++) next();
  return next;
}

/** Compares numbers that are up to 1 in size; a tolerance of 0 asks for the same bits. */
export function equal(actual, expected, tolerance = ROUNDING) {
  same(actual.length, expected.length, "length");
  for (let at = 0; at < expected.length; at++) {
    const near = Object.is(actual[at], expected[at]) ||
      tolerance > 0 && Math.abs(actual[at] - expected[at]) <= tolerance;
    if (!near) {
      throw new Error(
        `[${at}] is ${actual[at]}, it should be ${
          expected[at]
        } within ${tolerance}`,
      );
    }
  }
}

/** Compares by JSON. */
export function same(actual, expected, name) {
  const [is, should] = [actual, expected].map((value) => JSON.stringify(value));
  if (is !== should) {
    throw new Error(`${name} is ${is}, it should be ${should}`);
  }
}

/** FNV-1a with 64 bits (Fowler, Noll, Vo, 1991) over the bytes of doubles, little-endian. */
export function fnv1a64() {
  let hash = 0xcbf29ce484222325n;
  const view = new DataView(new ArrayBuffer(8));
  return {
    add(doubles) {
      for (const double of doubles) {
        view.setFloat64(0, double, true);
        for (let byte = 0; byte < 8; byte++) {
          hash ^= BigInt(view.getUint8(byte));
          hash = BigInt.asUintN(64, hash * 0x100000001b3n);
        }
      }
    },
    hex: () => hash.toString(16).padStart(16, "0"),
  };
}
