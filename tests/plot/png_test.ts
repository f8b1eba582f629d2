import { assert, assertEquals } from "@std/assert";
import { CsrMatrix } from "../../mod.ts";
import {
  coloursOf,
  LEVELS,
  MUTED,
  RULE,
  SHADES,
  shadesOf,
} from "../../src/plot/colour.ts";
import { deflate } from "../../src/plot/deflate.ts";
import { checkFigure } from "../../src/plot/door.ts";
import { makeCodes } from "../../src/plot/huffman.ts";
import { layOut } from "../../src/plot/layout.ts";
import { difference, heatMap, sideBySide, toPng } from "../../src/plot/mod.ts";
import { HATCH } from "../../src/plot/raster.ts";
import { levelOf } from "../../src/plot/scale.ts";
import { type Random, seeded } from "../../src/random.ts";
import { anything, refuses } from "../refusals.ts";
import { decodePng, inflate } from "./decode.ts";

Deno.test("toPng() every pixel of every cell has the colour of its number, in both themes and at any ratio", async () => {
  const random = seeded(5);
  const maps = [
    heatMap(table(random, 7, 9), { title: "Title" }),
    heatMap(table(random, 60, 45), { scale: "log" }),
    heatMap([[1]], { scale: "diverging" }),
    difference(table(random, 3, 4), table(random, 3, 4)),
  ];
  for (const map of maps) {
    for (const theme of ["light", "dark"] as const) {
      for (const ratio of [1, 2, 3]) {
        const page = layOut(checkFigure("test", map)), [grid] = page.grids;
        const picture = await decodePng(toPng(map, { theme, ratio }));
        assertEquals(
          [picture.width, picture.height],
          [page.width * ratio, page.height * ratio],
        );
        const colours = coloursOf(
          map.scale.kind === "diverging" ? "diverging" : "sequential",
          theme,
        );
        for (let at = 0; at < map.cells.length; at++) {
          const column = at % map.columns, row = Math.floor(at / map.columns);
          const left = (grid.x + column * grid.stepX) * ratio;
          const top = (grid.y + row * grid.stepY) * ratio;
          const right = left + (grid.stepX - grid.gap) * ratio - 1;
          const bottom = top + (grid.stepY - grid.gap) * ratio - 1;
          const colour = [...colours[levelOf(map.scale, map.cells[at])]];
          if (grid.gap > 0 && column + 1 < map.columns) {
            assertEquals(picture.at(right + 1, top), picture.at(0, 0));
          }
          for (
            const [x, y] of [[left, top], [right, top], [left, bottom], [
              right,
              bottom,
            ]]
          ) {
            assertEquals(picture.at(x, y), colour, `${theme} ${ratio} ${at}`);
          }
        }
      }
    }
  }
});

Deno.test("toPng() hatches what is missing, and leaves the paper and the outline their colours", async () => {
  const map = heatMap([[NaN, 1]]);
  const page = layOut(checkFigure("test", map)), [grid] = page.grids;
  const picture = await decodePng(toPng(map, { ratio: 1 }));
  const shades = shadesOf("light").map((shade) => [...shade]);
  assertEquals(picture.at(0, 0), shades[0]);
  assertEquals(picture.at(grid.x - 1, grid.y), shades[RULE]);
  let lines = 0;
  const side = grid.stepX - grid.gap;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const hatched = (grid.x + x + grid.y + y) % HATCH === 0;
      assertEquals(
        picture.at(grid.x + x, grid.y + y),
        shades[hatched ? MUTED : 0],
      );
      if (hatched) lines++;
    }
  }
  assert(lines > side);
});

Deno.test("toPng() the legend shows all colours in their order, and ink is written in shades of it", async () => {
  const map = heatMap([[0, 1]], { title: "Some words" });
  const page = layOut(checkFigure("test", map));
  const picture = await decodePng(toPng(map, { ratio: 1 }));
  const swatches = page.areas.filter(({ paint }) => typeof paint === "number");
  assertEquals(swatches[0].paint, 0);
  assertEquals(swatches[swatches.length - 1].paint, LEVELS - 1);
  const colours = coloursOf("sequential", "light");
  for (const { x, y, paint } of swatches) {
    assertEquals(picture.at(x, y), [...colours[paint as number]]);
  }
  const [title] = page.lines, seen = new Set<string>();
  for (let y = title.y - 12; y < title.y; y++) {
    for (let x = title.x; x < title.x + 60; x++) {
      seen.add(`${picture.at(x, y)}`);
    }
  }
  const shades = shadesOf("light").map(String);
  assert([...seen].every((colour) => shades.includes(colour)));
  assert(seen.has(shades[SHADES - 1]) && seen.has(shades[0]));
});

Deno.test("toPng() gives the same bytes twice, and others for other numbers", () => {
  const figure = () =>
    sideBySide([heatMap([[1, 2], [3, NaN]], { title: "a" }), heatMap([[4]])]);
  assertEquals(toPng(figure()), toPng(figure()));
  assert(`${toPng(heatMap([[1, 2]]))}` !== `${toPng(heatMap([[1, 1]]))}`);
});

Deno.test("toPng() draws a matrix of 10 000 × 10 000 in the memory of its cells", async () => {
  const side = 10000;
  const triples = Array.from(
    { length: side },
    (_, at) => [at, at, 1] as const,
  );
  const map = heatMap(CsrMatrix.fromTriples(side, side, triples), {
    limit: 100,
  });
  // The diagonal: 100 of 100 × 100 numbers are 1.
  for (let at = 0; at < 100; at++) assertEquals(map.cells[at * 101], 0.01);
  assertEquals(map.cells.length, 100 * 100);
  await decodePng(toPng(map));
});

Deno.test("deflate() is read back by the runtime, whatever the bytes and the stride", async () => {
  const random = seeded(6);
  const cases: Uint8Array[] = [
    new Uint8Array(0),
    new Uint8Array([7]),
    new Uint8Array([1, 2]),
    new Uint8Array(3),
    new Uint8Array(258 * 4 + 1),
    new Uint8Array(100000).fill(255),
    Uint8Array.from({ length: 256 }, (_, at) => at),
    Uint8Array.from({ length: 70000 }, () => random.integer(256)),
  ];
  for (let turn = 0; turn < 150; turn++) {
    const kinds = 1 + random.integer(turn % 3 === 0 ? 256 : 4);
    const part = Uint8Array.from(
      { length: random.integer(900) },
      () => random.integer(kinds),
    );
    const bytes = new Uint8Array(part.length * (1 + random.integer(80)));
    for (let at = 0; at < bytes.length; at += part.length) bytes.set(part, at);
    for (
      let flips = random.integer(9);
      flips > 0 && bytes.length > 0;
      flips--
    ) {
      bytes[random.integer(bytes.length)] ^= 1;
    }
    cases.push(bytes);
  }
  for (const [at, bytes] of cases.entries()) {
    const stride = 1 + random.integer(40000);
    const stream = deflate(bytes, stride);
    assertEquals(await inflate(new Uint8Array(stream)), bytes, `case ${at}`);
  }
});

Deno.test("deflate() says repeats in few bits", () => {
  assert(deflate(new Uint8Array(1e6), 1000).length < 2000);
  const random = seeded(7);
  const line = Uint8Array.from({ length: 5000 }, () => random.integer(256));
  const bytes = new Uint8Array(100 * line.length);
  for (let at = 0; at < 100; at++) bytes.set(line, at * line.length);
  // One line at 9 bits a byte, and 99 lines of 20 repeats, which take two bytes each with their distance.
  assert(
    deflate(bytes, line.length).length < 9 / 8 * line.length + 2 * 99 * 20,
  );
});

Deno.test("makeCodes() keeps to its limit, fills the tree and spends no more bits than Huffman's own", () => {
  const random = seeded(8);
  const fibonacci = [1, 1];
  while (fibonacci.length < 30) {
    fibonacci.push(fibonacci.at(-1)! + fibonacci.at(-2)!);
  }
  const cases = [
    fibonacci,
    ...Array.from(
      { length: 100 },
      () =>
        Array.from(
          { length: 2 + random.integer(60) },
          () => random.integer(3) === 0 ? 0 : random.integer(1000),
        ),
    ),
  ];
  for (const counts of cases) {
    const present = counts.filter((count) => count > 0);
    if (present.length < 2) continue;
    for (const longest of [7, 15]) {
      const { lengths, codes } = makeCodes(Uint32Array.from(counts), longest);
      let share = 0, bits = 0;
      counts.forEach((count, symbol) => {
        assertEquals(lengths[symbol] > 0, count > 0);
        assert(lengths[symbol] <= longest);
        if (count > 0) share += 2 ** -lengths[symbol];
        bits += count * lengths[symbol];
        assert(codes[symbol] < 2 ** lengths[symbol] || count === 0);
      });
      // Kraft's inequality, with equality: no code is wasted.
      assertEquals(share, 1);
      const best = huffmanBits(present);
      assert(bits >= best);
      if (longest === 15 && counts !== fibonacci) assertEquals(bits, best);
    }
  }
});

Deno.test("toPng() refuses what is no map, and options that are none", () => {
  const verb = "Cannot make a PNG: ", map = heatMap([[1, 2]], { title: "a" });
  refuses(
    () => toPng(anything([[1]])),
    TypeError,
    verb + "map is an array of 1, it should be a heat map",
  );
  refuses(
    () => toPng(anything(null)),
    TypeError,
    verb + "map is null, it should be a heat map",
  );
  refuses(
    () => toPng({ ...map, title: anything(1) }),
    TypeError,
    verb + "map.title is 1, it should be a text",
  );
  refuses(
    () => toPng({ ...map, rows: 2 }),
    RangeError,
    verb +
      "map has 2 cells, it should have 2 × 2 with a label and a fate for each row and column",
  );
  refuses(
    () => toPng({ ...map, columnLabels: ["a"] }),
    RangeError,
    verb +
      "map has 2 cells, it should have 1 × 2 with a label and a fate for each row and column",
  );
  for (
    const [texts, shown] of [
      [{ rowLabels: [3] }, "rowLabels[0] is 3"],
      [{ columnLabels: new Array(2) }, "columnLabels[0] is undefined"],
      [{ notes: ["", null] }, "notes[1] is null"],
    ] as const
  ) {
    refuses(
      () => toPng(anything({ ...map, ...texts })),
      TypeError,
      verb + `map.${shown}, it should be a text`,
    );
  }
  refuses(
    () => toPng({ ...map, scale: { ...map.scale, high: 0 } }),
    RangeError,
    verb + "the scale of map goes from 0 to 0, it should ascend",
  );
  refuses(
    () => toPng({ ...map, scale: { ...map.scale, kind: anything(undefined) } }),
    TypeError,
    verb +
      'map.scale.kind is null, it should be "linear" or "log" or "diverging"',
  );
  refuses(
    () =>
      toPng({
        title: "",
        description: "",
        panels: [map, heatMap([[9]])],
        across: 1,
      }),
    RangeError,
    verb +
      "panels[1] has a scale of its own, it should have that of the first, as sideBySide() gives it",
  );
  refuses(
    () => toPng({ title: "", description: "", panels: [], across: 1 }),
    RangeError,
    verb + "the figure has 0 panels, 1 across, it should have one or more",
  );
  refuses(
    () => toPng(map, { ratio: 9 }),
    RangeError,
    verb + "ratio is 9, it should be a whole number from 1 to 8",
  );
  refuses(
    () => toPng(map, { theme: "blue" as "dark" }),
    TypeError,
    verb + 'theme is "blue", it should be "light" or "dark"',
  );
  const huge = sideBySide(Array.from({ length: 2000 }, () => map), {
    across: 1,
  });
  const page = layOut(huge), pixels = 64 * page.width * page.height;
  refuses(
    () => toPng(huge, { ratio: 8 }),
    RangeError,
    verb + `it has ${pixels} pixels, it should have at most 268435456`,
  );
});

function table(random: Random, rows: number, columns: number): number[][] {
  return Array.from(
    { length: rows },
    () => Array.from({ length: columns }, () => random.uniform()),
  );
}

/** Bits of the best code without a limit: the sum of all joins. */
function huffmanBits(counts: number[]): number {
  const heap = [...counts];
  let bits = 0;
  while (heap.length > 1) {
    heap.sort((a, b) => b - a);
    const joined = heap.pop()! + heap.pop()!;
    bits += joined;
    heap.push(joined);
  }
  return bits;
}
