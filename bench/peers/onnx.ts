/**
 * Attention as ONNX models, in the three ways that onnxruntime can be asked for it, written out byte by byte.
 *
 * The format is that of Protocol Buffers; field numbers are those of onnx.proto
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 *
 * @module
 */

import type { Problem } from "../problem.ts";

/** A model, and the shapes it wants its inputs `queries`, `keys`, `values` in; its output is `output`. */
export interface Model {
  bytes: Uint8Array;
  queries: number[];
  keys: number[];
  values: number[];
}

/** The models by the operators they are made of. */
export function modelsOf(
  { n, m, dim, valueDim }: Problem,
): Record<string, Model> {
  const scale = 1 / Math.sqrt(dim);
  const flat = { queries: [n, dim], keys: [m, dim], values: [m, valueDim] };
  const heads = {
    queries: [1, 1, n, dim],
    keys: [1, 1, m, dim],
    values: [1, 1, m, valueDim],
  };
  const packed = {
    queries: [1, n, dim],
    keys: [1, m, dim],
    values: [1, m, valueDim],
  };
  const inputs = ["queries", "keys", "values"];
  return {
    "Attention": {
      bytes: model(heads, [1, 1, n, valueDim], [node("Attention", inputs)]),
      ...heads,
    },
    "MultiHeadAttention": {
      bytes: model(packed, [1, n, valueDim], [
        node("MultiHeadAttention", inputs, "output", [
          integer("num_heads", 1),
          float("scale", scale),
        ], "com.microsoft"),
      ]),
      ...packed,
    },
    "Gemm, Softmax, MatMul": {
      bytes: model(flat, [n, valueDim], [
        node("Gemm", ["queries", "keys"], "scores", [
          float("alpha", scale),
          integer("transB", 1),
        ]),
        node("Softmax", ["scores"], "weights", [integer("axis", -1)]),
        node("MatMul", ["weights", "values"]),
      ]),
      ...flat,
    },
  };
}

/** The operator Attention came with version 23 of ONNX, in files of version 10. */
const OPSET = 23, FILE = 10;
const FLOAT = 1, FLOAT_ATTRIBUTE = 1, INTEGER_ATTRIBUTE = 2;

function model(
  inputs: Record<string, number[]>,
  output: number[],
  nodes: number[][],
): Uint8Array {
  const graph = [
    ...nodes.flatMap((node) => block(1, node)),
    ...text(2, "attention"),
    ...Object.entries(inputs).flatMap(([name, shape]) =>
      block(11, tensor(name, shape))
    ),
    ...block(12, tensor("output", output)),
  ];
  const operators = (domain: string, version: number) =>
    block(8, [...text(1, domain), ...number(2, version)]);
  return Uint8Array.from([
    ...number(1, FILE),
    ...block(7, graph),
    ...operators("", OPSET),
    ...operators("com.microsoft", 1),
  ]);
}

function node(
  operator: string,
  inputs: string[],
  output = "output",
  attributes: number[][] = [],
  domain = "",
): number[] {
  return [
    ...inputs.flatMap((name) => text(1, name)),
    ...text(2, output),
    ...text(3, output),
    ...text(4, operator),
    ...attributes.flatMap((attribute) => block(5, attribute)),
    ...text(7, domain),
  ];
}

function float(name: string, value: number): number[] {
  const bytes = new Uint8Array(Float32Array.of(value).buffer);
  return [
    ...text(1, name),
    ...key(2, 5),
    ...bytes,
    ...number(20, FLOAT_ATTRIBUTE),
  ];
}

function integer(name: string, value: number): number[] {
  return [
    ...text(1, name),
    ...number(3, value),
    ...number(20, INTEGER_ATTRIBUTE),
  ];
}

function tensor(name: string, shape: number[]): number[] {
  const dims = shape.flatMap((size) => block(1, number(1, size)));
  const type = block(1, [...number(1, FLOAT), ...block(2, dims)]);
  return [...text(1, name), ...block(2, type)];
}

function text(field: number, value: string): number[] {
  return block(field, [...new TextEncoder().encode(value)]);
}

function block(field: number, bytes: number[]): number[] {
  return [...key(field, 2), ...varint(bytes.length), ...bytes];
}

function number(field: number, value: number): number[] {
  return [...key(field, 0), ...varint(value)];
}

function key(field: number, wire: number): number[] {
  return varint(field * 8 + wire);
}

/** Seven bits a byte, the low ones first; what is negative as a number of 64 bits. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}
