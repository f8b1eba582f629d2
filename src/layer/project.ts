/**
 * Linear maps of rows, y = W x + b.
 *
 * A row is summed in 64-bit floats in one fixed order, whatever rows come with it: the same row gives the same bits
 * alone and in a batch, which is what a maintained layer is held to.
 *
 * @module
 */

import type { Floats } from "../softmax/tensor.ts";
import type { Projection } from "./layer.ts";

/**
 * Maps `count` rows of `input`, one behind another from `from` on, into `output` from `to` on.
 *
 * Rounds once, to the precision of `output`. Costs count · rows · columns multiply-adds.
 */
export function project(
  { rows, columns, weight, weightAt, bias, biasAt }: Projection,
  input: ArrayLike<number>,
  from: number,
  count: number,
  output: Floats,
  to: number,
): void {
  // Four sums at once hide the latency of each other's additions.
  const fours = rows - rows % 4;
  for (let row = 0; row < count; row++, from += columns, to += rows) {
    let at = weightAt, r = 0;
    for (; r < fours; r += 4, at += 4 * columns) {
      const second = at + columns, third = second + columns;
      const fourth = third + columns;
      let a = 0, b = 0, c = 0, d = 0;
      for (let t = 0; t < columns; t++) {
        const x = input[from + t];
        a += x * weight[at + t];
        b += x * weight[second + t];
        c += x * weight[third + t];
        d += x * weight[fourth + t];
      }
      output[to + r] = a + (bias === undefined ? 0 : bias[biasAt + r]);
      output[to + r + 1] = b + (bias === undefined ? 0 : bias[biasAt + r + 1]);
      output[to + r + 2] = c + (bias === undefined ? 0 : bias[biasAt + r + 2]);
      output[to + r + 3] = d + (bias === undefined ? 0 : bias[biasAt + r + 3]);
    }
    for (; r < rows; r++, at += columns) {
      let a = 0;
      for (let t = 0; t < columns; t++) a += input[from + t] * weight[at + t];
      output[to + r] = a + (bias === undefined ? 0 : bias[biasAt + r]);
    }
  }
}
