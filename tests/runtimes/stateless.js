/**
 * Stateless attention against its definition: numbers of queries and widths on and beside those of tiles, and options.
 *
 * @module
 */

import { equal, rows, same } from "./reference.js";

/** Batches, query heads, key heads, queries, keys, dim, valueDim. */
const SHAPES = [
  [1, 1, 1, 1, 1, 1, 1],
  [1, 1, 1, 1, 1000, 64, 64],
  [1, 2, 1, 2, 37, 7, 5],
  [2, 2, 2, 3, 33, 8, 17],
  [1, 4, 2, 5, 121, 31, 4],
  [1, 1, 1, 7, 130, 33, 9],
  [1, 1, 1, 9, 65, 16, 32],
  [1, 2, 1, 33, 40, 15, 65],
];
/** Half the distance from 1 to the next 32-bit number. */
const UNIT = 2 ** -24;
/** Error of a 32-bit exponential, in units. */
const EXPONENTIAL = 8;

const OPTIONS = {
  "every key": () => ({}),
  "causal": () => ({ options: { causal: true }, admits: (i, j) => j <= i }),
  "a window": () => ({
    options: { causal: true, window: { left: 2 } },
    admits: (i, j) => j <= i && j >= i - 2,
  }),
  "a mask": (queries, keys) => {
    const admits = (i, j) => (i + 3 * j) % 7 > 2 && i !== 1;
    const data = new Uint8Array(queries * keys);
    data.forEach((_, at) =>
      data[at] = Number(admits(Math.floor(at / keys), at % keys))
    );
    return { options: { mask: { data, shape: [queries, keys] } }, admits };
  },
  "an added mask": (queries, keys) => {
    const added = rows(queries, keys, 61);
    const data = Float32Array.from(added.flat());
    return {
      options: { mask: { data, shape: [queries, keys] } },
      bias: (i, j) => added[i][j],
    };
  },
  "a soft cap": () => ({
    options: { softcap: 0.5 },
    cap: (score) => 0.5 * Math.tanh(score / 0.5),
    // Engines differ in the hyperbolic tangent.
    reproducible: false,
  }),
};

/** By name: each is given the function and what takes numbers into the digest. */
export const stateless = Object.fromEntries(
  Object.entries(OPTIONS).map(([name, make]) => [
    `scaledDotProductAttention() is its definition: ${name}`,
    (attend, add) => {
      for (const shape of SHAPES) {
        const [batches, heads, keyHeads, n, m, dim, valueDim] = shape;
        const made = make(n, m);
        const tensor = (heads, length, width, seed) => ({
          data: Float32Array.from(
            rows(batches * heads * length, width, seed).flat(),
          ),
          shape: [batches, heads, length, width],
        });
        const queries = tensor(heads, n, dim, 40 + n);
        const keys = tensor(keyHeads, m, dim, 50 + m);
        const values = tensor(keyHeads, m, valueDim, 60 + m);
        const { output } = attend(queries, keys, values, made.options ?? {});
        same([...output.shape], [batches, heads, n, valueDim], "shape");
        same(output.data instanceof Float32Array, true, "a Float32Array");
        equal(
          output.data,
          definition(shape, queries.data, keys.data, values.data, made),
          bound(dim, m),
        );
        if (made.reproducible ?? true) add(output.data);
      }
    },
  ]),
);

/**
 * Error of attention in 32-bit floats over entries up to 1 in size: a score below √dim (and 1 more for a mask) errs by
 * dim + 4 units of it, a weight by that and its exponential, twice since weights are divided by their sum; two sums of m
 * terms and a quotient follow. Values are at most 1.
 */
function bound(dim, keys) {
  const score = (dim + 4) * (Math.sqrt(dim) + 1);
  return UNIT * (2 * (score + EXPONENTIAL) + 2 * keys + 1);
}

/** Two passes in f64 over each row of each head. */
function definition(
  [batches, heads, keyHeads, n, m, dim, valueDim],
  queries,
  keys,
  values,
  { admits = () => true, bias = () => 0, cap = (score) => score },
) {
  const output = new Float64Array(batches * heads * n * valueDim);
  for (let batch = 0; batch < batches; batch++) {
    for (let head = 0; head < heads; head++) {
      const keyHead = Math.floor(head / (heads / keyHeads));
      const q0 = (batch * heads + head) * n,
        k0 = (batch * keyHeads + keyHead) * m;
      for (let i = 0; i < n; i++) {
        const scores = new Float64Array(m).fill(-Infinity);
        for (let j = 0; j < m; j++) {
          if (!admits(i, j)) continue;
          let dot = 0;
          for (let c = 0; c < dim; c++) {
            dot += queries[(q0 + i) * dim + c] * keys[(k0 + j) * dim + c];
          }
          scores[j] = cap(dot / Math.sqrt(dim)) + bias(i, j);
        }
        const top = scores.reduce((a, b) => Math.max(a, b));
        if (top === -Infinity) continue;
        const weights = scores.map((score) => Math.exp(score - top));
        const sum = weights.reduce((a, b) => a + b);
        for (let c = 0; c < valueDim; c++) {
          let total = 0;
          for (let j = 0; j < m; j++) {
            total += weights[j] * values[(k0 + j) * valueDim + c];
          }
          output[(q0 + i) * valueDim + c] = total / sum;
        }
      }
    }
  }
  return output;
}
