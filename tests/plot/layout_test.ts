import { assert, assertEquals } from "@std/assert";
import { checkFigure } from "../../src/plot/door.ts";
import { strokesOf, textWidth } from "../../src/plot/font.ts";
import { columnAxis, rowAxis } from "../../src/plot/labels.ts";
import { layOut } from "../../src/plot/layout.ts";
import {
  heatMap,
  type HeatMapOptions,
  sideBySide,
} from "../../src/plot/mod.ts";
import { type Random, seeded } from "../../src/random.ts";
import { checkPage } from "./page.ts";

Deno.test("layOut() no two texts touch and nothing leaves the page, whatever is drawn", () => {
  const random = seeded(4);
  for (let turn = 0; turn < 120; turn++) {
    const count = random.integer(4) === 0 ? 1 + random.integer(7) : 1;
    const maps = Array.from({ length: count }, () => drawMap(random));
    const { scale, range } = maps[0].options;
    const shared = { scale, range, unit: text(random) };
    const drawn = maps.map(({ matrix, options }) =>
      heatMap(matrix, { ...options, ...shared })
    );
    const across = 1 + random.integer(4);
    const figure = count === 1
      ? checkFigure("test", drawn[0])
      : sideBySide(drawn, { title: text(random), across });
    checkPage(layOut(figure), `turn ${turn}`);
  }
});

Deno.test("layOut() makes room for the longest of its texts, whichever that is", () => {
  const long = "long ".repeat(30);
  const texts = ["title", "rowTitle", "columnTitle", "unit"] as const;
  for (const name of texts) {
    const map = heatMap([[1]], { [name]: long });
    checkPage(layOut(checkFigure("test", map)), name);
    checkPage(layOut(sideBySide([map, map])), name);
  }
  const noted = { ...heatMap([[1]]), notes: [long] };
  checkPage(layOut(checkFigure("test", noted)), "notes");
});

Deno.test("layOut() a thin matrix has cells that can be seen", () => {
  const page = layOut(checkFigure("test", heatMap(new Float64Array(400))));
  const [grid] = page.grids;
  assertEquals([grid.stepX, grid.stepY], [1, 10]);
  const outline = page.areas.filter(({ paint }) => paint === "rule");
  assertEquals(Math.max(...outline.map(({ height }) => height)), 10);
});

Deno.test("layOut() writes labels once where panels share them", () => {
  const map = heatMap([[1, 2], [3, 4]], { rowTitle: "r", columnTitle: "c" });
  const other = { ...map, rowLabels: ["x", "y"], columnLabels: ["x", "y"] };
  const texts = (maps: typeof map[]) =>
    layOut(sideBySide(maps, { across: 2 })).lines.map(({ text }) => text);
  const named = (list: string[], text: string) =>
    list.filter((own) => own === text).length;
  const shared = texts([map, map, map, map]);
  assertEquals([named(shared, "r ↓"), named(shared, "c →")], [2, 1]);
  const apart = texts([map, map, map, other]);
  assertEquals([named(apart, "r ↓"), named(apart, "c →")], [4, 4]);
});

Deno.test("columnAxis() turns words, thins numbers, and cuts what is too long", () => {
  const words = columnAxis(["giraffe", "elephant", "emu"], 20);
  assertEquals([words.turned, words.labels.length], [true, 3]);
  const wide = columnAxis(["giraffe", "elephant", "emu"], 80);
  assertEquals([wide.turned, wide.labels.length], [false, 3]);
  const numbers = columnAxis(
    Array.from({ length: 100 }, (_, at) => `${at}`),
    4,
  );
  assertEquals(numbers.turned, false);
  assertEquals(numbers.labels.map(({ at }) => at), [
    0,
    10,
    20,
    30,
    40,
    50,
    60,
    70,
    80,
    90,
  ]);
  const [{ text }] = columnAxis(["x".repeat(99)], 20).labels;
  assertEquals(text, "x".repeat(23) + "…");
});

Deno.test("rowAxis() names every row that a line has room for", () => {
  const texts = Array.from({ length: 50 }, (_, at) => `${at}`);
  assertEquals(rowAxis(texts, 12).labels.length, 50);
  assertEquals(rowAxis(texts, 11).labels.length, 25);
  assertEquals(rowAxis(texts, 1).labels.map(({ at }) => at), [0, 20, 40]);
});

Deno.test("strokesOf() has a glyph of its own for every character of ASCII", () => {
  const seen = new Map<string, string>();
  for (let code = 33; code < 127; code++) {
    const character = String.fromCharCode(code);
    const { strokes, width } = strokesOf(character);
    const path = JSON.stringify(strokes);
    assert(!seen.has(path), `${character} looks like ${seen.get(path)}`);
    seen.set(path, character);
    assert(width > 3 && width < 20, character);
    for (const stroke of strokes) {
      stroke.forEach((number, at) => {
        assert(Number.isFinite(number), character);
        // Within its own advance and the height of a line.
        if (at % 2 === 0) assert(number >= 0 && number <= width, character);
        else assert(number >= -5 && number <= 16, character);
      });
    }
  }
});

Deno.test("strokesOf() draws an oval as one: it touches the sides of its box and stays out of the corners", () => {
  const [stroke] = strokesOf("O").strokes;
  const xs = stroke.filter((_, at) => at % 2 === 0);
  const ys = stroke.filter((_, at) => at % 2 === 1);
  const [left, right, top] = [
    Math.min(...xs),
    Math.max(...xs),
    Math.max(...ys),
  ];
  assertEquals(Math.min(...ys), 0);
  assertEquals([stroke[0], stroke[1]], stroke.slice(-2));
  xs.forEach((x, at) => {
    // On a parabola from the middle of a side to that of the next, x + y is at most 3/4 of the way on average.
    const across = Math.abs(2 * (x - left) / (right - left) - 1);
    const up = Math.abs(2 * ys[at] / top - 1);
    assert(across + up <= 1.5 + 4 * Number.EPSILON, `${across} ${up}`);
  });
});

Deno.test("strokesOf() leaves accents off and draws a box for what it does not know", () => {
  assertEquals(strokesOf("é"), strokesOf("e"));
  assertEquals(strokesOf("漢"), strokesOf("ж"));
  assertEquals(strokesOf("").strokes, []);
  assertEquals(textWidth("", 11), 0);
  assert(textWidth("⁻⁸", 11) < textWidth("−8", 11));
});

function drawMap(
  random: Random,
): { matrix: number[][]; options: HeatMapOptions } {
  const side = () =>
    random.integer(4) === 0 ? random.integer(300) : random.integer(20);
  const rows = side(), columns = rows === 0 ? 0 : side();
  const size = 10 ** (random.integer(24) - 12);
  const matrix = Array.from(
    { length: rows },
    () =>
      Array.from(
        { length: columns },
        () => random.integer(9) === 0 ? NaN : Math.abs(random.normal()) * size,
      ),
  );
  const words = random.integer(2) === 0;
  const labels = Array.from(
    { length: 300 },
    (_, at) => words ? text(random) : `${at}`,
  );
  const scale = (["linear", "log", "diverging"] as const)[random.integer(3)];
  const end = 0.1234 * size;
  return {
    matrix,
    options: {
      title: text(random),
      rowTitle: random.integer(2) === 0 ? "" : text(random),
      columnTitle: text(random),
      rowLabel: (id) => labels[id],
      columnLabel: (id) => labels[(7 * id) % 300],
      scale,
      range: random.integer(3) > 0
        ? undefined
        : scale === "diverging"
        ? [-end, end]
        : [end / 1234, end],
    },
  };
}

function text(random: Random): string {
  const letters = "abcdefghij WMilg漢é";
  return Array.from(
    { length: random.integer(30) },
    () => letters[random.integer(letters.length)],
  ).join("");
}
