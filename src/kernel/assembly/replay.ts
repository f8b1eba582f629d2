/** Rows over changed keys, all of them dense: four rows at a time share the loads of keys, two those of values. */

import { dots, dotsInPlace, widen } from "./replay_dots";
import {
  CHANGE,
  ENTERS,
  layRoom,
  LEAVES,
  list,
  SAME,
  wide,
} from "./replay_room";
import { moveOne, moveTwo } from "./replay_values";
import { weigh, weighTwo } from "./replay_weights";

/** Moves `n` rows over `count` changes; see `../simd.ts` for what lies where. */
export function replay(
  n: i32,
  rows: usize,
  done: usize,
  sides: usize,
  count: i32,
  changes: usize,
  changeSizes: usize,
  dense: usize,
  start: usize,
  dim: i32,
  factor: f64,
  valueDim: i32,
  scratch: usize,
): bool {
  let stopped = false;
  layRoom(scratch, changeSizes);
  const keys = listKeys(count, changes), most = mostGained(count, changes);
  for (let i = 0; i < n; i += 4) {
    const left = min(4, n - i), at = rows + (<usize> i << 2);
    if (keys == 2) {
      const last = <usize> (left - 1);
      dotsInPlace(
        query(at, 0, dense, start, dim),
        query(at, min(1, last), dense, start, dim),
        query(at, min(2, last), dense, start, dim),
        query(at, last, dense, start, dim),
        dim,
      );
    } else {
      for (let r = 0; r < left; r++) {
        const to = wide + (<usize> r << 4);
        widen(query(at, r, dense, start, dim), to, 64, dim);
      }
      for (let k = 0; k < keys; k += 2) dots(<usize> k, (dim + 1) >> 1);
    }
    for (let r = 0; r < left; r += 2) {
      const both = r + 2 <= left, to = done + (<usize> (i + r) << 2);
      if (both && !sides && weighTwo(at, r, count, most, changes, factor)) {
        store<i32>(to, count);
        store<i32>(to, count, 4);
        for (let c = 0; c < count; c++) moveTwo(at, r, c, changes, valueDim);
        continue;
      }
      for (let q = r; q < min(r + 2, left); q++) {
        const own = sides ? sides + <usize> ((i + q) * count) : 0;
        const taken = weigh(at, q, own, count, changes, factor);
        store<i32>(done + (<usize> (i + q) << 2), taken);
        if (taken < count) stopped = true;
        else {
          for (let c = 0; c < count; c++) moveOne(at, q, c, changes, valueDim);
        }
      }
    }
  }
  return !stopped;
}

/** Where the query of a row is. */
function query(
  rows: usize,
  r: usize,
  dense: usize,
  start: usize,
  dim: i32,
): usize {
  const row = <usize> load<i32>(rows + (r << 2));
  return dense + (<usize> (load<i32>(start + (row << 2)) * dim) << 2);
}

/** Whether the `n` rows are dense: `evens` is less than 0. */
export function allDense(n: i32, rows: usize, evens: usize): bool {
  let sign = -1;
  for (const end = rows + (<usize> n << 2); rows < end; rows += 4) {
    sign &= load<i32>(evens + (<usize> load<i32>(rows) << 2));
  }
  return sign < 0;
}

/** Lists the keys that need a score; an odd one comes twice. */
function listKeys(count: i32, changes: usize): i32 {
  let keys = 0;
  for (let i = 0; i < count; i++) {
    const change = changes + <usize> i * CHANGE, flags = load<i32>(change);
    if (flags & LEAVES) push(keys++, load<u32>(change, 4), 2 * i);
    if ((flags & ENTERS) && (flags & (LEAVES | SAME)) != (LEAVES | SAME)) {
      push(keys++, load<u32>(change, 8), 2 * i + 1);
    }
  }
  if (keys & 1) {
    const last = list + (<usize> (keys - 1) << 3);
    push(keys, load<u32>(last), load<i32>(last, 4));
  }
  return keys;
}

function push(at: i32, key: usize, place: i32): void {
  const to = list + (<usize> at << 3);
  store<u32>(to, <u32> key);
  store<i32>(to, place, 4);
}

/** How many keys more a row has at most on the way. */
function mostGained(count: i32, changes: usize): i32 {
  let gained = 0, most = 0;
  for (let i = 0; i < count; i++) {
    const flags = load<i32>(changes + <usize> i * CHANGE);
    gained += ((flags & ENTERS) >> 1) - (flags & LEAVES);
    most = max(most, gained);
  }
  return most;
}
