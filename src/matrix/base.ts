/**
 * The base class of ml-matrix, made sound over storage that is not ml-matrix's own.
 *
 * Two of its methods read past the last column and count on `undefined` coming back; only its own `Matrix` answers so.
 * It lives in a file of its own because a documented class cannot name a class of another package as its parent:
 * `deno doc --lint` calls that parent a private type (https://github.com/denoland/deno/issues/27364).
 *
 * @module
 */
import { AbstractMatrix, Matrix } from "ml-matrix";

/**
 * The algebra of ml-matrix over any `get` and `set`, even one that refuses to read outside the matrix.
 *
 * @internal
 */
export abstract class MatrixAlgebra extends AbstractMatrix {
  /** Asks a copy: this one reads past the last column where there are more rows than columns. */
  override isReducedEchelonForm(): boolean {
    return new Matrix(this).isReducedEchelonForm();
  }

  /** Asks a copy: this one reads past the last column where a row has no positive number. */
  override reducedEchelonForm(): Matrix {
    return new Matrix(this).reducedEchelonForm();
  }
}
