import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { softmaxAttention } from "../mod.ts";
import { seeded } from "../src/random.ts";
import { endure, SIZES } from "./endure.ts";
import { hostiles } from "./hostile.ts";
import { trueOutput } from "./truth.ts";

/** `deno task test:hostile` asks for a million. */
const UPDATES = asked("REATTEND_UPDATES") ?? 20_000;
const CHECKPOINTS = Math.max(40, UPDATES / 5000);
/** Twelve more bits of an answer meet 4096 times as many boundaries, and bounds have no rounding to hide behind. */
const FINE = { precision: 44, share: 1 / 4 };
/**
 * The chance that a component takes the three grids, at most: sums are off by up to 2⁻⁶⁷ of the row's value scale,
 * on either side, and no step is finer than 2⁻⁴⁸ of it; and twice that.
 */
const CHANCE = 2 ** -17;
/** Answers have 32 bits; running sums that are off by this have less than 20. */
const BROKEN = 1e-6;

for (const [seed, hostile] of hostiles.entries()) {
  Deno.test(`${hostile.name}: ${UPDATES} updates break no bound and leave no trace`, () => {
    const every = Math.ceil(UPDATES / CHECKPOINTS);
    const { reads, ladder, recomputed, running, worst } = endure(hostile, {
      seed,
      updates: UPDATES,
      every,
    });
    const allowed = 1 + reads * SIZES.valueDim * CHANCE;
    assert(ladder.finer <= allowed, `${ladder.finer} finer answers`);
    assertEquals(ladder.exact, 0);
    // Rows that start over all the time are not maintained.
    assert(recomputed < 1 / 8, `${recomputed} recomputes per row and update`);
    assert(worst > 0);
    if (hostile.breaks) assert(!(running < BROKEN), `${running}: not hostile`);
    endure(hostile, {
      seed,
      updates: UPDATES * FINE.share,
      every,
      precision: FINE.precision,
    });
  });
}

Deno.test("hostile streams have the name and the bits of their seed", () => {
  assertEquals(new Set(hostiles.map(({ name }) => name)).size, hostiles.length);
  for (const { start } of hostiles) {
    const [a, b, c] = [7, 7, 8].map((seed) => {
      const { queries, next } = start(seeded(seed), SIZES);
      return JSON.stringify([queries, Array.from({ length: 2000 }, next)]);
    });
    assertEquals(a, b);
    assert(a !== c);
  }
});

Deno.test("trueOutput() has the digits that f64 loses", () => {
  const entry = (key: number[], value: number, bias = 0) => ({
    key: new Float32Array(key),
    value: new Float32Array([value]),
    bias,
  });
  const one = (query: number[], entries: ReturnType<typeof entry>[]) =>
    trueOutput(new Float32Array(query), entries, 1, 1)[0];
  assertEquals(one([1], []), 0);
  assertEquals(one([1], [entry([1], 5, -Infinity)]), 0);
  assertEquals(one([1], [entry([1], 5), entry([9], 7, -Infinity)]), 5);
  // A sum of which 101 bits count.
  const far = [entry([0], 2 ** 100), entry([0], 3), entry([0], -(2 ** 100))];
  assertEquals(one([1], far), 1);
  // Scores that differ in their 54th bit, in the dot product and in the bias.
  const share = 1 / (1 + Math.exp(-0.5));
  for (
    const entries of [
      [entry([2 ** 26, 0.5], 1), entry([2 ** 26, 0], 0)],
      [entry([2 ** 26, 0], 1, 0.5), entry([2 ** 26, 0], 0)],
    ]
  ) {
    assertAlmostEquals(one([2 ** 27, 1], entries), share, 2 ** -52);
  }
});

Deno.test("trueOutput() is softmaxAttention() where f64 has the digits", () => {
  const random = seeded(5), dim = 7, valueDim = 3;
  const row = (length: number) =>
    Float32Array.from({ length }, () => random.normal());
  for (let m = 1; m < 40; m++) {
    const entries = Array.from({ length: m }, () => ({
      key: row(dim),
      value: row(valueDim),
      bias: 3 * random.normal(),
    }));
    const query = row(dim);
    const plain = softmaxAttention(
      query,
      entries.map(({ key }) => key),
      entries.map(({ value }) => value),
      { scale: 0.7, bias: entries.map(({ bias }) => bias) },
    );
    // A few roundings of each score, all below 32 in size.
    trueOutput(query, entries, 0.7, valueDim).forEach((x, c) =>
      assertAlmostEquals(x, plain.get(0, c), 32 * (dim + m) * 2 ** -53)
    );
  }
});

/** A whole number in the environment, where that may be read. */
function asked(variable: string): number | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable });
  const text = state === "granted" ? Deno.env.get(variable) : undefined;
  return text === undefined ? undefined : Number(text);
}
