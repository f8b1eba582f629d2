/**
 * Weights on their way in: checked once, and made one record for all kinds.
 *
 * @module
 */

import { checkInteger, counted, show } from "../check.ts";
import {
  axes,
  checkTensor,
  type Floats,
  type Tensor,
} from "../softmax/tensor.ts";
import type { LayerKind } from "./weights.ts";

/** A linear map: rows × columns numbers of `weight` from `weightAt` on, and as many biases as rows, if there are any. */
export interface Projection {
  rows: number;
  columns: number;
  weight: Floats;
  weightAt: number;
  bias: Floats | undefined;
  biasAt: number;
}

/** Weights that were checked: they fit together. */
export interface Layer {
  kind: LayerKind;
  heads: number;
  /** Numbers of a query, a key and a value of one head. */
  dim: number;
  valueDim: number;
  /** Numbers of an input row of each kind, and of an output row. */
  queryWidth: number;
  keyWidth: number;
  valueWidth: number;
  outputWidth: number;
  query: Projection;
  /** Undefined where heads read slices of the keys. */
  key: Projection | undefined;
  /** Undefined where heads read slices of the values. */
  value: Projection | undefined;
  output: Projection;
  /** A key that is always there, and its value. */
  keyRow: Floats | undefined;
  valueRow: Floats | undefined;
  /** What mixes values along the tokens: size × size. */
  context:
    | { size: number; weight: Floats; bias: Floats | undefined }
    | undefined;
}

/** Queries, keys and values. */
const PACKED = 3;
const APART = [
  "queryWeight",
  "queryBias",
  "keyWeight",
  "keyBias",
  "valueWeight",
  "valueBias",
];
const FLOATS = ["Float32Array", "Float64Array"];
const EFFICIENT = ["queryWeight", "queryBias", "outputWeight", "outputBias"];
const OPTIMISED = [...EFFICIENT, "keyWeight", "keyBias"];
const NAMES: Readonly<Record<LayerKind, readonly string[]>> = {
  multiHead: [
    ...APART,
    "outputWeight",
    "outputBias",
    "inputWeight",
    "inputBias",
    "keyRow",
    "valueRow",
  ],
  optimised: OPTIMISED,
  efficient: EFFICIENT,
  super: [...EFFICIENT, "contextWeight", "contextBias"],
};

/** Their names. */
export const KINDS: readonly string[] = Object.keys(NAMES);

/** Checks that weights are those of a kind with so many heads, and fit together. */
export function checkLayer(
  verb: string,
  kind: LayerKind,
  weights: unknown,
  heads: unknown,
): Layer {
  const count = checkInteger(verb, "heads", heads, 1);
  const given = checkNames(verb, kind, weights);
  const parts = new Parts(verb, given);
  if (given.inputBias !== undefined && given.inputWeight === undefined) {
    throw new RangeError(
      `Cannot ${verb}: weights.inputBias is given alone, it should come with inputWeight`,
    );
  }
  const inputs = given.inputWeight === undefined ? undefined : parts.packed();
  const query = inputs?.[0] ?? parts.projection("query");
  const key = inputs?.[1] ??
    (kind === "multiHead" || kind === "optimised"
      ? parts.projection("key")
      : undefined);
  const value = inputs?.[2] ??
    (kind === "multiHead" ? parts.projection("value") : undefined);
  const output = parts.projection("output");
  const { keyRow, valueRow } = given;
  if ((keyRow === undefined) !== (valueRow === undefined)) {
    const [one, other] = keyRow === undefined
      ? ["valueRow", "keyRow"]
      : ["keyRow", "valueRow"];
    throw new RangeError(
      `Cannot ${verb}: weights.${one} is given alone, it should come with ${other}`,
    );
  }
  const divided = (name: string, width: number) => {
    if (width % count === 0) return width / count;
    throw new RangeError(
      `Cannot ${verb}: ${name} is ${
        counted(width, "number")
      }, it should divide into ${counted(count, "head")}`,
    );
  };
  if (key !== undefined && key.rows !== query.rows) {
    throw new RangeError(
      `Cannot ${verb}: weights.keyWeight has ${
        counted(key.rows, "row")
      }, it should have ${query.rows} like queryWeight`,
    );
  }
  if (value !== undefined && output.columns !== value.rows) {
    throw new RangeError(
      `Cannot ${verb}: weights.outputWeight has ${
        counted(output.columns, "column")
      }, it should have ${value.rows} for the values of all heads`,
    );
  }
  return {
    kind,
    heads: count,
    dim: divided("a projected query", query.rows),
    valueDim: divided("the values of all heads", output.columns),
    queryWidth: query.columns,
    keyWidth: key?.columns ?? query.rows,
    valueWidth: value?.columns ?? output.columns,
    outputWidth: output.rows,
    query,
    key,
    value,
    output,
    keyRow: keyRow === undefined
      ? undefined
      : parts.vector("keyRow", query.rows),
    valueRow: valueRow === undefined
      ? undefined
      : parts.vector("valueRow", output.columns),
    context: kind === "super" ? parts.context() : undefined,
  };
}

/** Checks that weights are a record with names of its kind only. */
function checkNames(
  verb: string,
  kind: LayerKind,
  weights: unknown,
): Record<string, unknown> {
  if (
    typeof weights !== "object" || weights === null || Array.isArray(weights)
  ) {
    throw new TypeError(
      `Cannot ${verb}: weights is ${
        show(weights)
      }, it should be a record of tensors`,
    );
  }
  const known = NAMES[kind];
  for (const name of Object.keys(weights)) {
    if (!known.includes(name)) {
      throw new TypeError(
        `Cannot ${verb}: unknown weight ${show(name)}, it should be one of ${
          known.join(", ")
        }`,
      );
    }
  }
  return weights as Record<string, unknown>;
}

/** The tensors of a record, each checked as it is taken. */
class Parts {
  constructor(
    readonly verb: string,
    readonly given: Readonly<Record<string, unknown>>,
  ) {}

  /** `nameWeight` with `nameBias`. */
  projection(name: "query" | "key" | "value" | "output"): Projection {
    const { data, shape: [rows, columns] } = this.matrix(`${name}Weight`);
    const bias = this.given[`${name}Bias`] === undefined
      ? undefined
      : this.vector(`${name}Bias`, rows);
    return {
      rows,
      columns,
      weight: data as Floats,
      weightAt: 0,
      bias,
      biasAt: 0,
    };
  }

  /** The three projections of `inputWeight` and `inputBias`. */
  packed(): Projection[] {
    for (const name of APART) {
      if (this.given[name] === undefined) continue;
      throw new RangeError(
        `Cannot ${this.verb}: weights.${name} is given with inputWeight, it should be one or the other`,
      );
    }
    const { data, shape: [all, columns] } = this.matrix("inputWeight");
    if (all % PACKED !== 0) {
      throw new RangeError(
        `Cannot ${this.verb}: weights.inputWeight has ${
          counted(all, "row")
        }, it should have those of queries, keys and values`,
      );
    }
    const rows = all / PACKED;
    const bias = this.given.inputBias === undefined
      ? undefined
      : this.vector("inputBias", all);
    return Array.from({ length: PACKED }, (_, at) => ({
      rows,
      columns,
      weight: data as Floats,
      weightAt: at * rows * columns,
      bias,
      biasAt: at * rows,
    }));
  }

  context(): Layer["context"] {
    const { data, shape: [size, columns] } = this.matrix("contextWeight");
    if (columns !== size) {
      throw new RangeError(
        `Cannot ${this.verb}: weights.contextWeight.shape is ${
          axes([size, columns])
        }, it should be square`,
      );
    }
    const bias = this.given.contextBias === undefined
      ? undefined
      : this.vector("contextBias", size);
    return { size, weight: data as Floats, bias };
  }

  matrix(name: string): Tensor {
    const tensor = this.tensor(name);
    if (tensor.shape.length !== 2 || tensor.shape.includes(0)) {
      throw new RangeError(
        `Cannot ${this.verb}: weights.${name}.shape is ${
          axes(tensor.shape)
        }, it should have two axes, neither of them 0`,
      );
    }
    return tensor;
  }

  vector(name: string, length: number): Floats {
    const { data, shape } = this.tensor(name);
    if (shape.length !== 1 || shape[0] !== length) {
      throw new RangeError(
        `Cannot ${this.verb}: weights.${name}.shape is ${
          axes(shape)
        }, it should be ${axes([length])}`,
      );
    }
    return data as Floats;
  }

  tensor(name: string): Tensor {
    return checkTensor(this.verb, `weights.${name}`, this.given[name], FLOATS);
  }
}
