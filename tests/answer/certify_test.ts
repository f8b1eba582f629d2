import { assert, assertEquals } from "@std/assert";
import {
  append,
  attend,
  createAttention,
  errorBound,
  measureError,
  outputs,
  remove,
  update,
  watch,
} from "../../mod.ts";
import { openAttention } from "../../src/attention.ts";
import { boundRow, boundSums } from "../../src/answer/certify.ts";
import { trueOutput } from "../truth.ts";
import {
  drawBias,
  drawKey,
  drawSettings,
  drawValue,
  forSeeds,
  normals,
  shuffled,
} from "../scripts.ts";
import { sameBits } from "../same.ts";

Deno.test("bounds hold against an average of twice the precision, for wild numbers too", () => {
  let infinite = 0, finite = 0;
  const seeds = forSeeds(150, (_, random) => {
    const settings = drawSettings(random, { mask: "all" });
    const { dim, valueDim, scale, deviation } = settings;
    const a = createAttention({ dim, valueDim, scale });
    const query = Float32Array.from(normals(random, dim, deviation));
    const stored = Array.from({ length: 1 + random.integer(30) }, () => {
      const key = drawKey(random, settings),
        value = drawValue(random, settings);
      const bias = drawBias(random, settings);
      append(a, [key], [value], { bias });
      return {
        key: Float32Array.from(key),
        value: Float32Array.from(value),
        bias,
      };
    });
    const bounds = new Float64Array(1);
    const { data } = attend(a, [query], { bounds });
    const truth = trueOutput(query, stored, scale, valueDim);
    assert(bounds[0] >= 0, `bound ${bounds[0]}`);
    data.forEach((output, c) =>
      assert(
        Math.abs(output - truth[c]) <= bounds[0],
        `${output}, it should be ${truth[c]} up to ${bounds[0]}`,
      )
    );
    if (bounds[0] === Infinity) infinite++;
    else finite++;
  });
  assert(
    seeds === 1 || infinite <= finite / 4,
    `${infinite} infinite, ${finite} finite`,
  );
});

Deno.test("boundRow() grows with scores and biases, and a rounding is half a step of 32 bits", () => {
  const keys = [[1], [2]], values = [[1], [1.5]];
  const total = (factor: number, bias = 0) => {
    const a = createAttention({
      queries: [[factor]],
      keys,
      values,
      scale: 1,
    });
    update(a, [0, 1], { bias });
    outputs(a);
    return boundRow(openAttention("test", a), 0);
  };
  const { rounding, evaluation } = total(0);
  assert(rounding > 2 ** -32 && rounding < 1.1 * 2 ** -32, `${rounding}`);
  assert(evaluation < 2 ** -45);
  assert(total(100).evaluation > 10 * evaluation);
  assert(total(0, 1e6).evaluation > 1e4 * evaluation);
});

Deno.test("boundSums() of sums too coarse for a bound is infinite, of an empty row 0", () => {
  const a = createAttention({ queries: [[1]], keys: [[1]], values: [[1]] });
  outputs(a);
  const memory = openAttention("test", a), { sums } = memory.rows;
  assert(boundSums(memory, sums, 0, 1, 0).total < 1e-9);
  sums.massHigh[0] = sums.massLow[0] = 0;
  assertEquals(boundSums(memory, sums, 0, 1, 0).total, Infinity);
  sums.count[0] = 0;
  assertEquals(boundSums(memory, sums, 0, 1, 0).total, 0);
});

Deno.test("boundRow() remembers the largest key and bias that the sums have met", () => {
  const a = createAttention({
    queries: [[1]],
    keys: [[1], [1], [1], [1], [1]],
    values: [[1], [2], [3], [4], [5]],
    scale: 1,
  });
  outputs(a);
  const memory = openAttention("test", a), { rows } = memory;
  const met = () => [rows.keyNorms[0], rows.biasSizes[0]];
  const before = met();
  update(a, 0, { keys: [3], bias: -2 });
  outputs(a);
  const [norm, size] = met();
  assert(norm >= 3 && norm < 3.001 && before[0] < 1.001);
  assertEquals([size, before[1]], [2 * Math.LOG2E, 0]);
  update(a, 0, { keys: [1], bias: 0 });
  outputs(a);
  assertEquals(met(), [norm, size]);
});

Deno.test("bounds are those of a guest and do not depend on the order of keys", () => {
  forSeeds(60, (_, random) => {
    const settings = drawSettings(random, { mask: "all" });
    const { dim, valueDim, scale } = settings;
    const query = [normals(random, dim, 1)];
    const keys = Array.from({ length: 1 + random.integer(12) }, () => ({
      key: drawKey(random, settings),
      value: drawValue(random, settings),
      bias: random.normal() * 10 ** random.integer(7),
    }));
    const bounds = [keys, shuffled(random, keys)].flatMap((order) => {
      const a = createAttention({ dim, valueDim, scale, queries: query });
      append(a, order.map(({ key }) => key), order.map(({ value }) => value), {
        bias: order.map(({ bias }) => bias),
      });
      const watched = new Float64Array(1), guest = new Float64Array(1);
      outputs(a, { bounds: watched });
      attend(a, query, { bounds: guest });
      return [watched[0], guest[0]];
    });
    sameBits(bounds, bounds.map(() => bounds[0]), "bounds");
  });
});

Deno.test("a key that is masked softly or scores absurdly low leaves the bound as it was, while it is there and after", () => {
  const numbers = Array.from({ length: 50 }, (_, i) => [Math.sin(i)]);
  const a = createAttention({
    queries: [[1]],
    keys: numbers,
    values: numbers,
    scale: 1,
  });
  outputs(a);
  const before = errorBound(a).total;
  for (const [key, bias] of [[-1e30, 0], [0, -1e9], [0, -1e300]]) {
    const id = append(a, [key], [1], { bias });
    for (const fresh of [false, true]) {
      // Moved in, and met by a row that starts over.
      if (fresh) watch(a, [1], { ids: 0 });
      outputs(a);
      const { total } = errorBound(a);
      assert(measureError(a) <= total && total < 1.01 * before, `${total}`);
    }
    remove(a, id);
    outputs(a);
    assert(errorBound(a).total < 1.01 * before);
  }
});
