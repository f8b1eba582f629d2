import { assert, assertEquals } from "@std/assert";
import { LEVELS } from "../../src/plot/colour.ts";
import {
  endsOf,
  levelOf,
  makeScale,
  positionOf,
  type Scale,
  shortNumber,
  signed,
  ticksOf,
} from "../../src/plot/scale.ts";
import { seeded } from "../../src/random.ts";

function linear(least: number, most: number): Scale {
  return makeScale("linear", least, most, Infinity, undefined);
}
function diverging(size: number): Scale {
  return makeScale("diverging", -size, size / 2, Infinity, undefined);
}
function log(leastPositive: number, most: number): Scale {
  return makeScale("log", leastPositive, most, leastPositive, undefined);
}
function texts(scale: Scale): string[] {
  return ticksOf(scale).map(({ text }) => text);
}

Deno.test("makeScale() of nothing, of zeros and of one number has two ends", () => {
  assertEquals([linear(0, 0).low, linear(0, 0).high], [0, 1]);
  assertEquals([linear(5, 5).low, linear(5, 5).high], [0, 5]);
  assertEquals([linear(-5, -5).low, linear(-5, -5).high], [-5, 0]);
  assertEquals([diverging(0).low, diverging(0).high], [-1, 1]);
  assertEquals([log(Infinity, 0).low, log(Infinity, 0).high], [0.1, 1]);
  assertEquals([linear(0, 1e-310).low, linear(0, 1e-310).high], [0, 1]);
});

Deno.test("makeScale() widens a range to round numbers that are exact", () => {
  assertEquals([linear(0, 0.93).low, linear(0, 0.93).high], [0, 1]);
  assertEquals([linear(0.2, 0.27).low, linear(0.2, 0.27).high], [0, 0.3]);
  assertEquals([linear(-3, 11).low, linear(-3, 11).high], [-5, 15]);
  assertEquals([diverging(0.37).low, diverging(0.37).high], [-0.4, 0.4]);
  assertEquals([log(0.002, 0.4).low, log(0.002, 0.4).high], [0.001, 1]);
  assertEquals([log(1e-300, 0.4).low, log(1e-300, 0.4).high], [1e-6, 1]);
  assertEquals([log(1, 1).low, log(1, 1).high], [0.1, 1]);
});

Deno.test("ticksOf() names round numbers from end to end", () => {
  assertEquals(texts(linear(0, 0.93)), [
    "0",
    "0.2",
    "0.4",
    "0.6",
    "0.8",
    "1.0",
  ]);
  assertEquals(texts(diverging(0.37)), ["−0.4", "−0.2", "0", "+0.2", "+0.4"]);
  assertEquals(texts(log(0.002, 0.4)), ["0.001", "0.01", "0.1", "1"]);
  assertEquals(texts(log(1e-11, 1e-5)), [
    "10⁻¹¹",
    "10⁻¹⁰",
    "10⁻⁹",
    "10⁻⁸",
    "10⁻⁷",
    "10⁻⁶",
    "10⁻⁵",
  ]);
  assertEquals(texts(makeScale("log", 1, 1, 1, [1e-9, 1])), [
    "10⁻⁸",
    "10⁻⁶",
    "10⁻⁴",
    "0.01",
    "1",
  ]);
  assertEquals(texts(linear(0, 4e7)), ["0", "1e7", "2e7", "3e7", "4e7"]);
  assertEquals(texts(linear(0, 4e-7)), ["0", "1e−7", "2e−7", "3e−7", "4e−7"]);
});

Deno.test("ticksOf() says which ends stand for more", () => {
  const clipped = makeScale("linear", -1, 2, Infinity, [0.05, 0.95]);
  assertEquals(texts(clipped), [
    "≤ 0.05",
    "0.2",
    "0.4",
    "0.6",
    "0.8",
    "≥ 0.95",
  ]);
  assertEquals(endsOf(clipped), ["≤ 0.05", "≥ 0.95"]);
  const inside = makeScale("linear", 0.1, 0.9, Infinity, [0, 1]);
  assertEquals(endsOf(inside), ["0", "1"]);
  assertEquals(endsOf(makeScale("log", 0, 1, 1, [1e-3, 1])), ["≤ 0.001", "1"]);
});

Deno.test("ticksOf() of any range are 2 to 7, ascending, evenly apart, and where their number is", () => {
  const random = seeded(1);
  for (let turn = 0; turn < 2000; turn++) {
    const size = 10 ** (random.uniform() * 200 - 100);
    const a = random.normal() * size, b = random.normal() * size;
    const scale = random.uniform() < 0.5
      ? linear(Math.min(a, b), Math.max(a, b))
      : diverging(Math.abs(a));
    const ticks = ticksOf(scale), shown = `${turn}: ${JSON.stringify(scale)}`;
    assert(scale.low <= Math.min(a, scale.kind === "linear" ? b : a), shown);
    assert(ticks.length >= 2 && ticks.length <= 7, `${shown} ${ticks.length}`);
    assertEquals(ticks[0].position, 0, shown);
    assertEquals(ticks[ticks.length - 1].position, 1, shown);
    for (const { position, text } of ticks) {
      const number = Number(text.replaceAll("−", "-"));
      // Rounded once where it is written and once where it is placed, in units of the range.
      const off = Math.abs(positionOf(scale, number) - position);
      assert(off <= 4 * Number.EPSILON, `${shown} ${text}: ${off}`);
    }
    assertEquals(new Set(ticks.map(({ text }) => text)).size, ticks.length);
  }
});

Deno.test("levelOf() gives the first colour to the low end, the last to the high one, the middle to zero", () => {
  const scale = diverging(2);
  assertEquals(levelOf(scale, -2), 0);
  assertEquals(levelOf(scale, 2), LEVELS - 1);
  assertEquals(levelOf(scale, 0), (LEVELS - 1) / 2);
  assertEquals(levelOf(scale, NaN), -1);
  const clipped = makeScale("linear", -9, 9, 1, [0, 1]);
  assertEquals(levelOf(clipped, -9), 0);
  assertEquals(levelOf(clipped, 9), LEVELS - 1);
});

Deno.test("positionOf() on a logarithmic scale has equal steps for equal quotients; 0 is at the low end", () => {
  const scale = makeScale("log", 0, 1, 1e-4, [1e-4, 1]);
  assertEquals(positionOf(scale, 0), 0);
  assertEquals(positionOf(scale, 1e-4), 0);
  assertEquals(positionOf(scale, 1), 1);
  // log(100) / log(10 000), each rounded.
  assert(Math.abs(positionOf(scale, 0.01) - 0.5) <= 2 * Number.EPSILON);
});

Deno.test("shortNumber() and signed() write three digits and a real minus", () => {
  assertEquals(shortNumber(0.123456), "0.123");
  assertEquals(shortNumber(-1.23456e-9), "−1.23e−9");
  assertEquals(signed(0.5, true), "+0.5");
  assertEquals(signed(0, true), "0");
  assertEquals(signed(-0.5, false), "−0.5");
});
