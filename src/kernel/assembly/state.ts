/** The sums of maintained rows, in plain SIMD: the same bits in every engine. */

export { answer } from "./answer";
export { average } from "./average";
export { estimate, fold, split, weigh } from "./recompute";
export { measure } from "./measure";
export { allDense, replay } from "./replay";
export { widen } from "./replay_dots";
export { packQueries, score, scoreLanes, setKeys } from "./score";
export { setSums } from "./sums";

/** Where memory is free. */
export function heap(): usize {
  return __heap_base;
}
