import { assert, assertEquals } from "@std/assert";
import { seeded } from "../src/random.ts";

Deno.test("seeded() repeats its stream for the same seed and changes it for another", () => {
  const draw = (seed: number) => {
    const random = seeded(seed);
    return [random.uniform(), random.normal(), random.integer(1000)];
  };
  assertEquals(draw(7), draw(7));
  assert(draw(7)[0] !== draw(8)[0]);
});

Deno.test("seeded() draws uniform numbers with mean 1/2 and normal ones with deviation 1", () => {
  const random = seeded(1);
  let mean = 0, square = 0;
  const draws = 100_000;
  for (let i = 0; i < draws; i++) {
    mean += random.uniform() / draws;
    square += random.normal() ** 2 / draws;
  }
  // Five standard errors: 1/√(12·draws) and √(2/draws).
  assert(Math.abs(mean - 0.5) < 5 / Math.sqrt(12 * draws));
  assert(Math.abs(square - 1) < 5 * Math.sqrt(2 / draws));
});
