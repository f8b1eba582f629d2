/**
 * Sparse element edits: which numbers of which rows change, and by how much.
 *
 * However they are given, edits come out row by row, so that who applies them walks each touched row once. Which ids
 * exist is not known here.
 *
 * @module
 */
import { type Id, ID_LIMIT } from "../check.ts";
import { checkWidth, type Entries, type Row } from "../rows.ts";
import { checkedCopy, CsrMatrix } from "./csr.ts";
import { checkTriples } from "./triples.ts";

/** A sparse matrix of deltas whose rows are ids, or entries [id, column, delta] in any order. */
export type Edits =
  | CsrMatrix
  | Iterable<readonly [id: Id, column: number, delta: number]>;

/** What changes in the row of an id: lists, since typed arrays of a few numbers cost more than all else of an edit. */
export interface RowEdit {
  id: Id;
  /** The columns that change, ascending; one at least. */
  columns: number[];
  /** By how much each does, which may be 0. */
  deltas: number[];
}

/**
 * Checks edits of rows of `columns` numbers, adds up those of the same id and column in the order given, and groups
 * them by id, in order of first appearance.
 *
 * Costs O(edits) and a sort of each id's edits that come out of order; a sparse matrix is O(rows + entries). Never
 * keeps what it was given. Errors: a `TypeError` for what is no edit, a `RangeError` for an id that is no whole number
 * below 2³², a column out of range, a delta or a sum that is not finite, a sparse matrix of another width.
 */
export function checkEdits(
  verb: string,
  name: string,
  edits: unknown,
  columns: number,
): RowEdit[] {
  if (edits instanceof CsrMatrix) {
    return checkMatrix(verb, name, edits, columns);
  }
  const triples = checkTriples(
    verb,
    name,
    edits,
    ["id", "column", "delta"],
    ID_LIMIT,
    columns,
  );
  if (triples.rows.length === 1) {
    const { rows: [id], columns, values: deltas } = triples;
    return [{ id: id + 0, columns, deltas }];
  }
  const rows = new Map<Id, RowEdit>();
  for (let at = 0; at < triples.rows.length; at++) {
    // −0 is 0.
    const id = triples.rows[at] + 0;
    let row = rows.get(id);
    if (row === undefined) rows.set(id, row = { id, columns: [], deltas: [] });
    row.columns.push(triples.columns[at]);
    row.deltas.push(triples.values[at]);
  }
  const list: RowEdit[] = [];
  for (const row of rows.values()) list.push(settle(verb, name, row));
  return list;
}

/** Puts the columns of a row in order and adds up what is of the same. */
function settle(verb: string, name: string, row: RowEdit): RowEdit {
  const { id, columns: given } = row;
  let sorted = true;
  for (let at = 1; at < given.length; at++) {
    sorted &&= given[at - 1] < given[at];
  }
  if (sorted) return row;
  // Equal columns stay in the order given, so that their sum does not depend on how engines sort.
  const order = given.map((_, at) => at)
    .sort((a, b) => given[a] - given[b] || a - b);
  const columns: number[] = [], deltas: number[] = [];
  for (const at of order) {
    const last = columns.length - 1;
    if (columns[last] === given[at]) deltas[last] += row.deltas[at];
    else {
      columns.push(given[at]);
      deltas.push(row.deltas[at]);
    }
  }
  const bad = deltas.findIndex((delta) => !Number.isFinite(delta));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot ${verb}: ${name} at [${id}][${columns[bad]}] add up to ${
        deltas[bad]
      }, they should add up to a finite number`,
    );
  }
  return { id, columns, deltas };
}

/** The rows that have entries; they are sorted and free of repeats already. */
function checkMatrix(
  verb: string,
  name: string,
  edits: CsrMatrix,
  columns: number,
): RowEdit[] {
  const { rows, columns: width, indptr, indices, values } = checkedCopy(
    verb,
    edits,
  );
  checkWidth(verb, name, width, columns);
  const list: RowEdit[] = [];
  for (let id = 0; id < rows; id++) {
    const start = indptr[id], end = indptr[id + 1];
    if (start === end) continue;
    list.push({
      id,
      columns: [...indices.subarray(start, end)],
      deltas: [...values.subarray(start, end)],
    });
  }
  return list;
}

/**
 * A row with deltas added: each number fround(stored + delta), stored alike. A dense row is edited where it is.
 *
 * Costs the edits, and the entries of a sparse row. What comes out infinite is refused.
 */
export function editRow(
  row: Row,
  edit: RowEdit,
  refuse: (column: number, edited: number) => never,
): Row {
  if (!(row instanceof Float32Array)) return editEntries(row, edit, refuse);
  const { columns, deltas } = edit;
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i], number = row[column] + deltas[i];
    row[column] = number;
    if (!Number.isFinite(row[column])) refuse(column, number);
  }
  return row;
}

function editEntries(
  row: Entries,
  { columns: indices, deltas }: RowEdit,
  refuse: (column: number, edited: number) => never,
): Entries {
  const most = row.count + indices.length;
  const columns = new Uint32Array(most), numbers = new Float32Array(most);
  let used = 0, evens = 0;
  for (let lane = 0; lane < 2; lane++) {
    let at = row.start + lane * row.evens;
    const end = row.start + (lane === 0 ? row.evens : row.count);
    for (let i = 0; i < indices.length || at < end;) {
      if (i < indices.length && indices[i] % 2 !== lane) {
        i++;
        continue;
      }
      const stored = at < end ? row.columns[at] : Infinity;
      const given = i < indices.length ? indices[i] : Infinity;
      const column = Math.min(stored, given);
      let number = stored === column ? row.numbers[at++] : 0;
      if (given === column) number += deltas[i++];
      columns[used] = column;
      numbers[used] = number;
      if (!Number.isFinite(numbers[used])) refuse(column, number);
      if (numbers[used] !== 0) used++;
    }
    if (lane === 0) evens = used;
  }
  return { columns, numbers, start: 0, evens, count: used };
}
