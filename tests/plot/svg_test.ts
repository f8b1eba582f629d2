import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { coloursOf, hex } from "../../src/plot/colour.ts";
import { checkFigure } from "../../src/plot/door.ts";
import { layOut } from "../../src/plot/layout.ts";
import {
  difference,
  type HeatMap,
  heatMap,
  sideBySide,
  toSvg,
} from "../../src/plot/mod.ts";
import { levelOf } from "../../src/plot/scale.ts";
import { anything, refuses } from "../refusals.ts";
import { decodePng } from "./decode.ts";
import { all, type Element, readXml } from "./xml.ts";

/** What breaks out of text, attributes and styles, and what XML has no form for. */
const HOSTILE = `<b>&"'</title></svg>]]>\u0000\u001b\ud800\uffff é 漢 🦉`;
const HARMLESS = `<b>&"'</title></svg>]]>\ufffd\ufffd\ufffd\ufffd é 漢 🦉`;

Deno.test("toSvg() is well-formed XML whatever texts hold, and keeps them", () => {
  const map = heatMap([[1, NaN], [0, 2]], {
    title: HOSTILE,
    description: HOSTILE,
    rowTitle: HOSTILE,
    columnTitle: HOSTILE,
    unit: HOSTILE,
    rowLabel: () => HOSTILE,
    columnLabel: (id) => `${HOSTILE}${id}`,
  });
  const root = readXml(toSvg(map));
  assertEquals(root.children[0].text, HARMLESS);
  assertStringIncludes(root.children[1].text, HARMLESS);
  const titles = all(root, "title").map(({ text }) => text);
  assertEquals(
    titles[1],
    `${HARMLESS} ${HARMLESS}, ${HARMLESS} ${HARMLESS}0: 1`,
  );
});

Deno.test("toSvg() is an image with a name and a description, without ids, scripts or anything to load", () => {
  const map = heatMap([[0.25, 0.5], [NaN, 1]], { title: "Name" });
  const source = toSvg(map), root = readXml(source);
  assertEquals(root.name, "svg");
  assertEquals(root.attributes.get("role"), "img");
  assertEquals(root.attributes.get("xmlns"), "http://www.w3.org/2000/svg");
  assertEquals(root.children.slice(0, 2).map(({ name }) => name), [
    "title",
    "desc",
  ]);
  assertEquals(root.children[0].text, "Name");
  assertEquals(
    root.children[1].text,
    "A heat map of 2 × 2 cells, row by column, coloured by value. The largest is 1 at row 1, column 1, the least 0.25 at row 0, column 0. One cell has no number.",
  );
  assert(!/ id=|<script|href="(?!data:)|url\(|@import|on\w+=/.test(source));
});

Deno.test("toSvg() every cell has its colour, in both themes, and says its number", () => {
  const map = heatMap([[0.25, 0.5], [0, 1]], {
    rowLabel: (id) => `r${id}`,
    columnLabel: (id) => "ab"[id],
  });
  const root = readXml(toSvg(map)), cells = cellsOf(root);
  assertEquals(cells.map(({ children: [title] }) => title.text), [
    "row r0, column a: 0.25",
    "row r0, column b: 0.5",
    "row r1, column a: 0",
    "row r1, column b: 1",
  ]);
  const style = all(root, "style")[0].text;
  const [light, dark] = style.split("@media(prefers-color-scheme:dark){");
  cells.forEach((cell, at) => {
    const level = levelOf(map.scale, map.cells[at]);
    assertEquals(cell.attributes.get("class"), `reattend-s${level}`);
    const rule = (theme: "light" | "dark") =>
      `.reattend-s${level}{fill:${hex(coloursOf("sequential", theme)[level])}}`;
    assertStringIncludes(light, rule("light"));
    assertStringIncludes(dark, rule("dark"));
  });
});

Deno.test("toSvg() stands where the PNG stands: the same page", () => {
  const map = heatMap([[0.25, 0.5], [0, 1]], { title: "Title" });
  const page = layOut(checkFigure("test", map)), root = readXml(toSvg(map));
  assertEquals(root.attributes.get("width"), `${page.width}`);
  assertEquals(root.attributes.get("height"), `${page.height}`);
  const [grid] = page.grids;
  const corners = cellsOf(root).map(({ attributes }) => [
    Number(attributes.get("x")),
    Number(attributes.get("y")),
    Number(attributes.get("width")),
  ]);
  const side = grid.stepX - grid.gap;
  assertEquals(corners, [
    [grid.x, grid.y, side],
    [grid.x + grid.stepX, grid.y, side],
    [grid.x, grid.y + grid.stepY, side],
    [grid.x + grid.stepX, grid.y + grid.stepY, side],
  ]);
  assertEquals(
    all(root, "text").map(({ text }) => text),
    page.lines.map(({ text }) => text),
  );
});

Deno.test("toSvg() embeds pictures of more than 4096 cells, one for each theme, and rows tell their largest", async () => {
  const few = heatMap(Array.from({ length: 64 }, () => new Float64Array(64)));
  assertEquals(all(readXml(toSvg(few)), "image").length, 0);
  assertEquals(cellsOf(readXml(toSvg(few))).length, 4096);
  const more = Array.from({ length: 17 }, () => new Float64Array(241));
  assertEquals(all(readXml(toSvg(heatMap(more))), "image").length, 2);
  const numbers = Array.from(
    { length: 65 },
    (_, row) => Float64Array.from({ length: 64 }, (_, at) => (row * at) % 7),
  );
  numbers[3][5] = NaN;
  numbers[4].fill(NaN);
  const map = heatMap(numbers), root = readXml(toSvg(map));
  const images = all(root, "image");
  assertEquals(images.map(({ attributes }) => attributes.get("class")), [
    "reattend-light",
    "reattend-dark",
  ]);
  const [{ stepX, stepY }] = layOut(checkFigure("test", map)).grids;
  for (const [at, theme] of (["light", "dark"] as const).entries()) {
    const [kind, content] = images[at].attributes.get("href")!.split(",");
    assertEquals(kind, "data:image/png;base64");
    const bytes = Uint8Array.from(atob(content), (sign) => sign.charCodeAt(0));
    const picture = await decodePng(bytes);
    assertEquals(picture.width, 64 * stepX);
    const colours = coloursOf("sequential", theme);
    map.cells.forEach((number, cell) => {
      if (Number.isNaN(number)) return;
      const x = cell % 64 * stepX, y = Math.floor(cell / 64) * stepY;
      assertEquals(picture.at(x, y), [...colours[levelOf(map.scale, number)]]);
    });
  }
  const titles = all(root, "title").slice(1).map(({ text }) => text);
  assertEquals(titles.length, 65);
  assertEquals(titles[0], "row 0: most 0 at column 0");
  assertEquals(titles[2], "row 2: most 6 at column 3");
  assertEquals(titles[4], "row 4: no number");
});

Deno.test("toSvg() a row of changes tells the largest in size", () => {
  const numbers = Array.from(
    { length: 65 },
    () => Array.from({ length: 64 }, (_, at) => at - 40),
  );
  const root = readXml(toSvg(heatMap(numbers, { scale: "diverging" })));
  assertEquals(all(root, "title")[1].text, "row 0: most −40 at column 0");
});

Deno.test("toSvg() hatches what is missing within its cell", () => {
  const map = heatMap([[NaN]]), root = readXml(toSvg(map));
  const [grid] = layOut(checkFigure("test", map)).grids;
  const [cell] = all(root, "path").filter(({ children }) =>
    children.length > 0
  );
  assertEquals(cell.children[0].text, "row 0, column 0: no number");
  assertEquals(cell.attributes.get("class"), "reattend-missing");
  const path = cell.attributes.get("d")!;
  const points = [...path.matchAll(/[ML](\d+) (\d+)/g)].map(([, x, y]) => [
    Number(x),
    Number(y),
  ]);
  assert(points.length >= 2 * 8, path);
  for (const [x, y] of points) {
    assert(x >= grid.x && x <= grid.x + grid.stepX - grid.gap, path);
    assert(y >= grid.y && y <= grid.y + grid.stepY - grid.gap, path);
    assertEquals((x + y) % 5, 0);
  }
});

Deno.test("toSvg() of a difference names what came and went, in words and beside the cells", () => {
  const weights = (keys: number[]) => ({
    queries: [0],
    keys,
    matrix: heatMatrix(keys.length),
    tail: new Float64Array(1),
  });
  const map = difference(weights([0, 1]), weights([1, 2]), { title: "d" });
  const root = readXml(toSvg(map));
  assertStringIncludes(root.children[1].text, "Came: key 2. Went: key 0.");
  const titles = all(root, "title").map(({ text }) => text);
  assert(titles.includes("key 2 came") && titles.includes("key 0 went"));
  assert(titles.includes("query 0, key 2: +0.5"), `${titles}`);
  const texts = all(root, "text").map(({ text }) => text);
  for (const text of ["− 0", "+ 2", "+ came", "− went"]) {
    assert(texts.includes(text), text);
  }
});

Deno.test("toSvg() of a figure describes every panel and says notes once", () => {
  const numbers = Array.from({ length: 4 }, () => [1, 2, 3, 4]);
  const map = (title: string) => heatMap(numbers, { title, limit: 2 });
  const figure = sideBySide([map("one"), map("two")], { description: "Both" });
  const [title, description] = readXml(toSvg(figure)).children;
  assertEquals(title.text, "Heat map");
  assert(description.text.startsWith("Both. one. A heat map of 2 × 2 cells"));
  assertEquals(description.text.split("two. A heat map").length, 2);
  assertEquals(description.text.split("Each cell is the mean").length, 2);
});

Deno.test("toSvg() gives the same text twice and refuses what is no map", () => {
  const map = (): HeatMap => heatMap([[1, NaN]], { title: "t" });
  assertEquals(toSvg(map()), toSvg(map()));
  refuses(
    () => toSvg(anything("x")),
    TypeError,
    'Cannot make an SVG: map is "x", it should be a heat map',
  );
});

Deno.test("readXml() refuses what is not well-formed", () => {
  const broken = [
    "<a>",
    "<a></b>",
    "<a/><b/>",
    "<a>&nbsp;</a>",
    "<a>& </a>",
    "<a>]]></a>",
    "<a b='c'/>",
    '<a b="<"/>',
    '<a b="1" b="2"/>',
    "<a>\u0001</a>",
    "<a>\ud800</a>",
    "text",
  ];
  for (const source of broken) {
    let refused = false;
    try {
      readXml(source);
    } catch {
      refused = true;
    }
    assert(refused, source);
  }
});

function heatMatrix(columns: number) {
  return [Array.from({ length: columns }, () => 1 / columns)] as never;
}

/** Shapes that say something, which is what cells are where nothing came or went. */
function cellsOf(root: Element): Element[] {
  return all(root, "rect").filter(({ children }) => children.length > 0);
}
