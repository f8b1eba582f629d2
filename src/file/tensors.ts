/**
 * Tables, ids and edges as tensors of a snapshot, and back.
 *
 * @module
 */

import { ID_LIMIT, show } from "../check.ts";
import { type CsrMatrix, trusted } from "../matrix/csr.ts";
import { DenseMatrix } from "../matrix/dense.ts";
import { checkSparse } from "../matrix/structure.ts";
import {
  edgeCount,
  type Edges,
  edgesFrom,
  keysOf,
  queriesWithEdges,
} from "../memory/edges.ts";
import type { RowsSource } from "../rows.ts";
import type { NamedTensor, SafetensorsFile } from "./safetensors.ts";

/** A list of whole numbers as a tensor. */
export function integers(name: string, values: ArrayLike<number>): NamedTensor {
  return {
    name,
    dtype: "I64",
    shape: [values.length],
    data: BigInt64Array.from(Array.from(values, BigInt)),
  };
}

/** Rows as one tensor, or the three of a sparse matrix. */
export function rowTensors(
  name: string,
  rows: DenseMatrix<Float32Array> | CsrMatrix,
): NamedTensor[] {
  if (rows instanceof DenseMatrix) {
    const shape = [rows.rows, rows.columns];
    return [{ name, dtype: "F32", shape, data: rows.data }];
  }
  const { indptr, indices, values } = rows;
  const data = values as Float32Array;
  const list = (part: string, data: Uint32Array): NamedTensor => ({
    name: `${name}.${part}`,
    dtype: "U32",
    shape: [data.length],
    data,
  });
  return [
    list("indptr", indptr),
    list("indices", indices),
    { name: `${name}.values`, dtype: "F32", shape: [data.length], data },
  ];
}

/** Reads what {@linkcode rowTensors} wrote. */
export function readRows(
  verb: string,
  file: SafetensorsFile,
  name: string,
  width: number,
): RowsSource {
  if (file.tensors.has(name)) {
    const { data, shape: [rows, columns] } = tensorOf(verb, file, name, 2);
    if (!(data instanceof Float32Array) || columns !== width) {
      throw new RangeError(
        `Cannot ${verb}: tensor ${
          show(name)
        } is misshapen, it should have rows of ${width} F32`,
      );
    }
    return { rows, columns, to1DArray: () => data };
  }
  if (!file.tensors.has(`${name}.indptr`)) {
    throw new RangeError(
      `Cannot ${verb}: tensor ${
        show(name)
      } is missing, it should be there, or its indptr, indices and values`,
    );
  }
  const part = (part: string) =>
    tensorOf(verb, file, `${name}.${part}`, 1).data;
  const indptr = part("indptr"), indices = part("indices");
  const values = part("values");
  if (
    !(indptr instanceof Uint32Array && indices instanceof Uint32Array &&
      values instanceof Float32Array)
  ) {
    throw new RangeError(
      `Cannot ${verb}: tensors of ${
        show(name)
      } are of the wrong type, they should be U32, U32 and F32`,
    );
  }
  const rows = indptr.length - 1;
  checkSparse(verb, rows, width, indptr, indices, values);
  return trusted(rows, width, indptr, indices, values);
}

/** Edges as three lists: the queries that have some, where each one's keys end, the keys. */
export function edgeTensors(edges: Edges): NamedTensor[] {
  const queries = queriesWithEdges(edges), ends: number[] = [];
  const keys = new Float64Array(edgeCount(edges));
  let end = 0;
  for (const query of queries) {
    const listed = keysOf(edges, query);
    for (let at = listed.start; at < listed.end; at++) {
      keys[end++] = listed.ids[at];
    }
    ends.push(end);
  }
  return [
    integers("edge_queries", queries),
    integers("edge_ends", ends),
    integers("edge_keys", keys),
  ];
}

/** Reads the edges that {@linkcode edgeTensors} wrote. */
export function readEdges(verb: string, file: SafetensorsFile): Edges {
  const queries = integersOf(verb, file, "edge_queries"),
    ends = integersOf(verb, file, "edge_ends");
  const keys = integersOf(verb, file, "edge_keys"), starts = [0, ...ends];
  const ascends = (list: readonly number[], from: number, to: number) => {
    for (let at = from; at < to; at++) {
      const least = at === from ? 0 : list[at - 1] + 1;
      if (!(list[at] >= least && list[at] < ID_LIMIT)) return false;
    }
    return true;
  };
  const fits = ends.length === queries.length &&
    starts[ends.length] === keys.length &&
    ascends(queries, 0, queries.length) &&
    queries.every((_, at) =>
      starts[at + 1] >= starts[at] && starts[at + 1] <= keys.length &&
      ascends(keys, starts[at], starts[at + 1])
    );
  if (!fits) {
    throw new RangeError(
      `Cannot ${verb}: the edges are out of order, queries and the keys of each should ascend`,
    );
  }
  return edgesFrom(queries, starts, keys);
}

/** A tensor of a rank. */
export function tensorOf(
  verb: string,
  { tensors }: SafetensorsFile,
  name: string,
  rank: number,
): NamedTensor {
  const tensor = tensors.get(name);
  if (tensor?.shape.length !== rank) {
    throw new RangeError(
      `Cannot ${verb}: tensor ${
        show(name)
      } is missing or misshapen, it should have rank ${rank}`,
    );
  }
  return tensor;
}

/** A list of whole numbers. */
export function integersOf(
  verb: string,
  file: SafetensorsFile,
  name: string,
): number[] {
  const { data, dtype } = tensorOf(verb, file, name, 1);
  if (!(data instanceof BigInt64Array)) {
    throw new RangeError(
      `Cannot ${verb}: tensor ${show(name)} is ${dtype}, it should be I64`,
    );
  }
  return Array.from(data, Number);
}
