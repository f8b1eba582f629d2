/** The grids of `../grids.ts`. */

export const RANGE: f64 = 262144;
export const COARSE: f64 = 1.1641532182693481e-10;
export const COARSE_MAGIC: f64 = 786432;

/** Constants that loops use. They are loaded: engines would build what is written into the code anew at every turn. */
const TABLE: usize = memory.data<f64>([
  COARSE_MAGIC,
  COARSE_MAGIC,
  RANGE,
  RANGE,
  RANGE / 2,
  RANGE / 2,
], 16);

/** The magic number of the coarse grid. */
export function coarseMagic(): v128 {
  return v128.load(TABLE);
}

/** The largest total, and one more than the largest contribution. */
export function range(): v128 {
  return v128.load(TABLE, 16);
}

export function halfRange(): v128 {
  return v128.load(TABLE, 32);
}

/** What a grid with this magic number catches, the magic number still added. */
export function caught(y: v128, magic: v128): v128 {
  return f64x2.add(y, magic);
}

/** What the coarse grid leaves, caught by the fine one, its magic number still added. */
export function rest(y: v128, high: v128, magic: v128, fine: v128): v128 {
  return f64x2.add(f64x2.sub(y, f64x2.sub(high, magic)), fine);
}
