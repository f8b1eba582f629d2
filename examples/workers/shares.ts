/**
 * Two ways to split attention into equal shares, and how the parts become one again.
 *
 * *By queries*: a share is some queries of some heads, each over all keys of its head, in 32-bit floats on SIMD. Nothing
 * is merged, outputs are put side by side. This is how to fill threads when there are many queries.
 *
 * *By keys*: a share is some keys of some heads, for all queries. Parts are exact sums, merged exactly. This is how to
 * fill threads when there are few queries and many keys, or when keys live in different places.
 *
 * Either way the tiles of all heads are laid in a line and cut into equal shares by `leanSchedule`.
 *
 * @module
 */

import { scaledDotProductAttention } from "@reattend/reattend";
import {
  finish,
  leanSchedule,
  merge,
  partial,
  type PartialAttention,
  type TileRange,
} from "@reattend/reattend/shards";
import type { Head, Problem } from "./problem.ts";

/**
 * Queries, or keys, of a tile. Stateless attention takes fewer than eight queries another way, whose last bits may
 * differ, so heads here are whole tiles of queries.
 */
export const QUERY_TILE = 32, KEY_TILE = 64;

/** What is split. */
export type Axis = "queries" | "keys";

/** What a worker gives back for a range of tiles: rows of outputs, or a part to be merged. */
export type Part =
  | { axis: "queries"; head: number; from: number; outputs: Float32Array }
  | { axis: "keys"; head: number; sums: PartialAttention };

/** Equal shares of a problem. */
export function scheduleShares(
  { dim, heads }: Problem,
  axis: Axis,
  workers: number,
): TileRange[][] {
  const tile = axis === "queries" ? QUERY_TILE : KEY_TILE;
  const tiles = heads.map((head) => Math.ceil(head[axis].length / dim / tile));
  return leanSchedule(tiles, workers);
}

/** Computes a share. */
export function computeShare(
  { dim, heads }: Problem,
  axis: Axis,
  ranges: readonly TileRange[],
): Part[] {
  return ranges.map(([head, from, to]) =>
    axis === "queries"
      ? attendQueries(heads[head], dim, head, from, to)
      : sumKeys(heads[head], dim, head, from, to)
  );
}

function attendQueries(
  { queries, keys, values }: Head,
  dim: number,
  head: number,
  first: number,
  end: number,
): Part {
  const from = first * QUERY_TILE * dim, to = end * QUERY_TILE * dim;
  const tensor = (data: Float32Array) => ({
    data,
    shape: [1, 1, data.length / dim, dim],
  });
  const { output } = scaledDotProductAttention(
    tensor(queries.subarray(from, to)),
    tensor(keys),
    tensor(values),
  );
  return { axis: "queries", head, from, outputs: output.data as Float32Array };
}

function sumKeys(
  { queries, keys, values }: Head,
  dim: number,
  head: number,
  first: number,
  end: number,
): Part {
  const from = first * KEY_TILE * dim, to = end * KEY_TILE * dim;
  const rows = (numbers: Float32Array) => ({
    rows: numbers.length / dim,
    columns: dim,
    to1DArray: () => numbers,
  });
  const sums = partial(
    rows(queries),
    rows(keys.subarray(from, to)),
    rows(values.subarray(from, to)),
  );
  return { axis: "keys", head, sums };
}

/** The outputs of all heads, from the parts of all workers in whatever order they came. */
export function assemble(
  { heads }: Problem,
  parts: readonly Part[],
): ArrayLike<number>[] {
  return heads.map(({ queries }, head) => {
    const outputs = new Float32Array(queries.length);
    const sums: PartialAttention[] = [];
    for (const part of parts) {
      if (part.head !== head) continue;
      if (part.axis === "queries") outputs.set(part.outputs, part.from);
      else sums.push(part.sums);
    }
    return sums.length === 0
      ? outputs
      : finish(merge(sums[0], ...sums.slice(1))).data;
  });
}

/** The buffers of parts, which change hands instead of being copied. */
export function buffersOf(parts: readonly Part[]): ArrayBuffer[] {
  return parts.flatMap((part) =>
    Object.values(part.axis === "queries" ? [part.outputs] : part.sums)
      .filter((field) => ArrayBuffer.isView(field))
      .map(({ buffer }) => buffer as ArrayBuffer)
  );
}
