/**
 * The two distributions: the same output on ten thousand rows, and the least length and the largest objective there are.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Matrix, pseudoInverse } from "ml-matrix";
import { createAttention, weights as weightsOf } from "../../mod.ts";
import {
  efficientAttention,
  freedom,
  liveValues,
  minimumNormAttention,
  sparseAttention,
} from "../../src/explain/mod.ts";
import { shortestByWalking } from "../../src/explain/active_set.ts";
import { type Moments, momentsUnder } from "../../src/explain/moments.ts";
import { shortestByNewton } from "../../src/explain/newton.ts";
import { makeView, momentsIn } from "../../src/explain/view.ts";
import { DenseMatrix } from "../../src/matrix/dense.ts";
import { readNpy } from "../npy.ts";
import { within } from "../same.ts";
import { forSeeds, normals } from "../scripts.ts";
import { type Case, change, drawCase, drawWeights } from "./hostile.ts";

/** What is promised. */
const UNCHANGED = 1e-10;

/** Fails unless both are distributions over the keys attended to with the same output; returns the larger change. */
function checkBoth(drawn: Case): number {
  const { weights, values, kind } = drawn;
  const even = [...minimumNormAttention([weights], values).data];
  const sparse = sparseAttention([weights], values);
  const few = [...sparse.to1DArray()];
  const attended = weights.filter((weight) => weight !== 0).length;
  const rank = attended - freedom([weights], values).distribution[0];
  const most = Math.min(rank, values[0].length + 1);
  assert(
    sparse.nonZeros <= most,
    `${kind}: ${sparse.nonZeros} keys, at most ${most}`,
  );
  for (const row of [even, few]) {
    row.forEach((weight, key) => {
      assert(
        weight >= 0 && weight < 1 + UNCHANGED,
        `${kind}: ${weight} at ${key}`,
      );
      assert(weight === 0 || weights[key] !== 0, `${kind}: ${key} is masked`);
    });
    const moved = change(drawn, row, true);
    assert(moved <= UNCHANGED, `${kind}: the output moved by ${moved}`);
  }
  const squares = (row: ArrayLike<number>) =>
    Array.from(row).reduce((sum, weight) => sum + weight * weight, 0);
  const near = 1 + UNCHANGED;
  const least = squares(efficientAttention([weights], values).data);
  // What columns next to dependent span is known to their condition only, and so is the length of a projection.
  const known = kind !== "nearly dependent columns" && kind !== "far from 0";
  assert(!known || squares(even) >= least / near, `${kind}: too short`);
  assert(
    squares(even) <= squares(weights) * near,
    `${kind}: longer than the row`,
  );
  assert(
    squares(even) <= squares(few) * near,
    `${kind}: longer than the vertex`,
  );
  const gain = few.reduce((sum, weight, key) => sum + weight * weights[key], 0);
  assert(
    gain >= squares(weights) / near,
    `${kind}: ${gain} of ${squares(weights)}`,
  );
  return Math.max(change(drawn, even, true), change(drawn, few, true));
}

Deno.test("both distributions keep the outputs of 10 000 random and degenerate rows, and their promises", () => {
  let worst = 0;
  const seeds = forSeeds(10_000, (_, random) => {
    worst = Math.max(worst, checkBoth(drawCase(random)));
  });
  // Far below what is promised, or something is on its way to failing.
  assert(worst < 1e-12, `off by ${worst} in ${seeds} rows`);
});

Deno.test("both distributions keep the outputs of a trained sentence encoder", () => {
  const [q, k, v] = ["q", "k", "v"].map((name) => {
    const path = `../fixtures/real/use-lite/l0_${name}.npy`;
    const { data, shape: [heads, tokens, dim] } = readNpy(
      Deno.readFileSync(new URL(path, import.meta.url)),
    );
    return Array.from(
      { length: heads },
      (_, head) =>
        Array.from({ length: tokens }, (_, token) => {
          const start = (head * tokens + token) * dim;
          return [...data.subarray(start, start + dim)];
        }),
    );
  });
  q.forEach((queries, head) => {
    const attention = createAttention({
      queries: [queries[3 + head], queries[40], queries[127]],
      keys: k[head],
      values: v[head],
      scale: 1,
    });
    const { matrix } = weightsOf(attention);
    const values = liveValues(attention).to2DArray();
    matrix.to2DArray().forEach((weights) =>
      checkBoth({ weights, values, kind: "ordinary" })
    );
  });
});

/** All sets of so many of `count` keys, or of any number of them. */
function* subsets(count: number, size?: number): Generator<number[]> {
  for (let bits = 1; bits < 2 ** count; bits++) {
    const keys = Array.from({ length: count }, (_, key) => key).filter((key) =>
      bits >> key & 1
    );
    if (size === undefined || keys.length === size) yield keys;
  }
}

Deno.test("minimumNormAttention() is the shortest of all, sparseAttention() the one with most of the weight, by trying every set of keys", () => {
  forSeeds(60, (_, random) => {
    const count = 3 + random.integer(5),
      width = 1 + random.integer(Math.min(3, count - 2));
    const values = Array.from(
      { length: count },
      () => normals(random, width, 1),
    );
    const weights = drawWeights(random, count).map((weight) => weight + 0.01);
    const table = new Matrix(values.map((row) => [...row, 1]));
    const wanted = new Matrix([weights]).mmul(table).transpose();
    /** The shortest weights over some keys with the moments wanted, if there are any that are not negative. */
    const solve = (keys: number[]): number[] | undefined => {
      const columns = table.selection(
        keys,
        Array.from({ length: width + 1 }, (_, c) => c),
      ).transpose();
      const solution = pseudoInverse(columns).mmul(wanted);
      const off = columns.mmul(solution).sub(wanted).to1DArray();
      if (off.some((number) => Math.abs(number) > 1e-9)) return undefined;
      const numbers = solution.to1DArray();
      return numbers.some((number) => number < -1e-12) ? undefined : numbers;
    };
    let shortest = Infinity, most = -Infinity;
    for (const keys of subsets(count)) {
      const solution = solve(keys);
      if (solution === undefined) continue;
      shortest = Math.min(shortest, Math.hypot(...solution));
      if (keys.length > width + 1) continue;
      most = Math.max(
        most,
        solution.reduce((sum, x, i) => sum + x * weights[keys[i]], 0),
      );
    }
    const even = Math.hypot(...minimumNormAttention([weights], values).data);
    assert(
      Math.abs(even - shortest) <= 1e-9 * shortest,
      `${even}, the shortest is ${shortest}`,
    );
    const sparse = sparseAttention([weights], values).to1DArray();
    const gain = Array.from(sparse).reduce(
      (sum, x, key) => sum + x * weights[key],
      0,
    );
    assert(
      Math.abs(gain - most) <= 1e-9 * most,
      `${gain}, the most is ${most}`,
    );
  });
});

/**
 * How far at most a length may be from the least, next to itself: ½|x|² less a lower bound from the dual.
 *
 * For any λ, ½|x|² ≥ λᵀMᵀx − ½|(Mλ)₊|² for all x ≥ 0 with these moments; here Mλ is x where x is not 0.
 */
function dualityGap(moments: Moments, weights: Float64Array): number {
  const { rank, rows, byKey } = moments;
  const table = new Matrix(rows, rank);
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < rank; c++) table.set(i, c, byKey[i * rank + c]);
  }
  const free = [...weights.keys()].filter((key) => weights[key] > 0);
  const columns = Array.from({ length: rank }, (_, c) => c);
  const lambda = pseudoInverse(table.selection(free, columns)).mmul(
    Matrix.columnVector(free.map((key) => weights[key])),
  );
  const scores = table.mmul(lambda).to1DArray();
  const squares = weights.reduce((sum, weight) => sum + weight * weight, 0);
  const dot = scores.reduce((sum, score, key) => sum + score * weights[key], 0);
  const beyond = scores.reduce(
    (sum, score) => sum + Math.max(0, score) ** 2,
    0,
  );
  return (squares - 2 * dot + beyond) / squares;
}

Deno.test("Newton's steps and the walk come to the same distribution, and nothing is shorter", () => {
  let both = 0, walks = 0;
  forSeeds(300, (_, random) => {
    const count = 2 + random.integer(60), width = 1 + random.integer(8);
    const values = DenseMatrix.from(
      Array.from({ length: count }, () => normals(random, width, 1)),
    );
    const deviation = 1 + random.integer(5);
    const row = Float64Array.from(normals(random, count, deviation), Math.exp);
    const size = Math.hypot(...row), even = row.map((weight) => weight / size);
    const moments = momentsIn(makeView(values, undefined));
    const walked = shortestByWalking(moments, even);
    const gap = dualityGap(moments, walked);
    assert(gap <= 1e-10, `${count} × ${width}: the gap is ${gap}`);
    walks++;
    const wanted = momentsUnder(moments, even);
    const stepped = shortestByNewton(moments, wanted, 2 ** -44);
    if (stepped === undefined) return;
    both++;
    // |x − y|² ≤ |x|² − |y|² for the shortest y: lengths known to 10⁻¹⁰ leave weights 10⁻⁵.
    within(stepped, walked, () => 2e-5, count, "weights");
  });
  assert(both > walks * 0.7, `${both}`);
});

Deno.test("shortestByNewton() gives up where the moments are out of reach", () => {
  const moments = momentsIn(
    makeView(DenseMatrix.from([[0], [1], [2]]), undefined),
  );
  const reached = momentsUnder(moments, new Float64Array([0, 0, 1]));
  const beyond = momentsUnder(moments, new Float64Array([0, -1, 2]));
  assert(shortestByNewton(moments, reached, 1e-9) !== undefined);
  assertEquals(shortestByNewton(moments, beyond, 1e-9), undefined);
});

Deno.test("weights that do not add up to 1 keep their sums, and keys of equal values an equal part", () => {
  const weights = [[0.1, 0.3, 0.2, 0.05], [6, 2, 0, 1]];
  const values = [[1, 2], [1, 2], [0, 5], [3, 3]];
  const even = minimumNormAttention(weights, values);
  within(
    even.data,
    [0.2, 0.2, 0.2, 0.05, 4, 4, 0, 1],
    () => 1e-14 * 9,
    8,
    "even",
  );
  const sparse = sparseAttention(weights, values);
  within(
    sparse.to1DArray(),
    [0, 0.4, 0.2, 0.05, 8, 0, 0, 1],
    () => 1e-14 * 9,
    8,
    "sparse",
  );
});
