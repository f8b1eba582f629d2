/**
 * Nyström attention of tensors, head by head: softmax(Q K̃ᵀ) Γ⁻¹ (softmax(Q̃ Kᵀ) V), plus a convolution of V.
 *
 * Everything is in f64, and all that is kept of a head are its landmarks, Γ and the outputs of the landmark queries, r
 * rows each. What is said of keys by `keyLengths` and `mask` holds for every query alike: a key that may not be
 * attended to is left out of the means and of the last factor, a finite bias is added to its scores in the last factor.
 * Landmarks have no bias: the means they are of have many.
 *
 * @module
 */

import { type Job, startOf } from "../softmax/block.ts";
import {
  convolve,
  exactRows,
  findHead,
  type Head,
  loadKeys,
  loadQueries,
  refuseJob,
} from "./heads.ts";
import { largestColumn, product } from "./inverse.ts";
import {
  areFinite,
  gammaOf,
  scoreLandmarks,
  segmentMeans,
  weighScores,
} from "./landmarks.ts";
import { causalRows, causalSolver } from "./nystrom_causal.ts";
import { landmarksOf, type Settings } from "./settings.ts";
import { inverseOf } from "./solver.ts";

/** What the landmarks of a head, r of them, make of it. */
interface Parts {
  /** r × dim */
  keys: Float64Array;
  /** r × r */
  gamma: Float64Array;
  /** r × valueDim: the exact outputs of the landmark queries. */
  answers: Float64Array;
}

/** Fills the output of a job. */
export function attendNystrom(
  verb: string,
  job: Job,
  settings: Settings,
): void {
  refuseJob(verb, job, settings);
  const { queries: { batches, heads }, admission } = job;
  const given = landmarksOf(settings);
  if (given !== undefined && admission.right < Infinity) {
    const solver = causalSolver(job, settings, given);
    for (let batch = 0; batch < batches; batch++) {
      for (let head = 0; head < heads; head++) {
        const found = findHead(job, batch, head);
        write(job, found, causalRows(job, settings, given, solver, found));
      }
    }
    return;
  }
  const met: { head: Head; parts: Parts | undefined; column: number }[] = [];
  for (let batch = 0; batch < batches; batch++) {
    for (let head = 0; head < heads; head++) {
      const found = findHead(job, batch, head);
      const parts = meet(job, settings, found);
      const column = parts === undefined
        ? 0
        : largestColumn(parts.gamma, settings.landmarks);
      met.push({ head: found, parts, column });
    }
  }
  const largest = met.reduce(
    (most, { column }) => column > most ? column : most,
    0,
  );
  for (const { head, parts, column } of met) {
    const rows = parts === undefined
      ? exactRows(job, settings, head)
      : approximateRows(
        job,
        settings,
        head,
        parts,
        settings.initial === "original" ? largest : column,
      );
    convolve(job, settings, head, rows);
    write(job, head, rows);
  }
}

/** Writes the outputs of a head where they belong. */
function write({ output }: Job, { batch, head }: Head, rows: Float64Array) {
  const { length, dim, rowStride } = output;
  const start = startOf(output, batch, head);
  for (let i = 0; i < length; i++) {
    output.data.set(
      rows.subarray(i * dim, (i + 1) * dim),
      start + i * rowStride,
    );
  }
}

/**
 * Finds the landmarks of a head and what they attend to; undefined where there are no more keys than landmarks, or no
 * more queries that those are means of, whose attention is exact.
 */
function meet(job: Job, settings: Settings, head: Head): Parts | undefined {
  const { queries: { dim, length }, keys, scale, softcap } = job;
  const { padding, landmarks: size, landmarkQueries } = settings;
  const { givenQueries, givenKeys } = settings, { places } = head;
  const all = (count: number) => Array.from({ length: count }, (_, row) => row);
  const queryPlaces = padding === "tokens" ? places : all(length);
  const keyPlaces = padding === "published" ? all(keys.length) : places;
  // How many queries there are is a fact about later ones: where none is mixed in, it must not matter.
  const mixes = landmarkQueries === "queries";
  if (keyPlaces.length <= size || (mixes && queryPlaces.length <= size)) {
    return undefined;
  }
  const loaded = loadKeys(job, head);
  const k = givenKeys ?? segmentMeans(loaded, dim, keyPlaces, size);
  const q = givenQueries ??
    (mixes
      ? segmentMeans(loadQueries(job, settings, head), dim, queryPlaces, size)
      : k);
  return {
    keys: k,
    gamma: gammaOf(q, k, dim, size, scale, softcap),
    answers: answersOf(job, head, q, loaded, size),
  };
}

/** The exact outputs of landmark queries: size × valueDim. */
function answersOf(
  { values, scale, softcap, keys: { length, dim } }: Job,
  { batch, keyHead, places, biases }: Head,
  landmarks: Float64Array,
  keys: Float64Array,
  size: number,
): Float64Array {
  const width = values.dim, answers = new Float64Array(size * width);
  const scores = new Float64Array(length);
  const start = startOf(values, batch, keyHead);
  for (let i = 0; i < size; i++) {
    const at = i * dim;
    scoreLandmarks(
      landmarks,
      at,
      keys,
      dim,
      length,
      scale,
      softcap,
      scores,
      0,
    );
    // Places ascend, so nothing is written over that is still to be read.
    for (let j = 0; j < places.length; j++) {
      scores[j] = scores[places[j]] + biases[j];
    }
    weighScores(scores, 0, places.length);
    for (let j = 0; j < places.length; j++) {
      const from = start + places[j] * values.rowStride, weight = scores[j];
      if (weight === 0) continue;
      for (let c = 0; c < width; c++) {
        answers[i * width + c] += weight * values.data[from + c];
      }
    }
  }
  return answers;
}

/** The outputs of a head by its landmarks: n × valueDim. */
function approximateRows(
  job: Job,
  settings: Settings,
  head: Head,
  { keys, gamma, answers }: Parts,
  column: number,
): Float64Array {
  const { queries: { dim, length }, scale, softcap } = job;
  const { landmarks: size } = settings, width = job.values.dim;
  const rows = new Float64Array(length * width);
  if (!areFinite(gamma) || !areFinite(answers)) return rows.fill(NaN);
  const inverse = inverseOf(settings, gamma, size, answers, width, column);
  const coefficients = product(inverse, answers, size, width, false);
  const weights = new Float64Array(size), q = loadQueries(job, settings, head);
  for (let i = 0; i < length; i++) {
    scoreLandmarks(
      q,
      i * dim,
      keys,
      dim,
      size,
      scale,
      softcap,
      weights,
      0,
    );
    weighScores(weights, 0, size);
    for (let j = 0; j < size; j++) {
      const weight = weights[j];
      for (let c = 0; c < width; c++) {
        rows[i * width + c] += weight * coefficients[j * width + c];
      }
    }
  }
  return rows;
}
