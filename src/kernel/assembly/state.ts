/** The sums of maintained rows, in plain SIMD: the same bits in every engine. */

export { answer } from "./answer";
export { estimate, fold, split, weigh } from "./recompute";
export { replay, setSums } from "./replay";
export { score, setKeys } from "./score";

/** Where memory is free. */
export function heap(): usize {
  return __heap_base;
}
