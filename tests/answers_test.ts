/**
 * What softmax attention obeys whatever the numbers are: shifts, permutations, scalings, hulls, doubled keys.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  apply,
  attend,
  type Attention,
  createAttention,
  outputs,
  topKeys,
  weights,
} from "../mod.ts";
import type { Random } from "../src/random.ts";
import { sameBits, within } from "./same.ts";
import { forSeeds, normals, pick, shuffled } from "./scripts.ts";

/** Keys, values, biases and queries of a fresh attention. */
interface Scene {
  scale: number;
  keys: number[][];
  values: number[][];
  bias: number[];
  queries: number[][];
}

function drawScene(random: Random): Scene {
  const dim = pick(random, [1, 2, 5, 8]), count = 1 + random.integer(40);
  const valueDim = pick(random, [1, 3, 4]), deviation = pick(random, [1, 4]);
  const rows = (of: number, width: number, size: number) =>
    Array.from({ length: of }, () => normals(random, width, size));
  return {
    scale: pick(random, [1, 0.3, -1]),
    keys: rows(count, dim, deviation),
    values: rows(count, valueDim, 1),
    bias: normals(random, count, pick(random, [0, 1])),
    queries: rows(3, dim, deviation),
  };
}

function make({ scale, keys, values, bias, queries }: Scene): Attention {
  const dim = queries[0].length, valueDim = values[0].length;
  const a = createAttention({ dim, valueDim, scale, queries });
  for (const [at, key] of keys.entries()) {
    append(a, key, values[at], bias[at]);
  }
  return a;
}

function append(a: Attention, key: number[], value: number[], bias: number) {
  apply(a, [{ verb: "append", keys: [key], values: [value], bias: [bias] }]);
}

/** Outputs and the bounds of their rows. */
function read(a: Attention): { data: ArrayLike<number>; bounds: Float64Array } {
  const bounds = new Float64Array(a.watched);
  return { data: outputs(a, { bounds }).data, bounds };
}

/** Two attentions whose exact outputs are equal differ by their bounds at most. */
function alike(one: Attention, other: Attention, what: string): void {
  const a = read(one), b = read(other);
  const sum = (row: number) => a.bounds[row] + b.bounds[row];
  within(a.data, b.data, sum, one.valueDim, what);
}

Deno.test("a constant added to all scores of a row leaves its output", () => {
  forSeeds(100, (_, random) => {
    const scene = drawScene(random), a = make(scene);
    const shift = random.normal() * pick(random, [1, 100, 1e4]);
    const bias = scene.bias.map((b) => b + shift);
    alike(make({ ...scene, bias }), a, "a shifted bias");
    // Whole numbers are exact, so that a vector added to all keys adds the same to all scores of a row.
    const whole = (rows: number[][]) => rows.map((row) => row.map(Math.round));
    const plain = { ...scene, keys: whole(scene.keys), scale: 0.25 };
    plain.queries = whole(scene.queries);
    const step = plain.queries[0].map(() => random.integer(9) - 4);
    const keys = plain.keys.map((key) => key.map((k, t) => k + step[t]));
    alike(make({ ...plain, keys }), make(plain), "shifted keys");
  });
});

Deno.test("permuting keys permutes weights and leaves the bits of outputs", () => {
  forSeeds(100, (_, random) => {
    const scene = drawScene(random), a = make(scene);
    const order = shuffled(random, [...scene.keys.keys()]);
    const b = make({
      ...scene,
      keys: order.map((at) => scene.keys[at]),
      values: order.map((at) => scene.values[at]),
      bias: order.map((at) => scene.bias[at]),
    });
    sameBits(outputs(b).data, outputs(a).data, "outputs");
    const [those, these] = [a, b].map((one) => weights(one).matrix);
    for (let row = 0; row < 3; row++) {
      order.forEach((from, at) => {
        const weight = those.get(row, from);
        // Sums over the keys run in another order: one rounding for each.
        const room = weight * order.length * 2 ** -52;
        assert(Math.abs(these.get(row, at) - weight) <= room, `key ${from}`);
      });
    }
  });
});

Deno.test("weights are 0 or more and add up to 1", () => {
  forSeeds(100, (_, random) => {
    const scene = drawScene(random), a = make(scene);
    const { matrix, tail } = weights(a), count = scene.keys.length;
    for (let row = 0; row < 3; row++) {
      let sum = tail[row];
      for (let at = 0; at < count; at++) {
        assert(matrix.get(row, at) >= 0);
        sum += matrix.get(row, at);
      }
      assert(Math.abs(sum - 1) <= count * 2 ** -52, `row ${row}: ${sum}`);
    }
    for (const { weights, tail } of topKeys(a, scene.queries, 4)) {
      const sum = weights.reduce((a, b) => a + b, tail);
      assert(Math.abs(sum - 1) <= count * 2 ** -52, `top keys: ${sum}`);
      assert(weights.every((w, at) => at === 0 || w <= weights[at - 1]));
    }
  });
});

Deno.test("an output lies in the hull of the values", () => {
  forSeeds(100, (_, random) => {
    const scene = drawScene(random), { data } = outputs(make(scene));
    const columns = scene.values[0].length;
    data.forEach((output, at) => {
      const column = scene.values.map((value) =>
        Math.fround(value[at % columns])
      );
      const room = Math.max(...column.map(Math.abs)) * 2 ** -31;
      assert(
        output >= Math.min(...column) - room &&
          output <= Math.max(...column) + room,
        `${output} at ${at}`,
      );
    });
  });
});

Deno.test("values times a power of two, or −1, give outputs times the same, to the bit", () => {
  forSeeds(100, (_, random) => {
    const scene = drawScene(random), { data } = outputs(make(scene));
    // Far from subnormal 32-bit floats, whose bits would be lost on the way in.
    for (const factor of [2 ** (random.integer(81) - 40), -1]) {
      const values = scene.values.map((value) => value.map((v) => v * factor));
      sameBits(
        outputs(make({ ...scene, values })).data,
        Float64Array.from(data, (output) => output * factor + 0),
        `times ${factor}`,
      );
    }
  });
});

Deno.test("a power of two moved from queries to the scale, or a sign to the keys, changes no bit", () => {
  forSeeds(50, (_, random) => {
    const scene = drawScene(random), { data } = outputs(make(scene));
    const power = 2 ** (random.integer(21) - 10);
    const times = (rows: number[][], factor: number) =>
      rows.map((row) => row.map((x) => x * factor));
    const moved = {
      ...scene,
      queries: times(scene.queries, power),
      scale: scene.scale / power,
    };
    sameBits(outputs(make(moved)).data, data, "moved to the scale");
    const signed = {
      ...scene,
      queries: times(scene.queries, -1),
      keys: times(scene.keys, -1),
    };
    sameBits(outputs(make(signed)).data, data, "two signs");
  });
});

Deno.test("a key given twice weighs like one whose bias is ln 2 larger", () => {
  forSeeds(100, (_, random) => {
    const scene = drawScene(random), at = random.integer(scene.keys.length);
    const twice = make({
      ...scene,
      keys: [...scene.keys, scene.keys[at]],
      values: [...scene.values, scene.values[at]],
      bias: [...scene.bias, scene.bias[at]],
    });
    const bias = [...scene.bias];
    bias[at] += Math.LN2;
    alike(twice, make({ ...scene, bias }), "outputs");
  });
});

Deno.test("a single key gives its value, whatever the query", () => {
  forSeeds(50, (_, random) => {
    const scene = drawScene(random), value = scene.values[0].map(Math.fround);
    const one = make({
      ...scene,
      keys: [scene.keys[0]],
      values: [value],
      bias: [random.normal() * 1e6],
    });
    for (const query of scene.queries) {
      sameBits(attend(one, [query]).data, value, "output");
    }
  });
});

Deno.test("a query of zeros, and a scale of 0, give the mean of the values", () => {
  forSeeds(50, (_, random) => {
    const scene = { ...drawScene(random) };
    scene.values = scene.values.map((value) =>
      value.map((v) => Math.round(v * 9))
    );
    scene.bias = scene.bias.map(() => 0);
    const mean = scene.values[0].map((_, c) =>
      scene.values.reduce((sum, value) => sum + value[c], 0) /
      scene.values.length
    );
    const zero = scene.queries[0].map(() => 0), a = make(scene);
    const bounds = new Float64Array(1);
    const { data } = attend(a, [zero], { bounds });
    within(data, mean, () => bounds[0], mean.length, "a query of zeros");
    sameBits(
      outputs(make({ ...scene, scale: 0 })).data,
      [0, 1, 2].flatMap(() => [...data]),
      "a scale of 0",
    );
  });
});

Deno.test("far keys fade to weight 0 and the near ones stay exact, at every distance", () => {
  for (const gap of [1, 30, 700, 1e6, 1e30]) {
    const a = createAttention({
      dim: 1,
      queries: [[1], [-1]],
      scale: 1,
      keys: [[0], [gap], [gap]],
      values: [[1], [2], [4]],
    });
    const [near, far] = outputs(a).data;
    const e = Math.exp(-Math.fround(gap));
    const relative = 2 ** -31;
    assert(Math.abs(near - (6 + e) / (2 + e)) <= 3 * relative, `near ${near}`);
    assert(Math.abs(far - (1 + 6 * e) / (1 + 2 * e)) <= 3 * relative, `${far}`);
    assertEquals(topKeys(a, { ids: 0 }, 2)[0].keys, [1, 2]);
  }
});
