/**
 * Attention over streams: a window of the last samples kept up to date, and Web streams of changes and answers.
 *
 * @example The newest sample attends to the last three
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { continualAttention, step } from "@reattend/reattend/streams";
 *
 * const continual = continualAttention({ window: 3, dim: 1 });
 * for (const number of [2, 4, 6, 8]) step(continual, { query: [0], key: [number], value: [number] });
 * assertEquals(step(continual, { query: [0], key: [1], value: [10] }).to2DArray(), [[8]]);
 * ```
 *
 * @module
 */

export {
  type ContinualAttention,
  continualAttention,
  type ContinualOptions,
  step,
} from "./continual.ts";
export {
  type LowRankOptions,
  type LowRankStats,
  type LowRankStream,
  lowRankStream,
} from "./low_rank.ts";
export { cyclicPositions } from "./positions.ts";
export type { Sample } from "./sample.ts";
export { stream, type StreamOptions } from "./transform.ts";
