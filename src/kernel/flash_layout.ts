/**
 * Where queries, keys, values and sums lie in the memory of a WebAssembly kernel, and how they get there.
 *
 * The caller's arrays are ordinary, so blocks of keys and values are copied into the memory, where they stay in the
 * second-level cache for all rows that meet them. Few rows meet them once: their blocks fit the first-level cache, and
 * values take the place of the keys as soon as those have become scores.
 *
 * @module
 */

import { type FlashWasm, reserve } from "./flash_wasm.ts";

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
/** Blocks hold no more keys than that, so that a mask of eight rows stays small. */
const MOST_KEYS = 8 * BLOCK;
/** And no fewer than that: the rows of a tile, times four. */
const LEAST_KEYS = 20;
/** Bytes of queries and numerators that meet them. */
const MET = 2 ** 17;
/** Row blocks hold no more queries than that. */
const MOST_ROWS = 256;
/** Rows behind a block of keys, and numbers behind one of values, that may be read. */
const SPARE_ROWS = 8;
const SPARE_NUMBERS = 16;
/** Bytes of the constants. */
const TABLE = 160;
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
}

/** Plans the memory for attention of `rows` queries that share `keys` keys, and sees that it is there. */
export function layOut(
  verb: string,
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
  const panels = !inRows && rows >= PANEL_ROWS;
  const maskStride = (blockKeys + 4) * 4, scoresStride = (blockKeys + 8) * 4;
  let end = multiple(flash.heapBase(), 16);
  const place = (bytes: number) => {
    const at = end;
    end += multiple(bytes, 16);
    return at;
  };
  const table = place(TABLE);
  const queryAt = place(blockRows * padded * 4);
  const numeratorAt = place(blockRows * columns * 4);
  const stateAt = place(
    inRows ? blockRows * ROW_STATE : blockRows / LANES * LANES_STATE,
  );
  const keyBytes = (blockKeys + SPARE_ROWS) * padded * 4;
  const valueBytes = (blockKeys * valueDim + SPARE_NUMBERS) * 4;
  const keyAt = place(inRows ? Math.max(keyBytes, valueBytes) : keyBytes);
  const layout: Layout = {
    inRows,
    panels,
    rows: blockRows,
    keys: blockKeys,
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
  };
  reserve(verb, flash, end);
  flash.prepare(table);
  return layout;
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

/** Rows shorter than that are copied number by number: making a view of one takes longer. */
const SHORT = 32;

/** Copies rows of numbers that lie `rowStride` apart to `at`, one behind the other. */
export function loadRows(
  flash: FlashWasm,
  at: number,
  data: Float32Array,
  from: number,
  rowStride: number,
  rows: number,
  dim: number,
): void {
  const { floats } = flash, to = at / 4;
  if (rowStride === dim) {
    floats.set(data.subarray(from, from + rows * dim), to);
    return;
  }
  for (let row = 0; row < rows; row++) {
    const start = from + row * rowStride, target = to + row * dim;
    if (dim < SHORT) {
      for (let c = 0; c < dim; c++) floats[target + c] = data[start + c];
    } else floats.set(data.subarray(start, start + dim), target);
  }
}

/** Copies keys to where the kernel looks for them, in the form that the layout says. */
export function loadKeys(
  flash: FlashWasm,
  layout: Layout,
  data: Float32Array,
  from: number,
  rowStride: number,
  rows: number,
  dim: number,
): void {
  const { keyAt, stagingAt, panels } = layout, padded = layout.dim;
  const at = panels || padded > dim ? stagingAt : keyAt;
  loadRows(flash, at, data, from, rowStride, rows, dim);
  if (panels) flash.packKeys(keyAt, stagingAt, rows, dim, padded);
  else if (padded > dim) flash.padRows(keyAt, stagingAt, rows, dim, padded);
}

/**
 * Copies up to LANES queries of a block, from number `row` on, and packs them, times a factor; which of them have lost
 * bits to underflow, as bits. They begin at `starts`; a row stride of `dim` says that each begins behind the last.
 */
export function loadQueries(
  flash: FlashWasm,
  layout: Layout,
  row: number,
  data: Float32Array,
  starts: Float64Array,
  rowStride: number,
  count: number,
  dim: number,
  factor: number,
): number {
  const { floats } = flash, { stagingAt } = layout, padded = layout.dim;
  const target = layout.queryAt + row * padded * 4, to = stagingAt / 4;
  if (rowStride === dim && padded === dim) {
    loadRows(flash, stagingAt, data, starts[row], dim, count, dim);
  } else {
    for (let r = 0; r < count; r++) {
      const at = to + r * padded;
      loadRows(flash, at * 4, data, starts[row + r], dim, 1, dim);
      for (let c = dim; c < padded; c++) floats[at + c] = 0;
    }
  }
  if (layout.inRows) return flash.packRow(target, stagingAt, padded, factor);
  floats.fill(0, to + count * padded, to + LANES * padded);
  return flash.packLanes(target, stagingAt, padded, factor);
}
