import { assertEquals } from "@std/assert";
import { heatMap, sideBySide } from "../../src/plot/mod.ts";
import { anything, refuses } from "../refusals.ts";

Deno.test("sideBySide() puts all maps on the widest range, and clips only what lies beyond that", () => {
  const clipped = heatMap([[0.1, 5]], { range: [0, 1] });
  const wide = heatMap([[2, 4]], { range: [0, 3] });
  const { panels, across } = sideBySide([clipped, wide, heatMap([[0]])]);
  assertEquals(across, 3);
  for (const { scale } of panels) {
    assertEquals(scale, {
      kind: "linear",
      low: 0,
      high: 3,
      below: false,
      above: true,
    });
  }
  const [only] = sideBySide([clipped, heatMap([[6]])]).panels;
  assertEquals([only.scale.high, only.scale.above], [6, false]);
  // The maps given are as they were.
  assertEquals(clipped.scale.high, 1);
});

Deno.test("sideBySide() refuses what cannot share a scale", () => {
  const verb = "Cannot put maps side by side: ";
  const map = heatMap([[1]], { unit: "mass" });
  refuses(
    () => sideBySide([]),
    RangeError,
    verb + "there are no maps, there should be one or more",
  );
  refuses(
    () => sideBySide(anything(map)),
    TypeError,
    verb + "maps is an object, it should be several heat maps",
  );
  refuses(
    () => sideBySide([map, anything({})]),
    TypeError,
    verb + "maps[1] is an object, it should be a heat map",
  );
  refuses(
    () => sideBySide([map, heatMap([[1]])]),
    RangeError,
    verb +
      'maps[1] shows "value" on a linear scale, it should show "mass" on a linear scale like the first',
  );
  refuses(
    () => sideBySide([map, heatMap([[1]], { unit: "mass", scale: "log" })]),
    RangeError,
    verb +
      'maps[1] shows "mass" on a log scale, it should show "mass" on a linear scale like the first',
  );
  refuses(
    () => sideBySide([map], { across: 0 }),
    RangeError,
    verb + "across is 0, it should be a whole number from 1 to 64",
  );
  refuses(
    () => sideBySide([map], { title: null as never }),
    TypeError,
    verb + "title is null, it should be a text",
  );
  refuses(
    () => sideBySide([map], { columns: 2 } as never),
    TypeError,
    verb +
      'unknown option "columns", it should be one of title, description, across',
  );
});
