/**
 * The values that weights are explained by, factorised once and kept up to date while rows of them change.
 *
 * @module
 */

import { checkInteger, checkOptions, counted, show } from "../check.ts";
import type { DenseMatrix } from "../matrix/dense.ts";
import type { Rows } from "../rows.ts";
import { checkMatrix, projected } from "./door.ts";
import { followRows, makeView, type View } from "./view.ts";

/** Options of what explains a head by its values. */
export interface ExplainOptions {
  /** valueDim × any width: the part of the output projection W^O that belongs to the head; none if left out. */
  projection?: Rows;
}

/** Values that weights can be explained by, made by {@linkcode makeExplainer}. */
export interface Explainer {
  /** Number of keys. */
  readonly rows: number;
  /** Numbers in the value of a key, after the projection. */
  readonly columns: number;
  /** Multiply-adds spent on factorising the values of all keys and on following their changes. */
  readonly multiplyAdds: number;
}

/** What an explainer keeps. */
export interface KeptValues {
  /** T: the values, projected. */
  readonly table: DenseMatrix;
  readonly projection: DenseMatrix | undefined;
  /** Rows that the view of all keys has not seen. */
  readonly unseen: Set<number>;
  /** The view of all keys, and the last one of some. */
  whole: View | undefined;
  part: View | undefined;
}

/** An explainer and what it keeps, which nobody else can reach. */
class Handle implements Explainer {
  /** What it is called where it is shown; the interface has the name in the code. */
  static readonly name = "Explainer";
  #kept: KeptValues;

  constructor(kept: KeptValues) {
    this.#kept = kept;
  }

  /** What an explainer keeps; undefined for what is none. */
  static open(explainer: unknown): KeptValues | undefined {
    return typeof explainer === "object" && explainer !== null &&
        #kept in explainer
      ? explainer.#kept
      : undefined;
  }

  get rows(): number {
    return this.#kept.table.rows;
  }
  get columns(): number {
    return this.#kept.table.columns;
  }
  get multiplyAdds(): number {
    return this.#kept.whole?.multiplyAdds ?? 0;
  }
}

/**
 * Keeps values factorised, for weights that are explained again and again while single values change.
 *
 * Whatever takes values takes an explainer in their place. Nothing is computed until it is asked for. After
 * {@linkcode replaceValue} the next question follows each changed row by some 12 · n · (d + 1) multiply-adds; starting
 * over costs some 2 · n · (d + 1)². It starts over after d + 1 changes (32 if that is more), where more than a sixth as
 * many are pending, where the size of a column changed by 2¹⁰, and always where the columns are nearly dependent. So
 * the projections are those of fresh values to 1e-10 of the length of the row, and ranks are the same.
 *
 * Shapes: n × valueDim, n keys. Errors: a `TypeError` for what is no rows of numbers, a `RangeError` for a number that
 * is not finite and for a projection of another height than the values' width.
 *
 * @example The value of a key changes
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { effectiveAttention, makeExplainer, replaceValue } from "@reattend/reattend/explain";
 *
 * const explainer = makeExplainer([[1], [1], [2]]);
 * replaceValue(explainer, 2, [0]);
 * const [row] = effectiveAttention([[0.5, 0.25, 0.25]], explainer).to2DArray();
 * assertEquals(row.map((weight) => weight.toFixed(3)), ["0.375", "0.375", "0.000"]);
 * ```
 */
export function makeExplainer(
  values: Rows,
  options: ExplainOptions = {},
): Explainer {
  return new Handle(keepValues("make an explainer", values, options));
}

/**
 * Replaces the value of a key.
 *
 * It is noted; a second change before anybody asks costs nothing. Costs O(valueDim), with a projection valueDim · d.
 * Errors: a `RangeError` for a row that is not there or a value of another width, a `TypeError` for what is no
 * explainer.
 */
export function replaceValue(
  explainer: Explainer,
  row: number,
  value: Rows,
): void {
  const verb = "replace a value", kept = Handle.open(explainer);
  if (kept === undefined) {
    throw new TypeError(
      `Cannot ${verb}: explainer is ${
        show(explainer)
      }, it should be made by makeExplainer`,
    );
  }
  const { table, projection, unseen } = kept;
  checkInteger(verb, "row", row, 0, table.rows - 1);
  const width = projection?.rows ?? table.columns;
  const given = checkMatrix(verb, "value", value, width);
  if (given.rows !== 1) {
    throw new RangeError(
      `Cannot ${verb}: value has ${
        counted(given.rows, "row")
      }, it should be one`,
    );
  }
  table.row(row).set(projected(verb, given, projection).data);
  unseen.add(row);
  kept.part = undefined;
}

/** The values of a call: those of an explainer, or rows that are checked and copied. */
export function openValues(
  verb: string,
  values: Rows | Explainer,
  options: ExplainOptions,
): KeptValues {
  const kept = Handle.open(values);
  if (kept === undefined) return keepValues(verb, values as Rows, options);
  checkOptions(verb, options, ["projection"]);
  if (options.projection !== undefined) {
    throw new TypeError(
      `Cannot ${verb}: projection is given, the explainer has one or none`,
    );
  }
  return kept;
}

/** What is known of some keys, or of all; the last view of some is kept, since rows of a matrix are often alike. */
export function viewOf(
  kept: KeptValues,
  keys: Uint32Array,
): View {
  const { table, unseen } = kept;
  if (keys.length === table.rows) {
    if (kept.whole === undefined) kept.whole = makeView(table, undefined);
    else if (unseen.size > 0) followRows(kept.whole, table, unseen);
    unseen.clear();
    return kept.whole;
  }
  const last = kept.part?.keys;
  if (
    last === undefined || last.length !== keys.length ||
    last.some((key, at) => key !== keys[at])
  ) {
    kept.part = makeView(table, keys.slice());
  }
  return kept.part!;
}

function keepValues(
  verb: string,
  values: Rows,
  options: ExplainOptions,
): KeptValues {
  checkOptions(verb, options, ["projection"]);
  const given = checkMatrix(verb, "values", values);
  const projection = options.projection === undefined
    ? undefined
    : checkMatrix(verb, "projection", options.projection);
  // No rows have any width.
  if (
    projection !== undefined && given.rows > 0 &&
    projection.rows !== given.columns
  ) {
    throw new RangeError(
      `Cannot ${verb}: projection has ${
        counted(projection.rows, "row")
      }, it should have one for each of ${
        counted(given.columns, "number")
      } of a value`,
    );
  }
  return {
    table: projected(verb, given, projection),
    projection,
    unseen: new Set(),
    whole: undefined,
    part: undefined,
  };
}
