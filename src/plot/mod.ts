/**
 * Heat maps of weights, and of what changed between two reads: as SVG, as PNG and in a terminal.
 *
 * @example What forgetting a key does to the others
 * ```ts
 * import { assertStringIncludes } from "@std/assert";
 * import { createAttention, remove, weights } from "@reattend/reattend";
 * import { difference, heatMap, toPng, toSvg } from "@reattend/reattend/plot";
 *
 * const attention = createAttention({ queries: [[1, 0]], keys: [[2, 0], [1, 0], [0, 1]], values: [[1], [2], [3]] });
 * const before = weights(attention);
 * const picture: Uint8Array = toPng(heatMap(before, { title: "Attention" }));
 * remove(attention, 0);
 * const changed = toSvg(difference(before, weights(attention)));
 * assertStringIncludes(changed, "key 0 went");
 * ```
 *
 * @module
 */

export type { Id } from "../check.ts";
export { CsrMatrix } from "../matrix/csr.ts";
export { DenseMatrix } from "../matrix/dense.ts";
export type { Weights } from "../read.ts";
export type { Rows, RowsSource } from "../rows.ts";
export type { Theme } from "./colour.ts";
export { difference } from "./difference.ts";
export {
  type Fate,
  type HeatMap,
  heatMap,
  type HeatMapOptions,
  type MapOptions,
} from "./heat_map.ts";
export { type PngOptions, toPng } from "./png.ts";
export type { Pool } from "./pool.ts";
export type { Scale, ScaleKind } from "./scale.ts";
export {
  type Figure,
  sideBySide,
  type SideBySideOptions,
} from "./side_by_side.ts";
export type { MatrixSource } from "./source.ts";
export { toSvg } from "./svg.ts";
export { type TerminalOptions, toTerminal } from "./terminal.ts";
