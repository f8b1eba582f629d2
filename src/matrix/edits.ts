/**
 * Sparse element edits: which numbers of which rows change, and by how much.
 *
 * However they are given, edits come out as one sparse matrix with a row for each id, so that who applies them walks
 * each touched row once. Which ids exist is not known here.
 *
 * @module
 */
import { type Id, ID_LIMIT } from "../check.ts";
import { CsrMatrix, trusted } from "./csr.ts";
import { checkSparse } from "./structure.ts";
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
  if (edits.columns !== columns) {
    throw new RangeError(
      `Cannot ${verb}: ${name} has rows of ${edits.columns} numbers, it should have rows of ${columns}`,
    );
  }
  const ids: Id[] = [];
  const starts = [0];
  for (let row = 0; row < edits.rows; row++) {
    if (edits.indptr[row + 1] === edits.indptr[row]) continue;
    ids.push(row);
    starts.push(edits.indptr[row + 1]);
  }
  // Checked again: its arrays are typed arrays, and whoever holds it can write to them.
  checkSparse(verb, ids.length, columns, starts, edits.indices, edits.values);
  const indptr = new Uint32Array(starts);
  return {
    ids,
    deltas: trusted(
      ids.length,
      columns,
      indptr,
      edits.indices.slice(),
      edits.values.slice(),
    ),
  };
}
