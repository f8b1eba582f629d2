/**
 * What the SIMD module exports for maintained state; addresses are in bytes. The sources in `assembly/` say what each
 * does.
 *
 * @module
 */

/** An instance. */
export interface Exports {
  memory: WebAssembly.Memory;
  heap(): number;
  widen(from: number, to: number, step: number, count: number): void;
  setKeys(at: number, dim: number, factor: number): void;
  score(count: number, slots: number, scores: number): number;
  packQueries(
    rows: number,
    at: number,
    queries: number,
    starts: number,
    to: number,
  ): void;
  scoreLanes(
    rows: number,
    count: number,
    slots: number,
    packed: number,
    scores: number,
    stride: number,
  ): number;
  split(
    count: number,
    scores: number,
    mantissas: number,
    exponents: number,
  ): number;
  estimate(
    count: number,
    slots: number,
    mantissas: number,
    exponents: number,
    peaks: number,
    anchor: number,
    sums: number,
  ): void;
  weigh(
    count: number,
    slots: number,
    weights: number,
    exponents: number,
    peaks: number,
    shift: number,
    valueShift: number,
    fine: number,
    sums: number,
  ): void;
  fold: Fold;
  average: Fold;
  setSums(at: number): void;
  replay(
    rows: number,
    at: number,
    done: number,
    sides: number,
    count: number,
    changes: number,
    sizes: number,
    dense: number,
    start: number,
    dim: number,
    factor: number,
    valueDim: number,
    scratch: number,
  ): number;
  allDense(rows: number, at: number, evens: number): number;
  answer(
    rows: number,
    at: number,
    precision: number,
    valueDim: number,
    out: number,
    told: number,
  ): void;
}

/** What the module has to export. */
const EXPORTS: readonly (keyof Exports)[] = [
  "memory",
  "heap",
  "widen",
  "setKeys",
  "score",
  "packQueries",
  "scoreLanes",
  "split",
  "fold",
  "average",
  "estimate",
  "weigh",
  "setSums",
  "replay",
  "allDense",
  "answer",
];

/** Whether a module is one of ours: it exports all of that and needs nothing. */
export function isOurs(module: WebAssembly.Module): boolean {
  const names = new Set(
    WebAssembly.Module.exports(module).map(({ name }) => name),
  );
  return WebAssembly.Module.imports(module).length === 0 &&
    EXPORTS.every((name) => names.has(name));
}

/** What folds weighed values into numerators; returns its multiply-adds. */
export type Fold = (
  count: number,
  slots: number,
  weights: number,
  valueDim: number,
  dense: number,
  start: number,
  evens: number,
  counts: number,
  columns: number,
  numbers: number,
  fine: number,
  high: number,
  low: number,
) => number;
