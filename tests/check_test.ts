import { assert, assertEquals } from "@std/assert";
import {
  checkBias,
  checkFinite,
  checkId,
  checkIds,
  checkInteger,
  checkOptions,
  checkPosition,
  counted,
  ID_LIMIT,
  refuseId,
  show,
  thereAre,
} from "../src/check.ts";
import { anything, type Refusal, refuses } from "./refusals.ts";

/** Each call is refused with its message behind "Cannot <verb>: ". */
function refused(
  call: (value: unknown) => unknown,
  cases: readonly [value: unknown, kind: Refusal, message: string][],
): void {
  for (const [value, kind, message] of cases) {
    refuses(() => call(value), kind, `Cannot test: ${message}`);
  }
}

Deno.test("checkOptions() takes known names, and nothing for nothing", () => {
  checkOptions("test", undefined, []);
  checkOptions("test", {}, []);
  checkOptions("test", { scale: 1, mask: undefined }, ["scale", "mask"]);
  checkOptions("test", Object.create(null), ["scale"]);
});

Deno.test("checkOptions() refuses what is no object and names it does not know", () => {
  const kinds: [unknown, string][] = [
    [null, "null"],
    [1, "1"],
    ["x", '"x"'],
    [[], "an array of 0"],
    [() => 1, "a function"],
    [2n, "2n"],
  ];
  refused(
    (options) => checkOptions("test", options, ["scale"]),
    kinds.map(([value, name]) => [
      value,
      TypeError,
      `options is ${name}, it should be an object`,
    ]),
  );
  refused((options) => checkOptions("test", options, ["scale", "mask"]), [
    [
      { scale: 1, "masc\n": 2 },
      TypeError,
      'unknown option "masc\\n", it should be one of scale, mask',
    ],
    [
      { Scale: undefined },
      TypeError,
      'unknown option "Scale", it should be one of scale, mask',
    ],
  ]);
  refused((options) => checkOptions("test", options, []), [
    [{ a: 1 }, TypeError, 'unknown option "a", there should be none'],
  ]);
});

Deno.test("checkInteger() takes whole numbers from least to most", () => {
  for (const value of [-2, -0, 0, 3]) {
    const checked = checkInteger("test", "count", value, -2, 3);
    // −0 is 0.
    assert(Object.is(checked, value + 0), `${value}`);
  }
  const range = "it should be a whole number from -2 to 3";
  refused((value) => checkInteger("test", "count", value, -2, 3), [
    [-3, RangeError, `count is -3, ${range}`],
    [4, RangeError, `count is 4, ${range}`],
    [0.5, RangeError, `count is 0.5, ${range}`],
    [NaN, RangeError, `count is NaN, ${range}`],
    [Infinity, RangeError, `count is Infinity, ${range}`],
    ["1", TypeError, 'count is "1", it should be a number'],
    [1n, TypeError, "count is 1n, it should be a number"],
    [null, TypeError, "count is null, it should be a number"],
    [[1], TypeError, "count is an array of 1, it should be a number"],
    [new Number(1), TypeError, "count is a Number, it should be a number"],
  ]);
});

Deno.test("checkInteger() and checkFinite() name no most where there is none", () => {
  refused((value) => checkInteger("test", "count", value, 1), [
    [0, RangeError, "count is 0, it should be a whole number from 1 on"],
  ]);
  refused((value) => checkFinite("test", "scale", value), [
    [NaN, RangeError, "scale is NaN, it should be a finite number"],
    [-Infinity, RangeError, "scale is -Infinity, it should be a finite number"],
  ]);
});

Deno.test("show() puts the article that is heard", () => {
  assertEquals(show(new Int8Array(1)), "an Int8Array");
  assertEquals(show(new ArrayBuffer(1)), "an ArrayBuffer");
  assertEquals(show(new Uint8Array(1)), "a Uint8Array");
  assertEquals(show(new Map()), "a Map");
});

Deno.test("checkFinite() takes numbers up to most in size", () => {
  for (const value of [-2.5, 0, 2.5]) {
    assertEquals(checkFinite("test", "scale", value, 2.5), value);
  }
  const range = "it should be a number up to 2.5 in size";
  refused((value) => checkFinite("test", "scale", value, 2.5), [
    [2.6, RangeError, `scale is 2.6, ${range}`],
    [-Infinity, RangeError, `scale is -Infinity, ${range}`],
    [NaN, RangeError, `scale is NaN, ${range}`],
    [true, TypeError, "scale is true, it should be a number"],
  ]);
});

Deno.test("checkId() takes one id, checkIds() one or several of any iterable", () => {
  assertEquals(checkId("test", ID_LIMIT - 1), ID_LIMIT - 1);
  assertEquals(checkIds("test", 7), [7]);
  assertEquals(checkIds("test", []), []);
  assertEquals(checkIds("test", new Set([3, 1])), [3, 1]);
  assertEquals(checkIds("test", new Uint8Array([4, 2])), [4, 2]);
  assertEquals(checkIds("test", [1, 1], true), [1, 1]);
  const range = "it should be a whole number from 0 to 2^32 − 1";
  for (const door of [checkId, checkIds]) {
    refused((id) => door("test", id), [
      [-1, RangeError, `id is -1, ${range}`],
      [2 ** 32, RangeError, `id is 4294967296, ${range}`],
      [0.5, RangeError, `id is 0.5, ${range}`],
      [NaN, RangeError, `id is NaN, ${range}`],
    ]);
  }
  refused((id) => checkId("test", id), [
    [[0], TypeError, "id is an array of 1, it should be a number"],
    ["0", TypeError, 'id is "0", it should be a number'],
    [undefined, TypeError, "id is undefined, it should be a number"],
  ]);
  refused((ids) => checkIds("test", ids), [
    [null, TypeError, "ids is null, it should be an id or several"],
    ["01", TypeError, 'ids is "01", it should be an id or several'],
    [{ 0: 1 }, TypeError, "ids is an object, it should be an id or several"],
    [[0, "1"], TypeError, 'id is "1", it should be a number'],
    // deno-lint-ignore no-sparse-arrays
    [[0, , 2], TypeError, "id is undefined, it should be a number"],
    [new BigInt64Array(1), TypeError, "id is 0n, it should be a number"],
    [[2, 5, 2], RangeError, "id 2 is given twice, it should be given once"],
    [[1, 2, 2, 1], RangeError, "id 2 is given twice, it should be given once"],
  ]);
});

Deno.test("checkIds() lets an iterable's own error through", () => {
  const ids = function* () {
    yield 1;
    throw new EvalError("mine");
  };
  let caught: unknown;
  try {
    checkIds("test", ids());
  } catch (error) {
    caught = error;
  }
  assertEquals(caught instanceof EvalError, true);
});

Deno.test("checkBias() gives one for all or one for each", () => {
  const all = checkBias("test", -2, 3), each = checkBias("test", [1, -0, 3], 3);
  assertEquals([0, 1, 2].map(all), [-2, -2, -2]);
  assertEquals([0, 1, 2].map(each), [1, -0, 3]);
  const typed = checkBias("test", new Float32Array([-Infinity, 5]), 2);
  assertEquals([0, 1].map(typed), [-Infinity, 5]);
  assertEquals(checkBias("test", 1e300, 1)(0), 1e300);
  const range = "it should be -Infinity or a number up to 1e+300 in size";
  const kind = "it should be a number or one for each row";
  refused((bias) => checkBias("test", anything(bias), 2), [
    [Infinity, RangeError, `bias is Infinity, ${range}`],
    [NaN, RangeError, `bias is NaN, ${range}`],
    [-1.1e300, RangeError, `bias is -1.1e+300, ${range}`],
    [[0, NaN], RangeError, `bias[1] is NaN, ${range}`],
    ["0", TypeError, `bias is "0", ${kind}`],
    [null, TypeError, `bias is null, ${kind}`],
    [new Set([1, 2]), TypeError, `bias is a Set, ${kind}`],
    [
      new DataView(new ArrayBuffer(2)),
      TypeError,
      `bias is a DataView, ${kind}`,
    ],
    [[0, "1"], TypeError, 'bias[1] is "1", it should be a number'],
    // deno-lint-ignore no-sparse-arrays
    [[, 1], TypeError, "bias[0] is undefined, it should be a number"],
    [
      [1],
      RangeError,
      "bias has 1 number, it should have one for each of 2 rows",
    ],
  ]);
});

Deno.test("checkBias() keeps what it was given, whatever becomes of the list", () => {
  const list = [1, 2], bias = checkBias("test", list, 2);
  list[0] = 9;
  assertEquals(bias(0), 1);
});

Deno.test("checkPosition() gives one for all or one for each, else the newest", () => {
  assertEquals(checkPosition("test", false, undefined, 2, 9)(1), 9);
  assertEquals(checkPosition("test", true, 4, 2, 9)(1), 4);
  assertEquals(checkPosition("test", true, [4, -1], 2, 9)(1), -1);
  refused(
    (position) => checkPosition("test", false, anything(position), 1, 9),
    [
      [
        1,
        TypeError,
        'position is given, the mask should be "causal" for that',
      ],
    ],
  );
  const range = "it should be a whole number from -1 to 4294967295";
  refused((position) => checkPosition("test", true, anything(position), 2, 9), [
    [-2, RangeError, `position is -2, ${range}`],
    [[0, 0.5], RangeError, `position[1] is 0.5, ${range}`],
    [[0, 2 ** 32], RangeError, `position[1] is 4294967296, ${range}`],
    [
      [0],
      RangeError,
      "position has 1 number, it should have one for each of 2 rows",
    ],
    [[0, null], TypeError, "position[1] is null, it should be a number"],
    [
      null,
      TypeError,
      "position is null, it should be a number or one for each row",
    ],
  ]);
});

Deno.test("show() says what a value is in a few words", () => {
  const cases: [unknown, string][] = [
    [undefined, "undefined"],
    [null, "null"],
    [false, "false"],
    [-0, "-0"],
    [1e39, "1e+39"],
    [5n, "5n"],
    ['a "b"', '"a \\"b\\""'],
    ["x".repeat(50), `"${"x".repeat(40)}…"`],
    [Symbol("s"), "a symbol"],
    [() => 1, "a function"],
    [[1, 2], "an array of 2"],
    [{}, "an object"],
    [Object.create(null), "an object"],
    [new Map(), "a Map"],
    [new Float64Array(3), "a Float64Array"],
  ];
  for (const [value, expected] of cases) assertEquals(show(value), expected);
});

Deno.test("counted() and thereAre() have one of a thing, and none or several of them", () => {
  const cases: [number, string, string][] = [
    [0, "number", "0 numbers"],
    [1, "number", "1 number"],
    [2, "key", "2 keys"],
    [1, "query", "1 query"],
    [3, "query", "3 queries"],
    [2, "entry", "2 entries"],
    [2, "batch", "2 batches"],
    [2, "hash", "2 hashes"],
    [4, "live id", "4 live ids"],
  ];
  for (const [count, noun, expected] of cases) {
    assertEquals(counted(count, noun), expected);
    const verb = count === 1 ? "is" : "are";
    assertEquals(thereAre(count, noun), `there ${verb} ${expected}`);
  }
  assertEquals(counted(1n, "byte"), "1 byte");
  assertEquals(counted(2n ** 64n - 1n, "byte"), "18446744073709551615 bytes");
});

Deno.test("refuseId() tells an id that is gone from one that is unknown, and how many live", () => {
  refuses(
    () => refuseId("test", "key", 7, { next: 8, size: 12 }),
    RangeError,
    "Cannot test: key 7 is gone, it should be one of 12 live ids",
  );
  refuses(
    () => refuseId("test", "query", 8, { next: 8, size: 1 }),
    RangeError,
    "Cannot test: query 8 is unknown, it should be one of 1 live id",
  );
  refuses(
    () => refuseId("test", "token", 0, { next: 0, size: 0 }),
    RangeError,
    "Cannot test: token 0 is unknown, it should be one of 0 live ids",
  );
});
