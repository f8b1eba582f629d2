import { assertEquals } from "@std/assert";
import { type LayerKind, parameterCount } from "../../src/layer/mod.ts";
import { anything, refuses } from "../refusals.ts";
import { drawLayer } from "./plain.ts";

const KINDS: LayerKind[] = ["multiHead", "optimised", "efficient", "super"];

Deno.test("parameterCount() counts what layers of all kinds have", () => {
  for (const kind of KINDS) {
    const { weights } = drawLayer(kind, {
      heads: 3,
      dim: 2,
      valueDim: 2,
      queryWidth: 6,
      outputWidth: 6,
      context: 5,
    }, 1);
    delete weights.keyRow;
    delete weights.valueRow;
    const sizes = { width: 6, ...(kind === "super" && { context: 5 }) };
    for (const biases of [true, false]) {
      const counted = Object.entries(weights)
        .filter(([name]) => biases || name.endsWith("Weight"))
        .reduce((sum, [, { data }]) => sum + data.length, 0);
      assertEquals(parameterCount(kind, { ...sizes, biases }), counted, kind);
    }
    assertEquals(
      parameterCount(kind, sizes),
      parameterCount(kind, { ...sizes, biases: false }),
    );
  }
});

Deno.test("parameterCount() gives the figures of the paper", () => {
  const width = 64;
  const full = parameterCount("multiHead", { width });
  assertEquals(full, 4 * width ** 2);
  assertEquals(parameterCount("optimised", { width }), 0.75 * full);
  assertEquals(parameterCount("efficient", { width }), 0.5 * full);
  assertEquals(parameterCount("super", { width, context: 64 }), 0.75 * full);
  // A long context costs more than it saves.
  assertEquals(parameterCount("super", { width, context: 1024 }), 64.5 * full);
});

Deno.test("parameterCount() refuses what has no place", () => {
  const count = (kind: unknown, sizes: unknown) => () =>
    parameterCount(anything(kind), anything(sizes));
  const cases: [() => unknown, typeof TypeError | typeof RangeError, string][] =
    [
      [
        count("mha", {}),
        TypeError,
        'kind is "mha", it should be one of multiHead, optimised, efficient, super',
      ],
      [
        count("super", { width: 4 }),
        TypeError,
        "context is undefined, it should be a number",
      ],
      [
        count("efficient", undefined),
        TypeError,
        "width is undefined, it should be a number",
      ],
      [
        count("efficient", { width: 0 }),
        RangeError,
        "width is 0, it should be a whole number from 1 to 16777216",
      ],
      [
        count("efficient", { width: 4, context: 4 }),
        RangeError,
        "context is given for efficient, it should be left out",
      ],
      [
        count("efficient", { width: 4, biases: 1 }),
        TypeError,
        "biases is 1, it should be true or false",
      ],
      [
        count("efficient", { width: 4, heads: 1 }),
        TypeError,
        'unknown option "heads", it should be one of width, context, biases',
      ],
    ];
  for (const [refused, kind, message] of cases) {
    refuses(refused, kind, `Cannot count parameters: ${message}`);
  }
});
