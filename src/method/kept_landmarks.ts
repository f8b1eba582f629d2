/**
 * The landmarks of a maintained attention: means of its watched queries and of its keys, formed anew where those change.
 *
 * @module
 */

import { DENSE } from "../kernel/table.ts";
import type { Store } from "../matrix/store.ts";
import { COLD } from "../memory/log.ts";
import {
  growRows,
  makeRows,
  type Memory,
  type RowTable,
} from "../memory/memory.ts";
import { setQuery } from "../memory/queries.ts";
import { listSlots } from "../memory/slots.ts";
import { segmentStart } from "./landmarks.ts";
import type { Settings } from "./settings.ts";

/** The landmarks of an attention. */
export interface KeptLandmarks {
  /** The landmark queries, row j under the id j; there may be more rows than are in use. */
  readonly rows: RowTable;
  /** The attention with these as its rows. */
  readonly view: Memory;
  /** Landmarks in use. */
  size: number;
  /** size × dim */
  queries: Float64Array;
  keys: Float64Array;
  /** Slots of the keys that the means are of, by ascending id; empty where there are no means yet. */
  members: Int32Array;
}

/** Makes a table of no landmarks. */
export function keepLandmarks(memory: Memory): KeptLandmarks {
  const { dim, valueDim, kernel: { home } } = memory;
  const rows = makeRows(dim, valueDim, home);
  const view = {
    ...memory,
    rows,
    selection: undefined,
    approximation: undefined,
  };
  return {
    rows,
    view,
    size: 0,
    queries: new Float64Array(0),
    keys: new Float64Array(0),
    members: new Int32Array(0),
  };
}

/** The sums of all landmark queries are void. */
export function voidSums({ rows }: KeptLandmarks): void {
  rows.clocks.fill(COLD);
  rows.answers.clear();
}

/** Another number of landmarks: those to come have no query yet, and all keys are others. */
export function resizeLandmarks(kept: KeptLandmarks, size: number): void {
  const { rows, view: { dim, kernel: { home } } } = kept;
  if (size > rows.clocks.length) growRows(rows, size, home);
  // Nobody brings rows up to date that are not in use.
  rows.clocks.fill(COLD, size);
  const queries = new Float64Array(size * dim).fill(NaN);
  queries.set(kept.queries.subarray(0, Math.min(size, kept.size) * dim));
  kept.queries = queries;
  kept.keys = new Float64Array(size * dim);
  kept.members = new Int32Array(0);
  kept.size = size;
}

/** Sets the landmark queries, after the keys; rows whose query stays are left alone. Says whether any is another. */
export function placeQueries(
  { size, queries, keys, view, rows }: KeptLandmarks,
  { rows: { queries: store, slots }, dim, kernel }: Memory,
  { givenQueries, landmarkQueries }: Settings,
): boolean {
  const watched = listSlots(slots), mean = new Float64Array(dim);
  let moved = false;
  for (let j = 0, at = 0; j < size; j++, at += dim) {
    if (landmarkQueries !== "queries") {
      mean.set((givenQueries ?? keys).subarray(at, at + dim));
    } else {
      const from = segmentStart(watched.length, size, j);
      const to = segmentStart(watched.length, size, j + 1);
      meanOf(store, watched, from, to, mean);
      kernel.multiplyAdds += (to - from) * dim;
    }
    // Kernels meet queries in 32 bits, so that is what the landmark is.
    const row = Float32Array.from(mean);
    const isKnown = j < rows.slots.size;
    if (isKnown && row.every((x, t) => x === queries[at + t])) continue;
    queries.set(row, at);
    setQuery(view, j, row, 0);
    moved = true;
  }
  return moved;
}

/** Sets the landmark keys, as given or as means of what is in these slots; says whether any is another. */
export function placeKeys(
  kept: KeptLandmarks,
  given: Float64Array | undefined,
  members: Int32Array,
  clock: number,
): boolean {
  const { size, keys, members: before, view } = kept;
  const { keys: { keys: store }, dim, log: { scored }, kernel } = view;
  const isFirst = before.length === 0;
  kept.members = members;
  if (given !== undefined) {
    if (isFirst) keys.set(given);
    return isFirst;
  }
  let moved = false;
  for (let j = 0; j < size; j++) {
    const from = segmentStart(members.length, size, j);
    const to = segmentStart(members.length, size, j + 1);
    const was = segmentStart(before.length, size, j);
    let same = segmentStart(before.length, size, j + 1) - was === to - from;
    for (let i = from; i < to && same; i++) {
      same = members[i] === before[was + i - from] &&
        scored[members[i]] <= clock;
    }
    if (same) continue;
    meanOf(store, members, from, to, keys.subarray(j * dim, (j + 1) * dim));
    kernel.multiplyAdds += (to - from) * dim;
    moved = true;
  }
  return moved;
}

/** Writes the mean of some rows, in their order. */
function meanOf(
  store: Store,
  rows: ArrayLike<number>,
  from: number,
  to: number,
  mean: Float64Array,
): void {
  const { width, dense, start, evens, count, columns, numbers } = store;
  mean.fill(0);
  for (let i = from; i < to; i++) {
    const row = rows[i];
    if (evens[row] === DENSE) {
      const at = start[row] * width;
      for (let t = 0; t < width; t++) mean[t] += dense[at + t];
    } else {
      const end = start[row] + count[row];
      for (let at = start[row]; at < end; at++) {
        mean[columns[at]] += numbers[at];
      }
    }
  }
  for (let t = 0; t < width; t++) mean[t] /= to - from;
}
