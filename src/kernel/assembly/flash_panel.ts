/**
 * Scores of eight queries with a panel: five keys side by side, column by column, as `packKeys` packs them.
 *
 * A column is two vectors of queries and five numbers, of which four are read at once: engines check every reading, and a
 * check takes the place of a product.
 */

import { madd } from "./flash_exp";

/** Keys of a panel, and of a tile of rows. */
export const PANEL: i32 = 5;

/**
 * Scores of five keys, the panel at `key`, of one column at least: four columns in a turn, which saves checks that
 * engines make in each.
 *
 * The way out behind every column keeps them apart: engines mix what stands in a row, for more numbers at hand than there
 * are registers.
 */
export function scorePanel(
  scores: usize,
  query: usize,
  key: usize,
  stride: usize,
): void {
  let a0 = f32x4.splat(0),
    b0 = f32x4.splat(0),
    a1 = f32x4.splat(0),
    b1 = f32x4.splat(0),
    a2 = f32x4.splat(0),
    b2 = f32x4.splat(0),
    a3 = f32x4.splat(0),
    b3 = f32x4.splat(0),
    a4 = f32x4.splat(0),
    b4 = f32x4.splat(0);
  let w: v128, x: v128, y0: v128, y1: v128;
  const end = query + (stride << 3);
  do {
    y0 = v128.load(query);
    y1 = v128.load(query, 16);
    w = v128.load(key);
    x = v128.shuffle<f32>(w, w, 0, 0, 0, 0);
    a0 = madd(x, y0, a0);
    b0 = madd(x, y1, b0);
    x = v128.shuffle<f32>(w, w, 1, 1, 1, 1);
    a1 = madd(x, y0, a1);
    b1 = madd(x, y1, b1);
    x = v128.shuffle<f32>(w, w, 2, 2, 2, 2);
    a2 = madd(x, y0, a2);
    b2 = madd(x, y1, b2);
    x = v128.shuffle<f32>(w, w, 3, 3, 3, 3);
    a3 = madd(x, y0, a3);
    b3 = madd(x, y1, b3);
    x = v128.load32_splat(key, 16);
    a4 = madd(x, y0, a4);
    b4 = madd(x, y1, b4);
    query += 32;
    key += 20;
    if (query == end) break;
    y0 = v128.load(query);
    y1 = v128.load(query, 16);
    w = v128.load(key);
    x = v128.shuffle<f32>(w, w, 0, 0, 0, 0);
    a0 = madd(x, y0, a0);
    b0 = madd(x, y1, b0);
    x = v128.shuffle<f32>(w, w, 1, 1, 1, 1);
    a1 = madd(x, y0, a1);
    b1 = madd(x, y1, b1);
    x = v128.shuffle<f32>(w, w, 2, 2, 2, 2);
    a2 = madd(x, y0, a2);
    b2 = madd(x, y1, b2);
    x = v128.shuffle<f32>(w, w, 3, 3, 3, 3);
    a3 = madd(x, y0, a3);
    b3 = madd(x, y1, b3);
    x = v128.load32_splat(key, 16);
    a4 = madd(x, y0, a4);
    b4 = madd(x, y1, b4);
    query += 32;
    key += 20;
    if (query == end) break;
    y0 = v128.load(query);
    y1 = v128.load(query, 16);
    w = v128.load(key);
    x = v128.shuffle<f32>(w, w, 0, 0, 0, 0);
    a0 = madd(x, y0, a0);
    b0 = madd(x, y1, b0);
    x = v128.shuffle<f32>(w, w, 1, 1, 1, 1);
    a1 = madd(x, y0, a1);
    b1 = madd(x, y1, b1);
    x = v128.shuffle<f32>(w, w, 2, 2, 2, 2);
    a2 = madd(x, y0, a2);
    b2 = madd(x, y1, b2);
    x = v128.shuffle<f32>(w, w, 3, 3, 3, 3);
    a3 = madd(x, y0, a3);
    b3 = madd(x, y1, b3);
    x = v128.load32_splat(key, 16);
    a4 = madd(x, y0, a4);
    b4 = madd(x, y1, b4);
    query += 32;
    key += 20;
    if (query == end) break;
    y0 = v128.load(query);
    y1 = v128.load(query, 16);
    w = v128.load(key);
    x = v128.shuffle<f32>(w, w, 0, 0, 0, 0);
    a0 = madd(x, y0, a0);
    b0 = madd(x, y1, b0);
    x = v128.shuffle<f32>(w, w, 1, 1, 1, 1);
    a1 = madd(x, y0, a1);
    b1 = madd(x, y1, b1);
    x = v128.shuffle<f32>(w, w, 2, 2, 2, 2);
    a2 = madd(x, y0, a2);
    b2 = madd(x, y1, b2);
    x = v128.shuffle<f32>(w, w, 3, 3, 3, 3);
    a3 = madd(x, y0, a3);
    b3 = madd(x, y1, b3);
    x = v128.load32_splat(key, 16);
    a4 = madd(x, y0, a4);
    b4 = madd(x, y1, b4);
    query += 32;
    key += 20;
  } while (query != end);
  v128.store(scores, a0, 0);
  v128.store(scores, b0, 16);
  v128.store(scores, a1, 32);
  v128.store(scores, b1, 48);
  v128.store(scores, a2, 64);
  v128.store(scores, b2, 80);
  v128.store(scores, a3, 96);
  v128.store(scores, b3, 112);
  v128.store(scores, a4, 128);
  v128.store(scores, b4, 144);
}
