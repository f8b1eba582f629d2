/**
 * The three inverses of Γ: against the identity, against plain elimination, and where Γ has next to no rank.
 *
 * @module
 */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  chooseRidge,
  decompose,
  exactInverse,
  iterativeInverse,
  largestColumn,
  product,
  residualOf,
  ridgeInverse,
  rowSumDefectOf,
} from "../../src/method/inverse.ts";
import { gammaOf } from "../../src/method/landmarks.ts";
import { seeded } from "../../src/random.ts";
import { lcg } from "../lcg.ts";

const UNIT = 2 ** -53;

/** A softmax of normal scores of this deviation. */
function drawGamma(seed: number, size: number, gain: number): Float64Array {
  const random = seeded(seed), dim = 4;
  const rows = () =>
    Float64Array.from({ length: size * dim }, () => gain * random.normal());
  return gammaOf(rows(), rows(), dim, size, 1, 0);
}

/** X with A X = B, both size rows, by elimination with pivots. */
function solve(
  a: number[][],
  b: number[][],
): number[][] {
  const rows = a.map((row, i) => [...row, ...b[i]]), size = a.length;
  for (let p = 0; p < size; p++) {
    let best = p;
    for (let i = p; i < size; i++) {
      if (Math.abs(rows[i][p]) > Math.abs(rows[best][p])) best = i;
    }
    [rows[p], rows[best]] = [rows[best], rows[p]];
    for (let i = 0; i < size; i++) {
      if (i === p) continue;
      const factor = rows[i][p] / rows[p][p];
      rows[i] = rows[i].map((x, j) => x - factor * rows[p][j]);
    }
  }
  return rows.map((row, i) => row.slice(size).map((x) => x / row[i]));
}

function table(matrix: Float64Array, width: number): number[][] {
  return Array.from(
    { length: matrix.length / width },
    (_, i) => [...matrix.subarray(i * width, (i + 1) * width)],
  );
}

/** The prediction of a ridge regression with a free constant, from features x of examples with outputs y. */
function regress(
  features: number[][],
  outputs: number[][],
  lambda: number,
  feature: number[],
): number[] {
  const mean = (rows: number[][]) =>
    rows[0].map((_, j) =>
      rows.reduce((sum, row) => sum + row[j], 0) / rows.length
    );
  const middle = mean(features), middleOut = mean(outputs);
  const x = features.map((row) => row.map((f, j) => f - middle[j]));
  const y = outputs.map((row) => row.map((o, j) => o - middleOut[j]));
  const normal = middle.map((_, j) =>
    middle.map((_, k) =>
      x.reduce((sum, row) => sum + row[j] * row[k], j === k ? lambda : 0)
    )
  );
  const right = middle.map((_, j) =>
    middleOut.map((_, c) =>
      x.reduce((sum, row, i) => sum + row[j] * y[i][c], 0)
    )
  );
  const weights = solve(normal, right);
  return middleOut.map((o, c) =>
    o +
    weights.reduce((sum, row, j) => sum + row[c] * (feature[j] - middle[j]), 0)
  );
}

// Edges

Deno.test("one landmark: every inverse of [1] is 1", () => {
  const one = Float64Array.of(1);
  assertEquals(exactInverse(one, 1), one);
  assertEquals(iterativeInverse(one, 1, 6, 1), one);
  const spectrum = decompose(one, 1, true);
  assertEquals(chooseRidge(spectrum, Float64Array.of(3), 1), 1);
  assertEquals(ridgeInverse(spectrum, 1), one);
});

Deno.test("landmarks that are all alike: the pseudo-inverse, the ridge and the iteration agree on the mean", () => {
  const size = 5, gamma = new Float64Array(size * size).fill(1 / size);
  const mean = gamma;
  for (
    const inverse of [
      exactInverse(gamma, size),
      ridgeInverse(decompose(gamma, size, true), 0.5),
      iterativeInverse(gamma, size, 6, largestColumn(gamma, size)),
    ]
  ) {
    inverse.forEach((x, at) =>
      assertAlmostEquals(x, mean[at], size ** 2 * UNIT)
    );
    assertAlmostEquals(residualOf(gamma, inverse, size), 1 - 1 / size, 1e-15);
    assertAlmostEquals(rowSumDefectOf(inverse, size), 0, size ** 2 * UNIT);
  }
});

Deno.test("exactInverse() of weights that vanish, 0 or below 2⁻¹⁰⁰⁰, stays finite", () => {
  for (const gain of [1, 6, 30, 300, 3000]) {
    for (let seed = 1; seed <= 20; seed++) {
      const size = 1 + seed % 9, gamma = drawGamma(seed, size, gain);
      const spectrum = decompose(gamma, size, true);
      const answers = gamma.map((x) => x - 0.3);
      const ridge = chooseRidge(spectrum, answers, size);
      assert(ridge > 0 && ridge < Infinity);
      for (
        const inverse of [
          exactInverse(gamma, size),
          ridgeInverse(spectrum, ridge),
          iterativeInverse(gamma, size, 40, largestColumn(gamma, size)),
        ]
      ) assert(inverse.every((x) => Number.isFinite(x)), `gain ${gain}`);
    }
  }
});

// Laws

Deno.test("iterativeInverse() leaves the published residuals after 0, 1, 2, 6 and 12 steps", () => {
  const { matrix } = lcg(5), q = matrix(6, 2), k = matrix(6, 2);
  const means = (rows: number[][]) =>
    Float64Array.from(
      [0, 2, 4].flatMap((i) => rows[i].map((x, t) => (x + rows[i + 1][t]) / 2)),
    );
  const gamma = gammaOf(means(q), means(k), 2, 3, 1 / Math.sqrt(2), 0);
  const column = largestColumn(gamma, 3);
  for (
    const [steps, residual] of [
      [0, 0.681],
      [1, 0.66664],
      [2, 0.66622],
      [6, 0.61503],
    ]
  ) {
    const inverse = iterativeInverse(gamma, 3, steps, column);
    assertAlmostEquals(residualOf(gamma, inverse, 3), residual, 5e-5);
  }
  // 6.5e-13 as published: what is left is rounding, (1/0.0049)² of it at most.
  const inverse = iterativeInverse(gamma, 3, 12, column);
  assert(residualOf(gamma, inverse, 3) < 8 * UNIT / 0.0049 ** 2);
  const { values } = decompose(gamma, 3, false);
  [1.000591623, 0.0226942272, 0.0049175033].forEach((value, i) =>
    assertAlmostEquals(values[i], value, 1e-9)
  );
});

Deno.test("exactInverse() is an inverse, up to the condition of Γ", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const size = 1 + seed % 12, gamma = drawGamma(seed, size, 2);
    const { values } = decompose(gamma, size, false);
    const condition = values[0] / values[size - 1];
    if (condition > 1e9) continue;
    const inverse = exactInverse(gamma, size);
    // The decomposition errs by size units of the largest singular value, Z enlarges that by the smallest.
    const most = 8 * size ** 2 * UNIT * condition;
    assert(residualOf(gamma, inverse, size) < most, `seed ${seed}`);
    assert(rowSumDefectOf(inverse, size) < most, `seed ${seed}`);
  }
});

Deno.test("ridgeInverse() is a ridge regression with a free constant, and its rows add up to 1", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const size = 2 + seed % 8, width = 3, ridge = 2 ** -(seed % 10);
    const gamma = drawGamma(seed, size, 2), random = seeded(seed);
    const answers = Float64Array.from(
      { length: size * width },
      () => random.normal(),
    );
    const spectrum = decompose(gamma, size, true);
    const inverse = ridgeInverse(spectrum, ridge);
    const lambda = ridge * spectrum.values[0] ** 2;
    const feature = table(drawGamma(-seed, size, 2), size)[0];
    const wanted = regress(
      table(gamma, size),
      table(answers, width),
      lambda,
      feature,
    );
    const weights = feature.map((_, i) =>
      feature.reduce((sum, f, j) => sum + f * inverse[j * size + i], 0)
    );
    // The normal equations have the condition 1 / ridge + 1 and lose as much, twice for the two sides.
    const most = 16 * size ** 2 * UNIT * (1 / ridge + 1) /
      spectrum.values[0];
    wanted.forEach((output, c) => {
      const got = weights.reduce(
        (sum, w, i) => sum + w * answers[i * width + c],
        0,
      );
      assertAlmostEquals(got, output, most, `seed ${seed}`);
    });
    assert(rowSumDefectOf(inverse, size) < most);
  }
});

Deno.test("chooseRidge() takes the largest ridge whose error, leaving one out, is within a thirtieth of the lowest, and no less than a share of Γ", () => {
  const chosen = new Set<number>();
  let floored = 0;
  for (let seed = 1; seed <= 25; seed++) {
    const size = 3 + seed % 6, width = 2, random = seeded(seed);
    const gamma = drawGamma(seed, size, 1 + seed % 3);
    // Outputs that follow from the features, and noise.
    const noise = [0, 0.01, 0.1, 1][seed % 4];
    const slopes = Array.from(
      { length: size * width },
      () => random.normal() * 3,
    );
    const answers = product(
      gamma,
      Float64Array.from(slopes),
      size,
      width,
      false,
    ).map((x) => x + noise * random.normal());
    const spectrum = decompose(gamma, size, true);
    const features = table(gamma, size), outputs = table(answers, width);
    const errors = Array.from({ length: 17 }, (_, k) => {
      const lambda = Math.max(
        2 ** -k * spectrum.values[0] ** 2,
        2 ** -13 * largestColumn(gamma, size),
      );
      let error = 0;
      features.forEach((feature, i) => {
        const others = <T>(rows: T[]) => rows.filter((_, at) => at !== i);
        const predicted = regress(
          others(features),
          others(outputs),
          lambda,
          feature,
        );
        predicted.forEach((p, c) => error += (p - outputs[i][c]) ** 2);
      });
      return error;
    });
    const lowest = Math.min(...errors);
    const wanted = errors.findIndex((error) => error <= 1.03 * lowest);
    const ridge = chooseRidge(spectrum, answers, width);
    const least = 2 ** -13 * largestColumn(gamma, size) /
      spectrum.values[0] ** 2;
    if (least > 2 ** -16 && ridge < 2 ** -12) floored++;
    assertAlmostEquals(
      ridge,
      Math.max(2 ** -wanted, least),
      4 * UNIT * ridge,
      `seed ${seed}`,
    );
    chosen.add(2 ** -wanted);
  }
  assert(chosen.size > 4, "the seeds choose alike");
  assert(floored > 0, "no seed meets the least");
});
