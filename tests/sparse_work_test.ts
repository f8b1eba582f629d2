/**
 * What sparse rows cost: multiply-adds and bytes go by what is not 0.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  append,
  attend,
  type Attention,
  createAttention,
  CsrMatrix,
  edit,
  flush,
  outputs,
  remove,
  restore,
  snapshot,
  stats,
  topKeys,
  update,
  weights,
} from "../mod.ts";
import { openAttention } from "../src/attention.ts";
import { DENSE } from "../src/kernel/table.ts";
import { type Random, seeded } from "../src/random.ts";
import { invariant } from "./memory/invariants.ts";
import { type Step, twinOf } from "./model.ts";
import { sameBits } from "./same.ts";
import { forSeeds, pick } from "./scripts.ts";
import {
  drawThinModel,
  drawThinSteps,
  drawWideSettings,
  performFormed,
  thinAttention,
  WAYS,
} from "./sparse.ts";

/** Multiply-adds that a call spends. */
function spent(a: Attention, call: () => unknown): number {
  const before = stats(a).multiplyAdds;
  call();
  return stats(a).multiplyAdds - before;
}

/** A row with so many numbers that are not 0, spread over its columns from `from` on. */
function row(width: number, count: number, from = 0): number[] {
  const numbers = new Array<number>(width).fill(0);
  const stride = Math.max(1, Math.floor(width / (count || 1)));
  for (let at = 0; at < count; at++) {
    numbers[(from + at * stride) % width] = 0.5 + at / 64;
  }
  return numbers;
}

/** Entries of the queries, of the keys and of the values of an attention. */
interface Counts {
  dim: number;
  valueDim: number;
  queries: number;
  keys: number;
  values: number;
}

const KEYS = 50;

/** 50 keys and two queries, all rows up to date. */
function settled(
  { dim, valueDim, queries, keys, values }: Counts,
): Attention {
  const a = createAttention({
    queries: [row(dim, queries), row(dim, queries, 1)],
    keys: Array.from({ length: KEYS }, (_, at) => row(dim, keys, at)),
    values: Array.from({ length: KEYS }, (_, at) => row(valueDim, values, at)),
    scale: 1 / 16,
  });
  outputs(a);
  return a;
}

const CASES: Counts[] = [
  // Queries sparser than keys, keys sparser than queries, dense queries.
  { dim: 200, valueDim: 100, queries: 4, keys: 20, values: 10 },
  { dim: 200, valueDim: 100, queries: 60, keys: 20, values: 10 },
  { dim: 200, valueDim: 100, queries: 200, keys: 20, values: 10 },
  // Dense keys under sparse queries, dense values, rows of nothing.
  { dim: 200, valueDim: 100, queries: 4, keys: 200, values: 10 },
  { dim: 200, valueDim: 8, queries: 60, keys: 20, values: 8 },
  { dim: 40, valueDim: 40, queries: 0, keys: 3, values: 3 },
  { dim: 40, valueDim: 40, queries: 3, keys: 0, values: 0 },
];

for (const counts of CASES) {
  const { dim, valueDim, queries, keys, values } = counts;
  const name =
    `${queries} of ${dim} in a query, ${keys} in a key, ${values} of ${valueDim} in a value`;
  const dot = Math.min(queries, keys), fold = values + 1, answer = valueDim + 1;

  Deno.test(`${name}: each change has its price, paid once by each row that is read`, () => {
    const a = settled(counts);
    const price = (call: () => unknown, expected: number, what: string) => {
      assertEquals(spent(a, call), 0, what);
      assertEquals(flush(a, { work: 0 }), 2 * expected, `${what}, foretold`);
      for (const ids of [0, 1]) {
        const read = () => outputs(a, { ids });
        assertEquals(spent(a, read), expected + answer, what);
        assertEquals(spent(a, read), answer, "again");
      }
      invariant(a);
    };
    const key = row(dim, keys, 7), value = row(valueDim, values, 7);
    price(() => append(a, [key], [value]), dot + fold, "append");
    price(
      () => append(a, CsrMatrix.fromDense([key]), CsrMatrix.fromDense([value])),
      dot + fold,
      "append as CSR",
    );
    const both = 2 * (dot + fold);
    price(() => update(a, 3, { keys: [row(dim, keys, 9)] }), both, "a key");
    price(() => update(a, 3, { bias: 0.5 }), both, "a bias");
    price(() => update(a, 3, { bias: -Infinity }), dot + fold, "masked");
    price(() => update(a, 3, { values: [value] }), 0, "a masked value");
    price(() => update(a, 3, { bias: 0 }), dot + fold, "unmasked");
    price(() => remove(a, 5), dot + fold, "remove");
    price(
      () => {
        const [id] = append(a, [key], [value]);
        remove(a, id);
      },
      0,
      "come and gone",
    );
    price(
      () => update(a, 8, { values: [row(valueDim, values, 8)] }),
      0,
      "a value as it was",
    );
    if (keys > 0 && keys < dim) {
      // The key is sparse: one more entry.
      const more = Math.min(queries, keys + 1);
      price(
        () => edit(a, { keys: [[10, keys === 20 ? 11 : 12, 1]] }),
        dot + more + 2 * fold,
        "an edit of a key",
      );
    }
    if (values > 1) {
      const column = row(valueDim, values, 11).findIndex((x) => x !== 0);
      price(
        () => edit(a, { values: [[11, column, 1]] }),
        dot + 2 * (1 + 1),
        "an edit of a value",
      );
      price(
        () => update(a, 12, { values: [row(valueDim, values, 13)] }),
        // Shifted by one all of a sparse value differs, of a dense one every number.
        dot + 2 * fold,
        "all of a value",
      );
    }
  });

  Deno.test(`${name}: starting over costs the keys' entries, or the query's for a dense key`, () => {
    const a = settled(counts), dense = keys === dim && keys > 0;
    const scores = KEYS * (dense ? Math.min(queries, dim) : keys);
    const fresh = restore(snapshot(a));
    const first = spent(fresh, () => outputs(fresh, { ids: 0 }));
    assertEquals(first, scores + KEYS * fold + answer);
    // What it costs is said beforehand.
    assertEquals(flush(fresh, { work: 0 }), scores + KEYS * fold);
    const guest = CsrMatrix.fromDense([row(dim, queries)]);
    assertEquals(
      spent(a, () => attend(a, guest)),
      scores + KEYS * fold + answer,
    );
    assertEquals(spent(a, () => topKeys(a, guest, 3)), scores);
    assertEquals(spent(a, () => weights(a)), 2 * scores);
  });
}

Deno.test("an edit of one number of a value costs one dot product and four sums, whatever valueDim and however the value is stored", () => {
  for (const valueDim of [16, 100, 5000]) {
    for (const values of [4, valueDim]) {
      const counts = { dim: 100, valueDim, queries: 30, keys: 5, values };
      const a = settled(counts);
      edit(a, { values: [[3, 3, 0.25]] });
      assertEquals(flush(a, { work: 0 }), 2 * (5 + 4));
      assertEquals(spent(a, () => flush(a)), 2 * (5 + 4));
    }
  }
});

Deno.test("ten thousand edits of one key cost one exchange for each row", () => {
  const counts = { dim: 300, valueDim: 50, queries: 40, keys: 6, values: 5 };
  for (const part of ["keys", "values"] as const) {
    const a = settled(counts), { synced, recomputed } = stats(a);
    const width = part === "keys" ? 300 : 50;
    const writes = spent(a, () => {
      for (let at = 0; at < 10_000; at++) {
        // Every second one takes the one before back, but for the last.
        const column = (at >> 1) % width;
        edit(a, { [part]: [[7, column, at % 2 === 0 ? 0.25 : -0.25]] });
      }
      edit(a, { [part]: [[7, 1, 0.5]] });
    });
    assertEquals(writes, 0);
    const { count } = openAttention("test", a).keys[part];
    assertEquals(count[7], part === "keys" ? 7 : 6);
    assertEquals(stats(a).coalesced, 10_000);
    assertEquals(a.pending, 1);
    const once = part === "keys" ? 6 + 7 + 2 * (5 + 1) : 6 + 2 * (1 + 1);
    assertEquals(spent(a, () => outputs(a)), 2 * (once + 51));
    assertEquals(stats(a).synced, synced + 2);
    assertEquals(stats(a).recomputed, recomputed);
    invariant(a);
  }
});

/** What a row counts for: its entries, or all its numbers. */
function cost(numbers: ArrayLike<number>, dense: boolean): number {
  return dense
    ? numbers.length
    : Array.from(numbers).filter((x) => x !== 0).length;
}

Deno.test("a read after one change costs what its old and new rows say, to the multiply-add, for rows of every density", () => {
  let replayed = 0;
  forSeeds(60, (_, random, at) => {
    const settings = drawWideSettings(random, {
      mask: "all",
      capacity: Infinity,
      deviation: 0.3,
      wild: false,
      verbs: ["append", "update", "edit", "remove"],
    });
    const { valueDim } = settings;
    const model = drawThinModel(random, settings, 60, 2);
    const a = thinAttention(random, model, {
      representation: pick(random, WAYS),
    });
    const { keys, rows } = openAttention("test", a);
    outputs(a);
    /** What is stored of each key, and how. */
    const look = (): Map<number, Held> =>
      new Map(
        [...model.keys].map(([id, { key, value, bias }]) => {
          const slot = keys.slots.idOf.indexOf(id);
          return [id, {
            key: [...key],
            value: [...value],
            bias,
            denseKey: keys.keys.evens[slot] === DENSE,
            denseValue: keys.values.evens[slot] === DENSE,
          }];
        }),
      );
    let before = look();
    for (let step = 1; step <= 20; step++) {
      at(step);
      const [change] = drawThinSteps(random, settings, model, 1);
      performFormed(a, [change], model, random);
      const after = look();
      const query = model.queries.get(0)!.query;
      const asked = cost(query, rows.queries.evens[0] === DENSE);
      const dot = (held: Held) =>
        Math.min(asked, cost(held.key, held.denseKey));
      const sum = (held: Held) => 1 + cost(held.value, held.denseValue);
      let expected = 0;
      for (const [id, rescored] of written(change, before, after)) {
        const old = unmasked(before.get(id)), now = unmasked(after.get(id));
        const told = old !== undefined && now !== undefined && !rescored
          ? differing(old, now)
          : undefined;
        if (told === 0) continue;
        if (old !== undefined) expected += dot(old);
        if (told !== undefined) expected += 2 * (told + 1);
        else {
          if (old !== undefined) expected += sum(old);
          if (now !== undefined) {
            expected += sum(now) +
              (old !== undefined && !rescored ? 0 : dot(now));
          }
        }
      }
      const { recomputed, ladder } = stats(a);
      const read = spent(a, () => outputs(a, { ids: 0 }));
      before = after;
      if (stats(a).recomputed > recomputed) continue;
      if (stats(a).ladder.finer > ladder.finer) continue;
      assertEquals(
        read,
        expected + valueDim + 1,
        `a read after ${change.verb}`,
      );
      replayed++;
    }
  });
  assert(replayed > 900, `${replayed} reads replayed`);
});

/** What is stored of a key, and how. */
interface Held {
  key: number[];
  value: number[];
  bias: number;
  denseKey: boolean;
  denseValue: boolean;
}

/** The keys that a change writes, and whether they may score otherwise. */
function written(
  change: Step,
  before: Map<number, Held>,
  after: Map<number, Held>,
): Map<number, boolean> {
  switch (change.verb) {
    case "append":
      return new Map(
        [...after.keys()].filter((id) => !before.has(id)).map((id) => [
          id,
          true,
        ]),
      );
    case "update": {
      const { keys, bias } = change;
      const rescored = keys !== undefined || bias !== undefined;
      return new Map(change.ids.map((id) => [id, rescored]));
    }
    case "edit":
      return new Map([
        ...(change.values ?? []).map(([id]) => [id, false] as const),
        ...(change.keys ?? []).map(([id]) => [id, true] as const),
      ]);
    case "remove":
      return new Map(change.ids.map((id) => [id, true]));
  }
  return new Map();
}

function unmasked(held: Held | undefined): Held | undefined {
  return held !== undefined && held.bias > -Infinity ? held : undefined;
}

/** In how many numbers two values differ; undefined where it is no dearer to exchange them as a whole. */
function differing(old: Held, now: Held): number | undefined {
  if (old.denseValue !== now.denseValue) return undefined;
  const count = old.value.filter((x, c) => x !== now.value[c]).length;
  const most = old.denseValue
    ? Math.ceil(old.value.length / 2)
    : Math.floor((cost(old.value, false) + cost(now.value, false)) / 2);
  return count <= most ? count : undefined;
}

Deno.test("flush() never spends more than its work over sparse rows and masks, says what is left, and comes to an end", () => {
  forSeeds(60, (_, random, at) => {
    const settings = drawWideSettings(random);
    const model = drawThinModel(random, settings, 12, 4);
    const a = thinAttention(random, model, {
      representation: pick(random, ["auto", "sparse"]),
      ...pick(random, [{}, { logBytes: 500 }]),
    });
    for (let step = 1; step <= 15; step++) {
      at(step);
      performFormed(a, drawThinSteps(random, settings, model), model, random);
      const enough = 4 * (a.size + 40) * (a.dim + a.valueDim + 1);
      for (let calls = 0, left = 1; left > 0; calls++) {
        const work = calls < 3 ? random.integer(enough / 8 + 1) : enough;
        const did = spent(a, () => left = flush(a, { work }));
        assert(did <= work, `${did} spent of ${work}`);
        assert(calls < 4 + 2 * a.watched, `${left} left after ${calls} calls`);
        invariant(a);
      }
      assertEquals(flush(a, { work: 0 }), 0);
      if (step % 5 === 0) {
        sameBits(outputs(a).data, outputs(twinOf(model)).data, "outputs");
      }
    }
  });
});

Deno.test("queries of different densities pay what each of them costs, and are told so", () => {
  const dim = 200, valueDim = 20, queries = [60, 4, 200, 10];
  const a = createAttention({
    queries: queries.map((count) => row(dim, count)),
    keys: Array.from({ length: KEYS }, (_, at) => row(dim, 20, at)),
    values: Array.from({ length: KEYS }, (_, at) => row(valueDim, 20, at)),
    scale: 1 / 16,
  });
  outputs(a);
  update(a, [3, 4, 5], { keys: [7, 8, 9].map((at) => row(dim, 20, at)) });
  const each = queries.map((count) => 3 * 2 * (Math.min(count, 20) + 21));
  const all = each.reduce((sum, work) => sum + work);
  assertEquals(flush(a, { work: 0 }), all);
  each.forEach((work, ids) =>
    assertEquals(spent(a, () => outputs(a, { ids })), work + 21)
  );
});

Deno.test("rows of edges are told what starting over costs: what their own keys take, each as it is stored", () => {
  forSeeds(60, (_, random) => {
    const settings = drawWideSettings(random, {
      mask: "edges",
      dim: pick(random, [16, 40]),
      valueDim: pick(random, [16, 40]),
      capacity: Infinity,
      wild: false,
    });
    const model = drawThinModel(random, settings, 30, 4);
    const a = thinAttention(random, model, {});
    const { keys, values } = openAttention("test", a).keys;
    const told = flush(a, { work: 0 });
    assertEquals(spent(a, () => flush(a)), told);
    assert(keys.entries + values.entries > 0 && told > 0);
  });
});

/** Sparse rows with so many entries each, in random columns. */
function sparseRows(
  random: Random,
  rows: number,
  columns: number,
  entries: number,
): CsrMatrix {
  const indptr = new Uint32Array(rows + 1);
  const indices = new Uint32Array(rows * entries);
  const values = new Float32Array(rows * entries);
  // One in each of as many stretches: ascending, and none twice.
  const stretch = Math.floor(columns / entries);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let entry = 0; entry < entries; entry++, at++) {
      indices[at] = entry * stretch + random.integer(stretch);
      values[at] = random.normal();
    }
    indptr[row + 1] = at;
  }
  return new CsrMatrix(rows, columns, indptr, indices, values);
}

Deno.test("bytes grow with what is not 0, not with the width", () => {
  for (const part of ["keys", "values"] as const) {
    const grown = [100, 1000, 100_000].map((width) => {
      const dim = part === "keys" ? width : 1;
      const valueDim = part === "keys" ? 1 : width;
      const a = createAttention({ dim, valueDim, representation: "sparse" });
      const empty = stats(a).bytes;
      const rows = sparseRows(seeded(5), 500, width, 10);
      const ones = new Float32Array(500).fill(1);
      if (part === "keys") append(a, rows, ones);
      else append(a, ones, rows);
      return stats(a).bytes - empty;
    });
    assertEquals(grown[1], grown[0]);
    assertEquals(grown[2], grown[0]);
    // 5000 entries of 8 bytes in a pool that may be half empty, 500 ones likewise, and less than 200 bytes for each key.
    const least = 5500 * 8;
    assert(grown[0] >= least, `${grown[0]} bytes`);
    assert(grown[0] <= 2 * least + 500 * 200, `${grown[0]} bytes`);
  }
});

Deno.test("versions and edited rows hold their entries alone", () => {
  const width = 50_000;
  const a = createAttention({
    keys: sparseRows(seeded(6), 200, width, 20),
    values: sparseRows(seeded(7), 200, width, 20),
    queries: sparseRows(seeded(8), 1, width, 20),
  });
  outputs(a);
  const before = stats(a).bytes;
  for (let id = 0; id < 100; id++) {
    edit(a, { keys: [[id, 5, 1]], values: [[id, 7, 1]] });
  }
  // 100 versions and as many moved rows of 21 + 21 entries, each in a pool half empty at worst, and what a version has besides.
  const most = 2 * 2 * 100 * 2 * 21 * 8 + 128 * 150;
  const grown = stats(a).bytes - before;
  assert(grown <= most, `${grown} bytes, not ${most}`);
  assertEquals(openAttention("test", a).log.versions.used, 100);
  outputs(a);
  // Two keys written out side by side are all that a width costs.
  assert(stats(a).bytes - before <= most + 2 * 4 * width + 1000);
  invariant(a);
});

const MIB = 2 ** 20;

Deno.test("20 000 keys of 30 entries in 30 000 columns take megabytes, where dense ones would take gigabytes", () => {
  const dim = 30_000, size = 20_000, random = seeded(9);
  const start = heldNow();
  const a = createAttention({
    keys: sparseRows(random, size, dim, 30),
    values: Float32Array.from({ length: size * 16 }, () => random.normal()),
    queries: sparseRows(random, 8, dim, 30),
  });
  assertEquals([a.valueDim, a.representation], [16, "mixed"]);
  // Entries in a pool that may be half empty, values, and less than 200 bytes for each key.
  const stored = 2 * size * 30 * 8 + size * 16 * 4 * 2;
  assert(stats(a).bytes <= stored + size * 200, `${stats(a).bytes} bytes`);
  const first = spent(a, () => outputs(a));
  assertEquals(first, 8 * (size * (30 + 17) + 17));
  for (let round = 0; round < 5; round++) {
    const ids = Array.from({ length: 100 }, () => random.integer(size));
    const written = [...new Set(ids)];
    update(a, written, { keys: sparseRows(random, written.length, dim, 30) });
    edit(a, { keys: [[7, 11, 0.5], [7, 29_999, 1]] });
    outputs(a);
  }
  assertEquals(stats(a).recomputed, 8);
  assertEquals(a.density, (size * (30 + 16) + 2) / (size * (dim + 16)));
  const held = heldNow() - start;
  assert(held < 64 * MIB, `${held / MIB} MiB`);
  assert(stats(a).bytes < 32 * MIB, `${stats(a).bytes / MIB} MiB`);
  // Nothing is written out on the way to a file and back.
  const bytes = snapshot(a);
  assert(bytes.length < 8 * MIB, `${bytes.length / MIB} MiB`);
  const again = restore(bytes);
  sameBits(outputs(again).data, outputs(a).data, "restored");
});

/** Bytes of the heap and of typed arrays. */
function heldNow(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

Deno.test("values of 30 000 columns cost their entries, too", () => {
  const width = 30_000, size = 2000, random = seeded(10);
  const a = createAttention({
    keys: sparseRows(random, size, width, 30),
    values: sparseRows(random, size, width, 30),
    queries: sparseRows(random, 2, width, 30),
  });
  assertEquals(a.representation, "sparse");
  const first = spent(a, () => outputs(a, { ids: 0 }));
  assertEquals(first, size * (30 + 31) + width + 1);
  edit(a, { values: [[5, 3, 1]] });
  assertEquals(flush(a, { work: 0 }) - size * 61, 30 + 2 * 2 + 1);
  // A row of sums is as wide as an output: 16 bytes for each of its numbers, for two queries and one that is not watched.
  const sums = 3 * 16 * width,
    scratch = 36 * width + 16 * width + 3 * 4 * width;
  const stored = 2 * 2 * size * 30 * 8 + size * 300;
  assert(stats(a).bytes < sums + scratch + stored + MIB, `${stats(a).bytes}`);
});
