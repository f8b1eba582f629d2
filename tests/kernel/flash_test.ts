import { assert, assertEquals } from "@std/assert";
import {
  addInPlace,
  exponential,
  flash,
  multiplyAdd,
  multiplyAddNonzero,
  type Panel,
  scoreInPlace,
  type SoftmaxRows,
  weigh,
} from "../../src/kernel/flash.ts";
import {
  allFinite,
  copyRows,
  copyScaled,
  copyTransposed,
} from "../../src/kernel/load.ts";
import { type Random, seeded } from "../../src/random.ts";

const UNIT64 = 2 ** -53;
/** Around groups of four and vectors of any width. */
const SIZES = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33];

/** A panel that begins nowhere special, with rows further apart than they are long, NaN all around. */
function panel(random: Random, rows: number, columns: number): Panel {
  const at = 1 + random.integer(3), stride = columns + random.integer(3);
  const data = new Float64Array(at + rows * stride + 2).fill(NaN);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < columns; c++) {
      data[at + row * stride + c] = random.normal();
    }
  }
  return { data, at, stride };
}

function copyOf({ data, at, stride }: Panel): Panel {
  return { data: data.slice(), at, stride };
}

function numberOf({ data, at, stride }: Panel, row: number, column: number) {
  return data[at + row * stride + column];
}

function stateOf(rows: number, width: number): SoftmaxRows {
  return {
    anchor: new Float64Array(rows).fill(-Infinity),
    sum: new Float64Array(rows),
    count: new Float64Array(rows),
    numerator: { data: new Float64Array(rows * width), at: 0, stride: width },
  };
}

// Edges

Deno.test("exponential() keeps its stated error and its ends", () => {
  assertEquals(exponential(0), 1);
  assertEquals(exponential(-Infinity), 0);
  assertEquals(exponential(-800), 0);
  assert(exponential(-708) > 0);
  assert(Number.isNaN(exponential(NaN)));
  const random = seeded(1);
  let worst = 0;
  for (let i = 0; i < 100_000; i++) {
    const x = -(10 ** (4 * random.uniform() - 2));
    worst = Math.max(worst, Math.abs(exponential(x) - Math.exp(x)));
  }
  // Math.exp itself is trusted to a unit in the last place.
  assert(worst <= (6 + 2) * UNIT64, `${worst / UNIT64}`);
  assert(worst > 0);
});

Deno.test("weigh() of scores of −Infinity leaves a row as it is and gives weights of 0", () => {
  const state = stateOf(2, 1), scores = new Float64Array(8).fill(-Infinity);
  const tile = { data: scores, at: 0, stride: 4 };
  scores[5] = -1e30;
  assertEquals(weigh(tile, state, 0, 2, 4), true);
  assertEquals([...scores], [0, 0, 0, 0, 0, 1, 0, 0]);
  assertEquals([...state.anchor], [-Infinity, -1e30]);
  assertEquals([...state.sum, ...state.count], [0, 1, 0, 1]);
  // A row that has met a key before is not changed either.
  scores.fill(-Infinity);
  weigh(tile, state, 0, 2, 4);
  assertEquals([...state.sum, ...state.count], [0, 1, 0, 1]);
});

Deno.test("weigh() says whether a weight is 0, by mask or by underflow", () => {
  const weighed = (...scores: number[]) =>
    weigh(
      { data: Float64Array.from(scores), at: 0, stride: scores.length },
      stateOf(1, 0),
      0,
      1,
      scores.length,
    );
  assertEquals(weighed(0, -700), false);
  assertEquals(weighed(0, -Infinity), true);
  assertEquals(weighed(0, -800), true);
  assertEquals(weighed(-Infinity, -Infinity), true);
});

Deno.test("weigh() makes NaN of the sum of a row with a score of NaN or Infinity, never of an empty one", () => {
  for (const score of [NaN, Infinity]) {
    const state = stateOf(1, 0);
    const data = Float64Array.of(-Infinity, score, -Infinity);
    weigh({ data, at: 0, stride: 3 }, state, 0, 1, 3);
    assert(Number.isNaN(state.sum[0]));
    assertEquals(state.count[0], 1);
  }
});

// Laws

Deno.test("weigh() in steps adds up to the softmax, rescaling what it has where a score rises", () => {
  const random = seeded(2), rows = 3, columns = 8, steps = 5;
  const state = stateOf(rows, 2), all: number[][] = [[], [], []];
  for (let step = 0; step < steps; step++) {
    const tile = panel(random, rows, columns);
    for (let row = 0; row < rows; row++) {
      for (let c = 0; c < columns; c++) {
        const score = 30 * random.normal() + 20 * step;
        tile.data[tile.at + row * tile.stride + c] = score;
        all[row].push(score);
      }
    }
    weigh(tile, state, 0, rows, columns);
    // Values of 1 and 2: numerators are once and twice the sum.
    for (let row = 0; row < rows; row++) {
      for (let c = 0; c < columns; c++) {
        state.numerator.data[2 * row] += numberOf(tile, row, c);
        state.numerator.data[2 * row + 1] += 2 * numberOf(tile, row, c);
      }
    }
  }
  all.forEach((scores, row) => {
    const largest = Math.max(...scores);
    const sum = scores.reduce((sum, s) => sum + Math.exp(s - largest), 0);
    // Errors of 8 · 2⁻⁵³ for each weight and one for each addition and rescaling.
    const bound = (8 + 1 + steps) * scores.length * UNIT64;
    assertEquals(state.anchor[row], largest);
    assertEquals(state.count[row], scores.length);
    assert(Math.abs(state.sum[row] - sum) <= bound);
    assert(Math.abs(state.numerator.data[2 * row] - sum) <= bound);
    assert(Math.abs(state.numerator.data[2 * row + 1] - 2 * sum) <= 2 * bound);
  });
});

Deno.test("multiplyAdd() is the product at all sizes and places, the same bits however many rows", () => {
  const random = seeded(3);
  for (const rows of SIZES) {
    for (const inner of SIZES.filter((size) => size % 4 === 0)) {
      for (const columns of SIZES) {
        const left = panel(random, rows, inner);
        const right = panel(random, inner, columns);
        const product = panel(random, rows, columns), before = copyOf(product);
        multiplyAdd(product, left, right, rows, inner, columns);
        const single = copyOf(before), careful = copyOf(before);
        for (let row = 0; row < rows; row++) {
          const at = single.at + row * single.stride;
          const leftAt = left.at + row * left.stride;
          multiplyAdd(
            { ...single, at },
            { ...left, at: leftAt },
            right,
            1,
            inner,
            columns,
          );
          for (let c = 0; c < columns; c++) {
            let sum = numberOf(before, row, c), size = Math.abs(sum);
            for (let i = 0; i < inner; i++) {
              const term = numberOf(left, row, i) * numberOf(right, i, c);
              sum += term;
              size += Math.abs(term);
            }
            // Stated for multiplyAdd, and one for each term of the sum here.
            const bound = (inner / 4 + 4 + inner) * UNIT64 * size;
            assert(Math.abs(numberOf(product, row, c) - sum) <= bound);
          }
        }
        multiplyAddNonzero(careful, left, right, rows, inner, columns);
        assertEquals(single.data, product.data);
        assertEquals(careful.data, product.data);
      }
    }
  }
});

Deno.test("multiplyAddNonzero() takes nothing from NaN and Infinity where the left is 0, and all else as it is", () => {
  const left = {
    data: Float64Array.of(0, 2, 0, 0, 3, 0, 0, 0),
    at: 0,
    stride: 4,
  };
  const right = {
    data: Float64Array.of(NaN, 1, 5, 7, Infinity, 1, -Infinity, NaN),
    at: 0,
    stride: 2,
  };
  const product = { data: new Float64Array(4), at: 0, stride: 2 };
  multiplyAddNonzero(product, left, right, 2, 4, 2);
  assertEquals([...product.data], [10, 14, NaN, 3]);
});

// Twins

Deno.test("scoreInPlace() and addInPlace() have the bits of multiplyAdd() over loaded panels", () => {
  const random = seeded(4);
  for (const single of [false, true]) {
    for (const dim of SIZES) {
      for (const count of SIZES) {
        const rows = 3, padded = Math.ceil(dim / 4) * 4;
        const source = panel(random, count, dim);
        if (single) source.data.set(new Float32Array(source.data));
        const data = single ? new Float32Array(source.data) : source.data;
        const queries = panel(random, rows, padded);
        for (let row = 0; row < rows; row++) {
          const at = queries.at + row * queries.stride;
          queries.data.fill(0, at + dim, at + padded);
        }
        const wide = Math.ceil(count / 4) * 4;
        const keys = {
          data: new Float64Array(padded * wide),
          at: 0,
          stride: wide,
        };
        copyTransposed(keys, source, count, dim, wide);
        const loaded = {
          data: new Float64Array(rows * wide),
          at: 0,
          stride: wide,
        };
        multiplyAdd(loaded, queries, keys, rows, padded, wide);
        const inPlace = {
          data: new Float64Array(rows * wide),
          at: 0,
          stride: wide,
        };
        scoreInPlace(inPlace, queries, { ...source, data }, rows, dim, count);
        assertEquals(inPlace, loaded);

        // Weights behind the last value are 0.
        const values = {
          data: new Float64Array(wide * dim),
          at: 0,
          stride: dim,
        };
        copyRows(values, { ...source, data }, count, dim);
        const sums = panel(random, rows, dim), twin = copyOf(sums);
        multiplyAdd(sums, loaded, values, rows, wide, dim);
        addInPlace(twin, loaded, { ...source, data }, rows, count, dim);
        assertEquals(twin, sums);
      }
    }
  }
  assertEquals(Object.keys(flash).length, 5);
});

Deno.test("copyScaled(), copyRows() and copyTransposed() move each number to its place, and nothing else", () => {
  const random = seeded(5);
  for (const rows of [0, 1, 3, 4, 5, 9]) {
    for (const columns of [0, 1, 4, 7]) {
      const source = panel(random, rows, columns), stride = columns + 2;
      const fresh = () => ({
        data: new Float64Array(2 + rows * stride).fill(-1),
        at: 1,
        stride,
      });
      const scaled = fresh(), copied = fresh();
      copyScaled(scaled, source, rows, columns, 2);
      copyRows(copied, source, rows, columns);
      const across = {
        data: new Float64Array(columns * 12 + 1).fill(-1),
        at: 1,
        stride: 12,
      };
      copyTransposed(across, source, rows, columns, 10);
      for (let row = 0; row < rows; row++) {
        for (let c = 0; c < columns; c++) {
          const number = numberOf(source, row, c);
          assertEquals(numberOf(scaled, row, c), 2 * number);
          assertEquals(numberOf(copied, row, c), number);
          assertEquals(numberOf(across, c, row), number);
        }
        for (const padding of [columns, columns + 1]) {
          assertEquals(numberOf(scaled, row, padding), 0);
          assertEquals(numberOf(copied, row, padding), -1);
        }
      }
      for (let c = 0; c < columns; c++) {
        for (let row = rows; row < 10; row++) {
          assertEquals(numberOf(across, c, row), 0);
        }
        assertEquals([numberOf(across, c, 10), across.data[0]], [-1, -1]);
      }
    }
  }
});

Deno.test("allFinite() finds NaN and Infinity anywhere within its count and nowhere else", () => {
  for (const count of SIZES) {
    const data = new Float64Array(count + 2).fill(1e308);
    data[0] = data[count + 1] = NaN;
    assertEquals(allFinite({ data, at: 1, stride: 0 }, count), true);
    for (let i = 1; i <= count; i++) {
      for (const number of [NaN, Infinity, -Infinity]) {
        data[i] = number;
        assertEquals(allFinite({ data, at: 1, stride: 0 }, count), false);
      }
      data[i] = -0;
    }
  }
});
