/**
 * The published method, step by step: against recorded outputs of the original program and a worked example.
 *
 * @module
 */

import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { scaledDotProductAttention } from "../../../mod.ts";
import { smyrf } from "../../../src/method/mod.ts";
import { fitDirections } from "../../../src/method/smyrf/hashing.ts";
import { piecesOf, sortHead } from "../../../src/method/smyrf/published.ts";
import type { Job } from "../../../src/softmax/block.ts";
import { checkAdmission } from "../../../src/softmax/admit.ts";
import { checkView, type Tensor } from "../../../src/softmax/tensor.ts";
import { seeded } from "../../../src/random.ts";
import { lcg } from "../../lcg.ts";

/** A tensor of one head. */
function head(rows: readonly ArrayLike<number>[]): Tensor {
  return {
    data: Float64Array.from(rows.flatMap((row) => Array.from(row))),
    shape: [1, 1, rows.length, rows[0].length],
  };
}

function rowsOf({ data, shape }: Tensor): number[][] {
  const width = shape[shape.length - 1];
  return Array.from(
    { length: data.length / width },
    (_, at) => [...data.subarray(at * width, (at + 1) * width)],
  );
}

/** What the hashing sees of tensors. */
function jobOf(q: Tensor, k: Tensor, options = {}): Job {
  const queries = checkView("test", "queries", q, undefined);
  const keys = checkView("test", "keys", k, undefined);
  const admission = checkAdmission("test", options, queries, keys, undefined);
  return { queries, keys, admission } as Job;
}

const transposed = (rows: number[][]) =>
  rows[0].map((_, c) => rows.map((row) => row[c]));

/** The softmax average of values under weights e^score times a multiplicity, and the logarithm of their sum. */
function average(
  scores: number[],
  values: number[][],
  times: number[],
): { output: number[]; lse: number } {
  const largest = Math.max(...scores.filter((_, j) => times[j] > 0));
  const weights = scores.map((s, j) =>
    times[j] === 0 ? 0 : times[j] * Math.exp(s - largest)
  );
  const mass = weights.reduce((a, b) => a + b);
  return {
    output: values[0].map((_, c) =>
      weights.reduce((sum, w, j) => sum + w * values[j][c], 0) / mass
    ),
    lse: largest + Math.log(mass),
  };
}

Deno.test("the worked example of seed 3 matches in ranks, masses of rounds, published merge and each key once", () => {
  const { matrix } = lcg(3);
  const [q, k, v] = [matrix(8, 2), matrix(8, 2), matrix(8, 2)];
  const projections = transposed(matrix(4, 2));
  const [queries, keys, values] = [q, k, v].map(head);
  const rounds = sortHead(
    jobOf(queries, keys),
    0,
    0,
    0,
    fitDirections("test", projections.map((row) => Float64Array.from(row)), 2),
  );
  const orderOf = (ranks: Int32Array) => {
    const order: number[] = [];
    ranks.forEach((rank, i) => order[rank] = i);
    return order;
  };
  assertEquals(rounds.map(({ ranks }) => orderOf(ranks)), [
    [1, 0, 2, 3, 4, 6, 7, 5],
    [5, 7, 6, 4, 3, 2, 0, 1],
  ]);
  assertEquals(rounds.map(({ keys }) => [...keys]), [
    [4, 3, 5, 1, 6, 0, 7, 2],
    [2, 7, 0, 1, 6, 5, 3, 4],
  ]);
  const lse = [
    [
      1.9111627545,
      1.4145554254,
      1.8413930866,
      1.473364014,
      1.6308286947,
      1.7749568459,
      1.6152733827,
      1.7278537333,
    ],
    [
      2.0056397144,
      1.4062981603,
      1.9560406546,
      1.5213090126,
      1.5009191197,
      1.8122801124,
      1.5632700938,
      1.7082484906,
    ],
  ];
  const attended = q.map(() => new Array<number>(8).fill(0));
  rounds.forEach(({ keys, ranks }, round) =>
    q.forEach((query, i) => {
      const piece = Math.floor(ranks[i] / 4), times = new Array(8).fill(0);
      for (const j of keys.slice(4 * piece, 4 * piece + 4)) {
        times[j] = 1;
        attended[i][j]++;
      }
      const scores = k.map((key) =>
        (query[0] * key[0] + query[1] * key[1]) / Math.SQRT2
      );
      assertAlmostEquals(average(scores, v, times).lse, lse[round][i], 1e-9);
    })
  );
  const merged = [
    [0.168055668, 0.1882983146],
    [0.067763667, 0.2925810703],
    [0.1704067192, 0.1758188737],
    [0.0997004906, 0.227002928],
    [-0.2693107996, -0.4023269148],
    [-0.2777604439, -0.3634318529],
    [-0.2741074864, -0.3794242106],
    [-0.2860923302, -0.3816700228],
  ];
  const once = [
    [0.1821886749, 0.1368868192],
    [0.0618616351, 0.2388667225],
    [0.1866428812, 0.1172955907],
    [0.1033826367, 0.1584909557],
    [-0.1602983266, -0.3473534839],
    [-0.2361512113, -0.309560265],
    [-0.1932508553, -0.3247778962],
    [-0.2178913924, -0.3268003808],
  ];
  const options = { clusterSize: 4, hashes: 2, projections };
  for (
    const [method, expected] of [
      [smyrf({ ...options, merge: "published" }), merged],
      [smyrf({ ...options, clusters: "published" }), once],
    ] as const
  ) {
    const { output } = scaledDotProductAttention(queries, keys, values, {
      method,
    });
    // Printed to ten places.
    rowsOf(output).forEach((row, i) =>
      row.forEach((x, c) => assertAlmostEquals(x, expected[i][c], 1e-9))
    );
  }
});

for (
  const name of ["h1_c16", "h4_c16", "h2_onecluster_is_exact"].map((part) =>
    `smyrf_n64_d16_${part}`
  )
) {
  Deno.test(`${name} matches the recorded positions and outputs`, () => {
    const url = new URL(
      `../../fixtures/reference/${name}.json`,
      import.meta.url,
    );
    const { params, inputs, random, intermediate, outputs, exact } = JSON.parse(
      Deno.readTextFileSync(url),
    );
    const rows = ({ data, shape }: { data: number[]; shape: number[] }) =>
      rowsOf({ data: Float64Array.from(data, Math.fround), shape });
    const [queries, keys, values] = ["Q", "K", "V"].map((x) =>
      head(rows(inputs[x]))
    );
    const projections = transposed(rows(random.alpha));
    const directions = fitDirections(
      "test",
      projections.map((row) => Float64Array.from(row)),
      16,
    );
    const rounds = sortHead(jobOf(queries, keys), 0, 0, 0, directions);
    const positions = (kind: string, round: number): number[] =>
      rows(intermediate[`${kind}_positions`])[round];
    const size = params.k_cluster_size;
    rounds.forEach(({ keys, ranks }, round) => {
      // What is inside a cluster was sorted by hashes of 32 bits.
      const pieces = (list: number[]) =>
        Array.from(
          { length: 64 / size },
          (_, t) => list.slice(t * size, (t + 1) * size).sort((a, b) => a - b),
        );
      assertEquals(pieces([...keys]), pieces(positions("k", round)));
      const order: number[] = [];
      ranks.forEach((rank, i) => order[rank] = i);
      assertEquals(pieces(order), pieces(positions("q", round)));
    });
    const method = smyrf({
      clusterSize: size,
      hashes: params.n_hashes,
      projections,
      merge: "published",
    });
    const { output } = scaledDotProductAttention(queries, keys, values, {
      method,
      scale: 1 / params.norm_factor,
    });
    // 32-bit floats: a score of size s from 16 products and a sum of n · rounds weights, each off by that many roundings.
    const most = Math.max(...outputs.Y.data.map(Math.abs));
    const error = 2 * (16 * 8 + 64 * params.n_hashes) * 2 ** -24 * most;
    output.data.forEach((x, i) =>
      assertAlmostEquals(x, outputs.Y.data[i], error)
    );
    if (!name.endsWith("exact")) return;
    const dense = scaledDotProductAttention(queries, keys, values, {
      scale: 1 / params.norm_factor,
    }).output;
    assertEquals(output.data, dense.data);
    const double = error * 2 ** -29;
    dense.data.forEach((x, i) =>
      assertAlmostEquals(x, exact.Y.data[i], double)
    );
  });
}

Deno.test("pieces have sizes that differ by one, and queries as many keys as their piece, where nothing divides", () => {
  const random = seeded(4), [n, m, clusterSize] = [5, 17, 4];
  const rows = (count: number) =>
    Array.from({ length: count }, () => [random.normal(), random.normal()]);
  const keys = rows(m), queries = rows(n);
  const identity = keys.map((_, i) => keys.map((_, j) => Number(i === j)));
  const method = smyrf({ clusterSize, hashes: 1, clusters: "published" });
  const { output } = scaledDotProductAttention(
    head(queries),
    head(keys),
    head(identity),
    { method, scale: 1e-9 },
  );
  const sizes = rowsOf(output).map((row) =>
    row.filter((weight) => weight > 0).length
  );
  assertEquals(piecesOf(m, clusterSize), 5);
  assertEquals(sizes.sort(), [3, 3, 3, 4, 4]);
  assertEquals([piecesOf(0, 4), piecesOf(4, 4), piecesOf(5, 4)], [1, 1, 2]);
});

Deno.test("padding is sorted last and weighs nothing, by bytes, biases or lengths; a soft bias sorts as it is", () => {
  const random = seeded(5), m = 12;
  const rows = (count: number, width = 3) =>
    Array.from(
      { length: count },
      () => Array.from({ length: width }, () => random.normal()),
    );
  const [queries, keys] = [head(rows(6)), head(rows(m))];
  const values = head(rows(m, 2));
  const method = smyrf({ clusterSize: 4, hashes: 3, merge: "published" });
  const attend = (options: object, k = keys) =>
    scaledDotProductAttention(queries, k, values, { method, ...options })
      .output.data;
  const mask = (data: Float64Array | Uint8Array) => ({
    mask: { data, shape: [1, 1, 1, m] },
  });
  const bytes = Uint8Array.from({ length: m }, (_, j) => Number(j < 9));
  const hard = Float64Array.from(bytes, (bit) => bit === 1 ? 0 : -Infinity);
  const soft = Float64Array.from(bytes, (bit) => bit === 1 ? 0 : -1e4);
  const padded = attend(mask(bytes));
  assertEquals(attend(mask(hard)), padded);
  assertEquals(attend({ keyLengths: [9] }), padded);
  // Where a cluster is all padding, soft padding weighs something.
  const same = attend(mask(soft)).filter((x, i) => x !== padded[i]).length;
  assert(same % 2 === 0 && same <= 2 * 2 * 3, `${same}`);
  // The length of padding counts for the sphere, as it does in the original, not its place.
  const data = keys.data.slice() as Float64Array;
  data.set([data[28], data[27], data[29]], 27);
  assertEquals(attend(mask(bytes), { data, shape: keys.shape }), padded);
});
