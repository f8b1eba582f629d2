/**
 * Attention over keys that are split, over workers, machines or chunks of time: partial sums, merged exactly.
 *
 * However the keys are split, and in whatever order and tree the parts are merged, the outputs have the same bits, those
 * of `attend` over all keys.
 *
 * @example Two shards answer as one
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { attend, createAttention } from "@reattend/reattend";
 * import { finish, merge, partial } from "@reattend/reattend/shards";
 *
 * const queries = [[1, 2]], keys = [[3, 4], [-5, 6], [1, 0]], values = [[7], [8], [9]];
 * const left = partial(queries, keys.slice(0, 1), values.slice(0, 1));
 * const right = partial(queries, keys.slice(1), values.slice(1));
 * const whole = attend(createAttention({ keys, values }), queries);
 * assertEquals(finish(merge(right, left)).data, whole.data);
 * ```
 *
 * @module
 */

export { finish } from "./finish.ts";
export { merge } from "./merge.ts";
export { partial, type PartialOptions } from "./partial.ts";
export type { PartialAttention } from "./record.ts";
export { leanSchedule, type TileRange } from "./schedule.ts";
