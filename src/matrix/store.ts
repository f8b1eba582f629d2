/**
 * Rows of numbers that come and go, each written out or kept as its entries.
 *
 * Dense rows have places of one width in one array; the entries of sparse ones lie in a pool, in which a row that grows
 * moves to the end and what it leaves is swept up when half of the pool is left over. Which of the two a row is comes
 * from `representation.ts` and shows in no number that is read back: −0 is stored as 0.
 *
 * @module
 */

import { apart, type Home } from "../kernel/home.ts";
import { DENSE, entriesOf, type Table } from "../kernel/table.ts";
import type { Row } from "../rows.ts";
import { isDense, NO_ROW, type Representation } from "./representation.ts";

/** A table whose rows can be set, copied and cleared. */
export interface Store extends Table {
  /** Where its arrays live. */
  readonly home: Home;
  /** Dense rows, and entries of sparse ones. */
  denseRows: number;
  entries: number;
  /** Places ever used, and those given back. */
  places: number;
  readonly free: number[];
  /** Entries of the pool in use or left over. */
  pooled: number;
  /** No sparse row had more entries. */
  longest: number;
}

/** Makes a table of no rows. */
export function makeStore(width: number, home: Home = apart): Store {
  return {
    home,
    width,
    start: new Int32Array(0),
    evens: new Int32Array(0),
    count: new Int32Array(0),
    dense: new Float32Array(0),
    columns: new Uint32Array(0),
    numbers: new Float32Array(0),
    denseRows: 0,
    entries: 0,
    places: 0,
    free: [],
    pooled: 0,
    longest: 0,
  };
}

/** Makes room for `rows` rows; new ones are empty, which takes nothing else. */
export function growStore(store: Store, rows: number): void {
  for (const name of ["start", "evens", "count"] as const) {
    store.home.grow(store, name, rows);
  }
}

/** Makes room for so many more dense rows and entries, so that setting them cannot fail. */
export function reserveStore(
  store: Store,
  denseRows: number,
  entries: number,
): void {
  const { width } = store, places = store.places - store.free.length;
  if (width > 0 && (places + denseRows) * width > store.dense.length) {
    const room = Math.max(places + denseRows, 2 * places);
    store.home.grow(store, "dense", room * width);
  }
  // A pool without entries begins anew: versions come and go one at a time.
  if (store.entries === 0) store.pooled = 0;
  if (store.pooled + entries > store.columns.length) sweep(store, entries);
}

/** Moves the entries into arrays with room for more, without what rows have left behind. */
function sweep(store: Store, more: number): void {
  const needed = store.entries + more;
  if (needed > MOST_ENTRIES) {
    throw new RangeError(
      `Cannot store rows: there would be ${needed} entries, there should be at most ${MOST_ENTRIES}`,
    );
  }
  const room = Math.min(
    Math.max(needed, Math.ceil(SPARE * store.entries), LEAST_POOL),
    MOST_ENTRIES,
  );
  // Rows lie in any order: what is there is set aside, then put back row by row.
  const columns = store.columns.slice(0, store.pooled);
  const numbers = store.numbers.slice(0, store.pooled);
  // The columns come last: their length says how much room there is.
  store.home.grow(store, "numbers", room);
  store.home.grow(store, "columns", room);
  const { start, evens, count } = store;
  let used = 0;
  for (let row = 0; row < start.length; row++) {
    if (evens[row] === DENSE || count[row] === 0) continue;
    const from = start[row], to = from + count[row];
    store.columns.set(columns.subarray(from, to), used);
    store.numbers.set(numbers.subarray(from, to), used);
    start[row] = used;
    used += count[row];
  }
  store.pooled = used;
}

const LEAST_POOL = 64;
/** A fifth of a swept pool is spare: twice the entries would take as much memory for a while as edge isolates have. */
const SPARE = 1.25;
/** Places in the pool are signed 32-bit integers. */
const MOST_ENTRIES = 2 ** 31 - 1;

/** Numbers of a row that are not 0; none of no row. */
export function nonZerosOf(row: Row | undefined): number {
  if (!(row instanceof Float32Array)) return row?.count ?? 0;
  let count = 0;
  // A sum instead of a branch: which numbers are 0 cannot be foreseen.
  for (let t = 0; t < row.length; t++) count += Number(row[t] !== 0);
  return count;
}

/** Sets a row to `given`, `nonZeros` of whose numbers are not 0. The caller has made room. */
export function setRow(
  store: Store,
  row: number,
  given: Row,
  nonZeros: number,
  dense: boolean,
): void {
  if (dense) setDense(store, row, given, nonZeros);
  else setSparse(store, row, given, nonZeros);
}

/** Sets empty rows to those that lie one behind another in `numbers`, each as its density wants it. The caller has made room. */
export function setRows(
  representation: Representation,
  store: Store,
  rows: Int32Array,
  numbers: Float32Array,
  nonZeros: Int32Array,
): void {
  const { width } = store, { length } = rows;
  const together = isDense(representation, store, NO_ROW, width) &&
    store.free.length === 0;
  for (let at = 0; at < length;) {
    // Rows without zeros are written out side by side, and copied together.
    let end = at;
    if (together) { while (end < length && nonZeros[end] === width) end++; }
    if (end > at) {
      placeTogether(store, rows, at, end);
      const place = store.start[rows[at]] * width;
      store.dense.set(numbers.subarray(at * width, end * width), place);
      at = end;
      continue;
    }
    const dense = isDense(representation, store, rows[at], nonZeros[at]);
    const given = numbers.subarray(at * width, (at + 1) * width);
    setRow(store, rows[at], given, nonZeros[at], dense);
    at++;
  }
}

/** Gives empty rows the next places, as dense rows without zeros. */
function placeTogether(
  store: Store,
  rows: Int32Array,
  from: number,
  end: number,
): void {
  const { width, start, evens, count } = store;
  let place = store.places;
  for (let at = from; at < end; at++) {
    const row = rows[at];
    start[row] = place++;
    evens[row] = DENSE;
    count[row] = width;
  }
  store.denseRows += end - from;
  store.places = place;
}

function setDense(
  store: Store,
  row: number,
  given: Row,
  nonZeros: number,
): void {
  const at = placeDense(store, row), { dense, width } = store;
  store.count[row] = nonZeros;
  if (given instanceof Float32Array) {
    // Where there are zeros, adding 0 turns −0 into 0.
    if (nonZeros === width) dense.set(given, at);
    else for (let t = 0; t < width; t++) dense[at + t] = given[t] + 0;
    return;
  }
  dense.fill(0, at, at + width);
  const end = given.start + given.count;
  for (let i = given.start; i < end; i++) {
    dense[at + given.columns[i]] = given.numbers[i];
  }
}

/** Where the numbers of a dense row go. */
function placeDense(store: Store, row: number): number {
  const { free, width } = store;
  if (store.evens[row] !== DENSE) {
    if (free.length === 0) reserveStore(store, 1, 0);
    clearRow(store, row);
    store.start[row] = free.pop() ?? store.places++;
    store.evens[row] = DENSE;
    store.denseRows++;
  }
  return store.start[row] * width;
}

function setSparse(
  store: Store,
  row: number,
  given: Row,
  nonZeros: number,
): void {
  // A row that does not grow stays where it is.
  const stays = store.evens[row] !== DENSE && nonZeros <= store.count[row];
  const from = store.start[row];
  clearRow(store, row);
  let at = from;
  if (!stays) {
    reserveStore(store, 0, nonZeros);
    at = store.pooled;
    store.pooled += nonZeros;
  }
  const { columns, numbers } = store;
  store.start[row] = at;
  store.count[row] = nonZeros;
  store.entries += nonZeros;
  store.longest = Math.max(store.longest, nonZeros);
  if (!(given instanceof Float32Array)) {
    const { start, count } = given;
    for (let i = 0; i < count; i++) {
      columns[at + i] = given.columns[start + i];
      numbers[at + i] = given.numbers[start + i];
    }
    store.evens[row] = given.evens;
    return;
  }
  const first = at, end = at + nonZeros;
  for (let lane = 0; lane < 2; lane++) {
    // A zero is written over by what follows it, and nothing is written past the end.
    for (let t = lane; t < given.length && at < end; t += 2) {
      const number = given[t];
      columns[at] = t;
      numbers[at] = number;
      at += Number(number !== 0);
    }
    if (lane === 0) store.evens[row] = at - first;
  }
}

/** Makes a row empty. */
export function clearRow(store: Store, row: number): void {
  if (store.evens[row] === DENSE) {
    store.free.push(store.start[row]);
    if (--store.denseRows === 0) {
      store.places = 0;
      store.free.length = 0;
    }
  } else store.entries -= store.count[row];
  store.start[row] = 0;
  store.evens[row] = 0;
  store.count[row] = 0;
}

/** Gives a row, as it is stored, another number in the same table; the row of that number is empty. */
export function moveRow(store: Store, from: number, to: number): void {
  for (const numbers of [store.start, store.evens, store.count]) {
    numbers[to] = numbers[from];
    numbers[from] = 0;
  }
}

/** A row where it is stored: a view, valid until the table changes. */
export function viewRow(store: Table, row: number): Row {
  const { width, dense, start } = store;
  if (store.evens[row] !== DENSE) return entriesOf(store, row);
  const at = start[row] * width;
  return dense.subarray(at, at + width);
}

/** Copies a row into a row of another table of the same width, stored alike. */
export function copyRow(
  from: Table,
  row: number,
  to: Store,
  at: number,
): void {
  if (from.evens[row] !== DENSE) {
    const entries = from.count[row];
    // Room first: it may move the memory that both tables are in.
    if (to.evens[at] === DENSE || entries > to.count[at]) {
      reserveStore(to, 0, entries);
    }
    setSparse(to, at, entriesOf(from, row), entries);
    return;
  }
  const start = from.start[row] * to.width, place = placeDense(to, at);
  const { width, dense } = to, source = from.dense;
  for (let t = 0; t < width; t++) dense[place + t] = source[start + t];
  to.count[at] = from.count[row];
}

/** Writes the numbers of a row out, into `into` from `at` on, where there are zeros. */
export function unpackRow(
  store: Table,
  row: number,
  into: Float32Array | Float64Array,
  at: number,
): void {
  const { width, dense, columns, numbers, count } = store;
  const start = store.start[row];
  if (store.evens[row] === DENSE) {
    const from = start * width;
    for (let t = 0; t < width; t++) into[at + t] = dense[from + t];
  } else {
    for (let i = start; i < start + count[row]; i++) {
      into[at + columns[i]] = numbers[i];
    }
  }
}

/** One number of a row. */
export function numberAt(store: Table, row: number, column: number): number {
  const { width, dense, start, evens, count, columns, numbers } = store;
  if (evens[row] === DENSE) return dense[start[row] * width + column];
  const odd = column % 2;
  let low = start[row] + odd * evens[row];
  const end = odd === 1 ? start[row] + count[row] : low + evens[row];
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (columns[middle] < column) low = middle + 1;
    else high = middle;
  }
  return low < end && columns[low] === column ? numbers[low] : 0;
}

/** Bytes held by a table. */
export function storeBytes(store: Store): number {
  return store.start.byteLength + store.evens.byteLength +
    store.count.byteLength + store.dense.byteLength +
    store.columns.byteLength + store.numbers.byteLength +
    8 * store.free.length;
}
