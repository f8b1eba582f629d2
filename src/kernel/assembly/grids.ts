/** The grids of `../grids.ts`. */

export const RANGE: f64 = 262144;
export const COARSE: f64 = 1.1641532182693481e-10;
export const COARSE_MAGIC: f64 = 786432;

/** What a grid with this magic number catches, the magic number still added. */
// @ts-ignore: decorator

export function caught(y: v128, magic: v128): v128 {
  return f64x2.add(y, magic);
}

/** What the coarse grid leaves, caught by the fine one, its magic number still added. */
// @ts-ignore: decorator

export function rest(y: v128, high: v128, magic: v128, fine: v128): v128 {
  return f64x2.add(f64x2.sub(y, f64x2.sub(high, magic)), fine);
}
