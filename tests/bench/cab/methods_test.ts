/**
 * The methods of the benchmark against printed reference values, plain models and their own definitions.
 *
 * @module
 */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { CONTESTANTS, VANILLA } from "../../../bench/cab/methods.ts";
import { abc } from "../../../bench/cab/methods/abc.ts";
import { exact, mean, weightsOf } from "../../../bench/cab/methods/exact.ts";
import {
  orthogonalRows,
  performer,
} from "../../../bench/cab/methods/performer.ts";
import { probSparse } from "../../../bench/cab/methods/prob_sparse.ts";
import { publishedNystrom } from "../../../bench/cab/methods/published_nystrom.ts";
import { publishedSmyrf } from "../../../bench/cab/methods/published_smyrf.ts";
import { localWindow } from "../../../bench/cab/methods/window.ts";
import {
  normal32,
  type Pattern,
  PATTERNS,
  prefix,
  type Problem,
} from "../../../bench/cab/problem.ts";
import { ask, Refusal } from "../../../bench/cab/refusals.ts";
import { DenseMatrix, softmaxAttention } from "../../../mod.ts";
import { type Random, seeded } from "../../../src/random.ts";
import { lcg } from "../../lcg.ts";

/** References are printed to 10 digits after the point; one unit of the last. */
const PRINTED = 1e-10;

Deno.test("exact() is the definition, in all patterns", () => {
  for (const pattern of PATTERNS) {
    const problem = draw(pattern, 1), { queries, keys, values } = problem;
    const causal = pattern === "CS";
    for (let i = 0; i < queries.rows; i++) {
      const count = causal ? i + 1 : keys.rows;
      const { data } = softmaxAttention(
        rows(queries, i, i + 1),
        rows(keys, 0, count),
        rows(values, 0, count),
        { scale: problem.scale },
      );
      const own = exact(problem).outputs.row(i);
      close(own, data, rounding(problem));
    }
  }
});

Deno.test("exact() counts a multiply-add for each number of each pair", () => {
  const problem = draw("NS", 1), { queries, keys, values } = problem;
  const pair = keys.columns + values.columns, n = queries.rows;
  assertEquals(exact(problem).multiplyAdds, n * keys.rows * pair);
  assertEquals(exact(problem).bytes, 8 * n * keys.rows);
  const causal = { ...problem, pattern: "CS" as const };
  assertEquals(exact(causal).multiplyAdds, n * (n + 1) / 2 * pair);
});

Deno.test("mean() is the mean of all values, or of those so far", () => {
  const values = matrix([[1], [3], [8]]), zeros = matrix([[0], [0], [0]]);
  const problem = { queries: zeros, keys: zeros, values, scale: 1 };
  assertEquals([...mean({ ...problem, pattern: "NC" }).outputs.data], [
    4,
    4,
    4,
  ]);
  assertEquals([...mean({ ...problem, pattern: "CS" }).outputs.data], [
    1,
    2,
    4,
  ]);
});

Deno.test("localWindow() is exact attention to the nearest keys, brute force", () => {
  for (const pattern of ["NS", "CS"] as const) {
    for (const width of [1, 4, 5, 12, 40]) {
      const problem = draw(pattern, 2), { queries, keys, values } = problem;
      const n = queries.rows, { outputs } = localWindow(problem, width);
      for (let i = 0; i < n; i++) {
        const seen = pattern === "CS" ? i + 1 : n;
        // The nearest, of two as near the one before.
        const near = Array.from({ length: seen }, (_, j) => j)
          .sort((a, b) => Math.abs(a - i) - Math.abs(b - i) || a - b)
          .slice(0, width).sort((a, b) => a - b);
        // At an end of the sequence the window is as wide as elsewhere.
        const { data } = softmaxAttention(
          rows(queries, i, i + 1),
          chosen(keys, near),
          chosen(values, near),
          { scale: problem.scale },
        );
        close(outputs.row(i), data, rounding(problem));
      }
    }
  }
});

Deno.test("abc() has the printed reference values, causal or not", () => {
  const { matrix: drawn } = lcg(9);
  const [queries, keys, values] = [1, 2, 3].map(() => matrix(drawn(4, 2)));
  // Printed with a column for each cell.
  const transposed = () => {
    const [[a, b], [c, d]] = drawn(2, 2);
    return matrix([[a, c], [b, d]]);
  };
  const controls = { keys: transposed(), values: transposed() };
  const problem = { queries, keys, values, scale: Math.SQRT1_2 };
  close(abc({ ...problem, pattern: "NC" }, controls).outputs.data, [
    ...[-0.3129325901, -0.1931005229],
    ...[-0.3128938808, -0.1923319878],
    ...[-0.3133092156, -0.2005780469],
    ...[-0.3132294395, -0.1989941722],
  ], PRINTED);
  close(abc({ ...problem, pattern: "CS" }, controls).outputs.data, [
    ...[-0.855, -0.548],
    ...[-0.4369241642, -0.5914767814],
    ...[-0.3829254361, -0.274294745],
    ...[-0.3132294395, -0.1989941722],
  ], PRINTED);
});

Deno.test("abc() averages what it is given by the weights of its own values", () => {
  for (const pattern of PATTERNS) {
    const problem = draw(pattern, 3), random = seeded(4);
    const controls = {
      keys: normal32(random, 3, problem.keys.columns),
      values: normal32(random, 3, problem.values.columns),
    };
    const identity = DenseMatrix.from(
      Array.from(
        { length: problem.keys.rows },
        (_, i) =>
          Array.from({ length: problem.keys.rows }, (_, j) => i === j ? 1 : 0),
      ),
    );
    const weights = abc(problem, controls, identity).outputs;
    const expected = abc(problem, controls).outputs;
    const product = weights.mmul(problem.values).to1DArray();
    close(product, expected.data, rounding(problem));
  }
});

Deno.test("performer() is its formula, written out", () => {
  const problem = draw("NC", 5), { queries, keys, values, scale } = problem;
  const directions = orthogonalRows(seeded(6), 7, keys.columns);
  const exponents = (x: DenseMatrix) =>
    x.to2DArray().map((row) =>
      directions.to2DArray().map((direction) => {
        const scaled = row.map((number) => number * Math.sqrt(scale));
        return dot(direction, scaled) - dot(scaled, scaled) / 2;
      })
    );
  const ofKeys = exponents(keys), ofQueries = exponents(queries);
  const peak = Math.max(...ofKeys.flat());
  const featured = (row: number[], most: number) =>
    row.map((exponent) => Math.exp(exponent - most) + 1e-4);
  const expected = ofQueries.flatMap((row) => {
    const query = featured(row, Math.max(...row));
    const weights = ofKeys.map((key) => dot(query, featured(key, peak)));
    const sum = weights.reduce((a, b) => a + b);
    return Array.from(
      { length: values.columns },
      (_, c) =>
        weights.reduce(
          (total, weight, j) => total + weight / sum * values.get(j, c),
          0,
        ),
    );
  });
  close(
    performer(problem, directions).outputs.data,
    expected,
    rounding(problem),
  );
});

Deno.test("performer() comes nearer with more features, as their root", () => {
  const problem = draw("NC", 7);
  // Of short rows: the variance of a feature grows with the exponential of their squares.
  for (const { data } of [problem.queries, problem.keys]) {
    for (let at = 0; at < data.length; at++) data[at] /= 4;
  }
  const error = (features: number) => {
    let sum = 0;
    for (let seed = 0; seed < 8; seed++) {
      const directions = orthogonalRows(
        seeded(seed),
        features,
        problem.keys.columns,
      );
      sum += apart(
        performer(problem, directions).outputs.data,
        exact(problem).outputs.data,
      );
    }
    return sum;
  };
  // 64 times as many should leave an eighth; half as good is allowed for chance.
  assert(error(2048) < error(32) / 4);
});

Deno.test("orthogonalRows() are orthogonal in blocks and as long as normal rows", () => {
  const made = orthogonalRows(seeded(1), 8, 4);
  for (let i = 0; i < 8; i++) {
    for (let j = 0; j < i; j++) {
      if (i >> 2 !== j >> 2) continue;
      // Twice through Gram and Schmidt leaves rounding of their lengths.
      assertAlmostEquals(dot(made.row(i), made.row(j)), 0, 1e-14);
    }
  }
  let squares = 0;
  const many = orthogonalRows(seeded(2), 4096, 4);
  for (const number of many.data) squares += number ** 2;
  // Chi-square of 16384 numbers: deviation √(2 / 16384) = 0.011 of the mean, four of them.
  assertAlmostEquals(squares / many.data.length, 1, 0.044);
});

Deno.test("probSparse() attends for those who care most and gives the others the mean", () => {
  const n = 64, attending = 5 * Math.ceil(Math.log(n)), random = seeded(8);
  const keys = normal32(random, n, 8), values = normal32(random, n, 3);
  // Every second query cares a thousand times as much: more of them than may attend.
  const queries = normal32(random, n, 8);
  for (let at = 0; at < queries.data.length; at++) {
    if ((at >> 3) % 2 === 0) queries.data[at] /= 1000;
  }
  const problem: Problem = {
    pattern: "NS",
    queries,
    keys,
    values,
    scale: 1,
  };
  const { outputs } = probSparse(problem, seeded(9));
  const all = exact(problem).outputs, average = mean(problem).outputs;
  let exactly = 0;
  for (let i = 0; i < n; i++) {
    if (apart(outputs.row(i), all.row(i)) <= rounding(problem)) {
      exactly++;
      assertEquals(i % 2, 1);
    } else close(outputs.row(i), average.row(i), rounding(problem));
  }
  assertEquals(exactly, attending);
});

Deno.test("publishedSmyrf() has the printed reference values, keys met twice counted twice", () => {
  const { matrix: drawn } = lcg(3);
  const [queries, keys, values] = [1, 2, 3].map(() => matrix(drawn(8, 2)));
  const directions = drawn(4, 2);
  // A round draws its direction, then the numbers of the appended coordinates of keys and queries.
  const order = [0, 1].flatMap((round) => directions.map((row) => row[round]));
  const problem: Problem = {
    pattern: "NS",
    queries,
    keys,
    values,
    scale: Math.SQRT1_2,
  };
  const { outputs } = publishedSmyrf(
    problem,
    { rounds: 2, keys: 4 },
    listed(order),
  );
  close(outputs.data, [
    ...[0.168055668, 0.1882983146],
    ...[0.067763667, 0.2925810703],
    ...[0.1704067192, 0.1758188737],
    ...[0.0997004906, 0.227002928],
    ...[-0.2693107996, -0.4023269148],
    ...[-0.2777604439, -0.3634318529],
    ...[-0.2741074864, -0.3794242106],
    ...[-0.2860923302, -0.3816700228],
  ], PRINTED);
});

Deno.test("publishedSmyrf() sorts by the appended coordinate too: the longest meet the longest", () => {
  const random = seeded(13), sizes = [5, 1, 3, 4, 2, 6, 8, 7];
  const draw = (order: readonly number[]) => {
    const rows = normal32(random, order.length, 4).to2DArray();
    return matrix(rows.map((row, i) => {
      const factor = order[i] / Math.sqrt(dot(row, row));
      return row.map((number) => factor * number);
    }));
  };
  const queries = draw(sizes), keys = draw(sizes.toReversed());
  const problem: Problem = {
    pattern: "NC",
    queries,
    keys,
    values: normal32(random, 8, 3),
    scale: 1,
  };
  // No direction, only the coordinate, which is the less the longer a row is.
  const { outputs } = publishedSmyrf(
    problem,
    { rounds: 1, keys: 2 },
    listed([0, 0, 0, 0, 1, 1]),
  );
  sizes.forEach((size, i) => {
    const pair = [2 * Math.ceil(size / 2) - 1, 2 * Math.ceil(size / 2)];
    const met = pair.map((length) => sizes.toReversed().indexOf(length));
    const { data } = softmaxAttention(
      rows(queries, i, i + 1),
      chosen(keys, met),
      chosen(problem.values, met),
      { scale: 1 },
    );
    close(outputs.row(i), data, rounding(problem));
  });
});

Deno.test("publishedSmyrf() with one cluster is exact, however often it sorts", () => {
  const problem = draw("NC", 10), { keys } = problem;
  const { outputs } = publishedSmyrf(
    problem,
    { rounds: 3, keys: keys.rows },
    seeded(1),
  );
  close(outputs.data, exact(problem).outputs.data, 3 * rounding(problem));
});

Deno.test("publishedNystrom() has the printed reference values after six steps", () => {
  const { matrix: drawn } = lcg(5);
  const [queries, keys, values] = [1, 2, 3].map(() => matrix(drawn(6, 2)));
  const problem: Problem = {
    pattern: "NS",
    queries,
    keys,
    values,
    scale: Math.SQRT1_2,
  };
  close(publishedNystrom([problem], 3)[0].outputs.data, [
    ...[0.3044245849, 0.2468138219],
    ...[0.2812687059, 0.3150165551],
    ...[0.3100642974, 0.2275002901],
    ...[0.283400213, 0.3098647492],
    ...[0.3056254991, 0.2412516261],
    ...[0.3237976004, 0.1874108632],
  ], PRINTED);
});

Deno.test("publishedNystrom() takes the norm from the head where it is largest", () => {
  const heads = [draw("NS", 11), draw("NS", 12)];
  const alone = heads.map((head) => publishedNystrom([head], 4)[0].outputs);
  const together = publishedNystrom(heads, 4).map(({ outputs }) => outputs);
  const moved = heads.map((_, at) => apart(alone[at].data, together[at].data));
  assertEquals(moved.filter((distance) => distance === 0).length, 1);
});

Deno.test("publishedNystrom() averages rows in segments, the first ones longer", () => {
  // Rows are alike within segments of three and two, so that landmarks are rows and the answer is exact.
  const queries = matrix([[6], [6], [6], [-6], [-6]]);
  const problem: Problem = {
    pattern: "NC",
    queries,
    keys: matrix([[2], [2], [2], [-2], [-2]]),
    values: matrix([[1], [2], [3], [5], [9]]),
    scale: 1,
  };
  const [{ outputs }] = publishedNystrom([problem], 2);
  // Γ is so near the identity that the first step of the iteration inverts it to rounding.
  close(outputs.data, exact(problem).outputs.data, rounding(problem));
});

for (const contestant of CONTESTANTS) {
  Deno.test(`${contestant.name} answers a pattern or refuses it in a sentence, and looks ahead where it says so only`, () => {
    for (const pattern of PATTERNS) {
      const problem = draw(pattern, 20, 64);
      const answer = ask(() => contestant.prepare([problem], 1)()[0]);
      if (answer instanceof Refusal) {
        assert(/^Cannot attend: .+ should .+[^.]$/.test(answer.reason));
        continue;
      }
      // Weights are what outputs are made with, in 32 bits where the contestant computes in 32.
      const unit = contestant.name === "exact, ours" ? 2 ** -20 : 2 ** -44;
      const product = contestant.weigh(problem, 1)?.mmul(problem.values);
      if (product !== undefined) {
        close(product.to1DArray(), answer.data, unit * 100);
      }
      if (pattern === "NS" || pattern === "NC") continue;
      const half = problem.queries.rows / 2;
      const early = contestant.prepare([prefix(problem, half)], 1)()[0];
      close(
        early.data,
        answer.data.subarray(0, early.data.length),
        unit * 100,
      );
    }
  });
}

Deno.test("contestants refuse what their methods cannot do, and nothing else", () => {
  const refused = Object.fromEntries(CONTESTANTS.map((contestant) => [
    contestant.name,
    PATTERNS.filter((pattern) =>
      ask(() => contestant.prepare([draw(pattern, 20, 64)], 1)()) instanceof
        Refusal
    ),
  ]));
  const aheadOnly: Pattern[] = ["CS", "CC"];
  assertEquals(refused[VANILLA], []);
  assertEquals(refused["exact, ours"], []);
  assertEquals(refused["ABC"], []);
  assertEquals(refused["local window"], ["NC", "CC"]);
  assertEquals(refused["Performer"], ["CS"]);
  assertEquals(refused["ProbSparse"], aheadOnly);
  assertEquals(refused["SMYRF 4 × 16, published"], aheadOnly);
  assertEquals(refused["Nyström 16, published"], aheadOnly);
});

Deno.test("ask() takes a sentence for a refusal, and no mistake of a program", () => {
  const refusal = ask(() => {
    throw new TypeError("Cannot attend: it is so, it should be otherwise");
  });
  assert(refusal instanceof Refusal);
  assertEquals(ask(() => 5), 5);
  const nothing = undefined as unknown as { rows: number };
  assertThrows(() => ask(() => nothing.rows), TypeError, "Cannot read");
  assertThrows(
    () =>
      ask(() => {
        throw new RangeError("Cannot attend: it is so, it should be otherwise");
      }),
    RangeError,
  );
});

Deno.test("spend() of the library counts what a maintained attention counts: the numbers and the sum of each pair, and a division for each output", () => {
  const problem = draw("NS", 30, 64);
  const contestant = CONTESTANTS.find(({ name }) => name === "exact, ours")!;
  const { keys, values, queries } = problem;
  assertEquals(
    contestant.spend(problem, 1).multiplyAdds,
    queries.rows * keys.rows * (keys.columns + values.columns + 1) +
      queries.rows * (values.columns + 1),
  );
  assertEquals(weightsOf(problem).rows, queries.rows);
});

/** A problem of normal numbers, as many queries as keys in a pattern over itself. */
function draw(pattern: Pattern, seed: number, length = 24): Problem {
  const random = seeded(seed), self = pattern === "NS" || pattern === "CS";
  return {
    pattern,
    queries: normal32(random, self ? length : length / 2, 8),
    keys: normal32(random, length, 8),
    values: normal32(random, length, 3),
    scale: 1 / Math.sqrt(8),
  };
}

/** Sums of dim products and of as many weights as there are keys, of numbers of size 8, each rounded. */
function rounding({ keys }: Problem): number {
  return 8 * 8 * (keys.rows + 8 * keys.columns) * Number.EPSILON;
}

function rows(of: DenseMatrix, from: number, to: number): DenseMatrix {
  const { columns, data } = of;
  return new DenseMatrix(
    to - from,
    columns,
    data.slice(from * columns, to * columns),
  );
}

function chosen(of: DenseMatrix, list: readonly number[]): DenseMatrix {
  return DenseMatrix.from(list.map((row) => [...of.row(row)]));
}

function matrix(numbers: number[][]): DenseMatrix {
  return DenseMatrix.from(numbers);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < b.length; i++) {
    most = Math.max(most, Math.abs(a[i] - b[i]));
  }
  return most;
}

/** Throws unless all numbers are within a tolerance. */
function close(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  assertEquals(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assertAlmostEquals(actual[i], expected[i], tolerance, `number ${i}`);
  }
}

/** Normal numbers from a list. */
function listed(numbers: readonly number[]): Random {
  let at = 0;
  const none = () => {
    throw new Error("Cannot draw: only normal numbers are listed");
  };
  return {
    normal: () => numbers[at++],
    uniform: none,
    integer: none,
  };
}
