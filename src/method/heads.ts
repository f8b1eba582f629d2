/**
 * A head of tensors as a method meets it that knows no queries one by one: which keys count, the rows, and what is done
 * to them without landmarks.
 *
 * @module
 */

import { counted, thereAre } from "../check.ts";
import { flash } from "../kernel/flash.ts";
import { type Job, makeScratch, startOf } from "../softmax/block.ts";
import { attendBlocked } from "../softmax/blocked.ts";
import { maskRow } from "../softmax/mask.ts";
import type { View } from "../softmax/tensor.ts";
import type { Settings } from "./settings.ts";

/** A head, and the keys that it may attend to, whatever the query. */
export interface Head {
  batch: number;
  head: number;
  keyHead: number;
  /** Ascending. */
  places: number[];
  /** One for each of them. */
  biases: number[];
}

/** Refuses what differs by query, and settings that do not fit the tensors. */
export function refuseJob(verb: string, job: Job, settings: Settings): void {
  const { queries, keys } = job;
  const { name, padding, convolution, dim } = settings;
  refuseOrder(verb, job, settings);
  if (differsByQuery(job)) {
    throw new RangeError(
      `Cannot ${verb}: the mask differs by query, it should be the same for all queries of a head with ${name}`,
    );
  }
  if (dim !== undefined && dim !== queries.dim) {
    throw new RangeError(
      `Cannot ${verb}: landmarks have ${
        counted(dim, "number")
      }, they should have ${queries.dim} like queries`,
    );
  }
  if (padding !== "keys" || convolution !== undefined) {
    if (queries.length !== keys.length) {
      throw new RangeError(
        `Cannot ${verb}: ${thereAre(queries.length, "query")} and ${
          counted(keys.length, "key")
        }, there should be as many of both for ${
          padding === "keys" ? "convolution" : `padding ${padding}`
        }`,
      );
    }
  }
  if (convolution !== undefined && convolution.heads !== queries.heads) {
    throw new RangeError(
      `Cannot ${verb}: convolution has ${
        counted(convolution.heads, "row")
      }, it should have one for each of ${counted(queries.heads, "head")}`,
    );
  }
}

/** Refuses what hides keys or queries that an output would depend on. */
function refuseOrder(
  verb: string,
  { admission: { left, right, ordered } }: Job,
  { name, landmarkQueries, givenKeys, padding, convolution }: Settings,
): void {
  const isLimited = right < Infinity || left < Infinity;
  if (isLimited && givenKeys === undefined) {
    throw new TypeError(
      `Cannot ${verb}: the method is ${name} with causal or window, its landmarks are means over all positions and should see all`,
    );
  }
  if (ordered && landmarkQueries === "queries") {
    throw new TypeError(
      `Cannot ${verb}: causal is "queries" with the method ${name}, whose landmarks are means of all queries, they should be of keys or given`,
    );
  }
  if (left < Infinity) {
    throw new TypeError(
      `Cannot ${verb}: window.left is given with the method ${name}, whose landmarks lose no key that they have met, it should be left out`,
    );
  }
  if (isLimited && (padding !== "keys" || convolution !== undefined)) {
    throw new TypeError(
      `Cannot ${verb}: causal or window is given with the method ${name}, whose ${
        padding === "keys" ? "convolution sees ahead" : "padding counts anyway"
      }, both should be left out`,
    );
  }
}

/** Whether a mask has rows that are not alike. */
function differsByQuery({ queries, admission: { mask } }: Job): boolean {
  if (mask === undefined || mask.rowStride === 0) return false;
  for (let batch = 0; batch < queries.batches; batch++) {
    for (let head = 0; head < queries.heads; head++) {
      const first = maskRow(mask, batch, head, 0);
      for (let row = 1; row < queries.length; row++) {
        const at = maskRow(mask, batch, head, row);
        for (let j = 0; j < mask.width; j++) {
          if (mask.data[at + j] !== mask.data[first + j]) return true;
        }
      }
    }
  }
  return false;
}

/** Finds a head and its keys. */
export function findHead(job: Job, batch: number, head: number): Head {
  const { queries, keys, admission: { lengths, mask } } = job;
  const places: number[] = [], biases: number[] = [];
  const at = mask === undefined ? 0 : maskRow(mask, batch, head, 0);
  const end = Math.min(lengths[batch], mask?.width ?? Infinity);
  for (let j = 0; j < end; j++) {
    // Without a query a mask has no row.
    const said = mask === undefined || queries.length === 0
      ? 1
      : mask.data[at + j];
    if (mask?.additive ? said === -Infinity : said === 0) continue;
    places.push(j);
    biases.push(mask?.additive ? said : 0);
  }
  const keyHead = Math.floor(head / (queries.heads / keys.heads));
  return { batch, head, keyHead, places, biases };
}

/** The queries of a head, n × dim; as published, those of padding are zeros. */
export function loadQueries(
  { queries }: Job,
  { padding }: Settings,
  { batch, head, places }: Head,
): Float64Array {
  const start = startOf(queries, batch, head);
  const all = Array.from({ length: queries.length }, (_, row) => row);
  return load(queries, start, padding === "published" ? places : all);
}

/** The keys of a head, m × dim; zeros for those that may not be attended to, which may hold anything. */
export function loadKeys({ keys }: Job, head: Head): Float64Array {
  return load(keys, startOf(keys, head.batch, head.keyHead), head.places);
}

/** The rows of these places, where they belong, and zeros elsewhere. */
function load(
  { data, length, dim, rowStride }: View,
  start: number,
  places: readonly number[],
): Float64Array {
  const rows = new Float64Array(length * dim);
  for (const place of places) {
    const from = start + place * rowStride;
    rows.set(data.subarray(from, from + dim), place * dim);
  }
  return rows;
}

/** The exact outputs of the first `length` queries of a head: length × valueDim, the bits that they have without a method. */
export function exactRows(
  job: Job,
  settings: Settings,
  head: Head,
  length: number = job.queries.length,
): Float64Array {
  const { queries, keys, values, admission } = job, { mask } = admission;
  const { batch, head: queryHead, keyHead } = head;
  const one = (view: View, at: number): View => ({
    ...view,
    data: view.data.subarray(startOf(view, batch, at)),
    batches: 1,
    heads: 1,
  });
  const rows = new Float64Array(length * values.dim);
  const flat = { batches: 1, heads: 1, batchStride: 0, headStride: 0 };
  const zeroed = settings.padding === "published";
  const part: Job = {
    ...job,
    queries: zeroed
      ? {
        ...flat,
        data: loadQueries(job, settings, head),
        length,
        dim: queries.dim,
        rowStride: queries.dim,
      }
      : { ...one(queries, queryHead), length },
    keys: one(keys, keyHead),
    values: one(values, keyHead),
    output: {
      ...flat,
      data: rows,
      length,
      dim: values.dim,
      rowStride: values.dim,
    },
    admission: {
      ...admission,
      offsets: [admission.offsets[batch]],
      lengths: [admission.lengths[batch]],
      mask: mask && {
        ...mask,
        data: mask.data.subarray(maskRow(mask, batch, queryHead, 0)),
      },
    },
  };
  attendBlocked(part, flash, makeScratch(part));
  return rows;
}

/**
 * Adds the convolution of the values along their positions: row i gains Σ_t w_t v_{i + t − half}, with zeros outside and
 * for keys that may not be attended to.
 */
export function convolve(
  { values }: Job,
  { convolution }: Settings,
  { batch, head, keyHead, places }: Head,
  rows: Float64Array,
): void {
  if (convolution === undefined) return;
  const { width, weights } = convolution, half = (width - 1) / 2;
  const start = startOf(values, batch, keyHead), { dim, length } = values;
  for (const place of places) {
    const from = start + place * values.rowStride;
    for (let t = 0; t < width; t++) {
      const row = place + half - t;
      if (row < 0 || row >= length) continue;
      const weight = weights[head * width + t];
      for (let c = 0; c < dim; c++) {
        rows[row * dim + c] += weight * values.data[from + c];
      }
    }
  }
}
