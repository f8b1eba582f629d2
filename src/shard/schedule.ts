/**
 * Equal shares of the tiles of many heads.
 *
 * The key tiles of all heads are laid in one line and cut into ranges of equal length, one for each worker, wherever
 * heads begin: no worker waits for a long head. A head that is cut has several parts, which are merged (Sanovar et al.,
 * Lean Attention, 2024, https://arxiv.org/abs/2405.10480, section 4; the cut is that of Stream-K, Osama et al., 2023,
 * https://arxiv.org/abs/2301.03598).
 *
 * @module
 */

import { checkInteger, show } from "../check.ts";

/** Tiles of a head: `[head, from, to]`, those from `from` up to but not `to`. */
export type TileRange = [head: number, from: number, to: number];

/**
 * Splits the tiles of many heads into equal shares: for each worker the ranges that it computes.
 *
 * Shares differ by one tile at most, the larger ones first. Every tile is in one range, ranges ascend, and a head is
 * cut only where a share ends. Where there are fewer tiles than workers, the last workers get none.
 *
 * Costs O(heads + workers). Errors: a `TypeError` for what is no list of numbers, a `RangeError` for what is no whole
 * number.
 *
 * @example Fifteen tiles for four workers
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { leanSchedule } from "@reattend/reattend/shards";
 *
 * assertEquals(leanSchedule([5, 3, 7], 4), [
 *   [[0, 0, 4]],
 *   [[0, 4, 5], [1, 0, 3]],
 *   [[2, 0, 4]],
 *   [[2, 4, 7]],
 * ]);
 * ```
 *
 * @param tilesPerHead How many tiles the keys of each head fill.
 */
export function leanSchedule(
  tilesPerHead: ArrayLike<number>,
  workers: number,
): TileRange[][] {
  const verb = "schedule tiles";
  if (!Array.isArray(tilesPerHead) && !ArrayBuffer.isView(tilesPerHead)) {
    throw new TypeError(
      `Cannot ${verb}: tilesPerHead is ${
        show(tilesPerHead)
      }, it should be a list of numbers`,
    );
  }
  checkInteger(verb, "workers", workers, 1, MOST_WORKERS);
  let tiles = 0;
  for (let head = 0; head < tilesPerHead.length; head++) {
    const name = `tilesPerHead[${head}]`;
    tiles += checkInteger(verb, name, tilesPerHead[head], 0, MOST_TILES);
  }
  const whole = Math.floor(tiles / workers), longer = tiles - whole * workers;
  let head = 0, from = 0;
  return Array.from({ length: workers }, (_, worker) => {
    const ranges: TileRange[] = [];
    let left = whole + (worker < longer ? 1 : 0);
    while (left > 0) {
      const to = Math.min(tilesPerHead[head], from + left);
      if (to > from) ranges.push([head, from, to]);
      left -= to - from;
      from = to;
      if (from === tilesPerHead[head]) {
        head++;
        from = 0;
      }
    }
    return ranges;
  });
}

/** More than any machine has: a list of each is returned. */
const MOST_WORKERS = 2 ** 20;
/** So that the tiles of 2²⁰ heads are still counted exactly. */
const MOST_TILES = 2 ** 32;
