/**
 * Attention that stays exact while keys, values and queries change.
 *
 * {@linkcode createAttention} makes a table of keys and values and watches queries over it. {@linkcode append},
 * {@linkcode update}, {@linkcode edit}, {@linkcode remove} and {@linkcode watch} note a change and compute nothing.
 * {@linkcode outputs} reads watched queries and {@linkcode attend} any others: exactly, for the cost of what changed,
 * with the same bits whatever happened before. {@linkcode topKeys} and {@linkcode weights} tell what a query attends to,
 * {@linkcode errorBound} how exact an output is; {@linkcode snapshot} and {@linkcode restore} keep it.
 *
 * {@linkcode scaledDotProductAttention} computes attention once, over tensors, and keeps nothing.
 *
 * Entry points of their own: `./methods` (approximations), `./streams` (windows over samples, Web streams), `./shards`
 * (keys split over workers), `./layers` (multi-head layers with weights), `./explain` (what an output comes from),
 * `./plot` (heat maps) and `./workerd` (this one, for hosts that compile WebAssembly from files only).
 *
 * @example A memory that forgets one thing and learns another
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { append, createAttention, outputs, remove } from "@reattend/reattend";
 *
 * const attention = createAttention({ queries: [[0, 0]], keys: [[1, 2], [3, 4]], values: [[10], [20]] });
 * assertEquals(outputs(attention).to2DArray(), [[15]]);
 * remove(attention, 0);
 * append(attention, [5, 6], [60]);
 * assertEquals(outputs(attention).to2DArray(), [[40]]);
 * ```
 *
 * @module
 */

export {
  type Attention,
  type AttentionMask,
  type AttentionOptions,
  createAttention,
} from "./src/attention.ts";
export {
  admit,
  append,
  type AppendOptions,
  apply,
  edit,
  remove,
  unwatch,
  update,
  type UpdateOptions,
  watch,
  type WatchOptions,
} from "./src/change.ts";
export type { Bias, Id, Ids, Position } from "./src/check.ts";
export type { Rows, RowsSource } from "./src/rows.ts";
export type { KernelChoice } from "./src/kernel/choose.ts";
export { CsrMatrix } from "./src/matrix/csr.ts";
export { DenseMatrix } from "./src/matrix/dense.ts";
export type { Edits } from "./src/matrix/edits.ts";
export type { Representation } from "./src/matrix/representation.ts";
export type { MaskPredicate } from "./src/memory/mask.ts";
export type { Change } from "./src/memory/change.ts";
export {
  capturedMass,
  entry,
  type ErrorBound,
  errorBound,
  ids,
  type Ladder,
  measureError,
  type Stats,
  stats,
} from "./src/inspect.ts";
export {
  attend,
  type AttendOptions,
  type Filter,
  flush,
  outputs,
  type OutputsOptions,
  type ReaderOptions,
  type TopKeys,
  topKeys,
  type Weights,
  weights,
  type WeightsOptions,
} from "./src/read.ts";
export { restore, type RestoreOptions, snapshot } from "./src/snapshot.ts";
export type { AdmissionOptions } from "./src/softmax/admit.ts";
export {
  scaledDotProductAttention,
  type ScaledDotProductAttentionOptions,
  type ScaledDotProductAttentionResult,
} from "./src/softmax/attention.ts";
export type { ScoreKind } from "./src/softmax/block.ts";
export {
  softmaxAttention,
  type SoftmaxAttentionOptions,
} from "./src/softmax/definition.ts";
export type { Method } from "./src/softmax/method.ts";
export {
  type ResidentTensor,
  type ResidentTensors,
  residentTensors,
} from "./src/softmax/resident.ts";
export type { FloatTensor, Tensor } from "./src/softmax/tensor.ts";
