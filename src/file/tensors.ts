/**
 * Tables, ids and edges as tensors of a snapshot, and back.
 *
 * @module
 */

import { ID_LIMIT, show } from "../check.ts";
import type { Edges } from "../memory/mask.ts";
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

/** Edges as three lists: the queries that have some, where each one's keys end, the keys. */
export function edgeTensors(edges: Edges): NamedTensor[] {
  const lists = [...edges].sort(([a], [b]) => a - b);
  let end = 0;
  return [
    integers("edge_queries", lists.map(([query]) => query)),
    integers("edge_ends", lists.map(([, keys]) => end += keys.length)),
    integers("edge_keys", lists.flatMap(([, keys]) => keys)),
  ];
}

/** Fills in the edges that {@linkcode edgeTensors} wrote. */
export function readEdges(
  verb: string,
  file: SafetensorsFile,
  edges: Edges,
): void {
  const queries = integersOf(verb, file, "edge_queries"),
    ends = integersOf(verb, file, "edge_ends");
  const keys = integersOf(verb, file, "edge_keys");
  let start = 0;
  queries.forEach((query, at) => {
    const list = keys.slice(start, ends[at]);
    if (
      ends[at] < start || ends[at] > keys.length ||
      list.some((key, i) => key >= ID_LIMIT || key <= (list[i - 1] ?? -1))
    ) {
      throw new RangeError(
        `Cannot ${verb}: the edges of query ${query} are out of order, they should ascend`,
      );
    }
    edges.set(query, list);
    start = ends[at];
  });
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

/** A tensor of rows. */
export function tableOf(
  verb: string,
  file: SafetensorsFile,
  name: string,
): NamedTensor & { data: Float32Array } {
  const tensor = tensorOf(verb, file, name, 2);
  if (!(tensor.data instanceof Float32Array)) {
    throw new RangeError(
      `Cannot ${verb}: tensor ${
        show(name)
      } is ${tensor.dtype}, it should be F32`,
    );
  }
  return tensor as NamedTensor & { data: Float32Array };
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
