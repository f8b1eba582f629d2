/**
 * Values that change row by row: the explanations of fresh values, for a fraction of the work.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { createAttention, entry, ids, update, weights } from "../../mod.ts";
import {
  effectiveAttention,
  efficientAttention,
  type Explainer,
  freedom,
  liveValues,
  makeExplainer,
  minimumNormAttention,
  replaceValue,
  sparseAttention,
} from "../../src/explain/mod.ts";
import { seeded } from "../../src/random.ts";
import { anything, refuses } from "../refusals.ts";
import { sameBits, within } from "../same.ts";
import { forSeeds, normals, pick } from "../scripts.ts";
import { change } from "./hostile.ts";

/** What makeExplainer() promises, in lengths of the row. */
const PROMISED = 1e-10;

/** Fails unless projections and ranks are those of fresh values; returns how far apart they are. */
function compare(
  explainer: Explainer,
  values: number[][],
  row: number[],
): number {
  assertEquals(freedom([row], explainer), freedom([row], values));
  let worst = 0;
  for (const explain of [effectiveAttention, efficientAttention]) {
    const found = explain([row], explainer).data;
    explain([row], values).data.forEach((weight, key) => {
      worst = Math.max(worst, Math.abs(weight - found[key]));
    });
  }
  return worst / Math.hypot(...row);
}

Deno.test("an explainer after a thousand changed rows explains as fresh values do", () => {
  for (
    const [count, width, changes] of [[40, 6, 1000], [150, 20, 1000], [
      9,
      12,
      200,
    ], [1, 2, 100]]
  ) {
    forSeeds(1, (_, random, at) => {
      const values = Array.from(
        { length: count },
        () => normals(random, width, 1),
      );
      const explainer = makeExplainer(values);
      const row = Array.from({ length: count }, () => random.uniform());
      let worst = 0;
      for (let step = 1; step <= changes; step++) {
        at(step);
        const key = random.integer(count);
        values[key] = normals(random, width, 1);
        replaceValue(explainer, key, values[key]);
        if (random.integer(3) === 0) {
          worst = Math.max(worst, compare(explainer, values, row));
        }
      }
      assert(worst <= PROMISED, `${count} × ${width}: off by ${worst}`);
      // A followed factorisation rounds in its own way: had it never been followed, nothing would differ.
      assertEquals(worst > 0, count > 4 * width);
    });
  }
});

Deno.test("an explainer follows values that become dependent, vanish, grow and shrink", () => {
  let worst = 0;
  forSeeds(30, (_, random, at) => {
    const count = 2 + random.integer(40), width = 1 + random.integer(5);
    const values = Array.from(
      { length: count },
      () => normals(random, width, 1),
    );
    const explainer = makeExplainer(values);
    const row = Array.from({ length: count }, () => random.uniform());
    const drawn = (key: number): number[] =>
      pick(random, [
        () => normals(random, width, 1),
        () => normals(random, width, 1),
        () => values[(key + 1) % count],
        () => values[key].map(() => 0),
        () => values[key].map(() => values[key][0]),
        () => normals(random, width, 10 ** (random.integer(301) - 150)),
        () => values[key].map((number, c) => c ? number : 0),
      ])();
    for (let step = 1; step <= 60; step++) {
      at(step);
      // Now and then all of them, so that ranks and scales fall.
      const keys = random.integer(12) ? [random.integer(count)] : values.keys();
      const all = random.integer(3);
      for (const key of keys) {
        values[key] = all ? drawn(key) : values[0];
        replaceValue(explainer, key, values[key]);
      }
      if (random.integer(2)) {
        worst = Math.max(worst, compare(explainer, values, row));
      }
      if (step % 20 > 0) continue;
      for (const explain of [minimumNormAttention, sparseAttention]) {
        const found = explain([row], explainer).to1DArray();
        assert(
          change({ weights: row, values, kind: "ordinary" }, found, true) <=
            1e-10,
        );
      }
    }
  });
  assert(worst <= PROMISED, `off by ${worst}`);
});

Deno.test("an explainer starts over where columns are nearly dependent, and has the bits of fresh values then", () => {
  const random = seeded(3), count = 100;
  // So many columns that following is cheaper than to start over.
  const draw = (gap: number) => {
    const [one, other, ...rest] = normals(random, 8, 1);
    return [one, one + gap * other, ...rest];
  };
  const values = Array.from({ length: count }, () => draw(1e-7));
  const explainer = makeExplainer(values);
  const row = Array.from({ length: count }, () => random.uniform());
  for (let step = 0; step < 40; step++) {
    const key = random.integer(count);
    values[key] = draw(1e-7).map((number) => number * 2 ** (step / 8));
    replaceValue(explainer, key, values[key]);
    for (const explain of [effectiveAttention, efficientAttention]) {
      sameBits(
        explain([row], explainer).data,
        explain([row], values).data,
        `step ${step}`,
      );
    }
  }
  // From here on its scales are others than at first, and it follows.
  const spent = explainer.multiplyAdds;
  for (let key = 0; key < count; key++) {
    values[key] = draw(1);
    replaceValue(explainer, key, values[key]);
    if (key % 2) assert(compare(explainer, values, row) <= PROMISED);
  }
  assert(explainer.multiplyAdds > spent);
});

Deno.test("an explainer starts over where a value is of another size by far", () => {
  const random = seeded(6), count = 60;
  const row = Array.from({ length: count }, () => random.uniform());
  const values = Array.from(
    { length: count },
    () => normals(random, 8, 1e-150),
  );
  const explainer = makeExplainer(values);
  for (const size of [1e300, 1, 1e-300]) {
    compare(explainer, values, row);
    const spent = explainer.multiplyAdds;
    values[7] = normals(random, 8, size);
    replaceValue(explainer, 7, values[7]);
    sameBits(
      effectiveAttention([row], explainer).data,
      effectiveAttention([row], values).data,
      `size ${size}`,
    );
    assert(explainer.multiplyAdds > spent);
  }
});

Deno.test("an explainer explains rows with masked keys as fresh values do, to the bit", () => {
  const random = seeded(2),
    values = Array.from({ length: 20 }, () => normals(random, 4, 1));
  const explainer = makeExplainer(values);
  // Causal: every row sees other keys.
  const causal = values.map((_, row) =>
    values.map((_, key) => Number(key <= row) / (row + 1))
  );
  for (let step = 0; step < 10; step++) {
    for (
      const rows of [
        causal.slice(0, 19),
        causal.slice(12, 13),
        causal.slice(12, 13),
      ]
    ) {
      sameBits(
        efficientAttention(rows, explainer).data,
        efficientAttention(rows, values).data,
        `step ${step}`,
      );
    }
    const key = random.integer(12);
    values[key] = normals(random, 4, 1);
    replaceValue(explainer, key, values[key]);
    const [row] = causal.slice(12);
    sameBits(
      efficientAttention([row], explainer).data,
      efficientAttention([row], values).data,
      `step ${step}, changed`,
    );
  }
  // Another row with as many keys sees other ones.
  const two = [[1, 1, ...Array(18).fill(0)], [1, 0, 1, ...Array(17).fill(0)]];
  sameBits(
    efficientAttention(two, explainer).data,
    two.flatMap((row) => [...efficientAttention([row], values).data]),
    "two",
  );
  assertEquals(explainer.multiplyAdds, 0);
});

Deno.test("an explainer spends 12 n (d + 1) and some on a change, a seventh of a fresh factorisation", () => {
  const random = seeded(1), count = 200, width = 64;
  const values = Array.from({ length: count }, () => normals(random, width, 1));
  const row = Array.from({ length: count }, () => 1 / count);
  const explainer = makeExplainer(values);
  assertEquals(explainer.multiplyAdds, 0);
  efficientAttention([row], explainer);
  // Σ 2 (200 − k) (130 − 2 k), k from 0 to 64.
  const fresh = 1_532_960;
  assertEquals(explainer.multiplyAdds, fresh);
  const change = () =>
    replaceValue(explainer, random.integer(count), normals(random, width, 1));
  change();
  assertEquals(explainer.multiplyAdds, fresh);
  efficientAttention([row], explainer);
  // 4 · 200 · 65 + 8 · 65 · (200 + 65)
  const one = 189_800;
  assertEquals(explainer.multiplyAdds, fresh + one);
  efficientAttention([row], explainer);
  assertEquals(explainer.multiplyAdds, fresh + one);
  for (let more = 1; more < 65; more++) {
    change();
    efficientAttention([row], explainer);
  }
  assertEquals(explainer.multiplyAdds, fresh + 65 * one);
  change();
  efficientAttention([row], explainer);
  assertEquals(explainer.multiplyAdds, 2 * fresh + 65 * one);
  // The same row twice is one change; nine of them at once cost more than to start over.
  for (let more = 0; more < 9; more++) {
    replaceValue(explainer, 5, normals(random, width, 1));
  }
  efficientAttention([row], explainer);
  assertEquals(explainer.multiplyAdds, 2 * fresh + 66 * one);
  for (let key = 0; key < 9; key++) {
    replaceValue(explainer, key, normals(random, width, 1));
  }
  efficientAttention([row], explainer);
  assertEquals(explainer.multiplyAdds, 3 * fresh + 66 * one);
});

Deno.test("an explainer keeps up with a maintained attention", () => {
  const random = seeded(4);
  const rows = (count: number) =>
    Array.from({ length: count }, () => normals(random, 3, 1));
  const attention = createAttention({
    queries: rows(4),
    keys: rows(30),
    values: rows(30),
  });
  const projection = [[1, 0], [0.5, 1], [0, -1]];
  const explainer = makeExplainer(liveValues(attention), { projection });
  assertEquals([explainer.rows, explainer.columns], [30, 2]);
  for (let step = 0; step < 20; step++) {
    const id = ids(attention)[random.integer(30)];
    update(attention, id, { values: normals(random, 3, 1) });
    replaceValue(
      explainer,
      ids(attention).indexOf(id),
      entry(attention, id).value,
    );
    const { matrix } = weights(attention);
    within(
      effectiveAttention(matrix, explainer).data,
      effectiveAttention(matrix, liveValues(attention), { projection }).data,
      () => PROMISED,
      30,
      `step ${step}`,
    );
  }
});

Deno.test("makeExplainer() and replaceValue() refuse what does not fit, and change nothing then", () => {
  const verb = "Cannot replace a value:";
  refuses(
    () => makeExplainer(anything(1)),
    TypeError,
    "Cannot make an explainer: values is 1, it should be rows of numbers",
  );
  refuses(
    () => makeExplainer([[1]], anything({ a: 1 })),
    TypeError,
    'Cannot make an explainer: unknown option "a", it should be one of projection',
  );
  refuses(
    () => makeExplainer([[1]], { projection: [[NaN]] }),
    RangeError,
    "Cannot make an explainer: projection[0][0] is NaN, it should be a finite number",
  );
  refuses(
    () => replaceValue(anything({ rows: 1 }), 0, [1]),
    TypeError,
    `${verb} explainer is an object, it should be made by makeExplainer`,
  );
  const explainer = makeExplainer([[1, 2], [3, 4]], {
    projection: [[1e300], [1]],
  });
  const before = effectiveAttention([[0.5, 0.5]], explainer);
  refuses(
    () => replaceValue(explainer, 2, [1, 2]),
    RangeError,
    `${verb} row is 2, it should be a whole number from 0 to 1`,
  );
  refuses(
    () => replaceValue(explainer, 0, [1]),
    RangeError,
    `${verb} value has rows of 1 number, it should have rows of 2`,
  );
  refuses(
    () => replaceValue(explainer, 0, [[1, 2], [3, 4]]),
    RangeError,
    `${verb} value has 2 rows, it should be one`,
  );
  refuses(
    () => replaceValue(explainer, 0, [1, Infinity]),
    RangeError,
    `${verb} value[0][1] is Infinity, it should be a finite number`,
  );
  refuses(
    () => replaceValue(explainer, 0, [1e300, 1]),
    RangeError,
    `${verb} value 0 is Infinity after the projection, it should be finite`,
  );
  sameBits(
    effectiveAttention([[0.5, 0.5]], explainer).data,
    before.data,
    "after refusals",
  );
  refuses(
    () => effectiveAttention([[1, 0]], explainer, { projection: [[1]] }),
    TypeError,
    "Cannot read effective attention: projection is given, the explainer has one or none",
  );
});

Deno.test("makeExplainer() copies what it is given", () => {
  const values = [[1], [1], [2]], explainer = makeExplainer(values);
  values[0][0] = 9;
  const found = effectiveAttention([[0.5, 0.25, 0.25]], explainer);
  const expected = effectiveAttention([[0.5, 0.25, 0.25]], [[1], [1], [2]]);
  sameBits(found.data, expected.data, "copied");
});
