/**
 * Sparse element edits: which numbers of which rows change, and by how much.
 *
 * However they are given, edits come out as one sparse matrix with a row for each id, so that who applies them walks
 * each touched row once. Which ids exist is not known here.
 *
 * @module
 */
import { type Id, ID_LIMIT } from "../check.ts";
import { checkWidth, type Entries, type Row } from "../rows.ts";
import { checkedCopy, CsrMatrix, trusted } from "./csr.ts";
import { type Arena, takeFloats } from "./input.ts";
import { checkSums, checkTriples, gather } from "./triples.ts";

/** A sparse matrix of deltas whose rows are ids, or entries [id, column, delta] in any order. */
export type Edits =
  | CsrMatrix
  | Iterable<readonly [id: Id, column: number, delta: number]>;

/** Edits, checked and grouped. */
export interface CheckedEdits {
  /** Each id that has an entry, in order of first appearance. */
  ids: Id[];
  /**
   * A row for each of `ids`: the columns that change, ascending, and by how much. No row is empty; a delta may be 0.
   */
  deltas: CsrMatrix;
}

/**
 * Checks edits of rows of `columns` numbers, adds up those of the same id and column in the order given, and groups
 * them by id.
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
): CheckedEdits {
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
  const ids: Id[] = [];
  const rowOf = new Map<Id, number>();
  for (let at = 0; at < triples.rows.length; at++) {
    const id = triples.rows[at];
    let row = rowOf.get(id);
    if (row === undefined) {
      row = ids.length;
      rowOf.set(id, row);
      ids.push(id);
    }
    triples.rows[at] = row;
  }
  const { indptr, indices, values } = gather(ids.length, triples);
  checkSums(verb, name, { indptr, indices, values }, (row) => ids[row]);
  return { ids, deltas: trusted(ids.length, columns, indptr, indices, values) };
}

/** The rows that have entries; they are sorted and free of repeats already. */
function checkMatrix(
  verb: string,
  name: string,
  edits: CsrMatrix,
  columns: number,
): CheckedEdits {
  const { rows, columns: width, indptr, indices, values } = checkedCopy(
    verb,
    edits,
  );
  checkWidth(verb, name, width, columns);
  const ids: Id[] = [], starts = [0];
  for (let row = 0; row < rows; row++) {
    if (indptr[row + 1] === indptr[row]) continue;
    ids.push(row);
    starts.push(indptr[row + 1]);
  }
  const kept = new Uint32Array(starts);
  return { ids, deltas: trusted(ids.length, columns, kept, indices, values) };
}

/**
 * A row with deltas added: each number fround(stored + delta), stored alike.
 *
 * Costs the numbers of a dense row, the entries and edits of a sparse one. What comes out infinite is refused.
 */
export function editRow(
  row: Row,
  deltas: { indices: Uint32Array; values: Float64Array | Float32Array },
  arena: Arena,
  refuse: (column: number, edited: number) => never,
): Row {
  const { indices, values } = deltas;
  if (!(row instanceof Float32Array)) return editEntries(row, deltas, refuse);
  const edited = takeFloats(arena, row.length);
  edited.set(row);
  for (let i = 0; i < indices.length; i++) {
    const column = indices[i], number = row[column] + values[i];
    edited[column] = number;
    if (!Number.isFinite(edited[column])) refuse(column, number);
  }
  return edited;
}

function editEntries(
  row: Entries,
  { indices, values }: {
    indices: Uint32Array;
    values: Float64Array | Float32Array;
  },
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
      if (given === column) number += values[i++];
      columns[used] = column;
      numbers[used] = number;
      if (!Number.isFinite(numbers[used])) refuse(column, number);
      if (numbers[used] !== 0) used++;
    }
    if (lane === 0) evens = used;
  }
  return { columns, numbers, start: 0, evens, count: used };
}
