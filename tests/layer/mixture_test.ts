/**
 * Mixed values are the nearest 32-bit floats to their exact sums, whatever order they changed in.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  nearDouble,
  nearestSingle,
  product,
} from "../../src/layer/exact_sum.ts";
import {
  makeMixture,
  type Mixture,
  movedPlaces,
  remixed,
} from "../../src/layer/mixture.ts";
import { type Random, seeded } from "../../src/random.ts";
import { sameBits } from "../same.ts";

Deno.test("nearestSingle() rounds products as fround does, from the smallest to the largest", () => {
  const random = seeded(1);
  const cases = [
    0,
    -0,
    2 ** -149,
    2 ** -150,
    -1.5 * 2 ** -149,
    2.5 * 2 ** -149,
    2 ** -126 - 2 ** -150,
    1 + 2 ** -24,
    1 + 3 * 2 ** -24,
    -1 - 2 ** -24 - 2 ** -52,
    2 ** 24 + 1,
    2 ** 128 - 2 ** 103,
    2 ** 128 - 2 ** 104,
    -(2 ** 128),
    5e-324,
    1.7976931348623157e308,
  ];
  for (let i = 0; i < 2000; i++) {
    const size = 2 ** (random.integer(300) - 160);
    cases.push((random.uniform() - 0.5) * size);
  }
  for (const number of cases) {
    const sum = product(number, 1);
    // No sum is −0.
    assertEquals(nearestSingle(sum), Math.fround(number) + 0, `${number}`);
    const off = Math.abs(nearDouble(sum) - number);
    assert(off <= 2 ** -52 * Math.abs(number) + Number.MIN_VALUE, `${number}`);
  }
});

Deno.test("exact sums cancel to the last bit", () => {
  const sum = (...terms: [number, number][]) =>
    terms.reduce((sum, [a, b]) => sum + product(a, b), 0n);
  const large = 2 ** 900, small = 2 ** -120;
  const terms: [number, number][] = [
    [large, 3],
    [small, 1],
    [-large, 3],
    [0.1, 1],
    [-0.1, 1],
  ];
  assertEquals(nearestSingle(sum(...terms)), small);
  assertEquals(nearestSingle(sum([0.5, -small], [small, 0.5])), 0);
  // Exactly between two floats, and a breath beside.
  const half: [number, number] = [1, 1], tie: [number, number] = [2 ** -24, 1];
  assertEquals(nearestSingle(sum(half, tie)), 1);
  assertEquals(nearestSingle(sum(half, tie, [2 ** -200, 1])), 1 + 2 ** -23);
  assertEquals(
    nearestSingle(sum([-1, 1], [-(2 ** -24), 1], [-(2 ** -900), 1])),
    -1 - 2 ** -23,
  );
});

Deno.test("remixed() gives the nearest floats to exact sums after any changes, ties and cancellation included", () => {
  let again = 0;
  for (let seed = 0; seed < 200; seed++) {
    const random = seeded(seed), size = 1 + random.integer(6);
    const width = 1 + random.integer(4), causal = random.integer(2) > 0;
    const draw = DRAWS[seed % DRAWS.length];
    const numbers = (count: number) =>
      Float64Array.from({ length: count }, () => draw(random));
    const context = {
      size,
      weight: random.integer(2) > 0
        ? numbers(size * size)
        : Float32Array.from(numbers(size * size)),
      bias: random.integer(2) > 0 ? numbers(size) : undefined,
    };
    const values = new Float32Array(size * width);
    let mixture = makeMixture(context, causal, width), count = 0;
    for (let step = 0; step < 8; step++) {
      const grow = step === 0 && !causal
        ? size
        : Math.min(size - count, causal ? random.integer(3) : 0);
      const places = grow > 0
        ? Array.from({ length: grow }, (_, at) => count + at)
        : count > 0
        ? [random.integer(count)]
        : [];
      if (places.length === 0) continue;
      const rows = Float32Array.from(numbers(places.length * width));
      places.forEach((place, at) =>
        values.set(rows.subarray(at * width, (at + 1) * width), place * width)
      );
      count += grow;
      for (const place of places) {
        for (let t = causal ? place : 0; t < size; t++) {
          again -= context.weight[t * size + place] === 0 ? 0 : width;
        }
      }
      const before = mixture, kept = before.mixed.slice();
      const tables = [before.values, before.sums, before.slack];
      const copies = tables.map((table) => table.slice());
      mixture = remixed(before, places, rows, count);
      sameBits(before.mixed, kept, "what was there before");
      tables.forEach((table, at) =>
        sameBits(table, copies[at], `table ${at} of before`)
      );
      const truth = exactMixture(mixture, values);
      sameBits(
        mixture.mixed.subarray(0, count * width),
        truth,
        `seed ${seed}, step ${step}`,
      );
      if (grow === 0) {
        const moved = Array.from({ length: count }, (_, t) => t).filter((t) =>
          truth.subarray(t * width, (t + 1) * width)
            .some((number, c) => number !== kept[t * width + c])
        );
        assertEquals(movedPlaces(before, mixture), moved);
      }
    }
    again += mixture.multiplyAdds;
  }
  // Many of these were done again, in big integers.
  assert(again > 1000, `${again}`);
});

Deno.test("remixed() remembers that a sum is beside a tie, however little", () => {
  const weight = new Float64Array(16);
  weight.set([1, 2 ** -24, 2 ** -80, 0]);
  const context = { size: 4, weight, bias: undefined };
  const ones = new Float32Array(4).fill(1);
  let mixture = makeMixture(context, false, 1);
  mixture = remixed(mixture, [0, 1, 2, 3], ones, 4);
  assertEquals(mixture.mixed[0], 1 + 2 ** -23);
  // A place that has no part in it makes it be answered once more.
  for (let change = 2; change < 5; change++) {
    mixture = remixed(mixture, [3], new Float32Array([change]), 4);
    assertEquals(mixture.mixed[0], 1 + 2 ** -23);
  }
  mixture = remixed(mixture, [2], new Float32Array([-1]), 4);
  assertEquals(mixture.mixed[0], 1);
});

Deno.test("remixed() counts a column for each place, and starts over only where it cannot tell", () => {
  const random = seeded(9), size = 32, width = 8;
  const weight = Float32Array.from(
    { length: size * size },
    () => random.normal(),
  );
  const context = { size, weight, bias: undefined };
  const normals = (count: number) =>
    Float32Array.from({ length: count }, () => random.normal());
  const all = Array.from({ length: size }, (_, place) => place);
  let mixture = remixed(
    makeMixture(context, false, width),
    all,
    normals(size * width),
    size,
  );
  assertEquals(mixture.multiplyAdds, size * size * width);
  const changes = 2000;
  for (let i = 0; i < changes; i++) {
    mixture = remixed(mixture, [random.integer(size)], normals(width), size);
  }
  const columns = (size + changes) * size * width;
  const again = (mixture.multiplyAdds - columns) / size;
  // Of numbers that a change moves, fewer than one in 10⁴ is too close to call.
  assert(again >= 0 && again < changes * size * width * 1e-4, `${again}`);
});

/** Where rounding is easy, where sums cancel, where they are ties, and where 64 bits overflow on the way. */
const DRAWS: ((random: Random) => number)[] = [
  (random) => random.normal(),
  (random) => (random.integer(9) - 4) * 2 ** (12 * random.integer(3)),
  (random) => (random.integer(2) ? 1 : -1) * 2 ** (24 * random.integer(3) - 24),
  (random) => random.normal() * 2 ** (random.integer(80) - 40),
  (random) => (random.integer(2) ? 1 : -1) * 2 ** (60 + random.integer(3)),
  (random) => random.integer(3) * 2 ** -80,
];

/** The definition. */
function exactMixture(
  { context: { size, weight, bias }, causal, width, count }: Mixture,
  values: Float32Array,
): Float32Array {
  return Float32Array.from({ length: count * width }, (_, at) => {
    const t = Math.floor(at / width), c = at % width;
    let sum = product(bias === undefined ? 0 : bias[t], 1);
    for (let u = 0; u < (causal ? t + 1 : count); u++) {
      sum += product(weight[t * size + u], values[u * width + c]);
    }
    return nearestSingle(sum);
  });
}
