/**
 * Where queries, keys, values and sums lie in the memory of a WebAssembly kernel.
 *
 * Ordinary arrays are outside of it, so blocks of keys and values are copied into the memory (`flash_load.ts`), where
 * they stay in the second-level cache for all rows that meet them. Few rows meet them once: their blocks fit the
 * first-level cache, and values take the place of the keys as soon as those have become scores. Keys and values that
 * are resident (`flash_resident.ts`) are met where they lie, by the same blocks, so that no bit differs.
 *
 * @module
 */

import type { FlashWasm } from "./flash_wasm.ts";

/** Queries of a group. */
export const LANES = 8;
/** Bytes of the state of a query that goes through rows. */
export const ROW_STATE = 16;
/** Bytes of the state of a group, and where its ranges of keys begin. */
export const LANES_STATE = 160;
/** Where in it, in numbers, the first keys lie, and one past the last. */
export const LANES_FIRST = 24;
/** One past the last. */
export const LANES_END = 32;
/** Where in a state, in numbers, the least score that was admitted lies. */
export const LANES_LEAST = 16;
/** The same for a query that goes through rows. */
export const ROW_LEAST = 2;

/** BLOCK of assembly/flash_lanes.ts: blocks are whole multiples of it, or part of one. */
const BLOCK = 120;
/** Bytes of keys and values that are copied together. */
const LOADED = 2 ** 17;
/** Bytes of keys, or of values, that few queries meet: they stay in the first-level cache between copy and use. */
const FIRST_LEVEL = 30720;
/** Bytes of keys that very few queries meet: so few that the cache also holds where they come from. */
const PART = 2 ** 14;
/** So few queries gain by parts; more of them lose by blocks as small (bench/README.md). */
const PART_ROWS = 2;
/** Blocks hold no more keys than that, so that a mask of eight rows stays small. */
const MOST_KEYS = 8 * BLOCK;
/** And no fewer than that: the rows of a tile, times four. */
const LEAST_KEYS = 20;
/** Bytes of queries and numerators that meet them. */
const MET = 2 ** 17;
/** Row blocks hold no more queries than that. */
export const MOST_ROWS = 256;
/** Rows behind a block of keys that may be read. */
export const SPARE_ROWS = 8;
/** Numbers behind a block of values that may be read. */
export const SPARE_NUMBERS = 16;
/** Bytes of the scores of a block: eight queries, five keys that are none, and two vectors of factors. */
const SCORES = (BLOCK + 5 + 1) * LANES * 4;
/** So many rows repay that keys are packed in panels. */
const PANEL_ROWS = 40;
/** A query that goes through rows costs so much more than one of eight that go through lanes. */
const ROW_COST = 1.05;

/** Where things lie in the memory, in bytes, and how many there are. */
export interface Layout {
  /** Queries go through rows and not through lanes. */
  inRows: boolean;
  /** Keys are packed in panels. */
  panels: boolean;
  /** Rows of a block of rows. */
  rows: number;
  /** Keys of a block of keys. */
  keys: number;
  /** Keys of a block that are copied, and met, before the next are: all of them but for one query or two. */
  part: number;
  /** Numbers in a packed query or a key: a multiple of four. */
  dim: number;
  /** Numerators of a query. */
  columns: number;
  /** Bytes from one row of a mask to the next. */
  maskStride: number;
  /** Bytes from the scores of a query that goes through rows to those of the next. */
  scoresStride: number;
  /** rows × dim, packed. */
  queryAt: number;
  /** rows × columns */
  numeratorAt: number;
  /** States. */
  stateAt: number;
  /** keys × dim */
  keyAt: number;
  /** keys × valueDim; where rows are few, in the place of the keys, whose scores are there by then. */
  valueAt: number;
  /** Scores of a block: of eight queries, or of each that goes through rows. */
  scoresAt: number;
  /** LANES × keys: biases. */
  maskAt: number;
  /** What is about to be packed, padded or widened, or has been finished. */
  stagingAt: number;
  /** One past all of it. */
  end: number;
}

/** Plans the memory for attention of `rows` queries that share `keys` keys; the caller sees that it is there. */
export function layOut(
  flash: FlashWasm,
  rows: number,
  keys: number,
  dim: number,
  valueDim: number,
): Layout {
  const inRows = rows * ROW_COST < Math.ceil(rows / LANES) * LANES;
  const padded = multiple(dim, 4);
  const columns = multiple(valueDim, inRows ? 16 : 4) + (inRows ? 0 : 4);
  const width = (padded + valueDim) * 4;
  const blockKeys = inRows
    ? fitting(FIRST_LEVEL / (Math.max(padded, valueDim) * 4), keys, 8, 8)
    : fitting(LOADED / width, keys, BLOCK, LEAST_KEYS);
  const fittingRows = Math.min(
    Math.floor(MET / (width || 1) / LANES) * LANES,
    MOST_ROWS,
    multiple(rows, LANES),
  );
  const blockRows = Math.max(fittingRows, LANES);
  const panels = !inRows && rows >= PANEL_ROWS && dim > 0;
  const maskStride = (blockKeys + 4) * 4, scoresStride = (blockKeys + 8) * 4;
  let end = flash.start;
  const place = (bytes: number) => {
    const at = end;
    end += multiple(bytes, 16);
    return at;
  };
  const queryAt = place(blockRows * padded * 4);
  const numeratorAt = place(blockRows * columns * 4);
  const stateAt = place(
    inRows ? blockRows * ROW_STATE : blockRows / LANES * LANES_STATE,
  );
  const keyBytes = (blockKeys + SPARE_ROWS) * padded * 4;
  const valueBytes = (blockKeys * valueDim + SPARE_NUMBERS) * 4;
  const keyAt = place(inRows ? Math.max(keyBytes, valueBytes) : keyBytes);
  return {
    inRows,
    panels,
    rows: blockRows,
    keys: blockKeys,
    part: rows <= PART_ROWS
      ? fitting(PART / (padded * 4), blockKeys, 8, 8)
      : blockKeys,
    dim: padded,
    columns,
    maskStride,
    scoresStride,
    queryAt,
    numeratorAt,
    stateAt,
    keyAt,
    valueAt: inRows ? keyAt : place(valueBytes),
    scoresAt: place(inRows ? blockRows * scoresStride : SCORES),
    maskAt: place(LANES * maskStride),
    stagingAt: place(
      Math.max(
        LANES * Math.max(padded, multiple(valueDim, 4)) * 4,
        panels || padded > dim ? (blockKeys + SPARE_ROWS) * dim * 4 : 0,
        LANES * maskStride,
      ),
    ),
    end,
  };
}

/** One past the most that a layout takes for any number of rows: more than MOST_ROWS take what those do. */
export function furthestEnd(
  flash: FlashWasm,
  keys: number,
  dim: number,
  valueDim: number,
): number {
  let most = 0;
  for (let rows = 1; rows <= MOST_ROWS; rows++) {
    most = Math.max(most, layOut(flash, rows, keys, dim, valueDim).end);
  }
  return most;
}

/** How many keys a block has where `room` fit: a multiple of `step`, or of `least` where a step does not fit. */
function fitting(
  room: number,
  keys: number,
  step: number,
  least: number,
): number {
  const most = Math.min(room, MOST_KEYS, multiple(keys, step));
  const whole = Math.floor(most / step) * step;
  return whole || Math.max(Math.floor(most / least) * least, least);
}

function multiple(count: number, of: number): number {
  return Math.ceil(count / of) * of;
}
