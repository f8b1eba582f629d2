/**
 * The store of old contents: struct of arrays, filled from the front.
 *
 * @module
 */

/** Old contents, in no order; those of a slot are chained from new to old. */
export interface Versions {
  /** All used entries are below this. */
  used: number;
  /** Each: the slot, the id that lived there, and the clocks from … until − 1 of rows that have it in their sums. */
  slot: Int32Array;
  id: Float64Array;
  from: Float64Array;
  until: Float64Array;
  older: Int32Array;
  /** Each: bias in units of log2, largest component of the value, length of the key. */
  bias: Float64Array;
  peak: Float64Array;
  norm: Float64Array;
  /** versions × dim and versions × valueDim. */
  keys: Float32Array;
  values: Float32Array;
}

/** Makes room for `entries` versions. */
export function makeVersions(
  entries: number,
  dim: number,
  valueDim: number,
): Versions {
  return {
    used: 0,
    slot: new Int32Array(entries),
    id: new Float64Array(entries),
    from: new Float64Array(entries),
    until: new Float64Array(entries),
    older: new Int32Array(entries),
    bias: new Float64Array(entries),
    peak: new Float64Array(entries),
    norm: new Float64Array(entries),
    keys: new Float32Array(entries * dim),
    values: new Float32Array(entries * valueDim),
  };
}

/** A longer copy, of at most `limit` entries. */
export function grownVersions(
  old: Versions,
  dim: number,
  valueDim: number,
  limit: number,
): Versions {
  const entries = Math.max(16, 2 * old.used);
  const grown = makeVersions(Math.min(entries, limit), dim, valueDim);
  grown.used = old.used;
  for (
    const name of [
      "slot",
      "id",
      "from",
      "until",
      "older",
      "bias",
      "peak",
      "norm",
      "keys",
      "values",
    ] as const
  ) {
    grown[name].set(old[name]);
  }
  return grown;
}

/** Moves an entry to a free place. */
export function moveVersion(
  versions: Versions,
  from: number,
  to: number,
): void {
  for (
    const array of [
      versions.slot,
      versions.id,
      versions.from,
      versions.until,
      versions.bias,
      versions.peak,
      versions.norm,
    ]
  ) {
    array[to] = array[from];
  }
  const entries = versions.slot.length;
  copyRow(
    versions.keys,
    from,
    versions.keys,
    to,
    versions.keys.length / entries,
  );
  copyRow(
    versions.values,
    from,
    versions.values,
    to,
    versions.values.length / entries,
  );
}

/** Copies a row of one table into a row of another. */
export function copyRow(
  from: Float32Array,
  row: number,
  to: Float32Array,
  at: number,
  width: number,
): void {
  for (let t = 0, a = row * width, b = at * width; t < width; t++) {
    to[b++] = from[a++];
  }
}

/** Bytes a version takes. */
export function versionBytes(dim: number, valueDim: number): number {
  return 4 * (dim + valueDim) + 2 * 4 + 6 * 8;
}
