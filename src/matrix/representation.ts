/**
 * Whether a row is written out or kept as its entries: by how many of its numbers are not 0.
 *
 * A product of a dense row costs less than one of an entry, which has to look up its column first, so there is a share
 * of non-zeros from which writing out is faster; a row that is stored already stays as it is in a band around that
 * share, so that small edits do not send it to and fro. The share is measured (`bench/README.md`, "Dense or sparse").
 *
 * @module
 */

import { DENSE } from "../kernel/table.ts";
import type { Store } from "./store.ts";

/** How rows are stored: by their density, or always the same way. */
export type Representation = "auto" | "dense" | "sparse";

/** The choices, for the door. */
export const representations: readonly Representation[] = [
  "auto",
  "dense",
  "sparse",
];

/**
 * From this share of non-zeros on, a row is written out. Measured with SIMD, that is faster from 25–30 % on, whether one
 * query is served or 64, at widths of 64 and 1024 (`bench/peers/README.md`, "auto"); plain loops cross over at 40–70 %.
 */
const CROSSOVER = 0.3;
/** A stored row changes over this far beyond the crossover: an edit that sends it over costs up to three times one that does not. */
const BAND = 0.1;
/** Rows shorter than this are written out: measured, the least width at which entries save time. */
const LEAST_WIDTH = 16;

/** A row that is not stored yet. */
export const NO_ROW = -1;

/** Whether a row of a table is to be written out once `nonZeros` of its numbers are not 0. */
export function isDense(
  wanted: Representation,
  store: Store,
  row: number,
  nonZeros: number,
): boolean {
  if (wanted !== "auto") return wanted === "dense";
  const { width, evens, count } = store;
  if (width < LEAST_WIDTH) return true;
  // What holds nothing yet has nothing to stay as.
  const band = evens[row] === DENSE ? -BAND : count[row] > 0 ? BAND : 0;
  return nonZeros > width * CROSSOVER * (1 + band);
}
