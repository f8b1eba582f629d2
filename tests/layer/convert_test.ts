/**
 * Conversions: nothing lost for one head, the least that can be for more, and what is lost told as it is.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Tensor } from "../../mod.ts";
import {
  efficientAttention,
  multiHeadAttention,
  optimisedAttention,
  toEfficient,
  toOptimised,
} from "../../src/layer/mod.ts";
import { seeded } from "../../src/random.ts";
import { anything, refuses } from "../refusals.ts";
import {
  drawLayer,
  type Matrix,
  normalRows,
  plainLayer,
  tensorOf,
} from "./plain.ts";

const UNIT64 = 2 ** -53;
const wide = (rows: Matrix) => tensorOf(rows, undefined, Float64Array);

/** Weights without keys that are always there, which have no place in other kinds. */
function drawn(
  heads: number,
  width: number,
  seed: number,
  dim = width / heads,
) {
  const { weights, plain } = drawLayer("multiHead", {
    heads,
    dim,
    valueDim: dim,
    queryWidth: width,
    outputWidth: width,
    context: 0,
  }, seed);
  delete weights.keyRow;
  delete weights.valueRow;
  plain.alwaysKeys = [];
  plain.alwaysValues = [];
  return { weights: anything(weights) as Weights, plain };
}

type Weights = Parameters<typeof toOptimised>[0];

Deno.test("one head loses nothing from multi-head to Optimised to Efficient attention", () => {
  for (let seed = 0; seed < 20; seed++) {
    const { weights, plain } = drawn(1, 5, seed, 2 + seed % 5);
    if (seed % 4 === 1) delete weights.valueBias;
    if (seed % 4 === 2) delete weights.queryBias;
    if (seed % 4 === 3) delete weights.outputBias;
    const rows = normalRows(seeded(seed + 100), 6, 5);
    const samples = seed % 2 ? rows : undefined;
    const optimised = toOptimised(weights, { heads: 1, samples });
    const efficient = toEfficient(optimised.weights, { heads: 1, samples });
    assertEquals([optimised.error, efficient.error], [0, 0]);
    assertEquals(
      Object.keys(efficient.weights).sort(),
      [
        ...(samples || weights.outputBias || weights.valueBias
          ? ["outputBias"]
          : []),
        "outputWeight",
        ...(weights.queryBias ? ["queryBias"] : []),
        "queryWeight",
      ].sort(),
    );
    const x = wide(rows), options = { heads: 1, causal: seed % 2 > 0 };
    const truth = multiHeadAttention(x, x, x, weights, options).output.data;
    const { largest } = plainLayer(plain, 1, rows, rows, rows, () => true);
    // One more product of up to six terms on either way, and a score of two products of six.
    const within = 2 * (5 * 6 * largest + 12 * largest ** 3) * UNIT64;
    for (
      const { output } of [
        optimisedAttention(x, x, x, optimised.weights, options),
        efficientAttention(x, x, x, efficient.weights, options),
      ]
    ) {
      truth.forEach((number, i) => {
        const error = Math.abs(output.data[i] - number);
        assert(error <= within, `seed ${seed}: ${error}`);
      });
    }
  }
});

Deno.test("without samples each head keeps its own columns, and the share of the others is the error", () => {
  const { weights, plain } = drawn(2, 6, 1);
  const { weights: { outputWeight, outputBias }, error } = toOptimised(
    weights,
    { heads: 2 },
  );
  let all = 0, lost = 0;
  const bias = plain.outputBias.slice();
  for (let head = 0; head < 2; head++) {
    const own = (c: number) => Math.floor(c / 3) === head;
    for (let r = 0; r < 6; r++) {
      for (let c = 0; c < 6; c++) {
        let number = 0;
        for (let t = 3 * head; t < 3 * head + 3; t++) {
          number += plain.output[r][t] * plain.value![t][c];
        }
        all += number ** 2;
        if (!own(c)) lost += number ** 2;
        else {
          const kept = outputWeight.data[r * 6 + c];
          assert(Math.abs(kept - number) <= 2 * 3 * UNIT64 * 3);
        }
      }
      for (let t = 3 * head; t < 3 * head + 3; t++) {
        bias[r] += plain.output[r][t] * plain.valueBias![t];
      }
    }
  }
  assert(Math.abs(error - Math.sqrt(lost / all)) <= 72 * UNIT64);
  assert(error > 0.5 && error < 0.9);
  bias.forEach((number, r) =>
    assert(Math.abs(outputBias!.data[r] - number) <= 2 * 7 * UNIT64 * 3)
  );
});

Deno.test("with samples what a head loses cannot be told from its slice, and is what error says", () => {
  for (let seed = 0; seed < 12; seed++) {
    // Fewer samples than numbers in a slice, as many, more.
    const count = [2, 3, 40][seed % 3], random = seeded(seed);
    const { weights, plain } = drawn(2, 6, seed);
    const mixing = normalRows(random, 6, 6);
    const samples = normalRows(random, count, 6).map((row) =>
      mixing.map((m) =>
        Math.fround(1 + m.reduce((sum, x, t) => sum + x * row[t], 0))
      )
    );
    const mean = samples[0].map((_, c) =>
      samples.reduce((sum, row) => sum + row[c], 0) / count
    );
    const { weights: narrow, error } = toOptimised(weights, {
      heads: 2,
      samples,
    });
    let all = 0, lost = 0;
    const bias = plain.outputBias.slice();
    for (let head = 0; head < 2; head++) {
      const map = (row: number[], r: number) => {
        let sum = 0;
        for (let t = 3 * head; t < 3 * head + 3; t++) {
          sum += plain.output[r][t] *
            plain.value![t].reduce((sum, w, c) => sum + w * row[c], 0);
        }
        return sum;
      };
      const guess = (row: number[], r: number) => {
        let sum = 0;
        for (let c = 3 * head; c < 3 * head + 3; c++) {
          sum += narrow.outputWeight.data[r * 6 + c] * row[c];
        }
        return sum;
      };
      for (let r = 0; r < 6; r++) {
        const residuals = samples.map((row) => {
          const centred = row.map((x, c) => x - mean[c]);
          const should = map(centred, r);
          all += should ** 2;
          const residual = should - guess(centred, r);
          lost += residual ** 2;
          return residual;
        });
        for (let c = 3 * head; c < 3 * head + 3; c++) {
          const together = residuals.reduce(
            (sum, residual, at) => sum + residual * (samples[at][c] - mean[c]),
            0,
          );
          // Sums of samples of size up to 20, through a decomposition of a 3 × 3 matrix.
          assert(Math.abs(together) <= count * 400 * 2 ** 12 * UNIT64);
        }
        bias[r] += map(mean, r) - guess(mean, r);
        for (let t = 3 * head; t < 3 * head + 3; t++) {
          bias[r] += plain.output[r][t] * plain.valueBias![t];
        }
      }
    }
    // The root of what rounding makes of nothing lost.
    assert(Math.abs(error ** 2 - lost / all) <= 2 ** 12 * UNIT64, `${seed}`);
    bias.forEach((number, r) =>
      assert(Math.abs(narrow.outputBias!.data[r] - number) <= 2 ** 12 * UNIT64)
    );
    const blind = toOptimised(weights, { heads: 2 }).error;
    assert(error < 1 && blind < 1);
  }
});

Deno.test("heads lose nothing of tokens whose slices tell all", () => {
  for (let seed = 0; seed < 6; seed++) {
    const random = seeded(seed), { weights, plain } = drawn(2, 6, seed);
    // Both halves say the same, but for a constant; of few bits, so that no rounding tells them apart.
    const tokens = normalRows(random, 8, 3)
      .map((half) => half.map((x) => Math.round(x * 1024) / 1024))
      .map((half) => [...half, ...half.map((x) => 2 * x + 1)]);
    const options = { heads: 2, samples: tokens };
    const optimised = toOptimised(weights, options);
    const efficient = toEfficient(optimised.weights, options);
    // Errors are roots of rounding.
    assert(optimised.error < 2 ** -20 && efficient.error < 2 ** -20);
    const x = wide(tokens);
    const truth = multiHeadAttention(x, x, x, weights, { heads: 2 }).output;
    const { largest } = plainLayer(
      plain,
      2,
      tokens,
      tokens,
      tokens,
      () => true,
    );
    // As for one head, with weights that a decomposition has given.
    const within = 2 ** 8 * (5 * 6 * largest + 12 * largest ** 3) * UNIT64;
    const answers: Tensor[] = [
      optimisedAttention(x, x, x, optimised.weights, { heads: 2 }).output,
      efficientAttention(x, x, x, efficient.weights, { heads: 2 }).output,
    ];
    for (const { data } of answers) {
      truth.data.forEach((number, i) =>
        assert(Math.abs(data[i] - number) <= within)
      );
    }
  }
});

Deno.test("toEfficient() loses of scores what error says", () => {
  const random = seeded(5), { weights, plain } = drawn(2, 6, 5);
  const samples = normalRows(random, 30, 6);
  const optimised = toOptimised(weights, { heads: 2 }).weights;
  const { weights: narrow, error } = toEfficient(optimised, {
    heads: 2,
    samples,
  });
  const mean = samples[0].map((_, c) =>
    samples.reduce((sum, row) => sum + row[c], 0) / samples.length
  );
  let all = 0, lost = 0;
  for (let head = 0; head < 2; head++) {
    // Queries of all directions alike, and the bias: the units of the input and 1.
    for (let t = 0; t <= 6; t++) {
      const asking = (row: number) =>
        t < 6 ? plain.query[row][t] : plain.queryBias[row];
      for (const sample of samples) {
        const centred = sample.map((x, c) => x - mean[c]);
        let should = 0, is = 0;
        for (let row = 3 * head; row < 3 * head + 3; row++) {
          should += asking(row) *
            plain.key![row].reduce((sum, w, c) => sum + w * centred[c], 0);
          is += centred[row] *
            (t < 6
              ? narrow.queryWeight.data[row * 6 + t]
              : narrow.queryBias!.data[row]);
        }
        all += should ** 2;
        lost += (should - is) ** 2;
      }
    }
  }
  assert(Math.abs(error ** 2 - lost / all) <= 2 ** 12 * UNIT64);
  assert(error > 0.3);
});

Deno.test("conversions refuse what they cannot keep", () => {
  const { weights } = drawn(2, 6, 1);
  const always = drawLayer("multiHead", {
    heads: 2,
    dim: 3,
    valueDim: 3,
    queryWidth: 5,
    outputWidth: 6,
    context: 0,
  }, 1).weights;
  const { keyRow: _key, valueRow: _value, ...odd } = always;
  const { weights: optimised } = toOptimised(weights, { heads: 2 });
  const cases: [() => unknown, typeof TypeError | typeof RangeError, string][] =
    [
      [
        () => toOptimised(anything(always), { heads: 2 }),
        RangeError,
        "Optimised attention: weights has a keyRow, it should have none",
      ],
      [
        () => toOptimised(anything(odd), { heads: 2 }),
        RangeError,
        "Optimised attention: values have 5 numbers, they should divide into 2 heads",
      ],
      [
        () => toOptimised(weights, anything({ heads: 2, rank: 1 })),
        TypeError,
        'Optimised attention: unknown option "rank", it should be one of heads, samples',
      ],
      [
        () => toOptimised(weights, { heads: 2, samples: [] }),
        RangeError,
        "Optimised attention: samples has no rows, it should have some or be left out",
      ],
      [
        () => toOptimised(weights, { heads: 2, samples: [[1, 2]] }),
        RangeError,
        "Optimised attention: samples[0] has 2 numbers, it should have 6",
      ],
      [
        () => toOptimised(optimised as Weights, { heads: 2 }),
        TypeError,
        "Optimised attention: weights.valueWeight is undefined, it should be a tensor with data and shape",
      ],
      [
        () => toEfficient(anything(weights), { heads: 2 }),
        TypeError,
        'Efficient attention: unknown weight "valueWeight", it should be one of queryWeight, queryBias, outputWeight, outputBias, keyWeight, keyBias',
      ],
      [
        () => toEfficient(optimised, { heads: 4 }),
        RangeError,
        "Efficient attention: a projected query is 6 numbers, it should divide into 4 heads",
      ],
    ];
  for (const [refused, kind, message] of cases) {
    refuses(refused, kind, `Cannot convert to ${message}`);
  }
});
