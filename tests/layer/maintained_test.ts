/**
 * Maintained layers: the bits of layers made afresh, the textbook, refusals that change nothing, work that is counted.
 *
 * @module
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { CsrMatrix, errorBound, stats, topKeys } from "../../mod.ts";
import {
  appendTokens,
  type LayerKind,
  layerOutputs,
  layerStats,
  type LayerWeights,
  type MaintainedLayer,
  maintainedLayer,
  type MaintainedLayerOptions,
  removeTokens,
  setTokens,
  unwatchQueries,
  watchQueries,
} from "../../src/layer/mod.ts";
import { type Random, seeded } from "../../src/random.ts";
import { anything, refuses } from "../refusals.ts";
import { sameBits, within } from "../same.ts";
import {
  drawLayer,
  type Matrix,
  normalRows,
  plainLayer,
  type PlainWeights,
} from "./plain.ts";

const KINDS: LayerKind[] = ["multiHead", "optimised", "efficient", "super"];
const UNIT32 = 2 ** -24;
/** Self-attention: all rows have six numbers. */
const SIZES = {
  heads: 2,
  dim: 3,
  valueDim: 3,
  queryWidth: 6,
  outputWidth: 4,
  context: 7,
};

/** Makes a layer of whatever kind. */
function make(
  kind: LayerKind,
  weights: Record<string, unknown>,
  options: Partial<MaintainedLayerOptions> = {},
): MaintainedLayer {
  return maintainedLayer(kind, weights as unknown as LayerWeights[LayerKind], {
    heads: 2,
    ...options,
  });
}

/** How far outputs may be from the textbook: numbers rounded to 32 bits on their way, as in a layer without memory. */
function bound({ largest }: { largest: number }): () => number {
  // Queries, keys and values are rounded once, and values again where the output weight is folded in; a score, three
  // products, enters exponentially.
  return () => 2 * (4 * 6 * largest + 3 * largest ** 3) * UNIT32;
}

Deno.test("maintainedLayer() without tokens has no outputs, and its first token sees itself", () => {
  for (const kind of KINDS.slice(0, 3)) {
    const { weights, plain } = drawLayer(kind, SIZES, 1);
    const layer = make(kind, weights, { mask: "causal" });
    assertEquals(layerOutputs(layer).rows, 0);
    assertEquals([layer.kind, layer.size, layer.outputDim], [kind, 0, 4]);
    assertEquals(appendTokens(layer, []), []);
    const rows = normalRows(seeded(2), 1, 6);
    assertEquals(appendTokens(layer, rows), [0]);
    const truth = plainLayer(plain, 2, rows, rows, rows, () => true, true);
    const { data } = layerOutputs(layer);
    within(data, truth.outputs.flat(), bound(truth), 4, kind);
    removeTokens(layer, 0);
    assertEquals([layer.size, layer.watched], [0, 0]);
    assertEquals(appendTokens(layer, rows), [1]);
    sameBits(layerOutputs(layer).data, data, kind);
  }
});

Deno.test("maintainedLayer() gives the output bias to queries that see nothing", () => {
  const { weights, plain } = drawLayer("optimised", SIZES, 1);
  for (const fold of [true, false]) {
    const layer = make("optimised", weights, { cross: true, fold });
    watchQueries(layer, normalRows(seeded(1), 2, 6));
    const { outputBias } = plain;
    assertEquals(layerOutputs(layer).to2DArray(), [outputBias, outputBias]);
  }
});

Deno.test("maintainedLayer() refuses what does not fit, by name", () => {
  const { weights } = drawLayer("multiHead", SIZES, 1);
  const all = drawLayer("super", SIZES, 1).weights;
  const nan = { data: new Float32Array([0, 0, NaN, 0]), shape: [4] };
  const narrow = drawLayer("multiHead", SIZES, 1, { key: 5 }).weights;
  const options = (more: object) => () =>
    make("multiHead", weights, anything(more));
  const cases: [() => unknown, typeof TypeError | typeof RangeError, string][] =
    [
      [
        () => make(anything("single"), weights),
        TypeError,
        'kind is "single", it should be one of multiHead, optimised, efficient, super',
      ],
      [
        options({ capacity: 3 }),
        TypeError,
        'unknown option "capacity", it should be one of heads, tokens, values, cross, mask, scale, zeroAttention, fold, kernel',
      ],
      [
        () => make("super", all, { zeroAttention: true }),
        TypeError,
        'unknown option "zeroAttention", it should be one of heads, tokens, values, cross, mask, scale, fold, kernel',
      ],
      [
        options({ cross: 1 }),
        TypeError,
        "cross is 1, it should be true or false",
      ],
      [
        options({ fold: "no" }),
        TypeError,
        'fold is "no", it should be true or false',
      ],
      [
        options({ zeroAttention: 0 }),
        TypeError,
        "zeroAttention is 0, it should be true or false",
      ],
      [
        options({ cross: true, mask: "causal" }),
        RangeError,
        'mask is "causal" where cross is true, it should be a function of query and token',
      ],
      [
        options({ mask: CsrMatrix.fromDense([[1]]) }),
        TypeError,
        'mask is a CsrMatrix, it should be "causal" or a function',
      ],
      [
        options({ values: [[1]] }),
        RangeError,
        "values is given alone, it should come with tokens",
      ],
      [
        options({ scale: Infinity }),
        RangeError,
        "scale is Infinity, it should be a finite number",
      ],
      [
        () => make("multiHead", { ...weights, outputBias: nan }),
        RangeError,
        "a weight is NaN, it should be finite",
      ],
      [
        () => make("multiHead", narrow),
        RangeError,
        "queries have 6 numbers and keys 5, they should be the same tokens, or cross be true",
      ],
      [
        () => make("super", all, { tokens: normalRows(seeded(1), 6, 6) }),
        RangeError,
        "there are 6 tokens, there should be 7 for the context of the weights",
      ],
    ];
  for (const [refused, kind, message] of cases) {
    refuses(refused, kind, `Cannot make a layer: ${message}`);
  }
});

Deno.test("verbs of a layer refuse what does not fit, and have changed nothing then", () => {
  const tokens = normalRows(seeded(3), 4, 6);
  const { weights } = drawLayer("multiHead", SIZES, 1, { value: 5 });
  const layer = make("multiHead", weights, {
    tokens,
    values: normalRows(seeded(4), 4, 5),
  });
  removeTokens(layer, 1);
  const cross = make("efficient", drawLayer("efficient", SIZES, 1).weights, {
    cross: true,
    tokens,
  });
  const [left] = watchQueries(cross, [tokens[1]], { ids: 4 });
  unwatchQueries(cross, left);
  const [first] = watchQueries(cross, [tokens[0]]);
  const whole = make("super", drawLayer("super", SIZES, 1).weights, {
    tokens: normalRows(seeded(3), 7, 6),
  });
  const layers = [layer, cross, whole];
  const before = layers.map((layer) => layerOutputs(layer).data);
  const huge = [[3e38, 3e38, 3e38, 3e38, 3e38, 3e38]];
  const value = [[1, 2, 3, 4, 5]];
  const cases: [() => unknown, typeof TypeError | typeof RangeError, string][] =
    [
      [
        () => appendTokens(anything({}), tokens),
        TypeError,
        "append tokens: layer is an object, it should be made by maintainedLayer",
      ],
      [
        () => appendTokens(layer, tokens),
        RangeError,
        "append tokens: values is left out, it should have a row of 5 numbers for each token, which has 6",
      ],
      [
        () => appendTokens(layer, tokens, value),
        RangeError,
        "append tokens: values has 1 row, it should have 4",
      ],
      [
        () => appendTokens(layer, [[1, 2]], value),
        RangeError,
        "append tokens: tokens[0] has 2 numbers, it should have 6",
      ],
      [
        () => appendTokens(cross, [[1, 2, 3, NaN, 5, 6]]),
        RangeError,
        "append tokens: tokens[0][3] is NaN, it should be finite as a 32-bit float",
      ],
      [
        () => setTokens(layer, 1, [tokens[0]], value),
        RangeError,
        "set tokens: token 1 is gone, it should be one of 3 live ids",
      ],
      [
        () => setTokens(layer, [0, 0], tokens.slice(2), [...value, ...value]),
        RangeError,
        "set tokens: id 0 is given twice, it should be given once",
      ],
      [
        () => setTokens(layer, [0, 2], [tokens[0]], value),
        RangeError,
        "set tokens: tokens has 1 row, it should have 2",
      ],
      [
        () => removeTokens(layer, [0, 9]),
        RangeError,
        "remove tokens: token 9 is unknown, it should be one of 3 live ids",
      ],
      [
        () => removeTokens(whole, 6),
        TypeError,
        "remove tokens: the layer is super, its context should stay as it is",
      ],
      [
        () => appendTokens(whole, [tokens[0]]),
        RangeError,
        "append tokens: there would be 8 tokens, there should be at most 7 for the context of the weights",
      ],
      [
        () => watchQueries(layer, [tokens[0]]),
        TypeError,
        "watch queries: the layer attends to itself, it should be made with cross",
      ],
      [
        () => unwatchQueries(layer, 0),
        TypeError,
        "unwatch queries: the layer attends to itself, it should be made with cross",
      ],
      [
        () => watchQueries(cross, [tokens[0]], { ids: [first, 7] }),
        RangeError,
        "watch queries: queries has 1 row, it should have 2",
      ],
      [
        () => watchQueries(cross, [tokens[0]], anything({ position: 1 })),
        TypeError,
        'watch queries: unknown option "position", it should be one of ids',
      ],
      [
        () => unwatchQueries(cross, left),
        RangeError,
        "unwatch queries: query 4 is gone, it should be one of 1 live id",
      ],
      [
        () => layerOutputs(layer, { ids: 1 }),
        RangeError,
        "read layer outputs: token 1 is gone, it should be one of 3 live ids",
      ],
      [
        () => layerOutputs(cross, { ids: [first, 6] }),
        RangeError,
        "read layer outputs: query 6 is unknown, it should be one of 1 live id",
      ],
      [
        () => layerOutputs(cross, anything({ bounds: 1 })),
        TypeError,
        'read layer outputs: unknown option "bounds", it should be one of ids',
      ],
    ];
  for (const [refused, kind, message] of cases) {
    refuses(refused, kind, `Cannot ${message}`);
  }
  // Rows that are finite, but whose projections are not.
  assertThrows(
    () => setTokens(layer, 0, huge, value),
    RangeError,
    "it should be finite as 32-bit floats",
  );
  assertThrows(
    () => setTokens(whole, 3, huge),
    RangeError,
    "it should be finite as 32-bit floats",
  );
  layers.forEach((layer, at) =>
    sameBits(layerOutputs(layer).data, before[at], `layer ${at}`)
  );
  assertEquals(appendTokens(layer, [tokens[0]], value), [4]);
  layer[Symbol.dispose]();
  refuses(
    () => layer.size,
    TypeError,
    "Cannot read size: the layer is disposed, it should be in use",
  );
});

Deno.test("a mask that changes the layer that asks it is refused, and heads stay alike", () => {
  const { weights } = drawLayer("efficient", SIZES, 1);
  let layer: MaintainedLayer | undefined, asked = 0;
  const tokens = normalRows(seeded(3), 3, 6);
  const mask = () => {
    // In the second head the first one is free to change.
    if (layer !== undefined && ++asked > 3 * 3) removeTokens(layer, 0);
    return true;
  };
  layer = make("efficient", weights, { tokens, mask });
  const layerOf = layer;
  refuses(
    () => layerOutputs(layerOf),
    TypeError,
    "Cannot remove tokens: the layer is being read, its mask should leave it alone",
  );
  layer = undefined;
  assertEquals(layerOf.heads.map(({ size }) => size), [3, 3]);
  const fresh = make("efficient", weights, { tokens });
  sameBits(layerOutputs(layerOf).data, layerOutputs(fresh).data, "outputs");
});

Deno.test("a maintained layer has the bits of one made afresh, and is the textbook, whatever happened", () => {
  for (let seed = 0; seed < 96; seed++) {
    const random = seeded(seed), kind = KINDS[seed % 4];
    const causal = kind === "super" ? seed % 8 < 4 : random.integer(2) > 0;
    const { weights, plain } = drawLayer(kind, SIZES, seed);
    const options: Partial<MaintainedLayerOptions> = {
      ...(causal && { mask: "causal" as const }),
      ...(random.integer(2) > 0 && { fold: random.integer(2) > 0 }),
      ...(random.integer(2) > 0 && { scale: 0.4 }),
      ...addedZeros(kind, plain, random),
    };
    const start = kind === "super" && !causal ? 7 : random.integer(5);
    const tokens = new Map<number, number[]>();
    const rows = normalRows(random, start, 6);
    rows.forEach((row, id) => tokens.set(id, row));
    const layer = make(kind, weights, { ...options, tokens: rows });
    for (let step = 0; step < 12; step++) {
      changeSelf(random, kind, causal, layer, tokens);
      if (random.integer(3) === 0) continue;
      const what = `seed ${seed}, step ${step}, ${kind}`;
      const live = [...tokens.values()];
      const fresh = make(kind, weights, {
        ...options,
        tokens: live,
        kernel: random.integer(2) > 0 ? "scalar" : "auto",
      });
      const actual = layerOutputs(layer).data;
      sameBits(actual, layerOutputs(fresh).data, what);
      const truth = plainLayer(
        plain,
        2,
        live,
        live,
        live,
        () => true,
        causal,
        options.scale,
      );
      within(actual, truth.outputs.flat(), bound(truth), 4, what);
      const ids = [...tokens.keys()].reverse();
      const some = layerOutputs(layer, { ids }).to2DArray().reverse();
      sameBits(some.flat(), actual, `${what}: by id`);
    }
  }
});

Deno.test("a cross layer has the bits of one made afresh, and is the textbook, whatever happened", () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = seeded(seed), kind = KINDS[seed % 3];
    const widths = { key: kind === "efficient" ? 6 : 5, value: 4 };
    const valueWidth = kind === "multiHead" ? 4 : 6;
    const { weights, plain } = drawLayer(kind, SIZES, seed, widths);
    const masked = random.integer(2) > 0;
    const options = {
      cross: true,
      ...addedZeros(kind, plain, random),
      // Of the contents, since ids of a fresh layer are others.
      ...(random.integer(2) > 0 && { fold: false }),
    };
    const tokens: [number, number[], number[]][] = [];
    const queries: [number, number[]][] = [];
    const admits = (query: number[], key: number[]) =>
      !masked || query[0] * key[1] < 0.5;
    // A mask is asked about what is gone as well.
    const keyOf = new Map<number, number[]>(), queryOf = new Map(keyOf);
    const layer = make(kind, weights, {
      ...options,
      mask: (query, key) => admits(queryOf.get(query)!, keyOf.get(key)!),
    });
    for (let step = 0; step < 16; step++) {
      const key = normalRows(random, 1, widths.key)[0];
      const value = normalRows(random, 1, valueWidth)[0];
      const query = normalRows(random, 1, 6)[0];
      const token = random.integer(tokens.length || 1);
      const asker = random.integer(queries.length || 1);
      switch (random.integer(6)) {
        case 0:
        case 1:
          tokens.push([appendTokens(layer, [key], [value])[0], key, value]);
          keyOf.set(tokens.at(-1)![0], key);
          break;
        case 2:
          if (masked || tokens.length === 0) break;
          setTokens(layer, tokens[token][0], key, value);
          tokens[token] = [tokens[token][0], key, value];
          break;
        case 3:
          if (tokens.length === 0) break;
          removeTokens(layer, tokens.splice(token, 1)[0][0]);
          break;
        case 4: {
          const [id] = watchQueries(layer, [query]);
          queries.push([id, query]);
          queryOf.set(id, query);
          break;
        }
        default:
          if (queries.length < 2) break;
          unwatchQueries(layer, queries.splice(asker, 1)[0][0]);
          if (queries.length === 0 || masked) break;
          watchQueries(layer, query, { ids: queries[0][0] });
          queries[0] = [queries[0][0], query];
      }
      const keys = tokens.map(([, key]) => key);
      const values = tokens.map(([, , value]) => value);
      const asked = queries.map(([, query]) => query);
      const sees = (i: number, j: number) => admits(asked[i], keys[j]);
      const fresh = make(kind, weights, {
        ...options,
        tokens: keys,
        values,
        mask: sees,
      });
      watchQueries(fresh, asked);
      const what = `seed ${seed}, step ${step}, ${kind}`;
      const actual = layerOutputs(layer).data;
      assertEquals([layer.size, layer.watched], [keys.length, asked.length]);
      sameBits(actual, layerOutputs(fresh).data, what);
      const truth = plainLayer(plain, 2, asked, keys, values, sees);
      within(actual, truth.outputs.flat(), bound(truth), 4, what);
    }
  }
});

Deno.test("a cross Super layer over a fixed context follows its keys and its values", () => {
  for (let seed = 0; seed < 12; seed++) {
    const random = seeded(seed),
      { weights, plain } = drawLayer("super", SIZES, seed);
    const options = { cross: true, fold: seed % 2 > 0 };
    const keys = normalRows(random, 7, 6), values = normalRows(random, 7, 6);
    const queries = normalRows(random, 3, 6);
    const layer = make("super", weights, { ...options, tokens: keys, values });
    watchQueries(layer, queries);
    for (let step = 0; step < 5; step++) {
      const at = random.integer(7);
      const [key, value] = normalRows(random, 2, 6, 2);
      keys[at] = key;
      // The value alone may stay, and nothing moves then but a key.
      if (step % 2 > 0) values[at] = value;
      setTokens(layer, at, key, values[at]);
      const fresh = make("super", weights, {
        ...options,
        tokens: keys,
        values,
      });
      watchQueries(fresh, queries);
      const actual = layerOutputs(layer).data, what = `seed ${seed}, ${step}`;
      sameBits(actual, layerOutputs(fresh).data, what);
      const truth = plainLayer(plain, 2, queries, keys, values, () => true);
      within(actual, truth.outputs.flat(), bound(truth), 4, what);
    }
  }
});

Deno.test("maintainedLayer() takes sparse tokens for what they say", () => {
  const { weights } = drawLayer("optimised", SIZES, 1);
  const rows = [[0, 0, 2, 0, -1, 0], [0, 3, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]];
  const sparse = make("optimised", weights, {
    tokens: CsrMatrix.fromDense(rows),
  });
  const dense = make("optimised", weights, { tokens: rows });
  sameBits(layerOutputs(sparse).data, layerOutputs(dense).data, "outputs");
});

Deno.test("heads of a layer can be asked what they attend to", () => {
  const { weights } = drawLayer("multiHead", SIZES, 1);
  const tokens = normalRows(seeded(3), 4, 6);
  const layer = make("multiHead", weights, { tokens, zeroAttention: true });
  assertEquals(layer.always, 2);
  assertEquals(layer.heads.length, 2);
  for (const head of layer.heads) {
    const [{ keys }] = topKeys(head, { ids: 0 }, 6);
    assertEquals([...keys].sort(), [0, 1, 2, 3, 4, 5]);
    layerOutputs(layer);
    assert(errorBound(head).total < 1e-6);
  }
});

Deno.test("a changed token costs its projections and its column, not the layer", () => {
  const width = 16, n = 64, heads = 4, dim = 4;
  const sizes = {
    heads,
    dim,
    valueDim: dim,
    queryWidth: width,
    outputWidth: width,
    context: n,
  };
  const random = seeded(1), rows = normalRows(random, n, width);
  for (const kind of KINDS.slice(0, 3)) {
    const { weights } = drawLayer(kind, sizes, 1);
    delete weights.keyRow;
    delete weights.valueRow;
    for (const fold of [true, false]) {
      const layer = make(kind, weights, { heads, tokens: rows, fold });
      layerOutputs(layer);
      const whole = layerStats(layer);
      const maps = { multiHead: 3, optimised: 2, efficient: 1, super: 1 }[kind];
      const perToken = (maps + Number(fold)) * width * width;
      assertEquals(whole.projections, n * perToken);
      assertEquals(whole.outputs, fold ? 0 : n * width * width);
      const valueDim = fold ? width : dim;
      // Every row starts over its keys, and forms its quotients.
      const started = n * (dim + valueDim + 1) + valueDim + 1;
      assertEquals(whole.attention, n * heads * started);
      assertEquals(
        whole.multiplyAdds,
        whole.projections + whole.attention + whole.outputs,
      );

      for (let change = 1; change <= 3; change++) {
        const before = layerStats(layer);
        setTokens(layer, change, normalRows(random, 1, width));
        const written = layerStats(layer);
        assertEquals(written.projections - before.projections, perToken);
        assertEquals(written.attention, before.attention);
        layerOutputs(layer);
        const after = layerStats(layer);
        // The other rows trade one key, the token's own starts over: its query is another.
        const column = 2 * (dim + valueDim + 1) + valueDim + 1;
        const most = heads * ((n - 1) * column + started);
        assert(after.attention - before.attention <= most);
        assertEquals(
          after.outputs - before.outputs,
          fold ? 0 : n * width * width,
        );
        if (fold) {
          const spent = after.multiplyAdds - before.multiplyAdds;
          assert(spent < whole.multiplyAdds / 15, `${kind}: ${spent}`);
        }
      }
      // A row that nobody reads costs nothing.
      setTokens(layer, 5, normalRows(random, 1, width));
      const before = layerStats(layer);
      layerOutputs(layer, { ids: 9 });
      const spent = layerStats(layer).attention - before.attention;
      assert(spent <= heads * (2 * (dim + valueDim + 1) + valueDim + 1));
    }
  }
});

Deno.test("a changed token of a Super layer moves the mixed values that it is in", () => {
  const n = 16, width = 6, random = seeded(1);
  const rows = normalRows(random, n, width);
  const { weights } = drawLayer("super", { ...SIZES, context: n }, 1);
  const band = {
    ...weights,
    contextWeight: {
      shape: [n, n],
      data: weights.contextWeight.data.map((share, at) =>
        Math.abs(Math.floor(at / n) - at % n) <= 1 ? share : 0
      ),
    },
  };
  const mixing = (weights: Record<string, unknown>, causal: boolean) => {
    const layer = make("super", weights, {
      tokens: rows,
      ...(causal && { mask: "causal" }),
    });
    layerOutputs(layer);
    const before = layerStats(layer);
    setTokens(layer, 5, normalRows(random, 1, width));
    const { mixing, projections } = layerStats(layer);
    assertEquals(projections - before.projections, width * width);
    const writes = layer.heads.map((head) => stats(head).pending);
    return [mixing - before.mixing, ...writes];
  };
  assertEquals(mixing(weights, false), [n * width, n, n]);
  assertEquals(mixing(weights, true), [(n - 5) * width, n - 5, n - 5]);
  assertEquals(mixing(band, false), [3 * width, 3, 3]);
  assertEquals(mixing(band, true), [2 * width, 2, 2]);
});

/** One more key that is always there, of zeros, in half of the multi-head layers. */
function addedZeros(
  kind: LayerKind,
  plain: PlainWeights,
  random: Random,
): { zeroAttention?: true } {
  if (kind !== "multiHead" || random.integer(2) > 0) return {};
  plain.alwaysKeys.push(Array(6).fill(0));
  plain.alwaysValues.push(Array(6).fill(0));
  return { zeroAttention: true };
}

/** One change of a layer and of what it should hold. */
function changeSelf(
  random: Random,
  kind: LayerKind,
  causal: boolean,
  layer: MaintainedLayer,
  tokens: Map<number, number[]>,
): void {
  const ids = [...tokens.keys()];
  const some = ids.filter(() => random.integer(3) === 0);
  const put = (ids: number[], rows: Matrix) =>
    ids.forEach((id, at) => tokens.set(id, rows[at]));
  const verb = random.integer(4);
  if (verb === 0 && (kind !== "super" || causal)) {
    const room = kind === "super" ? 7 - tokens.size : 2;
    const rows = normalRows(random, Math.min(room, 2), 6);
    put(appendTokens(layer, rows), rows);
  } else if (verb === 1 && kind !== "super") {
    removeTokens(layer, some);
    for (const id of some) tokens.delete(id);
  } else {
    const rows = normalRows(random, some.length, 6, 1 + random.integer(3));
    setTokens(layer, some, rows);
    put(some, rows);
  }
}
