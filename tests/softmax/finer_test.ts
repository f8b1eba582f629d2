import { assert } from "@std/assert";
import { seeded } from "../../src/random.ts";
import { exactRow } from "../../src/softmax/canon.ts";
import { finerSums } from "../../src/softmax/finer.ts";
import { makeScratch } from "../../src/softmax/row.ts";
import { tableOf } from "../sums.ts";

/** Scored keys of every spread, with values of one size or of many. */
function sets() {
  const random = seeded(71);
  return Array.from({ length: 400 }, (_, at) => {
    const count = 1 + random.integer(at % 10 === 0 ? 3000 : 60);
    const spread = [0, 1, 20, 400, 1e5][random.integer(5)];
    const valueDim = 1 + random.integer(4), scratch = makeScratch(count);
    const values = new Float32Array(count * valueDim),
      peaks = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      scratch.slots[i] = i;
      scratch.scores[i] = random.normal() * spread;
      const size = random.integer(3) === 0 ? 2 ** (random.integer(80) - 40) : 1;
      for (let c = 0; c < valueDim; c++) {
        values[i * valueDim + c] = random.normal() * size;
        peaks[i] = Math.max(peaks[i], Math.abs(values[i * valueDim + c]));
      }
    }
    return { at, count, valueDim, scratch, values, peaks };
  });
}

Deno.test("finerSums() are off by their error at most, and by next to nothing", () => {
  for (const { at, count, valueDim, scratch, values, peaks } of sets()) {
    const components = Array.from({ length: valueDim }, (_, c) => c).reverse();
    const exact = exactRow(
      Array.from({ length: count }, (_, i) => ({
        score: scratch.scores[i],
        value: values.subarray(i * valueDim, (i + 1) * valueDim),
        peak: peaks[i],
      })),
      components,
    );
    const table = tableOf(values, valueDim);
    const sums = finerSums(scratch, count, table, peaks, components);
    const { mass, magnitude, numerators, error, shift } = sums;
    assert(error === BigInt(count), `set ${at}`);
    // Cross-multiplied: least / most mass · 2^shift ≤ exact ≤ most / least mass · 2^shift.
    const scaled = (sum: bigint, of: bigint) =>
      shift >= 0 ? (sum << BigInt(shift)) * of : sum * of;
    const against = (sum: bigint, of: bigint) =>
      shift >= 0 ? sum * of : (sum << BigInt(-shift)) * of;
    const holds = (sum: bigint, truth: bigint) => {
      const least = sum - error, most = sum + error;
      return scaled(least, exact.mass) <=
          against(truth, least < 0n ? mass - error : mass + error) &&
        scaled(most, exact.mass) >=
          against(truth, most < 0n ? mass + error : mass - error);
    };
    assert(holds(magnitude, exact.magnitude), `set ${at}: magnitude`);
    numerators.forEach((sum, i) =>
      assert(
        holds(sum, exact.numerator[i]),
        `set ${at}, component ${components[i]}`,
      )
    );
    // Mass and magnitude are at least 2^119 half steps, where there is room for 4096 keys.
    assert(mass > 1n << 118n && magnitude > 1n << 118n, `set ${at}: coarse`);
  }
});
