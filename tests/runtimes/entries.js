/**
 * The other entry points, one test each: they load everywhere, and what is canonical in them has the same bits.
 *
 * @module
 */

import { equal, rows, same } from "./reference.js";

const DIM = 6, VALUE_DIM = 4, KEYS = 23, QUERIES = 3;

/** By name: each is given a module and what takes numbers into the digest. */
export const entries = {
  "methods that leave nothing out have the bits of exact attention"(
    module,
    add,
  ) {
    const exact = module.outputs(attentionOf(module, {}));
    add(exact.data);
    const methods = [
      module.topK(KEYS),
      module.smyrf({ clusterSize: KEYS, hashes: 1 }),
      module.nystrom({ landmarks: KEYS }),
      module.pruned({ sparsity: 0 }),
    ];
    for (const method of methods) {
      const attention = attentionOf(module, { method });
      equal(module.outputs(attention).data, exact.data, 0);
    }
  },

  "topK() and pruned() attend to what is left"(module, add) {
    const best = attentionOf(module, { method: module.topK(3) });
    add(module.outputs(best).data);
    const method = module.pruned({ sparsity: 0.5 });
    const attention = attentionOf(module, { method });
    module.observe(attention);
    const { pruned, observed } = module.prune(attention);
    same(observed, QUERIES * KEYS, "observed");
    same(pruned >= observed / 2, true, "pruned");
    add(module.outputs(attention).data);
    const error = module.measureError(attention);
    same(error <= module.errorBound(attention).total, true, "a bound");
  },

  "smyrf() and nystrom() are not far from exact attention"(module) {
    const exact = module.outputs(attentionOf(module, {})).data;
    for (
      const method of [
        module.smyrf({ clusterSize: 4, hashes: 3 }),
        module.nystrom({ landmarks: 2 }),
      ]
    ) {
      equal(module.outputs(attentionOf(module, { method })).data, exact, 1);
    }
  },

  "a grid attends along its lines"(module, add) {
    const tokens = module.gridQueries(rows(2, DIM, 41), rows(3, DIM, 42));
    const attention = module.createAttention({
      queries: tokens,
      keys: tokens,
      values: rows(6, VALUE_DIM, 43),
      mask: module.axialMask(2, 3, "members"),
    });
    add(module.outputs(attention).data);
  },

  "a stream with a hole is attended to as far as it goes"(module, add) {
    const continual = module.continualAttention({
      window: 3,
      dim: DIM,
      positions: module.cyclicPositions(5, DIM),
      missing: "mask",
    });
    const samples = rows(6, DIM, 44);
    samples.forEach((sample, at) => {
      const value = at === 3 ? null : sample;
      const read = module.step(continual, {
        query: sample,
        key: sample,
        value,
      });
      same([read.rows, read.columns], [1, DIM], "shape");
      same(read.data.every(Number.isFinite), true, "finite");
    });
    // Positions are sines of the engine's own.
    const plain = module.continualAttention({ window: 3, dim: DIM });
    for (const sample of samples) {
      add(
        module.step(plain, { query: sample, key: sample, value: sample }).data,
      );
    }
    same(module.stream(plain) instanceof TransformStream, true, "a stream");
    const low = module.lowRankStream({ dim: DIM, window: 4, landmarks: 2 });
    for (const sample of samples) {
      const read = low.push(sample, sample, sample);
      same(read.data.every(Number.isFinite), true, "finite");
    }
  },

  "shards merge to the bits of one attention"(module, add) {
    const { queries, keys, values } = tables();
    const part = (from, to) =>
      module.partial(queries, keys.slice(from, to), values.slice(from, to));
    const merged = module.merge(part(15, KEYS), part(0, 4), part(4, 15));
    const whole = module.outputs(attentionOf(module, {}));
    equal(module.finish(merged).data, whole.data, 0);
    add(module.finish(merged).data);
  },

  "a layer is the layer made anew when a token changes"(module) {
    const { weights, tokens } = layer();
    const make = (tokens) =>
      module.maintainedLayer("efficient", weights, { heads: 2, tokens });
    const kept = make(tokens);
    module.layerOutputs(kept);
    const other = rows(1, DIM, 45);
    module.setTokens(kept, [2], other);
    const fresh = make(tokens.map((row, at) => at === 2 ? other[0] : row));
    equal(module.layerOutputs(kept).data, module.layerOutputs(fresh).data, 0);
  },

  "explanations leave outputs as they are"(module) {
    const { weights: { matrix }, values } = weighed(module);
    const output = (a) => a.mmul(values).to1DArray(), { explain } = module;
    for (
      const reweigh of [
        explain.effectiveAttention,
        explain.efficientAttention,
        explain.minimumNormAttention,
        (weights, values) => explain.sparseAttention(weights, values).toDense(),
      ]
    ) {
      equal(output(reweigh(matrix, values)), output(matrix), 1e-10);
    }
  },

  "pictures are drawn"(module) {
    const { weights } = weighed(module), map = module.heatMap(weights);
    same(module.toSvg(map).startsWith("<svg"), true, "an SVG");
    same([...module.toPng(map).subarray(1, 4)], [80, 78, 71], "a PNG");
    const text = module.toTerminal(map, { colour: false });
    same(text.length > 0, true, "text");
  },
};

function tables() {
  return {
    queries: rows(QUERIES, DIM, 31),
    keys: rows(KEYS, DIM, 32),
    values: rows(KEYS, VALUE_DIM, 33),
  };
}

function attentionOf(module, options) {
  const attention = module.createAttention({ ...tables(), ...options });
  same(module.outputs(attention).data, module.outputs(attention).data, "reads");
  return attention;
}

/** The weights of an attention, and its values as a matrix. */
function weighed(module) {
  const weights = module.weights(attentionOf(module, {}));
  return { weights, values: module.DenseMatrix.from(tables().values) };
}

/** An efficient layer of two heads, and tokens for it. */
function layer() {
  const square = (seed) => ({
    data: Float32Array.from(rows(DIM, DIM, seed).flat()),
    shape: [DIM, DIM],
  });
  return {
    weights: { queryWeight: square(46), outputWeight: square(47) },
    tokens: rows(5, DIM, 48),
  };
}
