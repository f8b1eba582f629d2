/**
 * The published algorithms that this project answers, errors included: what tests and benches compare with.
 *
 * Written from their descriptions. DynamicAttention and EnhancedDynamicAttention
 * (https://github.com/davidangularme/DynamicAttention) cache A = exp(Q Kᵀ), its row sums D and D⁻¹ A V, and queue
 * changes of single numbers. Retroactive attention is that of L. Hedegaard, A. Bakhtiarnia and A. Iosifidis, Continual
 * Transformers: Redundancy-Free Attention for Online Inference, 2023, https://arxiv.org/abs/2201.06268: D_mem and
 * AV_mem of the paper are `sums` and `numerators`, k_o and k_n the oldest and the new key.
 *
 * @module
 */

/** A number of a key or a value, and what is added to it. */
export type EntryUpdate = readonly [row: number, column: number, delta: number];

/** The state of DynamicAttention; the matrices are the caller's own. */
export interface DynamicAttention {
  /** n × dim */
  queries: number[][];
  /** n × dim */
  keys: number[][];
  /** n × valueDim */
  values: number[][];
  /** n × n: exp(Q Kᵀ). */
  weights: number[][];
  /** n: the row sums of the weights, which the original keeps as a diagonal matrix and inverts as such. */
  sums: number[];
  /** n × valueDim: the outputs of the last flush. */
  attention: number[][];
  /** Updates of keys that wait for a flush. */
  keyQueue: EntryUpdate[];
  /** Updates of values that wait for a flush. */
  valueQueue: EntryUpdate[];
  /** Updates queued since the last flush. */
  updates: number;
  /** So many of them flush. */
  threshold: number;
}

/** DynamicAttention(Q, K, V, lazy_threshold). */
export function makeDynamicAttention(
  queries: number[][],
  keys: number[][],
  values: number[][],
  threshold = 10,
): DynamicAttention {
  const weights = queries.map((query) => weightsOf(query, keys));
  const sums = weights.map(total);
  return {
    queries,
    keys,
    values,
    weights,
    sums,
    attention: averages(weights, sums, values),
    keyQueue: [],
    valueQueue: [],
    updates: 0,
    threshold,
  };
}

/** lazy_update_K and lazy_update_V: queues, and flushes from the threshold on. */
export function queueUpdates<Original extends DynamicAttention>(
  original: Original,
  part: "keys" | "values",
  updates: readonly EntryUpdate[],
  flush: (original: Original) => void,
): void {
  (part === "keys" ? original.keyQueue : original.valueQueue).push(...updates);
  original.updates += updates.length;
  if (original.updates >= original.threshold) flush(original);
}

/** apply_lazy_updates of DynamicAttention. */
export function flushDynamic(original: DynamicAttention): void {
  const { queries, keys, values, weights, sums } = original;
  for (const [i, j, delta] of original.keyQueue) {
    keys[i][j] += delta;
    // The wrong axis: key i is column i of every row.
    weights[i] = weightsOf(queries[i], keys);
    sums[i] = total(weights[i]);
  }
  for (const [i, j, delta] of original.valueQueue) values[i][j] += delta;
  original.attention = averages(weights, sums, values);
  original.keyQueue = [];
  original.valueQueue = [];
  original.updates = 0;
}

/** get_attention_matrix(): flushes, then reads. */
export function readDynamic(original: DynamicAttention): number[][] {
  flushDynamic(original);
  return original.attention;
}

/** EnhancedDynamicAttention: the same with a threshold meant to adapt. */
export interface EnhancedDynamicAttention extends DynamicAttention {
  /** The sizes of the last ten flushes, as far as the original knows. */
  history: number[];
}

/** EnhancedDynamicAttention(Q, K, V, initial_threshold). */
export function makeEnhanced(
  queries: number[][],
  keys: number[][],
  values: number[][],
  threshold = 10,
): EnhancedDynamicAttention {
  return {
    ...makeDynamicAttention(queries, keys, values, threshold),
    history: [],
  };
}

/** apply_lazy_updates of EnhancedDynamicAttention, without its pool of processes. */
export function flushEnhanced(original: EnhancedDynamicAttention): void {
  const { queries, keys, values, weights, sums } = original;
  // Every update starts from the keys before the flush, so that of two to one row the last overwrites the first.
  const computed = original.keyQueue.map(([i, j, delta]) => {
    const key = [...keys[i]];
    key[j] += delta;
    return { i, key, row: weightsOf(queries[i], keys.with(i, key)) };
  });
  for (const { i, key, row } of computed) {
    keys[i] = key;
    weights[i] = row;
    sums[i] = total(row);
  }
  for (const [i, j, delta] of original.valueQueue) values[i][j] += delta;
  original.attention = averages(weights, sums, values);
  original.keyQueue = [];
  original.valueQueue = [];
  original.updates = 0;
  // The size of the flush is noted after it was set to 0.
  original.history = [...original.history, original.updates].slice(-10);
  const mean = total(original.history) / original.history.length;
  const size = queries.length * queries[0].length;
  original.threshold = Math.max(
    10,
    Math.min(100, Math.trunc(mean * Math.log10(size))),
  );
}

/** get_approximation_error(): softmax over its own keys before the flush against its outputs after, in Frobenius norm. */
export function approximationError(original: EnhancedDynamicAttention): number {
  const weights = original.queries.map((query) =>
    weightsOf(query, original.keys)
  );
  const full = averages(weights, weights.map(total), original.values);
  flushEnhanced(original);
  return relativeDistance(original.attention, full);
}

/** ‖a − b‖ / ‖b‖ in Frobenius norm. */
export function relativeDistance(a: number[][], b: number[][]): number {
  const flat = b.flat();
  return Math.hypot(...a.flat().map((x, at) => x - flat[at])) /
    Math.hypot(...flat);
}

function weightsOf(query: number[], keys: number[][]): number[] {
  return keys.map((key) => Math.exp(dot(query, key, (x) => x)));
}

/** D⁻¹ A V, the inverse first. */
function averages(
  weights: number[][],
  sums: number[],
  values: number[][],
): number[][] {
  if (sums.includes(0)) {
    throw new RangeError("Cannot invert: D is singular, it should be regular");
  }
  return weights.map((row, i) =>
    values[0].map((_, c) =>
      total(row.map((weight, j) => weight * (1 / sums[i]) * values[j][c]))
    )
  );
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, x) => sum + x, 0);
}

function dot(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  round: (x: number) => number,
): number {
  let sum = 0;
  for (let t = 0; t < a.length; t++) sum = round(sum + round(a[t] * b[t]));
  return sum;
}

/** The state of retroactive attention, oldest first; all zeros at the start. */
export interface RetroactiveAttention {
  /** Math.fround, as published, or the identity. */
  round: (x: number) => number;
  /** window × dim, times 1/√dim. */
  queries: number[][];
  /** window × dim */
  keys: number[][];
  /** window × valueDim */
  values: number[][];
  /** window: Σ exp(q · k). */
  sums: number[];
  /** window × valueDim: Σ exp(q · k) v. */
  numerators: number[][];
}

/** Makes the state for a window; `round` is the arithmetic. */
export function makeRetroactive(
  window: number,
  dim: number,
  valueDim: number,
  round: (x: number) => number = Math.fround,
): RetroactiveAttention {
  const zeros = (columns: number) =>
    Array.from({ length: window }, () => new Array<number>(columns).fill(0));
  return {
    round,
    queries: zeros(dim),
    keys: zeros(dim),
    values: zeros(valueDim),
    sums: new Array<number>(window).fill(0),
    numerators: zeros(valueDim),
  };
}

/**
 * One token enters, the oldest leaves; gives the outputs of all queries in the window, oldest first.
 *
 * What the oldest key contributed is subtracted from every sum, and no largest score is taken off before `exp`. Until
 * the window is full its zeros take part.
 */
export function stepRetroactive(
  original: RetroactiveAttention,
  query: ArrayLike<number>,
  key: number[],
  value: number[],
): number[][] {
  const { round, queries, keys, values, sums, numerators } = original;
  const scale = round(1 / Math.sqrt(query.length));
  const exp = (a: number[], b: number[]) => round(Math.exp(dot(a, b, round)));
  queries.shift();
  queries.push(Array.from(query, (x) => round(x * scale)));
  const oldKey = keys.shift()!, oldValue = values.shift()!;
  keys.push(key);
  values.push(value);
  sums.shift();
  numerators.shift();
  for (let i = 0; i < sums.length; i++) {
    const before = exp(queries[i], oldKey), after = exp(queries[i], key);
    sums[i] = round(round(sums[i] - before) + after);
    for (let c = 0; c < value.length; c++) {
      numerators[i][c] = round(
        round(numerators[i][c] - round(before * oldValue[c])) +
          round(after * value[c]),
      );
    }
  }
  const newest = queries[queries.length - 1];
  const weights = keys.map((known) => exp(newest, known));
  sums.push(weights.reduce((sum, weight) => round(sum + weight), 0));
  numerators.push(
    value.map((_, c) =>
      weights.reduce(
        (sum, weight, j) => round(sum + round(weight * values[j][c])),
        0,
      )
    ),
  );
  return numerators.map((row, i) => row.map((x) => round(x / sums[i])));
}
