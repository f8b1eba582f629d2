/**
 * Keys and values that stay in the kernel's memory, beside ordinary ones.
 *
 * @module
 */

import { equal, rows, same } from "./reference.js";

/** Queries, keys, dim, valueDim: one, few and many queries, widths that are read in place and ones that are not. */
const SHAPES = [[1, 1000, 64, 64], [3, 50, 7, 5], [41, 130, 16, 9]];

/** By name: each is given the module and the kernel. */
export const resident = {
  "residentTensors() answer like ordinary ones, to the bit": (given) => {
    for (const shape of SHAPES) {
      const { ordinary, asked, resident } = pairsOf(given, shape);
      equal(asked(), ordinary(), 0);
      // What is written is what is read.
      resident.values.data[0] += 1;
      same(asked()[0] === ordinary()[0], false, "the same output");
      resident.dispose();
    }
  },
  "residentTensors() are empty once they are disposed of, and their memory is used again":
    (
      given,
    ) => {
      for (let turn = 0; turn < 3; turn++) {
        const { ordinary, asked, resident } = pairsOf(given, SHAPES[0]);
        const { data } = resident.keys;
        equal(asked(), ordinary(), 0);
        resident.dispose();
        same(resident.keys.data.length, 0, "keys left");
        // With the scalar kernel they are ordinary arrays.
        if (given.kernel !== "scalar") same(data.length, 0, "numbers left");
        let refusal;
        try {
          asked();
        } catch (error) {
          refusal = error;
        }
        same(refusal instanceof RangeError, true, "a RangeError");
      }
    },
};

function pairsOf({ module, kernel }, [n, m, dim, valueDim]) {
  const tensor = (length, width, seed) => ({
    data: Float32Array.from(rows(length, width, seed).flat()),
    shape: [1, 1, length, width],
  });
  const queries = tensor(n, dim, 71), keys = tensor(m, dim, 72);
  const values = tensor(m, valueDim, 73);
  const resident = module.residentTensors(keys.shape, values.shape, { kernel });
  resident.keys.data.set(keys.data);
  resident.values.data.set(values.data);
  const attend = (keys, values) =>
    module.scaledDotProductAttention(queries, keys, values, { kernel }).output
      .data;
  return {
    ordinary: () => attend(keys, values),
    asked: () => attend(resident.keys, resident.values),
    resident,
  };
}
